"""What a check sees and what it says. A guard and a scorer have this one shape and differ in latency class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Direction = Literal["higher", "lower"]
LatencyClass = Literal["instant", "model"]


@dataclass(slots=True, frozen=True)
class Sample:
    """One answer and all that is known about it. None is *unknown* throughout."""

    input: str
    output: str
    expected: str | None = None
    contexts: Sequence[Mapping[str, Any]] = ()  # {id, text, score}, best first
    metadata: Mapping[str, Any] = field(default_factory=dict)  # of the dataset item: answerable, documents, …
    output_schema: Mapping[str, Any] | None = None  # JSON Schema of the release
    latency_ms: float | None = None
    cost: float | None = None  # USD


@dataclass(slots=True, frozen=True)
class Outcome:
    """Exactly one of `value`, `error` and `skipped` is set. Errors and skips are counted, never averaged in as 0.

    `skipped` says why the check does not apply to this sample; `error` why it applies and yet failed.
    """

    value: float | None = None
    label: str | None = None
    reason: str | None = None
    error: str | None = None
    skipped: str | None = None


@dataclass(slots=True, frozen=True)
class About:
    """A check's page: everything that someone must know before they put a bar on it."""

    describes: str
    formula: str
    cannot_see: str
    range: tuple[float | None, float | None] = (0.0, 1.0)
    direction: Direction = "higher"
    unit: str | None = None


class Check(Protocol):
    """`version` changes whenever the same sample could get another value."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def latency_class(self) -> LatencyClass: ...

    @property
    def about(self) -> About: ...

    async def check(self, sample: Sample) -> Outcome: ...
