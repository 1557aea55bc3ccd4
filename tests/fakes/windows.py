"""Figures made by a function of the window and the group, instead of by a store."""

from collections.abc import Callable, Mapping, Sequence

from assay_server.query import Figure, Metric, Window

Make = Callable[[Window, str], tuple[int, float | None] | None]
"""(n, value) of a window and group; None where there is no data."""


class FakeWindows:
    """`make` may be replaced while a test goes on; `asked` counts the questions."""

    def __init__(self, make: Make, groups: Sequence[str] = ("",)) -> None:
        self.make = make
        self.groups = groups
        self.asked = 0
        self.late: Callable[[int, int, int], int] = lambda since, until, told: 0

    async def figures(
        self,
        project: str,
        metric: Metric,
        windows: Sequence[Window],
        *,
        narrow: Mapping[str, Sequence[str]] | None = None,
        group_by: str | None = None,
    ) -> list[Figure]:
        self.asked += 1
        found = []
        for window in windows:
            for group in self.groups:
                made = self.make(window, group)
                if made is not None:
                    found.append(Figure(window, group, made[0], made[1], None, 0))
        return found

    async def came_late(self, project: str, windows: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
        found = {(since, until): self.late(since, until, told) for since, until, told in windows}
        return {edges: n for edges, n in found.items() if n}
