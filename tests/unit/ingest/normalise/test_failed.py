"""How a span failed, where a client says more than that."""

from typing import Any

import pytest

from assay_server.core.records import Span
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser

TRACE = "Traceback (most recent call last):\n  File …\nValueError: ß\n"
WHOLE = f"ValueError('ß')\n\n{TRACE}"


def failed(scope: str, message: str, events: list[dict[str, Any]]) -> Span:
    span = Span("prj_a", "t", "s", None, "f", "span", 0, 1)
    span.scope, span.status, span.status_message, span.events = scope, "error", message, events
    Normaliser(aliases()).fill(span)
    return span


def test_langsmith_puts_a_stack_trace_behind_the_error_which_stays_as_an_attribute() -> None:
    span = failed("langsmith", WHOLE, [])
    assert (span.status_message, span.attributes) == ("ValueError('ß')", {"exception.stacktrace": WHOLE})


def test_where_an_event_has_it_it_stands_once() -> None:
    """LangSmith's spans over OTLP."""
    event = {"name": "exception", "time_ns": 1, "attributes": {"exception.message": WHOLE}}
    span = failed("langsmith", WHOLE, [event])
    assert (span.status_message, span.attributes, span.events) == ("ValueError('ß')", {}, [event])


@pytest.mark.parametrize(("scope", "message"), [("langsmith", "quota"), ("langsmith", TRACE), ("shop", WHOLE)])
def test_any_other_error_is_what_was_sent(scope: str, message: str) -> None:
    span = failed(scope, message, [])
    assert (span.status_message, span.attributes) == (message, {})
