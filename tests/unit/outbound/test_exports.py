"""Files on a schedule: what is in them, what a missed or failed window becomes, and where they may not lead."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.clock import parse_rfc3339, rfc3339
from assay_server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from assay_server.core.records import Facts, Score, Span, Thin
from assay_server.governance import Audit
from assay_server.ledger import Ledger, tables
from assay_server.outbound import ScheduledExports, some_are_left
from assay_server.outbound.definition import parse
from assay_server.outbound.export_files import Files
from assay_server.outbound.windows import LENGTH_NS, file_of, start_of
from assay_server.query import Exports, Scores, TraceFilter, Traces
from assay_server.store import Doomed, DuckStore
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import PROJECT

HOUR_S = 3600
TO_FOLDER = {"name": "hourly", "what": "spans", "format": "parquet", "every": "hour", "target": {"folder": "bi/spans"}}


class World:
    """A store, a ledger and the exports over them, at a clock that stands 10 minutes past an hour."""

    def __init__(self, ledger: Ledger, store: DuckStore, folder: Path, environment: Mapping[str, str]) -> None:
        self.ledger, self.store, self.folder, self.environment = ledger, store, folder, environment
        self.clock = FakeClock()
        self.clock.advance(600)
        self.whole_ns = 0
        self.may_leave = True
        self.exports = self.opened()

    def opened(self, folder: Path | None = None) -> ScheduledExports:
        """As after a start."""
        audit = Audit(self.ledger, self.clock, lambda text: (text, []))
        return ScheduledExports(
            self.ledger,
            self.store,
            Exports(Traces(self.store), Scores(self.store)),
            audit,
            self.clock,
            folder=folder or self.folder,
            spool=self.folder.parent / "spool",
            may_name=lambda project, name: name.startswith("EXPORT_"),
            environment=self.environment,
            whole_since=self.since,
            may_leave=lambda: self.may_leave,
        )

    async def since(self, project: str, what: str, environment: str | None) -> int:
        return 0 if environment == "production" else self.whole_ns

    async def spans(self, hours_ago: float, count: int, *, first: int = 1, thin: Thin | None = None) -> list[Span]:
        """Stores some that began so long before the clock's moment."""
        start = self.clock.now_ns() - int(hours_ago * HOUR_S * 1e9)
        spans = [
            Span(PROJECT, f"{start + n:032x}", f"{n:016x}", None, f"s{n}", "llm", start + n, start + n + 1, thin=thin,
                 input=f"text {n}", cost=0.25, environment="production")
            for n in range(first, first + count)
        ]  # fmt: skip
        await self.store.append(Facts(spans=spans))
        return spans

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def world(ledger: Ledger, tmp_path: Path) -> AsyncIterator[World]:
    store = await DuckStore.open(tmp_path / "facts")
    folder = tmp_path / "exports"
    folder.mkdir()
    yield World(ledger, store, folder, {"EXPORT_KEY": "key", "EXPORT_SECRET": "secret"})
    await store.close()


async def test_the_last_whole_window_is_written_at_once(world: World) -> None:
    await world.spans(0.5, 5)
    await world.spans(0.0, 3, first=6)
    made = await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    written = await world.exports.tick()
    [run] = (await world.exports.runs(PROJECT, "hourly"))[0]
    assert made["last"] is None
    assert written == 1
    assert world.files() == [f"{PROJECT}/bi/spans/day=2026-11-21/spans-2026-11-21T07.parquet"]
    assert (run["status"], run["rows"], run["attempts"]) == ("done", 5, 1)
    assert run["bytes"] == (world.folder / world.files()[0]).stat().st_size
    files = f"read_parquet('{world.folder}/*/bi/spans/*/*.parquet', hive_partitioning = true)"
    sql = f"SELECT day::VARCHAR, count(*), sum(cost), min(content) FROM {files} GROUP BY 1"
    found = duckdb.connect().execute(sql).fetchall()
    assert found == [("2026-11-21", 5, 1.25, "kept")]
    assert await world.exports.tick() == 0


