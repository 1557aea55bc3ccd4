"""Of which sets of names spans are that can have an attribute (`store/key_sets.py`): all others are not read."""

from collections.abc import Sequence

from assay_server.store import ANY_NAMES, Limits, Store, alike

ONE_OF_SETS = "key_set IN (SELECT unnest(?::UBIGINT[]))"
"""As values, not as a subquery or constants: only so the engine passes over all others before it reads attributes."""

_ATTRIBUTE = "attribute:"
_ALL_NAMES = "SELECT key FROM key_sets WHERE project = ? AND list_has_all(names, ?::VARCHAR[])"
_SETS = Limits(rows=2_000_000, seconds=30)


async def sets_with(store: Store, project: str, names: Sequence[str]) -> list[int]:
    """Those of a span that has all of these attributes."""
    rows = await store.scan(_ALL_NAMES, [project, [alike(name) for name in names]], limits=_SETS)
    return [ANY_NAMES, *(row["key"] for row in rows)]


async def sets_of_group(store: Store, project: str, group_by: str | None) -> list[int] | None:
    """Those of a span that says what things are grouped by; None where that is no attribute."""
    if group_by is None or not group_by.startswith(_ATTRIBUTE):
        return None
    return await sets_with(store, project, [group_by.removeprefix(_ATTRIBUTE)])
