"""Fields whose values are few: what nothing can be is refused."""

from contextlib import nullcontext

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.known import check_known, refuse_unknown_values


@pytest.mark.parametrize(
    ("field", "known", "unknown"),
    [("kind", "llm", "LLM"), ("status", "unset", "failed"), ("source", "end_user", "user")],
)
def test_what_nothing_can_be_is_refused_with_what_there_is(field: str, known: str, unknown: str) -> None:
    check_known(field, known)
    check_known(field, None)
    refuse_unknown_values({field: (known,), "model": (unknown,), f"-{field}": (known,)})
    with pytest.raises(InvalidInput) as refused:
        refuse_unknown_values({f"-{field}": (known, unknown)})
    assert (refused.value.field, refused.value.value) == (f"filter.-{field}", unknown)
    assert known in str(refused.value.fix)


@pytest.mark.parametrize(
    ("pattern", "fits"), [("*", True), ("re*er", True), ("LLM*", False), ("ll?", False), ("", False)]
)
def test_a_pattern_fits_what_there_is(pattern: str, fits: bool) -> None:
    with nullcontext() if fits else pytest.raises(InvalidInput):
        check_known("kind", pattern, patterns=True)
    with pytest.raises(InvalidInput):
        check_known("kind", pattern)