async def test_what_the_page_on_bi_says_works(world: World) -> None:
    """The SQL of docs/bi.md as it stands there, but for the folder."""
    await world.spans(30, 5)
    await world.spans(40, 3, first=6)
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "name": "spans", "every": "day"})
    await world.exports.run(PROJECT, "key:a", "spans", world.clock.now_ns() - 40 * HOUR_S * 10**9)
    await world.exports.run(PROJECT, "key:a", "spans", world.clock.now_ns() - 30 * HOUR_S * 10**9)
    await world.exports.tick()
    text = (Path(__file__).parents[3] / "docs" / "bi.md").read_text()
    view, question = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    connection = duckdb.connect()
    connection.execute(view.replace("/srv/assay-exports", str(world.folder)))
    rows = connection.execute(question).fetchall()
    days = connection.execute("SELECT day::VARCHAR, count(*) FROM spans GROUP BY 1 ORDER BY 1").fetchall()
    assert sum(calls for _, calls in days) == 8
    assert [row[2:5] for row in rows] == [(calls, calls * 0.25, 0) for _, calls in days]


async def test_windows_that_were_missed_are_written_after_the_outage(world: World) -> None:
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    await world.exports.tick()
    world.clock.advance(3 * HOUR_S)
    await world.spans(1.5, 2)
    world.exports = world.opened()
    written = await world.exports.tick()
    runs, total, following = await world.exports.runs(PROJECT, "hourly", limit=2)
    rest = await world.exports.runs(PROJECT, "hourly", 2, following)
    assert (written, total) == (3, 4)
    assert [run["rows"] for run in [*runs, *rest[0]]] == [0, 2, 0, 0]
    assert [run["window_start"][11:13] for run in [*runs, *rest[0]]] == ["10", "09", "08", "07"]
    assert [run["late_s"] > HOUR_S for run in runs] == [False, True]


async def test_after_a_restore_nothing_is_written_until_somebody_says_so(world: World) -> None:
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "format": "jsonl"})
    world.may_leave = False
    assert (await world.exports.tick(), world.files()) == (0, [])
    with pytest.raises(Conflict) as refused:
        await world.exports.run(PROJECT, "user:a", "hourly")
    assert refused.value.fix == "assay outgoing start"
    world.may_leave = True
    assert await world.exports.tick() == 1


async def test_a_server_that_was_restored_leaves_the_files_that_were_written_since(world: World) -> None:
    """It knows nothing of the spans in them: an empty file took the place of each, at the first start."""
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "format": "jsonl"})
    await world.exports.tick()
    later = world.folder / PROJECT / "bi/spans/day=2026-11-21/spans-2026-11-21T08.jsonl"
    later.write_text("what came after the backup\n")
    world.clock.advance(2 * HOUR_S)
    world.exports = world.opened()
    assert await world.exports.tick() == 1
    runs, *_ = await world.exports.runs(PROJECT, "hourly")
    told = {run["window_start"][11:13]: (run["status"], run["error"] or "") for run in runs}
    assert (told["09"], told["08"][0], "did not write" in told["08"][1]) == (("done", ""), "failed", True)
    assert later.read_text() == "what came after the backup\n"
    await world.exports.run(PROJECT, "user:a", "hourly", parse_rfc3339("2026-11-21T08:30:00Z"))
    assert (await world.exports.tick(), later.read_text()) == (1, "")


