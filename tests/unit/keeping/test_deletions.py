"""A person is deleted: their facts and nobody else's, on every site, down to the bytes, with a proof to check."""

import base64
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from assay_server.app.elsewhere import PeopleElsewhere
from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from assay_server.core.ids import content_hash
from assay_server.core.records import Event, Facts, RunItem, Score
from assay_server.governance import Audit, Idempotency
from assay_server.ingest import MediaShelf
from assay_server.keeping import Asked, Compactions, DeletionOfTrace, Deletions, DeletionWork, Sites, deletion_work
from assay_server.ledger import Ledger, tables
from assay_server.monitors import Announcer, Incidents, Monitors
from assay_server.notify import NotificationChannels, Outbox
from assay_server.query import Views
from assay_server.registry import EMPTIED
from assay_server.registry import Datasets as GoldenSets
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fakes.counters import NoCounters
from tests.fakes.sender import FakeSender
from tests.fakes.windows import FakeWindows
from tests.unit.keeping.conftest import NOW_NS, PROJECT, a_call, keep_media

ADA = "ada-4711"
SECRET = "the word that only Ada wrote 90210"
COPIES = [{"backup": "bak_1", "made_at": "2026-11-20T00:00:00Z", "expires_at": None, "where": "/backups/1"}]


class House:
    def __init__(self, ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, shelf: MediaShelf) -> None:
        async def copies() -> list[dict[str, Any]]:
            return COPIES

        self.ledger, self.store, self.audit, self.clock = ledger, store, audit, clock
        sites = Sites(
            store,
            PeopleElsewhere(ledger, shelf, clock),
            copies,
            lambda user: f"[EMAIL:{user}]" if "@" in user else user,
            NoCounters(),
        )
        self.deletions = Deletions(ledger, audit, clock, sites)
        self.datasets = GoldenSets(ledger, audit, clock, lambda text: (text, []))
        self.work = DeletionWork(ledger, audit, clock, sites, Compactions(ledger, store, audit, clock, PROJECT))

    async def ids(self, table: str = "spans", column: str = "span_id") -> list[str]:
        rows = await self.store.scan(f"SELECT {column} AS id FROM {table} ORDER BY 1")
        return [row["id"].lstrip("0") for row in rows]

    async def delete(self, user: str | None = ADA, trace_id: str | None = None, **options: Any) -> dict[str, Any]:
        asked = await self.deletions.ask(PROJECT, "key:a", Asked(user, trace_id), "she asked", **options)
        await self.work.work()
        return await self.deletions.get(PROJECT, asked["id"])


@pytest.fixture
def house(ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, shelf: MediaShelf) -> House:
    return House(ledger, store, audit, clock, shelf)


def facts() -> Facts:
    return Facts(
        spans=[
            a_call(1, trace=1, user=ADA, session="s1", input=SECRET),
            a_call(2, trace=1, input=SECRET),  # of her trace, names nobody
            a_call(3, trace=1, user="bob"),  # in her trace, and his
            a_call(4, trace=4, session="s1"),  # of her session
            a_call(5, trace=5, session="s2", user=ADA),  # a session of both
            a_call(6, trace=6, session="s2", user="bob"),
            a_call(7, trace=7, session="s2"),
            a_call(8, trace=8, user="ada-47"),  # the beginning of her id
            a_call(9, trace=9, user=ADA, project="prj_other"),
        ],
        scores=[
            Score(PROJECT, "scr_trace", "q", NOW_NS, "human", trace_id=f"{1:032x}", reason=SECRET),
            Score(PROJECT, "scr_span", "q", NOW_NS, "human", trace_id=f"{1:032x}", span_id=f"{2:016x}"),
            Score(PROJECT, "scr_bob", "q", NOW_NS, "human", trace_id=f"{1:032x}", span_id=f"{3:016x}"),
            Score(PROJECT, "scr_session", "q", NOW_NS, "human", session="s1"),
            Score(PROJECT, "scr_both", "q", NOW_NS, "human", session="s2"),
            Score(PROJECT, "scr_author", "q", NOW_NS, "end_user", author=ADA),
        ],
        events=[
            Event(PROJECT, "evt_trace", "log", NOW_NS, f"{1:032x}", None, data={"body": SECRET}),
            Event(PROJECT, "evt_loose", "log", NOW_NS, data={"attributes": {"user.id": ADA}}),
            Event(PROJECT, "evt_like", "log", NOW_NS, data={"attributes": {"user.id": ADA + "0"}}),
            Event(PROJECT, "evt_bob", "log", NOW_NS, f"{6:032x}", None, data={"body": "x"}),
        ],
        run_items=[
            RunItem(PROJECT, "run_1", "itm_1", 0, NOW_NS, trace_id=f"{5:032x}"),
            RunItem(PROJECT, "run_1", "itm_2", 0, NOW_NS, trace_id=f"{6:032x}"),
        ],
    )


