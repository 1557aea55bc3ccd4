"""`assay sql` and `assay export`: what they send, write and leave behind."""

from pathlib import Path

import pytest

from tests.fakes.rest import Answer, FakeServer, problem
from tests.unit.cli.conftest import Run

FOUND = {
    "columns": [{"name": "model", "type": "VARCHAR"}, {"name": "n", "type": "BIGINT"}],
    "rows": [["gpt, mini", 2], [None, 1]],
    "truncated": True,
    "elapsed_ms": 1.5,
}


def test_sql_is_shown_as_a_table_csv_or_json(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("POST", "/api/v1/sql", FOUND)
    told = cli("sql", "SELECT model, count(*) AS n FROM calls", "-n", "2")
    assert fake_rest.seen[0].json == {"sql": "SELECT model, count(*) AS n FROM calls", "limit": 2}
    assert "idempotency-key" not in fake_rest.seen[0].headers
    assert (told.code, told.out.split()[:2]) == (0, ["MODEL", "N"])
    assert "more than 2 rows" in told.err
    assert cli("sql", "SELECT 1", "--csv").out.splitlines() == ["model,n", '"gpt, mini",2', ",1"]
    assert cli("sql", "SELECT 1", "--json").json == FOUND


def test_a_sum_of_sql_keeps_its_cents(fake_rest: FakeServer, cli: Run) -> None:
    columns = [{"name": name, "type": "DOUBLE"} for name in ("bill", "call", "none", "infinite")]
    row = [1234567.89, 0.000000123456, 0.0, float("inf")]
    fake_rest.on("POST", "/api/v1/sql", FOUND | {"columns": columns, "rows": [row], "truncated": False})
    assert cli("sql", "SELECT 1").out.splitlines()[1].split() == ["1234567.89", "1.23456e-07", "0", "inf"]


def test_sql_that_is_not_allowed_is_misuse(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("POST", "/api/v1/sql", problem(403, "The function getenv may not be used here.", code="forbidden"))
    told = cli("sql", "SELECT getenv('HOME')")
    assert (told.code, "getenv may not be used" in told.err) == (2, True)


def test_an_export_is_written_to_a_file(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    fake_rest.on("GET", "/api/v1/export/spans", Answer(b"PAR1 and more"))
    told = cli("export", "spans", "-f", "parquet", "-o", tmp_path / "s.parquet", "-w", "model=gpt-5")
    assert (told.code, fake_rest.seen[0].query) == (0, {"format": "parquet", "model": "gpt-5"})
    assert (tmp_path / "s.parquet").read_bytes() == b"PAR1 and more"
    assert [path.name for path in tmp_path.glob("s.*")] == ["s.parquet"]


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("a.PARQUET", "parquet"), ("a.jsonl", "jsonl"), ("a", "jsonl")]
)
def test_an_export_has_the_format_of_its_file(
    fake_rest: FakeServer, cli: Run, tmp_path: Path, name: str, form: str
) -> None:
    fake_rest.on("GET", "/api/v1/export/spans", Answer(b"12345"))
    told = cli("export", "spans", "-o", tmp_path / name)
    assert (told.code, fake_rest.seen[0].query) == (0, {"format": form})
    assert f"5 bytes of {form} written" in told.err


def test_a_filter_may_be_said_several_times(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/export/traces", Answer(b""))
    assert cli("export", "traces", "-w", "exclude=model:a", "-w", "exclude=status:error", "-w", "kind=llm").code == 0
    assert fake_rest.seen[0].query == {"format": "jsonl", "exclude": "model:a,status:error", "kind": "llm"}


def test_a_format_that_there_is_not_is_refused_unless_it_is_said(
    fake_rest: FakeServer, cli: Run, tmp_path: Path
) -> None:
    told = cli("export", "spans", "-o", tmp_path / "spans.xlsx")
    assert (told.code, fake_rest.seen) == (2, [])
    assert "'xlsx'" in told.err
    fake_rest.on("GET", "/api/v1/export/spans", Answer(b"12345"))
    assert cli("export", "spans", "-f", "csv", "-o", tmp_path / "spans.xlsx").code == 0
    assert fake_rest.seen[-1].query["format"] == "csv"


def test_a_failed_export_leaves_the_old_file_alone(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("old")
    fake_rest.on("GET", "/api/v1/export/spans", problem(400, "There is no such filter.", code="invalid_input"))
    told = cli("export", "spans", "-f", "csv", "-o", tmp_path / "s.csv", "-w", "x=1")
    assert (told.code, "no such filter" in told.err) == (2, True)
    assert [path.name for path in tmp_path.glob("s.*")] == ["s.csv"]
    assert (tmp_path / "s.csv").read_text() == "old"


def test_an_export_tells_scripts_what_it_wrote(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    fake_rest.on("GET", "/api/v1/export/spans", Answer(b"12345"))
    told = cli("export", "spans", "-o", tmp_path / "s.jsonl", "--json")
    assert told.json == {"kind": "spans", "format": "jsonl", "to": str(tmp_path / "s.jsonl"), "bytes": 5}
    assert cli("export", "spans", "--json").code == 2


def test_kinds_that_do_not_exist_are_not_asked_for(fake_rest: FakeServer, cli: Run) -> None:
    assert cli("export", "everything").code == 2
    assert fake_rest.seen == []


def test_traces_are_listed_by_the_line_of_the_page(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/traces", {"items": [], "total": 0, "next": None})
    assert cli("trace", "list", "status:error latency>2s refund").code == 0
    assert fake_rest.calls("GET", "/api/v1/traces")[-1].query["q"] == "status:error latency>2s refund"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"total": 9880, "total_is": "exact", "sorted_among": None}, "0 of 9880\n"),
        ({"total": 10_000, "total_is": "at_least", "sorted_among": None}, "0 of 10000+\n"),
        (
            {"total": 7, "total_is": "at_least", "sorted_among": 2000},
            "0 of 7+, of the newest 2000 with these words\n",
        ),
    ],
)
def test_a_total_that_counting_stopped_at_is_told_as_one(
    fake_rest: FakeServer, cli: Run, page: dict[str, object], said: str
) -> None:
    fake_rest.on("GET", "/api/v1/traces", {"items": [], "next": None, **page})
    assert cli("trace", "list").err == said


def test_only_a_server_without_traces_is_told_how_to_send_some(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/traces", {"items": [], "total": 0, "total_is": "exact", "next": None})
    assert "assay connect" in cli("trace", "list").err
    assert "assay connect" not in cli("trace", "list", "status:error").err
    assert "assay connect" not in cli("trace", "list", "--user", "").err
    assert "assay connect" not in cli("trace", "list", "--since", "2026-11-21T08:00:00Z").err
