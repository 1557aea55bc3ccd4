"""Suites, checks, runs and verdicts."""

from collections.abc import Callable, Sequence
from typing import Any

from assay._calls import (
    Call,
    D_co,
    Json,
    Noun,
    Page,
    Pause,
    endpoint,
    every,
    get,
    in_path,
    items_of,
    without_none,
    write,
)

Rows = list[Json]

_FINISHED = frozenset({"done", "failed", "cancelled"})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


class Suites(Noun[D_co]):
    """Metrics, bars and margins that a gate applies."""

    @endpoint
    def put(
        self,
        name: str,
        metrics: Sequence[Json],
        *,
        alpha: float | None = None,
        min_items: int | None = None,
        max_error_rate: float | None = None,
        description: str | None = None,
    ) -> Call[Json]:
        """Creates or replaces a suite."""
        body = without_none(
            metrics=[*metrics],
            alpha=alpha,
            min_items=min_items,
            max_error_rate=max_error_rate,
            description=description,
        )
        return write("PUT", f"/suites/{in_path(name)}", body)

    @endpoint
    def list(self) -> Call[Rows]:
        """All suites, the built-in `golden` included."""
        return items_of(get("/suites"))


class Checks(Noun[D_co]):
    """The metrics the server knows."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All of them: range, direction, formula, and what each cannot see."""
        return items_of(get("/checks"))


class Runs(Noun[D_co]):
    """Evaluations of a release on a dataset version."""

    @endpoint
    def start(
        self,
        dataset: str,
        *,
        release: str | None = None,
        endpoint: str | None = None,
        recorded: Sequence[Json] | None = None,
        metrics: Sequence[str] | None = None,
        suite: str | None = None,
        concurrency: int | None = None,
        repeats: int | None = None,
    ) -> Call[Json]:
        """Starts a run; it goes on in the server. `endpoint` is the application under test, a URL.

        Without `metrics` those of the `suite` are taken."""
        body = without_none(
            dataset=dataset,
            release=release,
            endpoint=endpoint,
            recorded=None if recorded is None else [*recorded],
            metrics=None if metrics is None else [*metrics],
            suite=suite,
            concurrency=concurrency,
            repeats=repeats,
        )
        return write("POST", "/runs", body)

    @endpoint
    def get(self, run: str) -> Call[Json]:
        """One run with its scores so far."""
        return get(f"/runs/{in_path(run)}")

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of runs, newest first."""
        return get("/runs", limit=limit, cursor=cursor)

    @endpoint
    def wait(self, run: str, progress: Callable[[Json], None] | None = None) -> Call[Json]:
        """Waits until the run has ended, telling `progress` each look; the run as it ended."""
        pause = _FIRST_PAUSE_S
        while True:
            state: Json = yield from get(f"/runs/{in_path(run)}")
            if progress is not None:
                progress(state)
            if state["status"] in _FINISHED:
                return state
            yield Pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    @endpoint
    def items(self, run: str, most: int | None = None) -> Call[Rows]:
        """What was answered and scored, item by item."""
        return every(f"/runs/{in_path(run)}/items", most)

    @endpoint
    def compare(self, a: str, b: str) -> Call[Json]:
        """Two runs side by side, paired by item, differences first."""
        return get(f"/runs/{in_path(a)}/compare/{in_path(b)}")

    @endpoint
    def cancel(self, run: str, reason: str | None = None) -> Call[Json]:
        """Stops a run; what it has scored stays."""
        return write("POST", f"/runs/{in_path(run)}/cancel", without_none(reason=reason))


class Verdicts(Noun[D_co]):
    """The decisions of gates."""

    @endpoint
    def create(self, run: str, suite: str, baseline_run: str | None = None) -> Call[Json]:
        """Judges a run, against bars alone or against a baseline's run on the same items."""
        body: dict[str, Any] = without_none(run=run, suite=suite, baseline_run=baseline_run)
        return write("POST", "/verdicts", body)

    @endpoint
    def get(self, verdict: str) -> Call[Json]:
        """One verdict with all its numbers."""
        return get(f"/verdicts/{in_path(verdict)}")

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of verdicts, newest first."""
        return get("/verdicts", limit=limit, cursor=cursor)
