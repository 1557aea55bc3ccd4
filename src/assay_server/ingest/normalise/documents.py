"""Retrieved documents in one shape: `{"id", "content", "score", "metadata"}`, absent parts left out."""

from typing import Any

from assay_server.ingest.normalise.messages import Tree
from assay_server.ingest.normalise.values import number_of, parsed, text_of

_CONTENT = ("content", "text", "page_content", "document")


def documents_of(value: Any) -> list[dict[str, Any]] | None:
    """Out of a list or its JSON, also where it is told as `documents` or, by LangSmith of what a function gave, as
    `output`; None where it is nothing of that."""
    found = parsed(value)
    if isinstance(found, dict):
        found = found.get("documents", found.get("output"))
    return [_document(part) for part in found] if isinstance(found, list) else None


def documents_of_trees(trees: list[Tree]) -> list[dict[str, Any]]:
    """Out of numbered keys (`retrieval.documents.0.document.content`)."""
    return [_document(tree.get("document", tree)) for tree in trees]


def _document(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        return {"content": text_of(part)}
    score = part.get("score")
    metadata = parsed(part.get("metadata"))
    document = {
        "id": text_of(part.get("id")),
        "content": next((text for name in _CONTENT if (text := text_of(part.get(name)))), None),
        "score": float(score) if isinstance(score, int | float) else number_of(score),
        "metadata": metadata,
    }
    return {key: value for key, value in document.items() if value is not None}
