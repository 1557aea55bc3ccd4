"""Spans are scrubbed many at once; what is remembered between them never lets anything through."""

import base64

from assay_server.checks.pii import Scrubber
from assay_server.core.records import Span
from assay_server.ingest.scrub import FactScrubber
from tests.unit.ingest.media.test_shelf import WHERE, jpeg, segment

MODEL = "gpt-4o-2024-11-20"  # looks like a telephone number to the one pass


class Counting(Scrubber):
    """Counts the texts that were looked at one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = 0
        self.texts: list[str] = []

    def scrub(self, text: str, before: str = "") -> tuple[str, tuple[str, ...]]:
        self.looked_at += 1
        self.texts.append(text)
        return super().scrub(text, before)


def span_of(**attributes: object) -> Span:
    return Span("prj_a", "t", "s", None, "call", "span", 1, 2, attributes=dict(attributes))


def test_clean_spans_are_not_looked_at_one_by_one() -> None:
    scrubber = Counting()
    FactScrubber(scrubber, frozenset(), b"").spans([span_of(question=f"what is {n}?") for n in range(100)])
    assert scrubber.looked_at == 0


def test_a_name_that_only_looks_like_something_is_looked_at_once() -> None:
    scrubber = Counting()
    facts = FactScrubber(scrubber, frozenset(), b"")
    facts.spans([span_of(model=MODEL)])
    first = scrubber.looked_at
    facts.spans([span_of(model=MODEL) for _ in range(100)])
    assert first > 0
    assert scrubber.looked_at == first


def test_what_is_innocent_under_one_key_is_not_under_another() -> None:
    facts = FactScrubber(Scrubber(), frozenset(), b"")
    facts.spans([span_of(order="5551234567")])
    both = span_of(order="5551234567", phone="5551234567")
    facts.spans([both])
    assert both.attributes == {"order": "5551234567", "phone": "[PHONE_NUMBER]"}
    assert both.pii == ["PHONE_NUMBER"]


def test_a_text_that_comes_again_is_looked_at_once_and_told_of_each_span() -> None:
    """What a step answers is asked of the next, under another name."""
    scrubber = Counting()
    text = "write to ann@example.org about it, " + "and so on " * 20
    spans = [span_of(**{"input.value": text}), span_of(**{"output.value": text}), span_of(**{"input.value": text})]
    FactScrubber(scrubber, frozenset(), b"").spans(spans)
    clean = text.replace("ann@example.org", "[EMAIL_ADDRESS]")
    assert [list(span.attributes.values()) for span in spans] == [[clean]] * 3
    assert [span.pii for span in spans] == [["EMAIL_ADDRESS"]] * 3
    long = [text for text in scrubber.texts if len(text) > 64]
    assert len(long) == 1


def test_a_text_under_a_name_that_tells_is_looked_at_again() -> None:
    number = "the number is 5551234567, " + "and so on " * 20
    spans = [span_of(order=number), span_of(phone=number), span_of(order=number)]
    FactScrubber(Scrubber(), frozenset(), b"").spans(spans)
    assert [span.pii for span in spans] == [[], ["PHONE_NUMBER"], []]


def test_one_span_with_something_in_it_is_found_among_clean_ones() -> None:
    spans = [span_of(question="clean") for _ in range(100)]
    spans[77].attributes["question"] = "write to ann@example.org"
    FactScrubber(Scrubber(), frozenset(), b"").spans(spans)
    assert [n for n, span in enumerate(spans) if span.pii] == [77]
    assert spans[77].attributes == {"question": "write to [EMAIL_ADDRESS]"}


def test_what_is_remembered_is_bounded() -> None:
    facts = FactScrubber(Scrubber(), frozenset(), b"")
    for day in range(6000):
        facts.spans([span_of(model=f"{day:04}-2024-11-20")])
    remembered = facts._innocent.values
    assert 0 < sum(map(len, remembered.values())) <= 4096


def test_a_picture_among_clean_spans_says_nothing_of_where_it_was_made() -> None:
    told = base64.b64encode(jpeg(segment(0xE1, b"Exif" + WHERE))).decode()
    url = {"image_url": {"url": f"data:image/jpeg;base64,{told}"}}
    spans = [span_of(question="what is it?") for _ in range(40)]
    spans[20].attributes = {"gen_ai.input.messages": f'[{{"content": "{told}"}}]', "input": [url]}
    FactScrubber(Scrubber(), frozenset(), b"").spans(spans)
    plain = base64.b64encode(jpeg()).decode()
    assert spans[20].attributes["gen_ai.input.messages"] == f'[{{"content": "{plain}"}}]'
    assert spans[20].attributes["input"] == [{"image_url": {"url": f"data:image/jpeg;base64,{plain}"}}]
    assert spans[20].pii == []
