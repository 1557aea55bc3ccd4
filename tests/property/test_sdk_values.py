"""Whatever an application hands over becomes bounded text, and templates fill in exactly their fields."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay._capture import as_text
from assay._templates import fields_of, render


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.complex_numbers()
    | st.builds(Odd)
    | st.builds(object),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner) | st.sets(st.text())
    ),
    max_leaves=40,
)


@given(_values)
def test_anything_becomes_json_or_stays_text(value: Any) -> None:
    text = as_text(value)
    if isinstance(value, str):
        assert text == value
    else:
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@given(_values, st.integers(min_value=0, max_value=500))
def test_the_text_is_bounded(value: Any, limit: int) -> None:
    # Structure around the kept characters costs a little: escapes, quotes, marks of what was left out.
    assert len(as_text(value, limit)) <= 12 * limit + 2_000


def test_a_value_that_holds_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "…" in as_text(loop)


_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@given(st.lists(st.text().map(lambda t: (None, t)) | _names.map(lambda n: (n, "")), max_size=8), st.text())
def test_fields_are_filled_and_everything_else_stays(parts: list[tuple[str | None, str]], value: str) -> None:
    template = "".join(f"{{{n}}}" if n else t.replace("{", "{{").replace("}", "}}") for n, t in parts)
    expected = "".join(value if n else t for n, t in parts)
    names = {n for n, _ in parts if n}
    if not template:
        return
    assert fields_of([template]) == names
    assert render({"user": template}, dict.fromkeys(names, value))[0]["content"] == expected


@pytest.mark.parametrize("text", ["{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{0}", "{}"])
def test_there_is_no_way_into_an_object(text: str) -> None:
    assert render({"user": text}, {"a": Odd()})[0]["content"] == text


def test_messages_come_in_order() -> None:
    template = {"user": "u", "messages": [{"role": "assistant", "content": "{a}"}], "system": "s"}
    assert [message["content"] for message in render(template, {"a": 1})] == ["s", "1", "u"]


def test_a_score_wants_a_target_and_a_judgement() -> None:
    with pytest.raises(assay.InvalidInput, match="wants something to be about"):
        assay.score("x", 1)
    with pytest.raises(assay.InvalidInput, match="wants a value"):
        assay.score("x")
    with pytest.raises(assay.InvalidInput, match="wants a value"):
        assay.score("x", 1, error="failed", trace_id="1" * 32)
