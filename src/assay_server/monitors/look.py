"""Reads what a rule needs and lets it judge: one finding for each group that has data, or had."""

from collections.abc import Sequence

from assay_server.monitors import judge
from assay_server.monitors.baseline import Past
from assay_server.monitors.definition import DAY_S, Definition
from assay_server.monitors.finding import Finding
from assay_server.monitors.judge import BURNS, Seen
from assay_server.query import Figure, Metric, Window, Windows

_SECOND = 1_000_000_000
_WEEK_NS = 7 * DAY_S * _SECOND


class Looker:
    """Looks at one moment, past or present: the same moment gives the same findings over the same facts."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    async def look(self, project: str, definition: Definition, at_ns: int, known: Sequence[str] = ()) -> list[Finding]:
        """Findings for the window that ends at `at_ns`; `known`: groups seen before, which get one in any case."""
        known = known if definition.group_by else ("",)
        kind = definition.rule.kind
        if kind == "burn":
            return await self._burn(project, definition, at_ns, known)
        if kind == "missing":
            return await self._missing(project, definition, at_ns)
        now = _window(definition, at_ns)
        days = range(1, (definition.rule.days or 0) + 1) if kind == "change" else ()
        earlier = {_window(definition, at_ns - day * DAY_S * _SECOND): day for day in days}
        figures = await self._figures(project, definition, definition.metric, [now, *earlier])
        by_group = _grouped(figures, known)
        rule = judge.change if kind == "change" else judge.threshold
        return [rule(definition, _seen(group, now, found, earlier)) for group, found in by_group.items()]

    async def _missing(self, project: str, definition: Definition, at_ns: int) -> list[Finding]:
        """Groups of the week before are expected to go on."""
        now = _window(definition, at_ns)
        before = Window(now.since_ns - _WEEK_NS, now.since_ns)
        figures = await self._figures(project, definition, Metric("count"), [now, before])
        by_group = _grouped(figures, () if definition.group_by else ("",))
        found = []
        for group, mine in by_group.items():
            at = {figure.window: figure for figure in mine}
            count = at[before].n if before in at else 0
            found.append(judge.missing(definition, Seen(group, now, at.get(now)), count))
        return found

    async def _burn(self, project: str, definition: Definition, at_ns: int, known: Sequence[str]) -> list[Finding]:
        lengths = sorted({seconds for long, short, _ in BURNS for seconds in (long, short)})
        windows = {Window(at_ns - seconds * _SECOND, at_ns): seconds for seconds in lengths}
        figures = await self._figures(project, definition, definition.metric, list(windows))
        by_group = _grouped(figures, known)
        return [
            judge.burn(definition, group, {windows[figure.window]: figure for figure in mine}, at_ns)
            for group, mine in by_group.items()
        ]

    async def _figures(
        self, project: str, definition: Definition, metric: Metric, windows: Sequence[Window]
    ) -> list[Figure]:
        return await self._windows.figures(
            project, metric, windows, narrow=definition.filter, group_by=definition.group_by
        )


def _window(definition: Definition, at_ns: int) -> Window:
    return Window(at_ns - definition.window_s * _SECOND, at_ns)


def _grouped(figures: Sequence[Figure], known: Sequence[str]) -> dict[str, list[Figure]]:
    groups: dict[str, list[Figure]] = {group: [] for group in known}
    for figure in figures:
        groups.setdefault(figure.group, []).append(figure)
    return dict(sorted(groups.items()))


def _seen(group: str, now: Window, figures: Sequence[Figure], earlier: dict[Window, int]) -> Seen:
    current = next((figure for figure in figures if figure.window == now), None)
    past = [
        Past(earlier[figure.window], figure.value, figure.n)
        for figure in figures
        if figure.window in earlier and figure.value is not None
    ]
    return Seen(group, now, current, past)
