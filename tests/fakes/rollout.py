"""A channel, a world of users and an incident book for canaries: real behaviour, no other room."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Conflict, NotFound, Refused
from assay_server.core.records import Arm
from assay_server.ledger import Ledger, tables
from assay_server.registry import Standing
from assay_server.rollout import Canaries, Exposure, Plan, Record, Subject, UnitScore, Watched, Window
from tests.fixtures.ledger import PROJECT

SECOND = 1_000_000_000


@dataclass
class FakeClock:
    """Goes on only when told to."""

    ns: int = 1_790_000_000 * SECOND

    def now_ns(self) -> int:
        return self.ns

    def pass_(self, seconds: float) -> None:
        self.ns += int(seconds * SECOND)


@dataclass
class FakeChannels:
    """One channel; idempotent by canary and step, strict about everything else."""

    live: str | None = "rel_a"
    canary: str | None = None
    candidate: str | None = None
    share: float = 0
    gated: bool = True
    history: list[tuple[str, str, float]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    reasons: list[str] = field(default_factory=list)
    done: set[tuple[str, str | int]] = field(default_factory=set)

    async def standing(self, project: str, channel: str) -> Standing:
        if channel != "production":
            raise NotFound(field="channel", value=channel)
        return Standing(self.live, self.canary, self.candidate, self.share)

    async def get(self, project: str, channel: str) -> Mapping[str, Any]:
        return {"history": self.events[::-1]}

    async def begin(
        self, project: str, channel: str, *, canary: str, candidate: str, share: float, by: str, reason: str
    ) -> None:
        if not self.gated:
            raise Refused("no passing verdict", field="release", value=candidate)
        if self._new(canary, 0, self.canary in (None, canary)):
            self.canary, self.candidate, self.share = canary, candidate, share
            self.history.append(("canary_start", by, share))
            self.events.append({"at": rfc3339(self.clock.ns), "canary": canary, "step": 0})
            self.reasons.append(reason)

    async def advance(
        self, project: str, channel: str, *, canary: str, step: int, share: float, by: str, reason: str
    ) -> None:
        if self._new(canary, step, self.canary == canary):
            assert share > self.share
            self.share = share
            self.history.append(("canary_step", by, share))
            self.events.append({"at": rfc3339(self.clock.ns), "canary": canary, "step": step})
            self.reasons.append(reason)

    async def finish(self, project: str, channel: str, *, canary: str, outcome: str, by: str, reason: str) -> None:
        if self._new(canary, "end", self.canary == canary):
            self.live = self.candidate if outcome == "promote" else self.live
            self.canary = self.candidate = None
            self.share = 0
            self.history.append((f"canary_{outcome}", by, 0))
            self.reasons.append(reason)

    def changed_by_hand(self, release: str) -> None:
        self.live, self.canary, self.candidate, self.share = release, None, None, 0

    def _new(self, canary: str, what: str | int, allowed: bool) -> bool:
        if (canary, what) in self.done:
            return False
        if not allowed:
            raise Conflict("another canary, or none", field="canary", value=canary)
        self.done.add((canary, what))
        return True


def scrub(text: str) -> tuple[str, list[str]]:
    """Knows one address."""
    return text.replace("ann@example.com", "[EMAIL_ADDRESS]"), ["EMAIL_ADDRESS"]


@dataclass
class FakeReleases:
    known: Sequence[str] = ("rel_a", "rel_b")

    async def id_of(self, project: str, ref: str) -> str:
        if ref not in self.known:
            raise NotFound(field="release", value=ref)
        return ref

    async def differences(self, project: str, before: str, after: str) -> Mapping[str, Any]:
        summary = "retrieval index version changed from 2026-11 to 2025-02."
        return {"summary": summary, "changes": [{"part": "retrieval_config.index_version", "kind": "value"}]}


@dataclass
class FakeIncidents:
    opened: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0

    async def __call__(self, project: str, *, key: str, **incident: Any) -> str:
        self.calls += 1
        self.opened.setdefault(key, incident)
        return f"inc_{key}"


@dataclass
class Call:
    unit: str
    arm: Arm
    at_ns: int
    scores: dict[str, float]
    error: bool = False
    canary: str | None = None


@dataclass
class World:
    """Users who ask and judge; arms follow a sticky bucket and the channel's share of the moment."""

    channels: FakeChannels
    clock: FakeClock
    seed: int = 0
    calls: list[Call] = field(default_factory=list)
    arrivals: int = 0
    buckets: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def ask(
        self,
        unit: str,
        *,
        good: Mapping[str, float],
        score: str | None = "user_feedback",
        failing: Mapping[str, float] | None = None,
        level: float = 0.0,
    ) -> Call:
        """One call of one user; `good`: chance of a thumb up by arm, `failing`: of an error."""
        bucket = self.buckets.setdefault(unit, self.rng.random())
        arm: Arm = "candidate" if self.channels.canary and bucket < self.channels.share / 100 else "baseline"
        self.clock.pass_(1)
        thumb = float(self.rng.random() < good[arm] + level)
        error = self.rng.random() < (failing or {}).get(arm, 0.0)
        call = Call(unit, arm, self.clock.ns, {score: thumb} if score else {}, error, self.channels.canary)
        self.calls.append(call)
        return call

    def new_users(self, n: int, **how: Any) -> None:
        for _ in range(n):
            self.arrivals += 1
            self.ask(f"user-{self.arrivals}", **how)

    async def exposures(self, of: Subject, windows: Sequence[Window]) -> list[list[Exposure]]:
        return [self._exposures(of.canary, window) for window in windows]

    async def scores(self, of: Subject, name: str, windows: Sequence[Window]) -> list[list[UnitScore]]:
        return [self._scores(of.canary, name, window) for window in windows]

    async def arms(self, of: Subject) -> Mapping[str, Mapping[str, float | None]]:
        counts = {arm: float(sum(call.arm == arm for call in self.calls)) for arm in ("baseline", "candidate")}
        return {arm: {"traces": n, "cost": None} for arm, n in counts.items() if n}

    def _exposures(self, canary: str, window: Window) -> list[Exposure]:
        found: dict[tuple[str, Arm], list[Call]] = {}
        for call in self._within(canary, window):
            found.setdefault((call.unit, call.arm), []).append(call)
        return [
            Exposure(user, arm, calls[0].at_ns, len(calls), sum(call.error for call in calls))
            for (user, arm), calls in found.items()
        ]

    def _scores(self, canary: str, name: str, window: Window) -> list[UnitScore]:
        found: dict[tuple[str, Arm], list[float]] = {}
        for call in self._within(canary, window):
            if name in call.scores:
                found.setdefault((call.unit, call.arm), []).append(call.scores[name])
        return [UnitScore(user, arm, len(v), sum(v) / len(v)) for (user, arm), v in found.items()]

    def _within(self, canary: str, window: Window) -> list[Call]:
        until = window.until_ns or self.clock.ns + 1
        return [c for c in self.calls if c.canary == canary and window.since_ns <= c.at_ns < until]


