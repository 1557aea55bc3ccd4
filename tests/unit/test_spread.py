"""Tests of a file are given to one worker: otherwise each makes what they share, and nobody notices but the clock."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.fixtures.spread import ByFile


class Worker:
    """What a scheduler sees of one."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.given: list[int] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.given += numbers

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.fixture
def scheduler() -> Any:
    config = SimpleNamespace(option=SimpleNamespace(loadscopereorder=True), getvalue=lambda name: ["popen", "popen"])
    return ByFile(config)


def _spread(scheduler: Any, tests: list[str]) -> list[list[str]]:
    """What each of two workers is given until nothing is left, the first one always being the quicker one."""
    workers = [Worker("gw0"), Worker("gw1")]
    for worker in workers:
        scheduler.add_node(worker)
    for worker in workers:
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    for worker in workers:
        for number in worker.given:  # grows meanwhile
            scheduler.mark_test_complete(worker, number)
    assert scheduler.tests_finished
    return [[tests[number] for number in worker.given] for worker in workers]


def test_a_file_is_one_workers(scheduler: Any) -> None:
    tests = [f"tests/unit/test_{file}.py::test_{number}[a/b::c]" for file in "abcd" for number in range(5)]
    one, other = _spread(scheduler, tests)
    assert sorted(one + other) == tests
    assert {test.split("::")[0] for test in one}.isdisjoint(test.split("::")[0] for test in other)
    assert one != []
    assert other != []


def test_files_that_share_the_vectors_of_a_corpus_are_one_workers(scheduler: Any) -> None:
    examples = [f"tests/integration/examples/test_{file}.py::test_it" for file in "abc"]
    one, other = _spread(scheduler, [*examples, "tests/unit/test_a.py::test_it", "tests/unit/test_b.py::test_it"])
    assert sorted(one)[:3] == examples or sorted(other)[:3] == examples


def test_files_come_in_the_order_in_which_they_are_collected(scheduler: Any) -> None:
    """Those of the first folders take minutes for a few tests: they must not be what is left to the end."""
    long = ["tests/acceptance/test_long.py::test_it"]
    short = [f"tests/unit/test_short{file}.py::test_{number}" for file in range(5) for number in range(9)]
    one, other = _spread(scheduler, [*long, *short])
    assert (one[0], other[0]) == (long[0], short[0])