async def test_what_is_hers_goes_and_what_is_others_stays(house: House) -> None:
    await house.store.append(facts())
    seen = await house.deletions.preview(PROJECT, Asked(ADA))
    done = await house.delete()
    assert seen["found"] == {
        "spans": 4, "traces": 3, "scores": 4, "log_records": 2, "run_items": 1, "partial_spans": 0,
        "media": 0, "remembered_answers": 0, "findings": 0,
    }  # fmt: skip
    assert (seen["sessions"], done["status"], done["error"]) == (2, "done", None)
    assert await house.ids() == ["3", "6", "7", "8", "9"]
    assert await house.ids("scores", "id") == ["scr_bob", "scr_both"]
    assert await house.ids("events", "id") == ["evt_bob", "evt_like"]
    assert await house.ids("run_items", "item") == ["itm_2"]
    assert await house.ids("traces", "trace_id") == ["1", "6", "7", "8", "9"]


async def test_her_media_go_and_those_of_others_in_the_same_trace_stay(
    house: House, shelf: MediaShelf, tmp_path: Path
) -> None:
    await house.store.append(facts())
    await keep_media(shelf, "of-trace", SECRET.encode(), 1)
    await keep_media(shelf, "of-span", b"hers", 1, span=2)
    await keep_media(shelf, "of-bob", b"his", 1, span=3)
    await keep_media(shelf, "of-both", b"theirs", 1)
    await keep_media(shelf, "of-both", b"theirs", 6)
    seen = await house.deletions.preview(PROJECT, Asked(ADA))
    done = await house.delete()
    assert (seen["found"]["media"], done["found"]["media"]) == (2, 2)
    kept = {path.read_bytes() for path in (tmp_path / "media").rglob("*") if path.is_file()}
    assert kept == {b"his", b"theirs"}


async def test_the_proof_can_be_checked(house: House) -> None:
    await house.store.append(facts())
    done = await house.delete()
    proof = dict(await house.deletions.proof(PROJECT, done["id"]))
    [row] = (await house.audit.list(PROJECT, action="deletion.done"))[0]
    salt = f"salt of {PROJECT}"
    signature = proof.pop("audit")
    assert proof["user_hash"] == "sha256:" + hashlib.sha256((salt + ADA).encode()).hexdigest()
    assert signature == {"event": row["id"], "hash": row["hash"], "of": content_hash(proof)}
    assert row["after"]["proof"] == content_hash(proof)
    assert (await house.audit.verify(PROJECT))["ok"]
    assert proof["deleted"]["spans"] == proof["found"]["spans"] == 4
    searched = {each["where"]: each["found"] for each in proof["verified"]["searched"]}
    assert {"facts.spans", "facts.events", "ledger.partial_spans", "ledger.item_contents"} <= set(searched)
    assert set(searched.values()) == {0}
    assert proof["remaining"][0]["where"] == "backup bak_1, /backups/1"


async def test_her_id_and_her_words_are_in_no_file(house: House, tmp_path: Path) -> None:
    house.store._connection.execute("SET GLOBAL force_compression = 'uncompressed'")
    await house.store.append(facts())
    asked = await house.deletions.ask(PROJECT, "key:a", Asked(ADA), "she asked")
    assert _files_with(tmp_path, ADA) >= {"ledger.sqlite-wal", "facts.duckdb.wal"}
    assert ADA not in json.dumps(asked)
    await house.work.work()
    done, proof = await house.deletions.get(PROJECT, asked["id"]), await house.deletions.proof(PROJECT, asked["id"])
    assert ADA not in json.dumps(done) + json.dumps(proof)
    await house.store.erase("prj_other", [])  # her namesake in the other project is still there …
    rows = await house.store.scan('SELECT span_id FROM spans WHERE "user" = ?', [ADA])
    assert len(rows) == 1
    assert _files_with(tmp_path, SECRET) == set()
    assert not any(name.startswith("ledger") for name in _files_with(tmp_path, ADA))  # … and nowhere in decisions