async def test_what_retention_took_away_stays_in_the_file_that_has_it(world: World) -> None:
    """One late span, or another price, had the file of a window written again with what was left: one row, or none."""
    kept = await world.spans(0.5, 5)
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "format": "jsonl"})
    await world.exports.tick()
    await world.store.erase(PROJECT, [Doomed("spans", "start_ns < ?", (kept[-1].start_ns + 1,))])
    world.whole_ns = world.clock.now_ns() - 600 * 10**9
    await world.spans(0.5, 1, first=9)
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1
    [before, _] = world.files()
    assert len((world.folder / before).read_text().splitlines()) == 5
    with pytest.raises(Conflict) as refused:
        await world.exports.run(PROJECT, "user:a", "hourly", kept[0].start_ns)
    assert refused.value.field == "window_start"
    of_one = TO_FOLDER | {"format": "jsonl", "filter": {"environment": "production"}}
    await world.exports.replace(PROJECT, "user:a", "hourly", of_one)
    await world.exports.run(PROJECT, "user:a", "hourly", kept[0].start_ns)


async def test_a_clock_that_leapt_a_day_and_was_set_right_leaves_no_day_without_files(world: World) -> None:
    """Windows of the day ahead were written, empty, and nothing more until the clock had caught up with them."""
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "format": "jsonl"})
    await world.exports.tick()
    world.clock.advance(24 * HOUR_S)
    assert await world.exports.tick() == 24
    world.clock.advance(-24 * HOUR_S)
    assert await world.exports.tick() == 0
    await world.spans(0.0, 2)
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1
    newest = f"{PROJECT}/bi/spans/day=2026-11-21/spans-2026-11-21T08.jsonl"
    assert len((world.folder / newest).read_text().splitlines()) == 2
    assert await world.exports.tick() == 0


async def test_a_window_that_failed_before_the_clock_was_set_back_is_tried_again(world: World) -> None:
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    blocked = world.folder / PROJECT
    blocked.write_text("not a folder")
    world.clock.advance(24 * HOUR_S)
    assert await world.exports.tick() == 0
    blocked.unlink()
    world.clock.advance(-24 * HOUR_S)
    assert await world.exports.tick() > 0


async def test_facts_that_come_late_are_in_the_file_after_the_next_look(world: World) -> None:
    waiting = await world.spans(0.5, 2, thin=Thin("waiting", {}))
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "format": "jsonl"})
    await world.exports.tick()
    [file] = world.files()
    before = (world.folder / file).read_text()
    await world.store.decide(PROJECT, [span.trace_id for span in waiting], [], 0)
    await world.spans(0.6, 1, first=9)
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 2
    after = [json.loads(line) for line in (world.folder / file).read_text().splitlines()]
    assert "text" not in before
    assert sorted(span["input"] for span in after) == ["text 1", "text 2", "text 9"]
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1, "what is whole is not written again"


async def test_a_trace_that_goes_on_in_the_next_window_is_whole_in_that_of_its_beginning(world: World) -> None:
    [root] = await world.spans(0.2, 1)
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "what": "traces", "format": "jsonl"})
    await world.exports.tick()
    start = world.clock.now_ns()
    child = Span(PROJECT, root.trace_id, f"{7:016x}", root.span_id, "late", "tool", start, start + 1)
    await world.store.append(Facts(spans=[child]))
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 2
    [trace] = [json.loads(line) for line in (world.folder / world.files()[0]).read_text().splitlines()]
    assert (trace["spans"], trace["latency_ms"]) == (2, (start + 1 - root.start_ns) / 1e6)
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1


