"""A dataset item as the runner needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.ids import canonical_json, content_hash


@dataclass(slots=True, frozen=True)
class Item:
    """`cluster` is the item itself where nothing else was said: items are then independent."""

    id: str
    input: Any  # text, an object of fields, or a conversation (`messages`)
    expected: str | None
    contexts: Sequence[Mapping[str, Any]]
    cluster: str
    tags: frozenset[str]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return as_text(self.input)

    @property
    def messages(self) -> list[dict[str, Any]] | None:
        """Those of a conversation, `{"messages": [{"role", "content", …}]}`; None for any other input."""
        told = self.input.get("messages") if isinstance(self.input, Mapping) and len(self.input) == 1 else None
        if not isinstance(told, list) or not told:
            return None
        messages = [dict(one) for one in told if isinstance(one, Mapping) and isinstance(one.get("role"), str)]
        return messages if len(messages) == len(told) else None

    @property
    def content(self) -> str:
        """What makes it the same question in another dataset version."""
        return content_hash([self.input, self.expected])


def parse_item(raw: Mapping[str, Any]) -> Item:
    """From the shape of the REST API."""
    expected = raw.get("expected")
    return Item(
        id=str(raw["id"]),
        input=raw.get("input", ""),
        expected=None if expected is None else as_text(expected),
        contexts=[_context(index, context) for index, context in enumerate(raw.get("contexts") or (), 1)],
        cluster=str(raw.get("cluster") or raw["id"]),
        tags=frozenset(raw.get("tags") or ()),
        metadata=raw.get("metadata") or {},
    )


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _context(index: int, raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {"id": str(index), "text": str(raw)}
