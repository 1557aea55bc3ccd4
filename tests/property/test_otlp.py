"""Whatever comes over the wire: it is stored, told as rejected, or refused with our own errors. Nothing else."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import AssayError
from assay_server.core.records import Tokens
from assay_server.ingest import JSON, PROTOBUF, Ingest
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.tokens import from_object, from_totals
from assay_server.providers import Prices
from tests.fakes.memory_store import MemoryStore
from tests.fakes.otlp_requests import a_span, as_json, protobuf

_KEYS = sorted(aliases().exact) + [
    f"{family}.{rest}"
    for family in aliases().families
    for rest in ("0.message.role", "0.role", "1.document.content", "0", "x.y", "99999999999.a", "0.tool_calls.0.name")
]
_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_ODD = ["", "[]", "{}", '{"input": 5, "output": -1}', '[{"role": 1}]', "nan", "1e999", "LLM", '"chat"', "a@b.org"]
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats()
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXT | st.sampled_from(_ODD)
_VALUES = st.recursive(
    _SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(_TEXT, v, max_size=3), max_leaves=6
)
_ATTRIBUTES = st.dictionaries(st.sampled_from(_KEYS) | _TEXT, _VALUES, max_size=8)
_EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(
                ["gen_ai.choice", "gen_ai.user.message", "gen_ai.evaluation.result", "exception", ""]
            ),
            "time_ns": st.integers(0, 2**63 - 1),
            "attributes": _ATTRIBUTES,
        }
    ),
    max_size=2,
)


def a_door() -> tuple[Ingest, MemoryStore]:
    store = MemoryStore()
    return Ingest(store, Scrubber(), Prices()), store


@given(st.binary(max_size=200), st.sampled_from([PROTOBUF, JSON]), st.sampled_from([None, "gzip", "deflate", "zstd"]))
@settings(max_examples=80, deadline=None)
async def test_bytes_are_taken_or_refused(body: bytes, kind: str, encoding: str | None) -> None:
    ingest, _ = a_door()
    try:
        await ingest.otlp("prj_a", body, kind, encoding)
    except AssayError as refusal:
        assert refusal.message
    await ingest.close()


@given(st.data())
@settings(max_examples=60, deadline=None)
async def test_a_damaged_request_is_taken_or_refused(data: Any) -> None:
    kind, make = data.draw(st.sampled_from([(PROTOBUF, protobuf), (JSON, as_json)]))
    body = bytearray(make(a_span(attributes={"gen_ai.request.model": "m", "n": 1})))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    ingest, _ = a_door()
    try:
        await ingest.otlp("prj_a", bytes(body), kind)
    except AssayError as refusal:
        assert refusal.message
    await ingest.close()


@given(_ATTRIBUTES, _EVENTS, st.dictionaries(st.sampled_from(["service.name", "deployment.environment"]), _VALUES))
@settings(max_examples=100, deadline=None)
async def test_any_value_under_any_name_is_stored_the_same_from_both_encodings(
    attributes: dict[str, Any], events: list[dict[str, Any]], resource: dict[str, Any]
) -> None:
    ingest, store = a_door()
    span = a_span(attributes=attributes, events=events)
    first = await ingest.otlp("prj_a", protobuf(span, resource=resource), PROTOBUF)
    second = await ingest.otlp("prj_a", as_json(span, resource=resource), JSON)
    await ingest.close()
    assert (first.spans, second.spans) == (1, 1)
    one, other = store.spans
    assert repr(one) == repr(other)  # NaN is not equal to itself, its text is
    assert one.cost is None or one.cost >= 0


_COUNT = st.none() | st.integers(0, 10**9)


@given(_COUNT, _COUNT, _COUNT, _COUNT, _COUNT)
def test_buckets_never_hold_more_than_was_sent(
    sent: int | None, output: int | None, read: int | None, write: int | None, reasoning: int | None
) -> None:
    tokens = from_totals(sent, output, read, write, reasoning)
    if tokens is None:
        assert (sent, output, read, write, reasoning) == (None,) * 5
        return
    assert all(count is None or count >= 0 for count in (tokens.fresh_input, tokens.output))
    cached = (read or 0) + (write or 0)
    if sent is not None:
        assert tokens.input_total == (sent if cached <= sent else sent + cached)
    if output is not None:
        assert tokens.output_total == (output if (reasoning or 0) <= output else output + (reasoning or 0))


@given(
    st.dictionaries(
        st.sampled_from(["input", "output", "total", "input_cached_tokens", "prompt_tokens_details"]), _VALUES
    )
)
def test_any_usage_object_is_read(usage: dict[str, Any]) -> None:
    for style in ("buckets", "totals"):
        tokens = from_object(json.dumps(usage, default=str), style, aliases())
        assert tokens is None or isinstance(tokens, Tokens)
