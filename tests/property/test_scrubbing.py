"""Many spans scrubbed at once come out as if every text of theirs had been looked at alone."""

import json
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from assay_server.checks.pii import Scrubber
from assay_server.core.records import Span
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.scrub import FactScrubber


class _Forgetful(set[tuple[object, ...] | None]):
    def add(self, element: tuple[object, ...] | None) -> None: ...


_SCRUBBER = Scrubber()
_ALONE = Scrubber()
_ALONE._clean = _Forgetful()
_IDENTITIES = aliases().identities
_BATCHED = FactScrubber(_SCRUBBER, _IDENTITIES, b"salt")  # one for all examples: what it remembers must not matter

_texts = st.one_of(
    st.sampled_from(
        [
            "gpt-4o-2024-11-20",
            "ann@example.org",
            "5551234567",
            "call me at 5551234567",
            "4111 1111 1111 1111",
            "hunter2!",
            '{"password": "hunter2!"}',
            "nothing to see",
        ]
    ),
    st.text(max_size=20),
)
_FILLER = "It was said that nothing of this is anything but words, over and over, until it is long enough. "
_long = _texts.map(lambda text: _FILLER + text)
_conversations = st.lists(st.tuples(st.sampled_from(["user", "phone", "password"]), _long | _texts), max_size=4).map(
    lambda said: json.dumps([{"role": "user", role: text, "content": _FILLER + text} for role, text in said])
)
_keys = st.sampled_from(["order", "phone", "password", "user.id", "gen_ai.request.model", "ann@example.org", "text"])
_values = st.one_of(
    _texts,
    _long,
    _conversations,
    _conversations.map(json.dumps),
    st.integers(),
    st.lists(_texts, max_size=2),
    st.dictionaries(_keys, _texts, max_size=2),
)


def a_span(attributes: dict[str, object]) -> Span:
    return Span("prj_a", "t", "s", None, "call", "span", 1, 2, attributes=attributes)


def alone(span: Span) -> tuple[dict[str, object], list[str]]:
    """(attributes, types found), text by text."""
    found: set[str] = set()
    scrubbed: dict[str, object] = {}
    for key, value in span.attributes.items():
        name = _ALONE.scrub_value(key, found)
        if isinstance(value, str) and key in _IDENTITIES:
            scrubbed[name] = FactScrubber(_ALONE, _IDENTITIES, b"salt").identity(value, found)
        else:
            scrubbed[name] = _ALONE.scrub_value(value, found, key)
    return scrubbed, sorted(found)


@given(st.lists(st.dictionaries(_keys, _values, max_size=5), max_size=40))
def test_many_at_once_are_as_one_by_one(sent: list[dict[str, object]]) -> None:
    spans = [a_span(dict(attributes)) for attributes in sent * 4]  # what was clean comes again
    expected = [alone(span) for span in deepcopy(spans)]
    _BATCHED.spans(spans)
    assert [(span.attributes, span.pii) for span in spans] == expected