FEEDBACK = Watched("user_feedback", 0.05)


@dataclass
class Stage:
    """All of the above around one room."""

    ledger: Ledger
    clock: FakeClock
    channels: FakeChannels
    incidents: FakeIncidents
    releases: FakeReleases
    world: World
    canaries: Canaries

    async def begin(self, plan: Plan | None = None) -> Record:
        plan = plan or Plan(scores=(FEEDBACK,), min_units=40)
        return await self.canaries.start(
            PROJECT, channel="production", release="rel_b", plan=plan, by="user:ann", reason="try B"
        )

    async def live(self, canary: Record, *, users: int = 40, rounds: int = 80, **how: Any) -> Record:
        """New users and a look, until it has ended, or the rounds are used up."""
        record = canary
        for _ in range(rounds):
            self.world.new_users(users, **how)
            record = await self.canaries.tick(PROJECT, canary.id)
            if record.status != "running":
                break
        return record

    def again(self) -> Canaries:
        """The room of a process that has just been started."""
        return Canaries(self.ledger, self.channels, self.releases, self.world, self.incidents, self.clock, scrub)


def add_releases(connection: Connection) -> None:
    """The two releases that the canary's row refers to."""
    for letter in "ab":
        connection.execute(
            tables.registry.releases.insert().values(
                id=f"rel_{letter}",
                project=PROJECT,
                name="assistant",
                version=ord(letter),
                content_hash=f"sha256:{letter}",
                prompts={},
                model="local/tiny-2026-01-01",
                parameters={},
                created_ns=0,
                created_by="user:ann",
            )
        )
