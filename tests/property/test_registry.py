"""What holds for every template, every text, every unit, every cursor."""

from hypothesis import given
from hypothesis import strategies as st

from assay_server.api.keyset import after_moment, after_name, after_number
from assay_server.api.pages import encode_cursor
from assay_server.core.errors import InvalidInput
from assay_server.registry import bucket, is_candidate, is_pinned, render, variables_of, word_diff

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
LITERALS = st.text(st.characters(codec="utf-8"), max_size=20)
PIECES = st.lists(st.one_of(NAMES.map(lambda name: (True, name)), LITERALS.map(lambda text: (False, text))), max_size=8)


def written(pieces: list[tuple[bool, str]]) -> str:
    """A template that means these pieces."""
    return "".join(
        f"{{{text}}}" if is_field else text.replace("{", "{{").replace("}", "}}") for is_field, text in pieces
    )


@given(PIECES, st.data())
def test_what_is_written_is_what_is_rendered(pieces: list[tuple[bool, str]], data: st.DataObject) -> None:
    template = {"user": written(pieces)}
    names = list(dict.fromkeys(text for is_field, text in pieces if is_field))
    values = {name: data.draw(LITERALS) for name in names}
    assert variables_of(template) == names
    expected = "".join(values[text] if is_field else text for is_field, text in pieces)
    assert render(template, values) == [{"role": "user", "content": expected}]


@given(st.text(st.sampled_from("{}ab_.[]!:0 \n"), max_size=30))
def test_a_template_is_understood_or_refused_and_agrees_with_python_where_it_is_understood(text: str) -> None:
    try:
        names = variables_of({"user": text})
    except InvalidInput:
        return
    values = dict.fromkeys(names, "{v}")
    # `str.format` knows more; on what we accept the two must agree.
    assert render({"user": text}, values)[0]["content"] == text.format(**values)


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_word_diff_spells_both_texts(before: str, after: str) -> None:
    parts = word_diff(before, after)
    assert "".join(part["text"] for part in parts if part["op"] != "insert") == before
    assert "".join(part["text"] for part in parts if part["op"] != "delete") == after
    assert all(part["text"] for part in parts)


@given(st.text(), st.text(), st.text())
def test_buckets_are_numbers_from_0_to_below_1_and_stay(salt: str, canary: str, unit: str) -> None:
    found = bucket(salt, canary, unit)
    assert 0 <= found < 1
    assert bucket(salt, canary, unit) == found


@given(st.text(), st.text(), st.floats(0, 100), st.floats(0, 100))
def test_a_unit_never_leaves_the_candidate_while_the_share_grows(salt: str, unit: str, one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert is_candidate(salt, "can", unit, low) <= is_candidate(salt, "can", unit, high)
    assert is_candidate(salt, "can", unit, 100)
    assert not is_candidate(salt, "can", unit, 0)


def test_buckets_are_even_and_of_two_canaries_independent() -> None:
    """10,000 units: each tenth within 5 standard deviations, and so is the overlap of two canaries."""
    ones = [bucket("salt", "one", str(unit)) for unit in range(10_000)]
    twos = [bucket("salt", "two", str(unit)) for unit in range(10_000)]
    counts = [sum(tenth / 10 <= each < (tenth + 1) / 10 for each in ones) for tenth in range(10)]
    assert all(abs(count - 1000) < 5 * 30 for count in counts)
    both = sum(a < 0.5 and b < 0.5 for a, b in zip(ones, twos, strict=True))
    assert abs(both - 2500) < 5 * 43.3


@given(st.text(max_size=60))
def test_whatever_a_name_is_asking_whether_it_is_pinned_has_an_answer(name: str) -> None:
    assert is_pinned(name) in (True, False)
    assert not is_pinned(f"{name}-latest")
    assert is_pinned(f"{name}-v1.2") or "latest" in name


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.text(st.characters(codec="utf-8")))
def test_cursors_come_back(number: int, text: str) -> None:
    assert after_moment(encode_cursor([number, text])) == (number, text)
    assert after_number(encode_cursor([number])) == number
    assert after_name(encode_cursor([text])) == text


KEYS = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)


@given(st.one_of(st.text(), st.lists(KEYS).map(encode_cursor)))
def test_any_other_cursor_is_refused_or_has_the_right_types(cursor: str) -> None:
    for read, types in ((after_name, str), (after_number, int), (after_moment, tuple)):
        try:
            found = read(cursor)
        except InvalidInput:
            continue
        assert isinstance(found, types)
        assert not isinstance(found, bool)
