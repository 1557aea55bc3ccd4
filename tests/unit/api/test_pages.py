import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.api.pages import decode_cursor, encode_cursor, page
from assay_server.core.errors import InvalidInput

keys = st.lists(st.integers() | st.text(), min_size=1, max_size=3)


@given(keys)
def test_a_cursor_gives_back_its_key(key: list[int | str]) -> None:
    assert decode_cursor(encode_cursor(key), len(key)) == key


@given(st.text(max_size=40))
def test_foreign_cursors_are_refused_not_crashed_on(cursor: str) -> None:
    try:
        decoded = decode_cursor(cursor, 2)
    except InvalidInput as error:
        assert error.field == "cursor"
    else:
        assert decoded is not None
        assert len(decoded) == 2


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None, 2) is None


def test_the_last_page_has_no_next() -> None:
    assert page([1], 1, None) == {"items": [1], "total": 1, "next": None}


@pytest.mark.parametrize("cursor", ["", "%%%", "bm90anNvbg"])
def test_garbage(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, 1)
