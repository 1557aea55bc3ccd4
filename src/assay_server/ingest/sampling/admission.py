"""What the door does before anything is stored: refuse past a quota, drop and thin out by rule, count.

Nothing of it costs anything where a project has neither quotas nor rules, but one look-up a request.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Protocol

from assay_server.core.records import Event, Facts, Span, Thin
from assay_server.governance import BYTES, DROP, LACKING, SAMPLE, SAMPLED_OUT, SPANS, Policy
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.sampling.policy import KEPT, Labels, Sampler

_project = attrgetter("project")
_ROLL_UPS = ("agent", "chain")

Tally = Sequence[tuple[str, str, int]]
"""(project, what, n): what is to be counted once the facts it tells of are on disk."""


class Admission(Protocol):
    """One for the whole door."""

    def check(self, project: str) -> None:
        """Before a request is decoded. Raises `RateLimited`."""
        ...

    def admit(self, facts: Facts) -> Tally:
        """Before facts are committed: takes out what is dropped, and marks whose content is not kept."""
        ...

    def stored(self, tally: Tally, facts: Facts, *, project: str | None = None, size: int = 0) -> None:
        """After they were committed: counts. `project` and `size` (bytes as they were sent) are known of requests."""
        ...


class Open:
    """Lets everything in and counts nothing: the default."""

    def check(self, project: str) -> None: ...

    def admit(self, facts: Facts) -> Tally:
        return ()

    def stored(self, tally: Tally, facts: Facts, *, project: str | None = None, size: int = 0) -> None: ...


class Checks(Protocol):
    """What `governance.Quotas` does."""

    def check(self, project: str) -> None: ...


class Counted(Protocol):
    """What `governance.Counts` does."""

    def add(self, project: str, what: str, n: int) -> None: ...


class Policies(Protocol):
    """What `governance.Sampling` does."""

    @property
    def policies(self) -> Mapping[str, Policy]: ...


class Records(Protocol):
    """What `LogFates` does."""

    def touched(self, project: str) -> None: ...

    def dropped(self, span: Span) -> None: ...

    def is_dropped(self, event: Event) -> bool: ...


class Doorkeeper:
    """The `Admission` of a running server. `held`: called when content begins to wait for a decision."""

    def __init__(
        self, quotas: Checks, counts: Counted, sampling: Policies, held: Callable[[], None], records: Records
    ) -> None:
        self._quotas = quotas
        self._counts = counts
        self._sampling = sampling
        self._held = held
        self._records = records
        self._labels = Labels(aliases())
        self._compiled: dict[str, Sampler] = {}
        self._of: Mapping[str, Policy] = {}

    def check(self, project: str) -> None:
        self._quotas.check(project)

    def took(self, project: str, size: int) -> None:
        """Bytes that came beside the facts: media."""
        self._counts.add(project, BYTES, size)

    def admit(self, facts: Facts) -> Tally:
        samplers = self._samplers()
        if samplers and facts.events:
            facts.events = [event for event in facts.events if not self._records.is_dropped(event)]
        return self._sample(facts, samplers) if samplers and facts.spans else ()

    def stored(self, tally: Tally, facts: Facts, *, project: str | None = None, size: int = 0) -> None:
        for owner, what, n in tally:
            self._counts.add(owner, what, n)
        for owner, n in Counter(map(_project, facts.spans)).items():
            self._counts.add(owner, SPANS, n)
        thinned = Counter((span.project, span.thin.rule) for span in facts.spans if span.thin and span.thin.rule)
        for (owner, rule), n in thinned.items():
            self._counts.add(owner, SAMPLED_OUT, n)
            self._counts.add(owner, f"{SAMPLE}{rule}", n)
        if project is not None:
            self._counts.add(project, BYTES, size)
        if any(span.thin is not None and span.thin.fate == "waiting" for span in facts.spans):
            self._held()
        for owner in self._with_fates(facts) if self._of else ():
            self._records.touched(owner)

    def _with_fates(self, facts: Facts) -> set[str]:
        """Projects where a log record may have to follow its span, from what was just stored."""
        of_events = {event.project for event in facts.events if event.trace_id is not None}
        return (of_events & self._of.keys()) | {span.project for span in facts.spans if span.thin is not None}

    def _samplers(self) -> Mapping[str, Sampler]:
        policies = self._sampling.policies
        if policies is not self._of:
            self._of = policies
            self._compiled = {project: Sampler(policy) for project, policy in policies.items()}
        return self._compiled

    def _sample(self, facts: Facts, samplers: Mapping[str, Sampler]) -> Tally:
        kept: list[Span] = []
        counted: Counter[tuple[str, str]] = Counter()
        dropped: set[tuple[str, str | None, str | None]] = set()
        for span in facts.spans:
            sampler = samplers.get(span.project)
            judged = KEPT if sampler is None else sampler.judge(span)
            if judged.fate == "dropped":
                counted[span.project, f"{DROP}{judged.rule}"] += 1
                for what, n in _missing(span):
                    counted[span.project, f"{what}{judged.rule}"] += n
                dropped.add((span.project, span.trace_id, span.span_id))
                self._records.dropped(span)
                continue
            kept.append(span)
            if judged.fate != "kept":
                rule = judged.rule if judged.fate == "sampled_out" else None
                span.thin = Thin(judged.fate, self._labels.of(span), rule)
        facts.spans = kept
        if dropped:
            scores = facts.scores
            facts.scores = [one for one in scores if (one.project, one.trace_id, one.span_id) not in dropped]
        return [(project, what, n) for (project, what), n in counted.items()]


def _missing(span: Span) -> Iterator[tuple[str, int]]:
    """What the sums of costs will lack, so that it can be told. Agents and chains sum up what the calls inside say."""
    tokens = None if span.tokens is None else span.tokens.total
    if span.kind in _ROLL_UPS or (tokens is None and span.cost is None):
        return
    yield LACKING["calls"], 1
    yield LACKING["tokens"], tokens or 0
    if span.cost is None:
        yield LACKING["unknown"], 1
    else:
        yield LACKING["nano_usd"], round(span.cost * 1e9)
