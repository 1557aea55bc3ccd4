"""The rules of sampling: what is refused when they are written, and what the audit log holds of them."""

import pytest

from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput
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


async def test_a_rule_of_what_there_is_not_is_refused(ledger: Ledger) -> None:
    """It would decide nothing, in silence; a pattern that fits what there is decides."""
    sampling = Sampling(ledger, Audit(ledger, SystemClock(), lambda text: (text, [])), SystemClock())
    fits = {"name": "fits", "match": {"kind": "re*er", "-status": "error"}, "action": "drop"}
    wrong = {"name": "wrong", "match": {"kind": ["tool", "LLM"]}, "action": "drop"}
    with pytest.raises(InvalidInput) as refused:
        await sampling.put(PROJECT, "key:a", [fits, wrong], None)
    assert (refused.value.field, refused.value.value) == ("rules[1].match.kind", "LLM")
    await sampling.put(PROJECT, "key:a", [fits], None)
    assert sampling.get(PROJECT)["rules"] == [fits]


@pytest.mark.parametrize("name", ["n" * 81, "Ärger", "a/b", " first", "", None])
async def test_a_name_that_a_rule_cannot_have_is_told_with_what_it_may(ledger: Ledger, name: str | None) -> None:
    sampling = Sampling(ledger, Audit(ledger, SystemClock(), lambda text: (text, [])), SystemClock())
    rule = {"name": name, "match": {"kind": "tool"}, "action": "keep"}
    with pytest.raises(InvalidInput) as refused:
        await sampling.put(PROJECT, "key:a", [rule], None)
    assert (refused.value.field, refused.value.value) == ("rules[0].name", name)
    assert "1 to 80 of a-z, A-Z, 0-9, ' '" in refused.value.message
    assert sampling.get(PROJECT)["rules"] == []