def _files_with(folder: Path, word: str) -> set[str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.name for file in files if word.encode() in file.read_bytes()}


async def test_pieces_and_remembered_answers_go_too(house: House) -> None:
    await house.store.append(Facts(spans=[a_call(1, trace=1, user=ADA)]))
    body = {"attributes": {"user.id": ADA}}
    piece = {"project": PROJECT, "body": body, "finished": False, "written": False, "changed_ns": 1}
    pieces = tables.foreign.partial_spans

    def write(connection: Any) -> None:
        connection.execute(pieces.insert().values(**piece, trace_id="5" * 32, span_id="1" * 16))
        for trace, span, said in (
            ("5", "2", {}),  # of the trace that names her, itself it names nobody
            ("5", "3", {"user.id": "bob"}),
            ("6", "1", {"seen.by": ADA}),  # speaks of her in bob's trace
            ("6", "2", {}),
            ("6", "3", {"user.id": "bob"}),
        ):
            values = {"trace_id": trace * 32, "span_id": span * 16, "body": {"attributes": said}}
            connection.execute(pieces.insert().values(**piece | values))

    await house.ledger.write(write)
    idempotency = Idempotency(house.ledger, house.clock)
    for key, told in (("k1", json.dumps({"user": ADA})), ("k2", "{}")):
        answer = {"status": 201, "headers": [], "body": base64.b64encode(told.encode()).decode()}

        async def work(answer: dict[str, Any] = answer) -> dict[str, Any]:
            return answer

        await idempotency.run(PROJECT, key, "hash", work)
    done = await house.delete()
    rows = await house.ledger.read(lambda c: c.execute(select(pieces.c.trace_id, pieces.c.span_id)).all())
    left = sorted(row.trace_id[0] + row.span_id[0] for row in rows)
    keys = await house.ledger.read(lambda c: c.execute(select(tables.accounts.idempotency.c.key)).scalars().all())
    assert (done["found"]["partial_spans"], done["found"]["remembered_answers"]) == (3, 1)
    assert (left, keys) == (["53", "62", "63"], ["k2"])


async def test_pieces_of_somebody_whose_id_differs_in_a_capital_stay(house: House) -> None:
    await house.store.append(Facts(spans=[a_call(1, trace=1, user="ada")]))
    piece = {"project": PROJECT, "finished": False, "written": False, "changed_ns": 1, "trace_id": "5" * 32}
    pieces = tables.foreign.partial_spans
    body = {"attributes": {"user.id": "Ada"}}
    await house.ledger.write(lambda c: c.execute(pieces.insert().values(**piece, span_id="1" * 16, body=body)))

    await house.delete("ada")

    assert len(await house.ledger.read(lambda c: c.execute(select(pieces.c.span_id)).all())) == 1


ODD_IDS = (
    "Zoë Müller",
    'a "b" \\ c',
    "100%_*?",
    "o'neill'); --",
    "👩\u200d💻 \u00a0",
    "two\nlines\t",
    "é" * 5000,
    "long " * 15_000,
    "null",
    " ",
)


