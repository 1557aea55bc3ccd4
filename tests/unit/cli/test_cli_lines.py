"""A line that leaves something out is a line: no `--` is needed, and no part of it becomes an option."""

from typing import Any

import pytest

from tests.fakes.rest import Answer, FakeServer, Seen
from tests.unit.cli.conftest import Run


@pytest.fixture
def asked(fake_rest: FakeServer) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def answer(request: Seen) -> Answer:
        seen.append(dict(request.query))
        return Answer({"items": [], "total": 0, "total_is": "exact", "next": None})

    fake_rest.on("GET", "/api/v1/traces", answer)
    return seen


@pytest.mark.parametrize(
    "line",
    [
        "-status:ok",
        "-model:gpt-4o refund",  # not --model odel:gpt-4o
        "-user:u12",
        "-tag:batch",
        "-name:chat",
        "-cost>0.01",
        "-score.helpful<0.5",
        "-attr.http.route:/health",
        "-attr.k!=v",
        '-"late delivery"',
        "-refund late",
    ],
)
@pytest.mark.parametrize("place", ["alone", "first", "last", "behind --"])
def test_a_line_may_begin_with_what_is_left_out(cli: Run, asked: list[dict[str, Any]], line: str, place: str) -> None:
    told = cli("trace", "list", *{
        "alone": [line], "first": [line, "--limit", "5"], "last": ["--limit", "5", line], "behind --": ["--", line]
    }[place])  # fmt: skip
    assert told.code == 0, told.err
    assert [(each["q"], each["limit"]) for each in asked] == [(line, "5" if place in {"first", "last"} else "20")]
    assert not {"model", "user", "text"} & asked[0].keys()


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (["-mgpt-4o"], {"model": "gpt-4o"}),
        (["-m", "-odd:name"], {"model": "-odd:name"}),
        (["--text", "-a:b", "status:ok"], {"text": "-a:b", "q": "status:ok"}),
        (["-n5"], {"limit": "5"}),
        (["--sort", "latency:desc"], {"sort": "latency:desc"}),
    ],
)
def test_options_stay_options(cli: Run, asked: list[dict[str, Any]], options: list[str], sent: dict[str, str]) -> None:
    assert cli("trace", "list", *options).code == 0
    assert sent.items() <= asked[0].items()


def test_a_mistyped_option_is_still_told(cli: Run, asked: list[dict[str, Any]]) -> None:
    assert cli("trace", "list", "--limt", "5").code == 2
    assert asked == []


@pytest.mark.parametrize("query", ["-- how many\nSELECT 1", "--\nSELECT 1"])
def test_sql_may_begin_with_a_comment(cli: Run, fake_rest: FakeServer, query: str) -> None:
    def answer(request: Seen) -> Answer:
        assert request.json["sql"] == query
        return Answer({"columns": [{"name": "1", "type": "INTEGER"}], "rows": [[1]], "truncated": False})

    fake_rest.on("POST", "/api/v1/sql", answer)
    assert cli("sql", query, "--csv").out.split() == ["1", "1"]
