"""The rules of sampling in the audit log: what each does, and not whom it names."""

from assay_server.core.clock import SystemClock
from assay_server.governance import Audit, Sampling
from assay_server.ledger import Ledger
from tests.fixtures.ledger import PROJECT


async def test_a_change_of_rules_is_told_without_the_values_that_they_match(ledger: Ledger) -> None:
    audit = Audit(ledger, SystemClock(), lambda text: (text, []))
    sampling = Sampling(ledger, audit, SystemClock())
    rules = [{"name": "less", "match": {"user": ["ida*"], "-kind": "llm"}, "action": "sample", "rate": 0.5}]
    await sampling.put(PROJECT, "key:a", rules, None)
    await sampling.put(PROJECT, "key:a", [], None)
    (ended, made), _, _ = await audit.list(PROJECT)
    (rule,) = made["after"]["rules"]
    assert (rule["name"], rule["action"], rule["match"]["fields"]) == ("less", "sample", ["-kind", "user"])
    assert ended["before"]["rules"] == [rule]
    assert "ida" not in str((ended, made))
    assert sampling.get(PROJECT)["rules"] == []