@pytest.mark.parametrize("user", ODD_IDS, ids=range(len(ODD_IDS)))
async def test_whatever_a_person_is_called_all_of_it_goes(house: House, user: str) -> None:
    """Signs beyond ASCII stand otherwise in the ledger than in the store; some could not be asked for at all."""
    await house.store.append(
        Facts(
            spans=[a_call(1, trace=1, user=user), a_call(2, trace=2, user="bob", attributes={"seen": user})],
            events=[
                Event(PROJECT, "evt_loose", "log", NOW_NS, data={"attributes": {"user.id": user}}),
                Event(PROJECT, "evt_bob", "log", NOW_NS, data={"attributes": {"user.id": user + "0"}}),
            ],
        )
    )
    pieces = tables.foreign.partial_spans
    piece = {"project": PROJECT, "finished": False, "written": False, "changed_ns": 1, "trace_id": "5" * 32}

    def write(connection: Any) -> None:
        for span, said in (("1", {"user.id": user}), ("2", {}), ("3", {"user.id": "bob"})):
            values = {"span_id": span * 16, "body": {"attributes": said}}
            connection.execute(pieces.insert().values(**piece | values))

    await house.ledger.write(write)
    for key, told in (("k1", json.dumps({"user": user})), ("k2", json.dumps({"user": user}, ensure_ascii=False))):

        async def work(told: str = told) -> dict[str, Any]:
            return {"status": 201, "headers": [], "body": base64.b64encode(told.encode()).decode()}

        await Idempotency(house.ledger, house.clock).run(PROJECT, key, "hash", work)
    done = await house.delete(user)
    assert await house.ids() == ["2"]
    assert await house.ids("events", "id") == ["evt_bob"]
    left = await house.ledger.read(lambda c: c.execute(select(pieces.c.span_id)).scalars().all())
    assert [one[0] for one in left] == ["3"]
    assert await house.ledger.read(lambda c: c.execute(select(tables.accounts.idempotency.c.key)).all()) == []
    proof = await house.deletions.proof(PROJECT, done["id"])
    assert {each["where"]: each["found"] for each in proof["verified"]["searched"]}["facts.spans"] == 1
    assert user.strip() in {"null", ""} or json.dumps(user) not in json.dumps(proof)


@pytest.mark.parametrize("choice", ["keep", "erase"])
async def test_golden_sets_are_named_or_emptied(house: House, choice: str) -> None:
    await house.store.append(Facts(spans=[a_call(1, trace=1, user=ADA)]))
    items = [{"id": "hers", "input": SECRET, "source_span": f"{1:016x}"}, {"id": "other", "input": "other"}]
    made, _ = await house.datasets.create(PROJECT, "key:a", name="golden", items=items)
    done = await house.delete(datasets=choice)
    proof = await house.deletions.proof(PROJECT, done["id"])
    hers, other = await house.datasets.items(PROJECT, "golden")
    again = await house.datasets.get(PROJECT, "golden")
    remaining = [each for each in proof["remaining"] if each["where"].startswith("dataset")]
    assert done["held"] == [{"dataset": "golden", "versions": [1], "items": ["hers"], "spans": [f"{1:016x}"]}]
    assert again["content_hash"] == made["content_hash"]
    assert other["input"] == "other"
    if choice == "keep":
        assert (hers["input"], remaining[0]["items"]) == (SECRET, ["hers"])
    else:
        assert (hers["input"], hers["metadata"], remaining) == (EMPTIED, {"deleted": done["id"]}, [])
        assert proof["deleted"]["dataset_items"] == 1


async def test_golden_sets_that_were_kept_can_be_emptied_later(house: House) -> None:
    """The proof says so; but her spans are gone, and nothing of her was found."""
    await house.store.append(Facts(spans=[a_call(1, trace=1, user=ADA)]))
    items = [{"id": "hers", "input": SECRET, "source_span": f"{1:016x}"}, {"id": "other", "input": "other"}]
    await house.datasets.create(PROJECT, "key:a", name="golden", items=items)
    first = await house.delete()
    seen = await house.deletions.preview(PROJECT, Asked(ADA))
    assert [each["dataset"] for each in seen["held"]] == ["golden"]
    with pytest.raises(NotFound) as refusal:
        await house.delete(datasets="keep")
    assert (refusal.value.field, refusal.value.fix) == ("datasets", "send datasets=erase to empty them")
    second = await house.delete(datasets="erase")
    hers, other = await house.datasets.items(PROJECT, "golden")
    assert (hers["input"], other["input"], second["status"]) == (EMPTIED, "other", "done")
    again = await house.deletions.get(PROJECT, first["id"])
    assert [_place(each) for each in first["remaining"]] == ["dataset", "backup"]
    assert [_place(each) for each in again["remaining"]] == [_place(each) for each in second["remaining"]] == ["backup"]
    with pytest.raises(NotFound):
        await house.delete(datasets="erase")


def _place(remains: dict[str, Any]) -> str:
    return str(remains["where"]).split()[0]