async def test_a_search_says_which_traces_are_in_the_files_also_when_they_are_judged_later(world: World) -> None:
    first, second, third = await world.spans(0.5, 3)
    asked = "score.helpful<0.5 text -user:nobody"
    judged_at = world.clock.now_ns() - 60 * 10**9

    def judged(of: Span, value: float) -> Score:
        return Score(
            PROJECT, f"scr_{of.span_id}_{value}", "helpful", judged_at, "end_user", value, trace_id=of.trace_id
        )

    await world.store.append(Facts(scores=[judged(first, 0.1), judged(second, 0.9)]))
    given = {"what": "traces", "format": "jsonl", "filter": {"search": asked, "environment": "production"}}
    made = await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, **given})
    assert made["filter"] == {"search": asked, "environment": "production"}
    assert await world.exports.tick() == 1
    [file] = world.files()

    def written() -> set[str]:
        return {json.loads(line)["trace_id"] for line in (world.folder / file).read_text().splitlines()}

    assert written() == {first.trace_id}
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1, "nobody judged anything since"
    judged_at = world.clock.now_ns()
    await world.store.append(Facts(scores=[judged(third, 0.2)]))
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 2
    assert written() == {first.trace_id, third.trace_id}
    judged_at = world.clock.now_ns() + 3 * HOUR_S * 10**9  # by a clock that is ahead
    await world.store.append(Facts(scores=[judged(third, 0.3)]))
    written_again = []
    for _ in range(5):
        world.clock.advance(HOUR_S)
        written_again.append(await world.exports.tick() - 1)
    assert sum(written_again) == 1, "once, and not at every window"


def test_what_a_search_excludes_is_left_out_beside_the_words_of_the_filter() -> None:
    given = {**TO_FOLDER, "what": "traces", "format": "jsonl"}
    made = parse({**given, "filter": {"search": "cost>1 -user:ann -score.helpful<0.5", "-model": ["a", "b"]}})
    narrow = made.narrow(0, 1)
    assert isinstance(narrow, TraceFilter)
    excluded = (TraceFilter(user="ann"), TraceFilter(scores=("helpful:lt:0.5",)))
    assert (narrow.min_cost, narrow.exclude) == (1.0, (*excluded, TraceFilter(model="a"), TraceFilter(model="b")))
    assert made.by_scores
    assert not parse({**given, "filter": {"search": "cost>1"}}).by_scores


async def test_scores_that_are_dated_back_are_in_the_file_of_their_time(world: World) -> None:
    asked = {**TO_FOLDER, "what": "scores", "format": "csv", "filter": {"name": "good"}}
    await world.exports.create(PROJECT, "user:a", asked)
    await world.exports.tick()
    then = world.clock.now_ns() - int(0.5 * HOUR_S * 1e9)
    named = [Score(PROJECT, name, name, then, "code", 1.0) for name in ("good", "other")]
    await world.store.append(Facts(scores=named[1:]))
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1, "of another name"
    await world.store.append(Facts(scores=named[:1]))
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 2
    assert len((world.folder / world.files()[0]).read_text().splitlines()) == 2
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 1


async def test_a_score_that_was_taken_back_is_in_no_file_of_the_last_week(world: World) -> None:
    at_ns = world.clock.now_ns() - int(0.5 * HOUR_S * 1e9)
    scores = [Score(PROJECT, name, "good", at_ns, "human", 1.0, trace_id=f"{1:032x}") for name in ("scr_1", "scr_2")]
    await world.store.append(Facts(scores=scores))
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "what": "scores", "format": "csv"})
    world.clock.advance(HOUR_S)
    await world.exports.tick()
    [file] = [each for each in world.files() if "scr_1" in (world.folder / each).read_text()]
    await world.store.erase(PROJECT, [Doomed("scores", "id = ?", ("scr_1",))])
    world.clock.advance(HOUR_S)
    await world.exports.tick()
    told = (world.folder / file).read_text()
    assert ("scr_1" in told, "scr_2" in told) == (False, True)
    runs, *_ = await world.exports.runs(PROJECT, "hourly")
    written = world.files()
    assert await world.exports.tick() == 0, "and it is not written over and over"
    assert world.files() == written
    assert runs[0]["rows"] == 0


