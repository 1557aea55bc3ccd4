"""Who had the store written anew is told by the audit log, under the id of what was made."""

from assay_server.governance import Audit
from assay_server.keeping import Compactions
from assay_server.ledger import Ledger
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.unit.keeping.conftest import PROJECT


async def test_a_compaction_that_a_person_asked_for_is_audited_and_others_are_not(
    ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock
) -> None:
    compactions = Compactions(ledger, store, audit, clock, PROJECT)
    asked = await compactions.ask("key:a")
    assert await compactions.ask("key:b") == asked  # before the beat it is the same one
    await compactions.work()
    await compactions.run("deletion")
    await compactions.work()
    made = await compactions.list()
    assert [row["why"] for row in made] == ["deletion", "asked"]
    assert made[1]["id"] == asked["id"]
    events, _, _ = await audit.list(PROJECT)
    assert [(event["actor"], event["action"], event["subject"]) for event in events] == [
        ("key:b", "compaction.ask", asked["id"]), ("key:a", "compaction.ask", asked["id"]),
    ]  # fmt: skip