async def test_what_remains_is_said_beside_done_as_long_as_it_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.store.append(Facts(spans=[a_call(1, user=ADA), a_call(2, user="bob", attributes={"asked_for": ADA})]))
    asked = await house.deletions.ask(PROJECT, "key:a", Asked(ADA), "she asked")
    await house.work.work()
    done = await house.deletions.get(PROJECT, asked["id"])
    assert asked["remaining"] == []
    assert [_place(each) for each in done["remaining"]] == ["facts.spans", "backup"]
    assert "1 row still names this user" in done["remaining"][0]["why"]
    monkeypatch.setattr("tests.unit.keeping.test_deletions.COPIES", [])  # the backup was removed
    [listed] = (await house.deletions.list(PROJECT))[0]
    assert [_place(each) for each in listed["remaining"]] == ["facts.spans"]
    proof = await house.deletions.proof(PROJECT, asked["id"])
    assert "backup" in [_place(each) for each in proof["remaining"]], "a proof stands as it was signed"


async def test_an_address_is_found_as_the_pseudonym_it_became(house: House) -> None:
    await house.store.append(Facts(spans=[a_call(1, user="[EMAIL:ada@example.com]")]))
    done = await house.delete("ada@example.com")
    assert (done["found"]["spans"], await house.ids()) == (1, [])


ODD = [
    "Zoë\u00a0Müller",
    "👩\u200d👩\u200d👧",
    "two\nlines",
    "tab\there",
    'O\'Hara "Q" \\ 100%_*',
    "x" * 5000,
    "x" * 60_000,
    " ",
]


@pytest.mark.parametrize("user", ODD)
async def test_whatever_a_client_called_a_user_can_be_deleted(house: House, user: str) -> None:
    """What is stored can be taken away: no-break spaces, joined signs, line ends, quotes, wildcards, any length."""
    await house.store.append(
        Facts(
            spans=[a_call(1, user=user, attributes={"user.id": user}), a_call(2, user=user + "2"), a_call(3, user="x")],
            scores=[Score(PROJECT, "scr_a", "q", NOW_NS, "end_user", author=user)],
            events=[Event(PROJECT, "evt_a", "log", NOW_NS, data={"attributes": {"user.id": user}})],
        )
    )
    done = await house.delete(user)
    proof = await house.deletions.proof(PROJECT, done["id"])
    assert (done["status"], await house.ids(), await house.ids("scores", "id")) == ("done", ["2", "3"], [])
    assert await house.ids("events", "id") == []
    assert {each["found"] for each in proof["verified"]["searched"]} == {0}


@pytest.mark.parametrize("asked", ["a\x00b", "a\ufffdb"])
async def test_a_user_with_a_nul_is_deleted_as_stored_before_and_now(
    any_ledger: Ledger, store: DuckStore, clock: FakeClock, tmp_path: Path, asked: str
) -> None:
    """Facts from before the door wrote `\ufffd` in its place hold the NUL; so may findings on SQLite."""
    shelf = MediaShelf(any_ledger, tmp_path / "media", lambda text: (text, []), clock, 1000)
    audit = Audit(any_ledger, clock, lambda text: (text, []))
    house = House(any_ledger, store, audit, clock, shelf)
    spans = [a_call(1, user="a\x00b", input=SECRET), a_call(2, user="a\ufffdb"), a_call(3, user="ab")]
    await house.store.append(Facts(spans=spans))
    done = await house.delete(asked)
    proof = await house.deletions.proof(PROJECT, done["id"])
    assert (done["status"], await house.ids()) == ("done", ["3"])
    assert {each["found"] for each in proof["verified"]["searched"]} == {0}
    assert proof["user_hash"] == done["user_hash"]


async def test_mentions_elsewhere_are_told_in_the_proof(house: House) -> None:
    await house.store.append(Facts(spans=[a_call(1, user=ADA), a_call(2, user="bob", attributes={"asked_for": ADA})]))
    done = await house.delete()
    proof = await house.deletions.proof(PROJECT, done["id"])
    assert await house.ids() == ["2"]
    assert "facts.spans" in [each["where"] for each in proof["remaining"]]