async def test_calls_that_are_priced_anew_are_written_with_their_price(world: World) -> None:
    await world.spans(0.5, 1)
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    await world.exports.tick()
    world.clock.advance(60)
    values = {"project": PROJECT, "model": "m", "status": "done", "created_ns": 1, "ended_ns": world.clock.now_ns()}
    moved = tables.money.repricings.insert().values(id="rpr_1", calls=3, **values)
    none = tables.money.repricings.insert().values(id="rpr_2", calls=0, **values | {"ended_ns": 2**62})
    later = tables.money.repricings.insert().values(
        id="rpr_3", calls=3, since_ns=world.clock.now_ns(), **values | {"ended_ns": 2**62}
    )
    for change in (none, later, moved):
        await world.ledger.write(lambda connection, change=change: connection.execute(change) and None)
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 2
    world.clock.advance(HOUR_S)
    assert await world.exports.tick() == 2, "of the third, which reaches the window behind it"


@pytest.mark.parametrize(
    ("other", "taken"),
    [
        ({"filter": {"status": "error"}}, True),
        ({"every": "day"}, False),
        ({"what": "traces"}, False),
        ({"format": "csv"}, False),
        ({"target": {"folder": "bi/errors"}}, False),
    ],
)
async def test_two_exports_never_write_over_each_others_files(world: World, other: Any, taken: bool) -> None:
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    second = {**TO_FOLDER, "name": "second", **other}
    if not taken:
        await world.exports.create(PROJECT, "user:a", second)
        return
    with pytest.raises(Conflict, match="'hourly' writes files of the same names there") as refused:
        await world.exports.create(PROJECT, "user:a", second)
    assert refused.value.field == "target"
    await world.exports.create(PROJECT, "user:a", {**second, "target": {"folder": "bi/second"}})
    with pytest.raises(Conflict):
        await world.exports.replace(PROJECT, "user:a", "second", second)
    await world.exports.replace(PROJECT, "user:a", "hourly", TO_FOLDER | {"filter": {"status": "ok"}})


async def test_a_window_that_fails_is_tried_again_and_leaves_no_half_file(world: World) -> None:
    await world.spans(0.5, 5)
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    blocked = world.folder / PROJECT
    blocked.write_text("not a folder")
    assert await world.exports.tick() == 0
    [failed] = (await world.exports.runs(PROJECT, "hourly"))[0]
    blocked.unlink()
    assert await world.exports.tick() == 0, "not before its time"
    world.clock.advance(61)
    assert await world.exports.tick() == 1
    [done] = (await world.exports.runs(PROJECT, "hourly"))[0]
    assert (failed["status"], failed["attempts"], "cannot be written" in failed["error"]) == ("retrying", 1, True)
    assert (done["status"], done["attempts"], done["error"], done["rows"]) == ("done", 2, None, 5)
    assert len(world.files()) == 1


async def test_a_directory_that_vanished_is_waited_for(world: World) -> None:
    """Its place was made anew: what was written there lay beneath the disk that came back, and was never seen again."""
    await world.spans(0.5, 5)
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    elsewhere = world.folder.rename(world.folder.with_name("away"))
    assert await world.exports.tick() == 0
    [waits] = (await world.exports.runs(PROJECT, "hourly"))[0]
    assert (waits["status"], "is not there" in waits["error"], world.folder.exists()) == ("retrying", True, False)
    elsewhere.rename(world.folder)
    world.clock.advance(61)
    assert (await world.exports.tick(), len(world.files())) == (1, 1)


