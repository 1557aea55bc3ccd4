"""The quick ways to what a detector finds are no other ways: what is skipped could not have matched."""

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.checks import pii_detectors as detectors
from assay_server.checks.pii import Scrubber

_SCRUBBER = Scrubber()

_SAID = (
    "4111 1111 1111 1111|378282246310005|5500-0000-0000-0004|123-45-6789|078 05 1120|0490 75 40 81|ann@x.org|@|a@b"
    "|a.b+c@mail.example.co.uk|DE89 3704 0044 0532 0130 00|GB82WEST12345698765432|192.168.1.77|2001:db8::1|::1|12:34:56"
    "|fe80::1ff:fe23:4567:890a|dead::beef|+44 20 7946 0958|(212) 555-0100|676886082|1700000000|call me at |phone: "
    "|ext. 12| office|sk-abcdefghijklmnopqrstuvwx|AKIAIOSFODNN7EXAMPLE|password: hunter2|Bearer abcdefghijklmnop1"
    '|https://u:p4ss@host/x|x1y2://q:w@e|://|٣٤٥|é|中|_|\\|"|{|[| |.|,|:|/|-|(|)|+|\n|a|Zb|1|22|333|4444'
    "|9999999999999|jörg@é.org|анна@пример.рф"
)
_pieces = st.sampled_from([*_SAID.split("|"), "nothing at all " * 14])
_texts = st.lists(_pieces, max_size=9).map("".join)
_keys = st.sampled_from(["password", "phone", "call me at", "api_key", "note", 'a"b', "1"])
_documents = st.recursive(
    st.one_of(_texts, st.integers(-(10**15), 10**16), st.none(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_keys, inner, max_size=3), inner.map(json.dumps)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", ["CARD", "SSN", "IBAN", "IP4", "IP6", "PHONE", "EMAIL", "TOKEN", "ASSIGNED", "BEARER"])
@given(text=_texts)
def test_nothing_is_skipped_that_the_pattern_finds(name: str, text: str) -> None:
    led = getattr(detectors, f"_{name}")
    assert [match.span() for match in led.finditer(text)] == [match.span() for match in led.pattern.finditer(text)]


@given(_texts)
def test_every_user_in_a_url_is_found(text: str) -> None:
    in_urls = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,30}" + detectors._USER_IN_URL.pattern)
    assert list(detectors._users_in_urls(text)) == [match.span(1) for match in in_urls.finditer(text)]


@given(st.one_of(st.lists(_documents, max_size=3), st.dictionaries(_keys, _documents, max_size=3)))
def test_a_text_of_json_stays_one_and_loses_what_its_strings_would_lose(document: object) -> None:
    text, types = _SCRUBBER.scrub(json.dumps(document, ensure_ascii=False))
    assert _shape(json.loads(text)) == _shape(document)
    if any(_SCRUBBER.scrub(string)[1] for string in _strings(document)):
        assert types


@given(_texts, _texts)
def test_a_long_literal_is_scrubbed_as_if_it_stood_alone(text: str, more: str) -> None:
    said = "nothing at all " * 14 + text + more
    inside, found = _SCRUBBER.scrub(json.dumps(["phone", said], ensure_ascii=False))
    alone, types = _SCRUBBER.scrub(said, '["phone", ')
    assert (json.loads(inside)[1], found) == (alone, types)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _shape(value: object) -> object:
    """What there is besides the scrubbed texts and numbers."""
    if isinstance(value, dict):
        return [_shape(part) for part in value.values()]
    if isinstance(value, list):
        return [_shape(part) for part in value]
    return isinstance(value, str | int)