@pytest.mark.parametrize("user", [ADA, 'Ada "the" first', "zoë"])
async def test_views_that_narrow_by_her_are_told_in_the_proof(house: House, user: str) -> None:
    views = Views(house.ledger, house.audit, house.clock)
    value = '"' + user.replace('"', '""') + '"' if " " in user else user
    for name, q in (("hers", f"-user:{value} status:error"), ("end", f"user:{value}"), ("other", "user:ada-47110")):
        await views.put(PROJECT, "key:a", name, "traces", {"q": q})
    await house.store.append(Facts(spans=[a_call(1, user=user)]))
    done = await house.delete(user)
    proof = await house.deletions.proof(PROJECT, done["id"])
    found = {each["where"]: each["found"] for each in proof["verified"]["searched"]}
    assert found["ledger.saved_views"] == 2
    [told] = [each["why"] for each in done["remaining"] if each["where"] == "ledger.saved_views"]
    assert told.endswith("of others (end, hers)")


async def test_names_of_what_still_names_her_are_few_and_never_hers(house: House) -> None:
    views = Views(house.ledger, house.audit, house.clock)
    for name in (f"a view of {ADA}", *(f"view {at:02}" for at in range(12))):
        await views.put(PROJECT, "key:a", name, "traces", {"q": f"user:{ADA}"})
    await house.store.append(Facts(spans=[a_call(1, user=ADA)]))
    done = await house.delete()
    [told] = [each["why"] for each in done["remaining"] if each["where"] == "ledger.saved_views"]
    assert told.startswith("13 rows still name this user")
    assert told.endswith(f"({', '.join(f'view {at:02}' for at in range(9))}, …)")
    assert ADA not in json.dumps(await house.deletions.proof(PROJECT, done["id"]))


TRACE = f"{1:032x}"


async def test_one_trace_goes_whoever_is_named_in_it(house: House, shelf: MediaShelf, tmp_path: Path) -> None:
    await house.store.append(facts())
    await keep_media(shelf, "of-trace", SECRET.encode(), 1)
    await keep_media(shelf, "of-bob", b"his", 1, span=3)
    await keep_media(shelf, "of-another", b"another", 6)
    seen = await house.deletions.preview(PROJECT, Asked(trace_id=TRACE))
    done = await house.delete(None, TRACE)
    assert (seen["found"]["spans"], seen["found"]["traces"], seen["found"]["media"]) == (3, 1, 2)
    assert (seen["user_hash"], seen["trace_id"]) == (done["user_hash"], done["trace_id"]) == (None, TRACE)
    assert (done["status"], done["found"]) == ("done", seen["found"])
    assert await house.ids() == ["4", "5", "6", "7", "8", "9"]
    assert await house.ids("traces", "trace_id") == ["4", "5", "6", "7", "8", "9"]
    for table in ("scores", "events", "run_items"):
        assert await house.store.scan(f"SELECT 1 FROM {table} WHERE trace_id = ?", [TRACE]) == []
    kept = {path.read_bytes() for path in (tmp_path / "media").rglob("*") if path.is_file()}
    assert kept == {b"another"}
    assert await house.ids("trace_sums", "trace_id") == ["4", "5", "6", "7", "8", "9"]


async def test_the_proof_of_a_trace_names_it(house: House) -> None:
    await house.store.append(facts())
    done = await house.delete(None, TRACE)
    proof = dict(await house.deletions.proof(PROJECT, done["id"]))
    signature = proof.pop("audit")
    assert proof["trace_id"] == TRACE
    assert {"user_hash", "hash_of"}.isdisjoint(proof)
    assert signature["of"] == content_hash(proof)
    assert {each["found"] for each in proof["verified"]["searched"]} == {0}
    told = (await house.audit.list(PROJECT))[0]
    assert [row["after"]["trace_id"] for row in told if row["action"].startswith("deletion.")] == [TRACE, TRACE]
    assert (await house.audit.verify(PROJECT))["ok"]


async def test_that_a_trace_was_deleted_is_known_by_its_id(house: House) -> None:
    await house.store.append(facts())
    asked = await house.deletions.ask(PROJECT, "key:a", Asked(trace_id=TRACE), "a key in its prompt")
    under_way = await house.deletions.of_trace(PROJECT, TRACE)
    await house.work.work()
    done = await house.deletions.of_trace(PROJECT, TRACE)
    told = (await house.deletions.get(PROJECT, asked["id"]))["ended_at"]
    assert under_way == DeletionOfTrace(asked["id"], "a key in its prompt", None)
    assert done == DeletionOfTrace(asked["id"], "a key in its prompt", parse_rfc3339(told))
    assert await house.deletions.of_trace(PROJECT, f"{4:032x}") is None
    assert await house.deletions.of_trace("prj_other", TRACE) is None


