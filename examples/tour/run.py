"""Runs the six steps and says what happened."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp

import assay
from examples.tour import canary, ending, evaluate, observe
from examples.tour.children import DidNotStart, child
from examples.tour.context import Tour
from examples.tour.expect import NotAsExpected
from examples.tour.screen import Screen

STEPS: tuple[tuple[str, str, Callable[[Tour], Awaitable[None]]], ...] = (
    ("Observe", "200 questions, traced from end to end", observe.observe),
    ("Evaluate", "a golden set of 80 items against release A", evaluate.evaluate),
    ("Release", "A passes its bars and goes live", evaluate.release),
    ("Gate", "a bad change is refused, a good one passes, eight items are not enough", evaluate.gate),
    ("Canary", "users decide: C is promoted, D is rolled back by the machine", canary.canary),
    ("Undo", "one command puts the earlier release back", canary.undo),
)

_PATIENCE_S = 180  # for one answer, on a machine that does much else


async def run(url: str, key: str, work: Path, *, once: bool) -> int:
    """The exit code: 0 when every step did what it should, else 1. Without `once` it serves until cancelled."""
    screen = Screen()
    went_well = False
    try:
        async with _tour(url, key, work, screen) as tour:
            went_well = await _steps(tour)
            if went_well:
                await ending.tell(tour)
            if not once:
                screen.paragraph("The server and the support service keep running. Ctrl-C ends them.")
                await asyncio.Event().wait()
    except* (DidNotStart, assay.AssayError) as group:
        screen.failed(str(_first(group)))
    return 0 if went_well else 1


async def _steps(tour: Tour) -> bool:
    """Whether all steps did what they should; the later ones rest on the earlier, so the first fault ends the tour."""
    for number, (name, about, step) in enumerate(STEPS, 1):
        tour.screen.step(number, name, about)
        fault: BaseException | None = None
        try:
            await step(tour)
        except* (NotAsExpected, assay.AssayError, aiohttp.ClientError, TimeoutError) as group:
            fault = _first(group)
        if fault is not None:
            said = str(fault) or f"nothing answered within {_PATIENCE_S} s; is the machine busy?"
            tour.screen.failed(f"Step {number}, {name}, did not do what it should. {type(fault).__name__}: {said}")
            return False
    return True


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Workers fail together; the first says enough."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


@contextlib.asynccontextmanager
async def _tour(url: str, key: str, work: Path, screen: Screen) -> AsyncIterator[Tour]:
    """The processes, connections and clients of a tour, ended with it."""
    assay.init(url, key, service="tour", environment="tour")
    screen.say(f"Starting the small LLM, the extractive answerer and the support service; logs in {work}")
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(assay.AsyncClient(url, key))
        await client.info()
        children = await _children(stack, url, key, work)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE_S)))
        stack.callback(assay.shutdown)
        providers = {"extractive": f"{children['answerer']}/v1", "local": f"{children['llm']}/v1"}
        yield Tour(url, key, children["service"], providers, client, http, screen)


async def _children(stack: contextlib.AsyncExitStack, url: str, key: str, work: Path) -> dict[str, str]:
    """Addresses of the three processes, started side by side."""
    # One thread for linear algebra: on few cores more of them wait for each other.
    quiet = {"OPENBLAS_NUM_THREADS": "1"}
    starting = {
        "llm": child(work / "llm.log", "assay_server.providers.local_llm", "--follow-stdin"),
        "answerer": child(
            work / "answerer.log", "examples.support.extractive", "--cache", str(work / "answerer.npz"), **quiet
        ),
        "service": child(
            work / "service.log", "examples.support.app", "--cache", str(work / "service.npz"),
            **quiet, ASSAY_URL=url, ASSAY_API_KEY=key,
        ),
    }  # fmt: skip
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(stack.enter_async_context(each)) for name, each in starting.items()}
    return {name: task.result()["url"] for name, task in tasks.items()}