async def test_a_run_that_a_kill_cut_off_is_made_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.spans(0.5, 5)
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)

    async def killed(*_: Any, **__: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr("assay_server.outbound.export_files.Files._file", killed)
    with pytest.raises(asyncio.CancelledError):
        await world.exports.tick()
    monkeypatch.undo()
    world.exports = world.opened()
    assert (await world.exports.get(PROJECT, "hourly"))["last"]["status"] == "running"
    assert await world.exports.tick() == 1


async def test_the_audit_log_has_whose_hand_it_was_and_not_whom_a_filter_names(world: World) -> None:
    made = await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "filter": {"user": "ada", "-model": ["m", "n"]}})
    await world.exports.run(PROJECT, "key:b", "hourly")
    await world.exports.replace(PROJECT, "user:a", "hourly", {**TO_FOLDER, "filter": {"user": "bob"}})
    events, _, _ = await Audit(world.ledger, world.clock, lambda text: (text, [])).list(PROJECT)
    changed, run, created = events
    assert (run["actor"], run["action"], run["subject"]) == ("key:b", "export.run", made["id"])
    assert run["after"]["window_start"] == "2026-11-21T07:00:00.000000Z"
    assert (created["after"]["filter"]["fields"], changed["after"]["filter"]["fields"]) == (
        ["-model", "user"],
        ["user"],
    )
    assert created["after"]["filter"] == changed["before"]["filter"] != changed["after"]["filter"]
    assert not {"ada", "bob"} & set(str(events).split("'"))
    assert made["filter"]["user"] == "ada"


async def test_one_window_can_be_written_again_by_hand(world: World) -> None:
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    await world.exports.tick()
    await world.spans(0.5, 5)
    assert (await world.exports.run(PROJECT, "key:a", "hourly"))["window_start"] == "2026-11-21T07:00:00.000000Z"
    await world.exports.tick()
    with pytest.raises(InvalidInput, match="not over"):
        await world.exports.run(PROJECT, "key:a", "hourly", world.clock.now_ns())
    [run] = (await world.exports.runs(PROJECT, "hourly"))[0]
    assert (run["rows"], len(world.files())) == (5, 1)


async def test_scores_and_traces_narrowed(world: World) -> None:
    [first, _] = await world.spans(0.5, 2)
    score = Score(PROJECT, "scr_1", "helpful", first.start_ns, "human", 1.0, trace_id=first.trace_id)
    await world.store.append(Facts(scores=[score, Score(PROJECT, "scr_2", "other", first.start_ns, "human", 0.0)]))
    for what, narrow in (("scores", {"name": "helpful"}), ("traces", {"name": "s1"})):
        asked = {**TO_FOLDER, "name": what, "what": what, "format": "csv", "filter": narrow, "target": {"folder": what}}
        await world.exports.create(PROJECT, "user:a", asked)
    await world.exports.tick()
    rows = {what: (await world.exports.runs(PROJECT, what))[0][0]["rows"] for what in ("scores", "traces")}
    assert rows == {"scores": 1, "traces": 1}


@pytest.mark.parametrize(
    ("what", "narrow", "rows"),
    [
        ("spans", {"-name": ["s1", "s3"]}, 2),
        ("spans", {"-model": "x"}, 4),  # none names a model
        ("spans", {"environment": "production", "-name": "s2", "-status": "error"}, 3),
        ("traces", {"-name": ["s1", "s3"]}, 2),
        ("traces", {"name": ["s1", "s3", "s4"], "-name": "s4"}, 2),
        ("traces", {"-endpoint": "s4", "-environment": "x"}, 3),
        ("scores", {"-name": "other"}, 1),
        ("scores", {"-run": "r"}, 2),
    ],
)
async def test_what_is_left_out(world: World, what: str, narrow: dict[str, Any], rows: int) -> None:
    first = (await world.spans(0.5, 4))[0]
    scores = [Score(PROJECT, f"scr_{name}", name, first.start_ns, "human", 1.0) for name in ("helpful", "other")]
    await world.store.append(Facts(scores=scores))
    made = await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "what": what, "filter": narrow})
    assert made["filter"] == narrow
    assert (await world.exports.tick()) == 1
    assert (await world.exports.runs(PROJECT, "hourly"))[0][0]["rows"] == rows
    await world.exports.tick()  # nothing came late
    assert len((await world.exports.runs(PROJECT, "hourly"))[0]) == 1