async def test_traces_that_went_with_a_person_are_known_to_nobody(house: House) -> None:
    await house.store.append(facts())
    await house.delete(ADA)
    assert await house.deletions.of_trace(PROJECT, f"{4:032x}") is None


async def test_a_deletion_is_of_a_user_or_of_a_trace(house: House) -> None:
    await house.store.append(facts())
    for asked in (Asked(), Asked(ADA, TRACE), Asked(trace_id="1"), Asked(trace_id="g" * 32)):
        with pytest.raises(InvalidInput):
            await house.deletions.preview(PROJECT, asked)
    with pytest.raises(NotFound) as refusal:
        await house.deletions.ask(PROJECT, "key:a", Asked(trace_id=f"{77:032x}"), "it leaked")
    assert refusal.value.field == "trace_id"


async def test_who_is_not_there_and_what_is_no_id(house: House) -> None:
    await house.store.append(Facts(spans=[a_call(1, user="bob")]))
    with pytest.raises(NotFound):
        await house.deletions.ask(PROJECT, "key:a", Asked(ADA), "she asked")
    with pytest.raises(InvalidInput) as refusal:
        await house.deletions.ask(PROJECT, "key:a", Asked("bob"), " ")
    assert refusal.value.field == "reason"
    for nobody in ("", "\ud800", "a" * 100_001):  # no database holds those, or no sender means them
        with pytest.raises(InvalidInput):
            await house.deletions.preview(PROJECT, Asked(nobody))
    with pytest.raises(NotFound):
        await house.deletions.get(PROJECT, "del_1")


async def test_a_failure_is_told_and_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.store.append(facts())
    asked = await house.deletions.ask(PROJECT, "key:a", Asked(ADA), "she asked")

    async def full(*_: Any) -> Any:
        raise Unavailable("No room for a second file.")

    with monkeypatch.context() as broken:
        broken.setattr(house.store, "compact", full)
        with pytest.raises(Unavailable):
            await house.work.work()
    failed = await house.deletions.get(PROJECT, asked["id"])
    with pytest.raises(Conflict):
        await house.deletions.proof(PROJECT, asked["id"])
    house.work._not_before = 0
    await house.work.work()
    done = await house.deletions.get(PROJECT, asked["id"])
    proof = await house.deletions.proof(PROJECT, asked["id"])
    assert (failed["status"], failed["step"], failed["error"]) == ("running", "rewriting", "No room for a second file.")
    assert (done["status"], done["error"], proof["deleted"]["spans"]) == ("done", None, 4)


