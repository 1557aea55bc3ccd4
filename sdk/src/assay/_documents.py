"""What a retriever found, in one shape: mappings, texts, and the objects of the usual frameworks."""

import json
from collections.abc import Mapping
from typing import Any

from assay._capture import LIMIT, simple, whole

_CONTENT = ("content", "text", "page_content")
_KNOWN = ("id", "score", "metadata", *_CONTENT)
_MOST = 2_000
_SHORTEST = 200  # characters that each keeps, however many there are


def documents_text(documents: Any) -> str | None:
    """`[{"id", "score", "metadata", "content"}]` as JSON: every document, each of them cut alike where they are long.

    None for what is no list. Never raises.
    """
    try:
        found = [_document(each) for each in ([documents] if isinstance(documents, str | Mapping) else documents)]
        length = sum(len(text) for each in found if isinstance(text := each["content"], str))
    except Exception:  # noqa: BLE001 - an odd object's own code failed: that is worth no crash
        return None
    share = LIMIT if length <= LIMIT else max(LIMIT // len(found), _SHORTEST)
    return whole(json.dumps([simple(each, share) for each in found[:_MOST]], ensure_ascii=False))


def _document(document: Any) -> dict[str, Any]:
    if isinstance(document, tuple) and len(document) == 2:  # LangChain's `similarity_search_with_score`
        return {**_document(document[0]), "score": document[1]}
    if isinstance(document, Mapping):
        return _shaped(document, {key: value for key, value in document.items() if key not in _KNOWN})
    told = {} if isinstance(document, str) else {name: getattr(document, name, None) for name in _KNOWN}
    return _shaped(told if any(told.get(name) for name in _CONTENT) else {"content": document}, {})


def _shaped(told: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The content last: it is what may be long."""
    metadata = told.get("metadata") or {}
    return {
        "id": told.get("id"),
        "score": told.get("score"),
        "metadata": {**(metadata if isinstance(metadata, Mapping) else {"metadata": metadata}), **rest},
        "content": next((told[name] for name in _CONTENT if told.get(name) is not None), None),
    }
