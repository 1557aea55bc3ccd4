"""What evals needs from the rooms below: a method or two each, so that a test's fake is a real class of a few lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class DatasetReader(Protocol):
    """Dataset versions by reference (`id`, `name@version`, `name`), in the shapes of the REST API. Raises NotFound."""

    async def get(self, project: str, ref: str) -> Mapping[str, Any]: ...

    async def items(self, project: str, ref: str) -> Sequence[Mapping[str, Any]]: ...


class ReleaseReader(Protocol):
    """Releases by reference, in the shape of the REST API. Raises NotFound."""

    async def get(self, project: str, ref: str) -> Mapping[str, Any]: ...


class VerdictBook(Protocol):
    """Where verdicts are recorded; returns the verdict with its id, time and author."""

    async def record(self, project: str, actor: str, verdict: Mapping[str, Any]) -> Mapping[str, Any]: ...


@dataclass(slots=True, frozen=True)
class Scored:
    """What a metric said about one answer: exactly one of `value` and `error`."""

    value: float | None = None
    error: str | None = None
    reason: str | None = None


@dataclass(slots=True, frozen=True)
class Answered:
    """A stored run item with its scores, read back."""

    item: str
    repeat: int
    input: str | None
    output: str | None
    expected: str | None
    contexts: Sequence[Mapping[str, Any]]
    error: str | None
    trace_id: str | None
    latency_ms: float | None
    cost: float | None
    cluster: str | None
    scores: Mapping[str, Scored] = field(default_factory=dict)


class RunFacts(Protocol):
    """The run's answers with their scores, in any order; each (item, repeat) once."""

    async def answered(self, project: str, run: str) -> Sequence[Answered]: ...

    async def costs(self, project: str, run: str) -> Mapping[str, float | None]:
        """What each trace of the run cost in USD; None where a price is unknown.

        Traces in which no model call has been seen (yet) are absent.
        """
        ...
