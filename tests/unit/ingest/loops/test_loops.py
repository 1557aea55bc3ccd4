"""Circles among tool calls: found early, marked at their first cycle, and not seen where there are none."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.core.errors import Busy
from assay_server.core.records import Facts, Span
from assay_server.ingest.loops.loops import Call, LoopWatch, find, gone_on, loop_counted
from assay_server.ingest.loops.sameness import alike, canonical


def calls(*made: str) -> list[Call]:
    """`search:shoes` is the tool `search` with the argument `shoes`."""
    return [Call(at, f"s{at}", *each.split(":", 1)) for at, each in enumerate(made)]


def span(number: int, tool: str = "search", arguments: str = '{"q": "shoes"}', kind: str = "tool") -> Span:
    return Span("prj_a", "t" * 32, f"{number:016x}", None, tool, kind, number, number + 1, input=arguments)  # type: ignore[arg-type]


class KeepingSink:
    def __init__(self, busy: bool = False) -> None:
        self.facts: list[Facts] = []
        self.busy = busy

    async def write(self, facts: Facts) -> None:
        if self.busy:
            raise Busy
        self.facts.append(facts)


def test_the_same_call_three_times_in_a_row_is_a_loop() -> None:
    found = find(calls("plan:x", "search:shoes", "search:shoes", "search:shoes", "answer:y"))
    assert found is not None
    assert (found.tools, found.first, found.spans, found.repeats) == (("search",), ("s1",), ("s1", "s2", "s3"), 3)


def test_a_loop_reaches_as_far_as_its_calls_are_known() -> None:
    in_a_row = find(calls("plan:x", *["search:shoes"] * 7, "answer:y"))
    cycle = find(calls(*["search:x", "read:y"] * 4, "search:x"))
    scattered = find(calls(*(each for number in range(8) for each in ("search:x", f"note:{number}{number}"))))
    assert in_a_row is not None
    assert cycle is not None
    assert scattered is not None
    assert (in_a_row.first, len(in_a_row.spans), in_a_row.repeats) == (("s1",), 7, 7)
    assert (cycle.first, len(cycle.spans), cycle.repeats) == (("s0", "s1"), 9, 4)
    assert (len(scattered.spans), scattered.repeats) == (8, 8)


def test_a_cycle_of_two_calls_is_a_loop_with_its_first_cycle_marked() -> None:
    found = find(calls("a:1", "search:x", "read:y", "search:x", "read:y", "search:x", "read:y"))
    assert found is not None
    assert (found.tools, found.first, found.repeats) == (("search", "read"), ("s1", "s2"), 3)


def test_one_call_five_times_is_a_loop_whatever_comes_between() -> None:
    made = [each for number in range(5) for each in ("search:x", f"note:{number}{number}")]
    found = find(calls(*made))
    assert found is not None
    assert found.spans == ("s0", "s2", "s4", "s6", "s8")
    assert find(calls(*made[:-2])) is None


def test_arguments_may_differ_in_spelling_and_order() -> None:
    made = [
        'search:{"q": "Red shoes", "n": 5}',
        'search:{"n": 5, "q": "red  shoes"}',
        'search:{"q":"red shoes.","n":5}',
    ]
    assert find(calls(*made)) is not None


@pytest.mark.parametrize(
    "made",
    [
        ["search:page 1", "search:page 2", "search:page 3", "search:page 4", "search:page 5"],  # paging
        ["search:red shoes", "search:green hats", "search:blue coats"],
        ["search:x", "search:x"],
        ["search:x", "fetch:x", "read:x"],
        ["calc:2+2", "calc:2-2", "calc:2*2", "calc:2/2"],
        [f'sql:{{"q": "SELECT name FROM users WHERE age {sign} 30"}}' for sign in ("<", ">", "=", "!=")],
        [f'read:{{"path": "/srv/app/src/components/navigation/{name}.tsx"}}' for name in ("menu", "meta", "mesh")],
        [f'fetch:{{"url": "https://docs.example.com/reference/api/{name}"}}' for name in ("users", "usage", "uses")],
        [f'look:{{"department": "customer-support", "customer": "{name}"}}' for name in ("anna", "anne", "hanna")],
        [f"map:The quick brown fox jumps over the lazy dog, chapter {name}" for name in "ABC"],
        [f"move:{dx}" for dx in (5, -5, 5, -5)],
        [],
    ],
)
def test_work_is_no_loop(made: list[str]) -> None:
    assert find(calls(*made)) is None


@given(st.lists(st.sampled_from(["a:1", "b:1", "a:2", "c:"]), max_size=14))
def test_what_is_found_is_there(made: list[str]) -> None:
    found = find(calls(*made))
    if found is None:
        assert all(made[at : at + 3] != [each] * 3 for at, each in enumerate(made))
        assert all(made.count(each) < 5 for each in made)
    else:
        spans = [int(one[1:]) for one in found.spans]
        length = len(found.tools)
        assert all(made[a] == made[b] for a, b in zip(spans, spans[length:], strict=False))
        assert found.repeats >= 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("red shoes in store", "red shoe in store", True),
        ("what is the refund policy?", "What is refund policy", True),
        ('{"n": 2, "q": "Refund policy."}', '{"q":"refund  policy","n":2.0}', True),
        ("red shoes size 41", "red shoes size 42", False),
        ("flights to Rome", "flights from Rome", False),
        ('{"q": "x"}', '{"text": "x"}', False),
        ('{"tags": ["a", "b"]}', '{"tags": ["b", "a"]}', False),
    ],
)
def test_spelling_apart(one: str, other: str, same: bool) -> None:
    assert alike(canonical(one), canonical(other)) is same
    assert alike(canonical(one), canonical(one))


def test_arguments_that_nobody_recorded_are_like_no_others() -> None:
    assert find([Call(at, f"s{at}", "search", None) for at in range(9)]) is None


def test_what_was_scrubbed_of_the_arguments_is_not_known() -> None:
    watch = LoopWatch(KeepingSink())
    for number in range(1, 6):
        masked = span(number, arguments='{"email": "[EMAIL_ADDRESS]"}')
        masked.pii = ["EMAIL_ADDRESS"]
        watch._keep(masked)
    [kept] = watch._traces.values()
    assert find(kept) is None


def test_long_arguments_are_told_apart_to_their_end() -> None:
    watch = LoopWatch(KeepingSink())
    program = "import math\n" * 400
    for number in range(1, 6):
        watch._keep(span(number, arguments=f"{program}print({number})"))
    [kept] = watch._traces.values()
    assert find(kept) is None
    assert find([*kept, kept[-1], kept[-1]]) is not None


def test_a_call_that_two_instruments_told_is_one() -> None:
    calls = [
        Call(at, f"s{at}", "search", f"page {at // 2}", parent_id=f"s{at - 1}" if at % 2 else "root") for at in range(8)
    ]
    assert find(calls) is None
    twice = [Call(at, f"s{at}", "search", "shoes", parent_id=f"s{at - 1}" if at % 2 else "root") for at in range(4)]
    assert find(twice) is None


async def test_a_trace_is_flagged_once_however_its_spans_arrive() -> None:
    sink = KeepingSink()
    watch = LoopWatch(sink)
    for number in range(1, 8):
        await watch.heard(Facts([span(number), span(100 + number, kind="llm")]))
    await watch.close()
    [facts] = sink.facts
    [score] = facts.scores
    assert (score.name, score.value, score.label, score.trace_id) == ("tool_loop", 1.0, "search", "t" * 32)
    assert score.span_id == f"{1:016x}"
    assert score.metadata["first_cycle"] == [f"{1:016x}"]
    assert score.reason == "search was called at least 3 times with the same arguments"


async def test_a_full_queue_does_not_break_ingest() -> None:
    watch = LoopWatch(KeepingSink(busy=True))
    await watch.heard(Facts([span(1), span(2), span(3)]))
    await asyncio.sleep(0)
    await watch.close()


@pytest.mark.parametrize(
    ("made", "repeats", "spans"),
    [
        (["search:x"] * 9 + ["answer:y"], 9, 9),
        (["search:x", "read:y"] * 6 + ["search:x"], 6, 13),
        (["search:x"] * 3 + ["plan:y"] + ["search:x"] * 4, 7, 7),
    ],
)
def test_a_loop_that_was_flagged_is_counted_to_its_end(made: list[str], repeats: int, spans: int) -> None:
    early = find(calls(*made[:6]))
    assert early is not None
    whole = gone_on(early.first, calls(*made))
    assert whole is not None
    assert (whole.first, whole.repeats, len(whole.spans)) == (early.first, repeats, spans)


def test_a_flag_stays_as_it_is_where_the_calls_say_less() -> None:
    flag = {
        "label": "search",
        "reason": "r",
        "metadata": {"first_cycle": ["a"], "spans": ["a", "b", "c"], "repeats": 3},
    }
    row = {"start_ns": 1, "span_id": "a", "parent_id": None, "name": "search", "input": None, "pii": []}
    assert loop_counted(flag, []) == loop_counted(flag, [row]) == flag
    odd = {**flag, "metadata": {"first_cycle": "a", "repeats": "many"}}
    assert loop_counted(odd, [row]) == odd
