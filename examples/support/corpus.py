"""The policy documents of Wrenfield, a made-up shop for kitchen and camping gear, as they stood on any day.

`corpus/*.md` are the current editions, `corpus/older/*.md` earlier ones of documents that have changed since.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

CORPUS = Path(__file__).with_name("corpus")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"])")


@dataclass(slots=True, frozen=True)
class Document:
    """One edition of a policy document; `text` is prose in paragraphs, without the title."""

    id: str
    title: str
    updated: date
    text: str

    @property
    def paragraphs(self) -> list[str]:
        return [" ".join(part.split()) for part in self.text.split("\n\n") if part.strip()]


def documents(as_of: date) -> list[Document]:
    """Each document in its newest edition of that day, by id. What was first published later is not there."""
    newest: dict[str, Document] = {}
    for document in editions():
        known = newest.get(document.id)
        if document.updated <= as_of and (known is None or document.updated > known.updated):
            newest[document.id] = document
    return [newest[name] for name in sorted(newest)]


def editions() -> list[Document]:
    """Every edition of every document."""
    return [_read(path) for path in sorted(CORPUS.rglob("*.md"))]


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph: ended by `.`, `!` or `?` before a capital letter."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def _read(path: Path) -> Document:
    found = _FRONT_MATTER.match(path.read_text())
    if found is None:
        raise ValueError(f"{path}: no front matter (--- id, title, updated ---)")
    front = yaml.safe_load(found[1])
    return Document(id=front["id"], title=front["title"], updated=front["updated"], text=found[2].strip())