async def test_a_sender_that_goes_on_does_not_keep_the_house_busy(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every round writes all facts anew: one after the other, for ever, and no backup was made meanwhile."""
    await house.store.append(Facts(spans=[a_call(1, user=ADA)]))
    rounds, real = 0, house.store.compact

    async def compact() -> Any:
        nonlocal rounds
        rounds += 1
        assert rounds < 5, "it never ends"
        await house.store.append(Facts(spans=[a_call(1 + rounds, user=ADA)]))
        return await real()

    monkeypatch.setattr(house.store, "compact", compact)
    waiting = await house.delete()
    assert (waiting["status"], rounds) == ("queued", 1)
    assert "stop the sender" in waiting["error"]
    await house.work.work()
    assert rounds == 1, "the next round is a minute away"
    monkeypatch.undo()
    house.work._again.clear()
    await house.work.work()
    done = await house.deletions.get(PROJECT, waiting["id"])
    assert (done["status"], done["error"], await house.ids()) == ("done", None, [])


async def test_a_round_that_took_long_is_not_made_again_every_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who goes on using the application kept the server writing everything anew for ever. They go
    along when somebody else is deleted."""
    now, minute = 1_000.0, 60.0
    monkeypatch.setattr(deletion_work, "time", SimpleNamespace(monotonic=lambda: now))
    await house.store.append(Facts(spans=[a_call(1, user=ADA)]))
    rounds, real = 0, house.store.compact

    async def compact() -> Any:
        nonlocal rounds, now
        rounds, now = rounds + 1, now + 5 * minute
        await house.store.append(Facts(spans=[a_call(10 + rounds, trace=10 + rounds, user=ADA)]))
        return await real()

    monkeypatch.setattr(house.store, "compact", compact)
    waiting = await house.delete()
    for _ in range(45):
        now += minute
        await house.work.work()
    assert (waiting["status"], rounds) == ("queued", 1)
    await house.store.append(Facts(spans=[a_call(2, trace=2, user="bob")]))
    assert (await house.delete("bob"))["status"] == "done"
    assert rounds == 2
    now += 51 * minute
    await house.work.work()
    assert rounds == 3


async def test_who_asks_meanwhile_waits_for_the_next_turn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody asked before the last one was done, there was no end, and no backup was made meanwhile."""
    await house.store.append(Facts(spans=[a_call(n, trace=n, user=f"user-{n}") for n in range(1, 9)]))
    rounds, real = 0, house.store.compact

    async def compact() -> Any:
        nonlocal rounds
        rounds += 1
        if rounds < 4:
            await house.deletions.ask(PROJECT, "key:a", Asked(f"user-{rounds + 1}"), "asked meanwhile")
        return await real()

    monkeypatch.setattr(house.store, "compact", compact)
    first = await house.delete("user-1")
    assert (first["status"], rounds) == ("done", 1)
    for _ in range(3):
        await house.work.work()
    found, total, _ = await house.deletions.list(PROJECT)
    assert (total, {each["status"] for each in found}, rounds) == (4, {"done"}, 4)


async def test_what_comes_later_is_stored_and_can_be_deleted_again(house: House) -> None:
    await house.store.append(Facts(spans=[a_call(1, user=ADA)]))
    await house.delete()
    await house.store.append(Facts(spans=[a_call(1, user=ADA)]))
    assert await house.ids() == ["1"]
    await house.delete()
    found, total, _ = await house.deletions.list(PROJECT)
    assert (await house.ids(), total, [each["status"] for each in found]) == ([], 2, ["done", "done"])


async def test_what_monitors_found_about_her_goes_and_incidents_stay_without_whom_they_were_about(
    house: House, tmp_path: Path
) -> None:
    """A monitor that is grouped by user: both made trouble, one of them is deleted."""

    async def projects() -> list[str]:
        return [PROJECT]

    clock, sender = house.clock, FakeSender()
    outbox = Outbox(house.ledger, clock, group_s=0)
    incidents = Incidents(house.ledger, house.audit, clock, lambda text: (text, []), Announcer(outbox, "http://a.test"))
    windows = FakeWindows(lambda window, group: (100, 0.5), (ADA, "bob"))
    monitors = Monitors(house.ledger, windows, incidents, house.audit, clock, projects)  # type: ignore[arg-type]
    channels = NotificationChannels(house.ledger, house.audit, clock, sender)
    await channels.create(PROJECT, "key:a", name="ops", url="slack://x")
    rule = {"kind": "threshold", "above": 0.05}
    watch = {"name": "errors", "metric": "error_rate", "rule": rule, "window_s": 300, "every_s": 60}
    await monitors.create(PROJECT, "key:a", watch | {"group_by": "user"})
    await monitors.tick()
    await house.store.append(Facts(spans=[a_call(1, user=ADA), a_call(2, user="bob")]))
    windows.groups = ("bob",)
    seen = await house.deletions.preview(PROJECT, Asked(ADA))
    done = await house.delete()
    found, _ = await incidents.list(PROJECT)
    assert sorted((each.title, each.status) for each in found) == [
        ("errors: a group that was deleted", "resolved"),
        ("errors: error rate of bob", "open"),
    ]
    assert (seen["found"]["findings"], done["status"]) == (3, "done")  # a state, an evaluation, an incident
    told, _ = await outbox.list(PROJECT)
    assert min((row.status, row.title) for row in told) == ("dropped", "a group that was deleted")
    assert not any(name.startswith("ledger") for name in _files_with(tmp_path, ADA))
    clock.advance(60)
    await monitors.tick()
    states = (await monitors.get(PROJECT, "errors"))["states"]
    assert [(state["group"], state["status"]) for state in states] == [("bob", "alarm")]
    assert (await house.audit.verify(PROJECT))["ok"]
