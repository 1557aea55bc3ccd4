"""`assay dashboard` against a fake server: figures with their n, and files that change all or nothing."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.rest import Answer, FakeServer, Seen, problem
from tests.unit.cli.conftest import Run

PANEL = {"id": "calls", "title": "Calls", "width": 6, "kind": "number", "metrics": [{"name": "count"}]}
MINE: dict[str, Any] = {
    "title": "Mine", "description": "", "range": "24h", "variables": [], "panels": [PANEL],
}  # fmt: skip


def document(name: str, **changes: Any) -> dict[str, Any]:
    definition = {**MINE, **changes}
    meta = {"ready_made": False, "revision": 1, "updated_at": None, "updated_by": None}
    return {"name": name, **meta, **definition, "yaml": yaml.safe_dump({"name": name, **definition}, sort_keys=False)}


def parse(seen: Seen) -> Answer:
    """As the server does: a panel without a metric is refused, with its place."""
    given = yaml.safe_load(seen.json["yaml"])
    name = given.pop("name", seen.json["name"])
    if not all(panel.get("metrics") for panel in given["panels"]):
        return problem(400, "Say one of metrics, sql and report.", code="invalid_input", field="panels[0].metrics",
                       value="sql, report", fix="name a metric")  # fmt: skip
    return Answer(document(name, **given))


@pytest.fixture
def server(fake_rest: FakeServer) -> FakeServer:
    fake_rest.on("GET", "/api/v1/dashboards", {"items": [{"name": "mine", "title": "Mine", "panels": 1,
                 "ready_made": False, "updated_at": None}]})  # fmt: skip
    fake_rest.on("GET", "/api/v1/dashboards/mine", document("mine"))
    fake_rest.on("POST", "/api/v1/dashboards/parse", parse)
    fake_rest.on("PUT", "/api/v1/dashboards/mine", document("mine"))
    fake_rest.on("PUT", "/api/v1/dashboards/other", document("other"))
    return fake_rest


def written(folder: Path, stem: str, **changes: Any) -> Path:
    path = folder / f"{stem}.yaml"
    path.write_text(yaml.safe_dump({**MINE, **changes}, sort_keys=False))
    return path


def test_a_changed_file_is_told_and_saved_and_the_others_are_left(cli: Run, server: FakeServer, tmp_path: Path) -> None:
    written(tmp_path, "mine")
    told = cli("dashboard", "diff", tmp_path)
    assert (told.code, told.out) == (0, "")
    written(tmp_path, "mine", title="Ours")
    written(tmp_path, "other")
    told = cli("dashboard", "diff", tmp_path)
    assert told.code == 1
    assert "-title: Mine" in told.out
    assert "+title: Ours" in told.out
    written(tmp_path, "mine")
    told = cli("dashboard", "apply", tmp_path)
    assert (told.code, told.out.splitlines()) == (0, ["mine: as it was", "other: saved"])
    assert [seen.path for seen in server.seen if seen.method == "PUT"] == ["/api/v1/dashboards/other"]
    assert server.calls("PUT", "/api/v1/dashboards/other")[0].json == MINE


def test_one_wrong_file_changes_nothing_and_is_named(cli: Run, server: FakeServer, tmp_path: Path) -> None:
    written(tmp_path, "other", title="New")
    wrong = written(tmp_path, "wrong", panels=[{"title": "X", "metrics": []}])
    told = cli("dashboard", "apply", tmp_path)
    assert told.code == 2
    assert (
        f"{wrong}: panels[0].metrics: sql, report: Say one of metrics, sql and report. Fix: name a metric." in told.err
    )
    assert [seen for seen in server.seen if seen.method == "PUT"] == []


def test_a_file_that_is_no_text_is_named_beside_the_other_faults(cli: Run, server: FakeServer, tmp_path: Path) -> None:
    written(tmp_path, "wrong", panels=[{"title": "X", "metrics": []}])
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    told = cli("dashboard", "apply", tmp_path)
    assert told.code == 2
    assert f"{tmp_path / 'binary.yaml'}: not UTF-8 text." in told.err
    assert "panels[0].metrics" in told.err


def test_two_files_of_one_name_are_refused(cli: Run, server: FakeServer, tmp_path: Path) -> None:
    written(tmp_path, "a", name="mine")
    written(tmp_path, "b", name="mine")
    assert "is called 'mine' too" in cli("dashboard", "apply", tmp_path).err


def test_export_writes_what_apply_reads(cli: Run, server: FakeServer, tmp_path: Path) -> None:
    told = cli("dashboard", "export", "mine")
    assert yaml.safe_load(told.out) == {"name": "mine", **MINE}
    assert cli("dashboard", "export", "--to", tmp_path / "all").code == 0
    assert cli("dashboard", "diff", tmp_path / "all").code == 0
    assert cli("dashboard", "export").code == 2


def test_figures_are_shown_with_their_n_and_interval(cli: Run, server: FakeServer) -> None:
    total = {"value": 0.05, "n": 120, "unknown": 3, "ci": [0.02, 0.1]}
    series = {"label": "error rate", "unit": "share", "group": "m", "others": 0, "total": total}
    server.on("POST", "/api/v1/panels/query", {"type": "series", "series": [series]})
    told = cli("dashboard", "show", "mine", "--range", "7d", "-w", "model=m")
    assert told.code == 0
    assert told.out.splitlines()[1].split() == [
        "Calls", "error", "rate,", "m", "0.05", "share", "[0.0200,", "0.1000]", "120", "3",
    ]  # fmt: skip
    sent = server.calls("POST", "/api/v1/panels/query")[0].json
    assert (sent["panel"], sent["filter"]) == (PANEL, {"model": "m"})
    assert cli("dashboard", "show", "mine", "--range", "2d").code == 2


def test_an_unknown_name_is_met_with_a_near_one(cli: Run, server: FakeServer) -> None:
    server.on(
        "GET", "/api/v1/dashboards/mime", problem(404, "There is no dashboard 'mime'.", code="not_found", value="mime")
    )
    assert "did you mean mine?" in cli("dashboard", "show", "mime").err
