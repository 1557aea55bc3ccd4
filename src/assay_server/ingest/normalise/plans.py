"""Which attributes fill which fields, worked out once for each set of keys: an instrumentation sends the same keys with
every span."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay_server.ingest.normalise.aliases import Aliases

Hit = tuple[int, str, Any]  # rank, key, value; a family's value is None
Place = tuple[int, str, bool, int]  # rank, key, is it a family, in which layer

_PLANS = 512
_KEYS = 64  # a set of more is worked out each time: spread messages seldom come twice with the same numbers
_CHARACTERS = 4096  # of all keys of a set

EVENTS_AFTER = 100
"""Ranks: what an event says comes after all that the attributes say."""


@dataclass(slots=True, frozen=True)
class Plan:
    """`places`: field -> where its value may stand, best first. `texts`: the fields among them that are plain texts.
    `counts`: is there any place for a count of tokens? `reals`: the span's own keys that are real numbers."""

    places: dict[str, tuple[Place, ...]]
    texts: tuple[str, ...]
    counts: bool
    reals: tuple[str, ...] = ()


@dataclass(slots=True)
class Sources:
    """A plan and the attributes it speaks of: layer 0 is the span's own, further ones are those of its events."""

    plan: Plan
    layers: Sequence[Mapping[str, Any]]

    def of(self, field: str) -> list[Hit]:
        """All that may fill `field`, best first; empty when nothing may."""
        places, layers = self.plan.places.get(field), self.layers
        if places is None:
            return []
        return [(rank, key, None if family else layers[layer][key]) for rank, key, family, layer in places]


class Plans:
    """Remembers what it worked out; serves all threads, as a plan worked out twice is the same plan."""

    def __init__(self, table: Aliases) -> None:
        self._table = table
        self._known: dict[tuple[str, ...], Plan] = {}

    def of(self, attributes: Mapping[str, Any]) -> Plan:
        keys = tuple(attributes)
        return self._known.get(keys) or self._new(keys)

    def with_events(self, plan: Plan, events: Sequence[Mapping[str, Any]]) -> Plan:
        """`plan` of a span, and after it what the attributes of `events` may fill, as layers 1, 2 …"""
        places = {field: list(found) for field, found in plan.places.items()}
        for layer, attributes in enumerate(events, start=1):
            for field, found in self.of(attributes).places.items():
                after = [(rank + EVENTS_AFTER, key, family, layer) for rank, key, family, _ in found]
                places.setdefault(field, []).extend(after)
        return self._plan(places)

    def _new(self, keys: tuple[str, ...]) -> Plan:
        plan = replace(self._plan(self._places(keys)), reals=tuple(key for key in keys if key in self._table.reals))
        if len(keys) <= _KEYS and sum(map(len, keys)) <= _CHARACTERS:
            if len(self._known) >= _PLANS:
                self._known.clear()
            self._known[keys] = plan
        return plan

    def _places(self, keys: tuple[str, ...]) -> dict[str, list[Place]]:
        """Each key is looked at once."""
        exact, prefixes = self._table.exact, self._table.prefixes
        places: dict[str, list[Place]] = {}
        families = dict.fromkeys(
            next(prefix for prefix in prefixes if key.startswith(prefix))
            for key in keys
            if key not in exact and key.startswith(prefixes)
        )
        for key in keys:
            for field, rank in exact.get(key, ()):
                places.setdefault(field, []).append((rank, key, False, 0))
        for prefix in families:
            family = prefix[:-1]
            for field, rank in self._table.families[family]:
                places.setdefault(field, []).append((rank, family, True, 0))
        return places

    def _plan(self, places: dict[str, list[Place]]) -> Plan:
        ordered = {field: tuple(sorted(found, key=_rank)) for field, found in places.items()}
        texts = tuple(field for field in self._table.texts if field in ordered)
        return Plan(ordered, texts, any(field.startswith("tokens.") for field in ordered))


def _rank(place: Place) -> int:
    return place[0]
