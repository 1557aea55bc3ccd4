"""`assay retention` against a fake server."""

from tests.fakes.rest import FakeServer, problem
from tests.unit.cli.conftest import Run

RULE = {"environment": "staging", "metadata_days": 30, "text_days": 7, "scores_days": None, "runs_days": None}
WOULD = {"spans": 1, "traces": 1, "texts": 0, "oldest": None, "as_of": "2026-11-21T08:00:00Z"}


def test_a_rule_that_somebody_sets_at_the_same_time_is_not_lost(cli: Run, fake_rest: FakeServer) -> None:
    """The command puts its rule beside those it read: it wrote over whatever came in between."""
    fake_rest.on("GET", "/api/v1/retention", {"rules": [RULE], "revision": 4, "next": None, "last": None})
    fake_rest.on("POST", "/api/v1/retention/preview", WOULD)
    fake_rest.on("PUT", "/api/v1/retention", {"rules": [], "applies_from": "2026-11-21T09:00:00Z"})
    assert cli("retention", "set", "--metadata", "365", "--reason", "our policy").code == 0
    put = next(seen for seen in fake_rest.seen if seen.method == "PUT")
    assert put.headers["if-match"] == '"4"'
    assert [rule["environment"] for rule in put.json["rules"]] == ["staging", None]

    told = "These rules were changed since you read them."
    fake_rest.on(
        "PUT", "/api/v1/retention", problem(409, told, code="conflict", field="If-Match", fix="read them again")
    )
    refused = cli("retention", "set", "--metadata", "365", "--reason", "our policy")
    assert refused.code == 1
    assert told in refused.err