async def test_every_filter_that_the_form_offers_is_taken(world: World) -> None:
    """The form's list stands in ui/src/lib/exports.ts."""
    source = (Path(__file__).parents[3] / "ui/src/lib/exports.ts").read_text()
    offered = {what: re.findall(r"'(\w+)'", names) for what, names in re.findall(r"(\w+): \[(.*)\],", source)}
    assert set(offered) == {"traces", "spans", "scores"}
    for what, names in offered.items():
        for number, name in enumerate(names):
            narrow = {name: {"status": "error", "kind": "llm", "source": "human"}.get(name, "x")}
            said = {"name": f"{what}-{number}", "what": what, "target": {"folder": f"{what}/{number}"}}
            asked = {**TO_FOLDER, **said, "filter": narrow}
            assert (await world.exports.create(PROJECT, "user:a", asked))["filter"] == narrow
    while await world.exports.tick():
        pass
    last = {one["name"]: one["last"]["error"] for one in await world.exports.list(PROJECT)}
    assert {name: error for name, error in last.items() if error} == {}


async def test_spans_of_one_environment(world: World) -> None:
    await world.spans(0.5, 2)
    for name, environment in (("ours", "production"), ("theirs", "x")):
        asked = {**TO_FOLDER, "name": name, "filter": {"environment": environment}, "target": {"folder": name}}
        await world.exports.create(PROJECT, "user:a", asked)
    await world.exports.tick()
    rows = {name: (await world.exports.runs(PROJECT, name))[0][0]["rows"] for name in ("ours", "theirs")}
    assert rows == {"ours": 2, "theirs": 0}


async def test_definitions_are_changed_listed_and_ended(world: World) -> None:
    made = await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    with pytest.raises(Conflict):
        await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    changed = await world.exports.replace(PROJECT, "user:a", "hourly", {**TO_FOLDER, "every": "week", "enabled": False})
    assert (changed["id"], changed["every"], changed["next_at"]) == (made["id"], "week", None)
    assert await world.exports.tick() == 0
    assert [one["name"] for one in await world.exports.list(PROJECT)] == ["hourly"]
    assert await world.exports.list("prj_other") == []
    with pytest.raises(NotFound):
        await world.exports.get("prj_other", made["id"])
    await world.exports.delete(PROJECT, "user:a", made["id"])
    with pytest.raises(NotFound):
        await world.exports.get(PROJECT, "hourly")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Ä"}, "name"),
        ({"what": "prompts"}, "what"),
        ({"format": "xlsx"}, "format"),
        ({"every": "minute"}, "every"),
        ({"filter": {"since": "x"}}, "filter.since"),
        ({"filter": {"status": "failed"}}, "filter.status"),
        ({"filter": {"-kind": "LLM"}}, "filter.-kind"),
        ({"filter": {"-status": ["ok", "failed"]}}, "filter.-status"),
        ({"filter": {"name": ["a", "b"]}}, "filter.name"),
        ({"filter": {"-since": "x"}}, "filter.-since"),
        ({"filter": {"search": "cost>1"}}, "filter.search"),  # of spans there is no such line
        ({"what": "traces", "filter": {"-search": "cost>1"}}, "filter.-search"),
        ({"what": "traces", "filter": {"search": ["cost>1", "cost>2"]}}, "filter.search"),
        ({"what": "traces", "filter": {"search": "cost>1 since:2d"}}, "filter.search"),
        ({"what": "traces", "filter": {"search": "user:a cost>1", "user": "b"}}, "filter.user"),
        ({"what": "traces", "filter": {"search": "status:failed"}}, "filter.search"),
        ({"what": "traces", "filter": {"search": "x" * 2001}}, "filter.search"),
        ({"filter": {"model": "\ud800"}}, "filter.model"),
        ({"target": {}}, "target"),
        ({"target": {"folder": "../other"}}, "target.folder"),
        ({"target": {"folder": "/etc"}}, "target.folder"),
        ({"target": {"folder": "a/../../b"}}, "target.folder"),
        ({"target": {"s3": "b"}}, "target.s3"),
        ({"target": {"s3": "bucket/x", "key_env": "sk-secret!", "secret_env": "EXPORT_S"}}, "target.key_env"),
        (
            {"target": {"s3": "bucket/x", "key_env": "EXPORT_K", "secret_env": "ASSAY_BOOTSTRAP_KEY"}},
            "target.secret_env",
        ),
        (
            {"target": {"s3": "bucket/x", "key_env": "A", "secret_env": "B", "endpoint": "file:///etc/passwd"}},
            "target.endpoint",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:40],
)
async def test_a_wrong_field_is_named(world: World, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, **change})
    assert refused.value.field == field
    assert refused.value.fix


