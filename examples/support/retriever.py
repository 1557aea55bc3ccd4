"""Retrieval as a release's *retrieval configuration* says: which index, cut how, how many passages, how near."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from examples.support.corpus import documents
from examples.support.embeddings import VectorCache, Vectors


@dataclass(slots=True, frozen=True)
class Settings:
    """The parts of a retrieval configuration that decide what is found."""

    cut: str  # `document` or `paragraph`
    top_k: int
    threshold: float  # least cosine
    index_version: str  # the day whose editions are in the index, `2026-10-20`

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "Settings":
        """From a release's `retrieval_config`. Raises KeyError or ValueError when it is not one of ours."""
        cut = str(config["chunking"]["by"])
        if cut not in {"document", "paragraph"}:
            raise ValueError(f"chunking.by is {cut!r}; use 'document' or 'paragraph'")
        return cls(cut, int(config["top_k"]), float(config["threshold"]), str(config["index_version"]))


@dataclass(slots=True, frozen=True)
class Passage:
    """What the retriever found; `score` is the cosine with the question."""

    id: str  # of the document
    title: str
    text: str
    score: float


class Retriever:
    """Finds passages by cosine. Indexes are built when a release first asks for them."""

    def __init__(self, vectors: VectorCache) -> None:
        self._vectors = vectors
        self._indexes: dict[tuple[str, str], tuple[list[Passage], Vectors]] = {}

    def find(self, question: str, settings: Settings) -> list[Passage]:
        """At most `top_k` passages of at least `threshold`, nearest first."""
        passages, vectors = self.index(settings.index_version, settings.cut)
        scores = vectors @ self._vectors.embed_one(question)
        order = np.argsort(-scores, kind="stable")[: settings.top_k]
        return [
            Passage(passages[i].id, passages[i].title, passages[i].text, round(float(scores[i]), 4))
            for i in order
            if scores[i] >= settings.threshold
        ]

    def index(self, version: str, cut: str) -> tuple[list[Passage], Vectors]:
        """The passages of that day's editions, and their vectors."""
        if (version, cut) not in self._indexes:
            passages = _cut(version, cut)
            self._indexes[version, cut] = passages, self._vectors.embed([f"{p.title}. {p.text}" for p in passages])
        return self._indexes[version, cut]


def _cut(version: str, cut: str) -> list[Passage]:
    found = []
    for document in documents(date.fromisoformat(version)):
        parts = document.paragraphs if cut == "paragraph" else [" ".join(document.paragraphs)]
        found += [Passage(document.id, document.title, part, 0.0) for part in parts]
    return found
