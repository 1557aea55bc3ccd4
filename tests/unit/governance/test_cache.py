from assay_server.core.ports import Principal
from assay_server.governance.cache import Principals

ADA = Principal("prj_a", "key:key_a", "admin")


def test_it_remembers_for_two_seconds() -> None:
    now = 100.0
    known = Principals(lambda: now)
    known.put("digest", ADA, known.generation)
    assert known.get("digest") == ADA
    assert known.get("other") is None
    now = 102.0
    assert known.get("digest") is None


def test_what_was_read_before_a_revocation_is_not_remembered() -> None:
    known = Principals(lambda: 0.0)
    asked = known.generation
    known.forget()
    known.put("digest", ADA, asked)
    assert known.get("digest") is None


def test_it_does_not_grow_without_end() -> None:
    known = Principals(lambda: 0.0)
    for index in range(10_000):
        known.put(str(index), ADA, known.generation)
    assert sum(known.get(str(index)) is not None for index in range(10_000)) <= 4096
    assert known.get("9999") == ADA
