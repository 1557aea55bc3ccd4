"""Of which sets of names spans are that can have an attribute (`store/key_sets.py`): all others are not read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay_server.store import ANY_NAMES, Limits, Store, alike

ONE_OF_SETS = "key_set IN (SELECT unnest(?::UBIGINT[]))"
"""As values, not as a subquery or constants: only so the engine passes over all others before it reads attributes."""

ATTRIBUTE = "attribute:"

OF_PROVIDERS = "of providers"
NAMES_OF_PROVIDERS = ("http.route", "span.kind")
"""What a span has whose route may be a provider's own, and no endpoint: hardly any, and `span.kind` is dear to read."""

KeySets = Mapping[str, Sequence[int]]
"""By `attribute:<key>`: of which sets spans are that can say it. `OF_PROVIDERS`: where endpoints are asked for."""

_FEW = 5
_ARE_FEW = (
    f"SELECT {_FEW} * count(*) FILTER ({ONE_OF_SETS}) < count(*) AS few FROM spans"  # noqa: S608
    " WHERE project = ? AND start_ns >= ? AND start_ns < ?"
)

_ALL_NAMES = "SELECT key FROM key_sets WHERE project = ? AND list_has_all(names, ?::VARCHAR[])"
_BEGINNING = (
    "SELECT key FROM key_sets WHERE project = ? AND len(list_filter(names, lambda name: starts_with(name, ?))) > 0"
)
_MAY_HAVE_ANY = f"SELECT 1 AS one FROM spans WHERE key_set = {ANY_NAMES} AND project = ? LIMIT 1"  # noqa: S608
_SETS = Limits(rows=2_000_000, seconds=30)


async def sets_with(store: Store, project: str, names: Sequence[str]) -> list[int]:
    """Those of a span that has all of these attributes."""
    rows = await store.scan(_ALL_NAMES, [project, [alike(name) for name in names]], limits=_SETS)
    return [ANY_NAMES, *(row["key"] for row in rows)]


async def without_any(store: Store, project: str, names: Iterable[str]) -> set[str]:
    """Those attributes that no span has; none where there are spans that may have any."""
    asked = set(names)
    if not asked or await store.scan(_MAY_HAVE_ANY, [project]):
        return set()
    return {name for name in asked if await sets_with(store, project, [name]) == [ANY_NAMES]}


async def sets_beginning(store: Store, project: str, prefix: str) -> list[int]:
    """Those of a span that has some attribute whose name begins so."""
    rows = await store.scan(_BEGINNING, [project, prefix], limits=_SETS)
    return [row["key"] for row in rows]


async def sets_of(store: Store, project: str, names: Iterable[str | None]) -> dict[str, Sequence[int]]:
    """Of those of `names` that are attributes, and of what tells of endpoints."""
    asked = {name for name in names if name is not None}
    wanted = {name: [name.removeprefix(ATTRIBUTE)] for name in sorted(asked) if name.startswith(ATTRIBUTE)}
    if "endpoint" in asked:
        wanted[OF_PROVIDERS] = [*NAMES_OF_PROVIDERS]
    return {name: await sets_with(store, project, keys) for name, keys in wanted.items()}


async def few_of(store: Store, key_sets: KeySets, edges: Sequence[Any]) -> KeySets:
    """Those of which spans are less than a fifth of all between the edges (project, since, until): it is quicker to
    read these by themselves and join them to the others."""
    counted = {name: (await store.scan(_ARE_FEW, [list(sets), *edges]))[0]["few"] for name, sets in key_sets.items()
               if name != OF_PROVIDERS}  # fmt: skip
    return {name: sets for name, sets in key_sets.items() if counted.get(name, True)}
