"""Reads what a rule needs and lets it judge: one finding for each group that has data, or had."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from assay_server.core.errors import InvalidInput
from assay_server.monitors import judge
from assay_server.monitors.absence import Absences, doubted
from assay_server.monitors.baseline import Past
from assay_server.monitors.definition import DAY_S, Definition
from assay_server.monitors.finding import Finding, subject_of
from assay_server.monitors.judge import BURNS, Seen
from assay_server.notify import zone_of
from assay_server.query import Figure, Metric, Window, Windows, unit_of

_SECOND = 1_000_000_000
_WEEK_NS = 7 * DAY_S * _SECOND

_Groups = Mapping[str, Mapping[Window, Figure]]


class Looker:
    """Looks at one moment, past or present: the same moment gives the same findings over the same facts."""

    def __init__(self, windows: Windows, absences: Absences | None = None) -> None:
        """`absences`: when the server was away, so that what did not come then is not held against anybody."""
        self._windows = windows
        self._absences = absences or Absences()

    async def look(self, project: str, definition: Definition, at_ns: int, known: Sequence[str] = ()) -> list[Finding]:
        """Findings for the window that ends at `at_ns`; `known`: groups seen before, which get one in any case."""
        [findings] = await self.looks_in_any_case(project, definition, [at_ns], known)
        return findings

    async def looks_in_any_case(
        self, project: str, definition: Definition, moments: Sequence[int], known: Sequence[str] = ()
    ) -> list[list[Finding]]:
        """As `looks`; a question that the facts cannot answer leaves all unknown, and the finding says why."""
        try:
            return await self.looks(project, definition, moments, known)
        except InvalidInput as refused:
            # Groups in trouble keep what they said.
            groups = [""] if definition.group_by is None else sorted({*known, ""})
            return [
                [_unanswered(definition, group, _needed(definition, at_ns)[0], refused) for group in groups]
                for at_ns in moments
            ]

    async def looks(
        self, project: str, definition: Definition, moments: Sequence[int], known: Sequence[str] = ()
    ) -> list[list[Finding]]:
        """As `look` at each of the moments, with one reading of the facts: windows that moments share are read once.

        Raises `InvalidInput` for a question that they cannot answer.
        """
        needed = [_needed(definition, at_ns) for at_ns in moments]
        windows = list(dict.fromkeys(window for each in needed for window in each))
        metric = Metric("count") if definition.rule.kind == "missing" else definition.metric
        figures = await self._windows.figures(
            project, metric, windows, narrow=definition.filter, group_by=definition.group_by
        )
        by_group = _grouped(figures)
        if definition.group_by is None:
            known = ("",)
        return [
            [self._doubted(definition, finding) for finding in _judged(definition, at_ns, _of(by_group, each, known))]
            for at_ns, each in zip(moments, needed, strict=True)
        ]

    def _doubted(self, definition: Definition, finding: Finding) -> Finding:
        return doubted(definition, finding, self._absences.within(finding.window))


def _unanswered(definition: Definition, group: str, window: Window, refused: InvalidInput) -> Finding:
    subject = subject_of(definition, group)
    sentence = f"{subject[0].upper()}{subject[1:]} is not known: {refused}"
    return Finding(group, "unknown", 0, None, window, sentence, unit=unit_of(definition.metric))


def _needed(definition: Definition, at_ns: int) -> list[Window]:
    """The window that is judged first; behind it those it is judged against."""
    now = _window(definition, at_ns)
    kind = definition.rule.kind
    if kind == "burn":
        return list(_burns(at_ns))
    if kind == "missing":
        return [now, _week_before(now)]
    return [now, *_earlier(definition, at_ns)]


def _judged(definition: Definition, at_ns: int, groups: _Groups) -> list[Finding]:
    kind = definition.rule.kind
    if kind == "burn":
        lengths = _burns(at_ns)
        return [
            judge.burn(definition, group, {lengths[window]: figure for window, figure in found.items()}, at_ns)
            for group, found in groups.items()
        ]
    now = _window(definition, at_ns)
    if kind == "missing":
        return [_missing(definition, group, now, found) for group, found in groups.items()]
    earlier = _earlier(definition, at_ns)
    rule = judge.change if kind == "change" else judge.threshold
    return [rule(definition, _seen(group, now, found, earlier)) for group, found in groups.items()]


def _missing(definition: Definition, group: str, now: Window, found: Mapping[Window, Figure]) -> Finding:
    """Groups of the week before are expected to go on."""
    before = found.get(_week_before(now))
    return judge.missing(definition, Seen(group, now, found.get(now)), 0 if before is None else before.n)


def _seen(group: str, now: Window, found: Mapping[Window, Figure], earlier: Mapping[Window, int]) -> Seen:
    past = [
        Past(days_ago, figure.value, figure.n)
        for window, days_ago in earlier.items()
        if (figure := found.get(window)) is not None and figure.value is not None
    ]
    return Seen(group, now, found.get(now), past)


def _window(definition: Definition, at_ns: int) -> Window:
    return Window(at_ns - definition.window_s * _SECOND, at_ns)


def _week_before(now: Window) -> Window:
    return Window(now.since_ns - _WEEK_NS, now.since_ns)


def _earlier(definition: Definition, at_ns: int) -> dict[Window, int]:
    """The same window on earlier days, with how many days ago, where the rule asks for them: as the wall clock there
    shows it, so that people come to work at the same hour when the clocks have changed."""
    rule = definition.rule
    if rule.kind != "change":
        return {}
    seconds, rest = divmod(at_ns, _SECOND)
    wall = datetime.fromtimestamp(seconds, zone_of(rule.time_zone, "rule.time_zone"))
    days = range(1, (rule.days or 0) + 1)
    return {_window(definition, int((wall - timedelta(day)).timestamp()) * _SECOND + rest): day for day in days}


def _burns(at_ns: int) -> dict[Window, int]:
    lengths = sorted({seconds for long, short, _ in BURNS for seconds in (long, short)})
    return {Window(at_ns - seconds * _SECOND, at_ns): seconds for seconds in lengths}


def _grouped(figures: Sequence[Figure]) -> dict[str, dict[Window, Figure]]:
    groups: dict[str, dict[Window, Figure]] = {}
    for figure in figures:
        groups.setdefault(figure.group, {})[figure.window] = figure
    return dict(sorted(groups.items()))


def _of(groups: _Groups, windows: Sequence[Window], known: Sequence[str]) -> _Groups:
    """What stands in the windows: the groups that have anything in them, and those that are known."""
    found: dict[str, Mapping[Window, Figure]] = {group: {} for group in known}
    for group, figures in groups.items():
        mine = {window: figures[window] for window in windows if window in figures}
        if mine:
            found[group] = mine
    return dict(sorted(found.items()))
