"""What each client sends, and what we make of it. A golden file per client; both encodings must agree with it.

`span` of a golden file holds every field that differs from an empty span, so a field filled by mistake is seen too.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Span
from assay_server.ingest.limits import DEFAULT
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.ingest.otlp.from_json import decode_json
from assay_server.ingest.otlp.from_proto import decode_proto
from tests.fakes.otlp_requests import a_span, as_json, protobuf

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.json"))
_SENT = {"project", "trace_id", "span_id", "parent_id", "name", "start_ns", "end_ns", "resource", "events", "links"}


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_client_is_understood(file: Path, encoding: str) -> None:
    golden = json.loads(file.read_text())
    span, scores = understood(golden["sent"], encoding)
    assert span == golden["span"]
    assert scores == golden["scores"]


def understood(sent: dict[str, Any], encoding: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    request = a_span(name=sent["name"], status=sent["status"], attributes=sent["attributes"], events=sent["events"])
    make, decode = (protobuf, decode_proto) if encoding == "protobuf" else (as_json, decode_json)
    decoded = decode("prj_a", make(request, scope=sent["scope"], resource=sent["resource"]), DEFAULT)
    assert decoded.reasons == []
    (span,) = decoded.taken
    normaliser = Normaliser(aliases())
    normaliser.unquote([span])
    scores = normaliser.fill(span)
    return _shown(span, sent), [{k: v for k, v in asdict(score).items() if v not in (None, {})} for score in scores]


def _shown(span: Span, sent: dict[str, Any]) -> dict[str, Any]:
    """Every field that is not as in an empty span; messages as values; attributes only where they changed."""
    empty = asdict(Span("", "", "", None, "", "span", 0, 0))
    shown = {k: v for k, v in asdict(span).items() if k not in _SENT and v != empty[k]}
    shown |= {"name": span.name} if span.name != sent["name"] else {}
    attributes = shown.pop("attributes", {})
    changed = {key: value for key, value in attributes.items() if sent["attributes"].get(key) != value}
    gone = sorted(key for key in sent["attributes"] if key not in attributes)
    shown |= {"attributes_changed": changed} if changed else {}
    shown |= {"attributes_gone": gone} if gone else {}
    for name in ("input", "output"):
        if shown.get(name, "")[:1] in {"[", "{"}:
            shown[name] = json.loads(shown[name])
    return shown


def test_there_is_a_golden_file_for_every_family() -> None:
    sent = "".join(file.read_text() for file in GOLDEN)
    for family in (
        "langfuse.",
        "gen_ai.",
        "llm.",
        "mlflow.",
        "traceloop.",
        "ai.",
        "langsmith.",
        "pydantic_ai.",
        "assay.",
    ):
        assert f'"{family}' in sent


def test_only_a_root_is_called_what_its_trace_is_called() -> None:
    named = {"langfuse.trace.name": "support chat"}
    child = a_span(name="search", parent_id="00f067aa0ba902b7", attributes=named)
    (span,) = decode_proto("prj_a", protobuf(child), DEFAULT).taken
    Normaliser(aliases()).fill(span)
    assert (span.name, span.attributes) == ("search", named)