@pytest.mark.parametrize("name", ["n" * 101, "Täglich", "a b", "", None])
async def test_a_name_that_an_export_cannot_have_is_told_with_what_it_may(world: World, name: str | None) -> None:
    with pytest.raises(InvalidInput, match="1 to 100 of a-z, 0-9") as refused:
        await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "name": name})
    assert (refused.value.field, refused.value.value) == ("name", name)


async def test_a_link_that_leads_out_of_the_folder_is_not_followed(world: World, tmp_path: Path) -> None:
    (world.folder / PROJECT).mkdir()
    (world.folder / PROJECT / "bi").symlink_to(tmp_path)
    with pytest.raises(InvalidInput, match="leads out"):
        await world.exports.create(PROJECT, "user:a", TO_FOLDER)


async def test_a_project_may_not_name_every_variable(world: World) -> None:
    target = {"s3": "bucket/x", "key_env": "EXPORT_KEY", "secret_env": "OPENAI_API_KEY"}
    with pytest.raises(Forbidden):
        await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "target": target})


@pytest.mark.parametrize(
    ("every", "moment", "start"),
    [
        ("hour", "2026-11-21T08:59:59Z", "2026-11-21T08:00:00Z"),
        ("day", "2026-11-21T08:00:00Z", "2026-11-21T00:00:00Z"),
        ("week", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z"),
        ("week", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z"),
    ],
    ids=["hour", "day", "sunday", "monday"],
)
def test_windows(every: Any, moment: str, start: str) -> None:
    found = start_of(every, parse_rfc3339(moment))
    assert found == parse_rfc3339(start)
    assert rfc3339(found + LENGTH_NS[every]) > moment
    assert file_of("spans", every, "csv", found).startswith(f"day={start[:10]}/spans-{start[:10]}")


async def test_a_target_that_hangs_holds_up_no_other_export(world: World) -> None:
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    lake = {"s3": "lake/a", "endpoint": address, "key_env": "EXPORT_KEY", "secret_env": "EXPORT_SECRET"}
    await world.spans(0.5, 2)
    await world.exports.create(PROJECT, "user:a", {**TO_FOLDER, "name": "lake", "target": lake})
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    try:
        for files in (1, 2):
            async with asyncio.timeout(60):
                while len(world.files()) < files:
                    await world.exports.begin()  # as every few seconds: the file before may not be noted yet
                    await asyncio.sleep(0.05)
            world.clock.advance(HOUR_S)
            await world.spans(0.5, 2, first=files * 10)
        assert some_are_left()
        assert (await world.exports.get(PROJECT, "lake"))["last"]["status"] == "running"
        async with asyncio.timeout(15):
            await world.exports.close()
    finally:
        silent.close()
        for writer in held:
            writer.close()


async def test_one_that_is_ended_while_it_catches_up_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.exports.create(PROJECT, "user:a", TO_FOLDER)
    world.clock.advance(5 * HOUR_S)
    written = Files._file

    async def ended(self: Files, export: Any, run: Any) -> Any:
        await world.exports.delete(PROJECT, "user:a", "hourly")
        return await written(self, export, run)

    monkeypatch.setattr(Files, "_file", ended)
    await world.exports.tick()
    assert len(world.files()) == 1
