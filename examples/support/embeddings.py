"""Vectors of texts by MiniLM, and a cache of them in a file: what was embedded once is not embedded again."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assay_server.providers.minilm import NAME, SIZE, WEIGHTS_SHA256, MiniLm, ModelMissing, Vectors

__all__ = ["NAME", "SIZE", "WEIGHTS_SHA256", "MiniLm", "ModelMissing", "VectorCache", "Vectors"]


class VectorCache:
    """Vectors by the hash of their text, in memory and in one file: what was embedded once is not embedded again."""

    def __init__(self, model: MiniLm, path: Path | None = None, *, most: int = 20_000) -> None:
        self._model = model
        self._path = path
        self._most = most
        self._known = self._load()
        self._saved = len(self._known)
        self._computing = threading.Lock()  # threads that want the same text wait for it instead of computing it too

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text, shape (n, 384)."""
        if not texts:
            return np.zeros((0, SIZE), np.float32)
        names = [_hash(text) for text in texts]
        found = self._found(dict(zip(names, texts, strict=True)))
        return np.stack([found[name] for name in names])

    def embed_one(self, text: str) -> Vectors:
        """Shape (384,)."""
        vector: Vectors = self.embed([text])[0]
        return vector

    def save(self) -> None:
        """Write the file, if there is one and something is new."""
        if self._path is None or len(self._known) == self._saved:
            return
        known = dict(self._known)  # another thread may add to it meanwhile
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part.npz")
        np.savez(part, weights=WEIGHTS_SHA256, names=list(known), vectors=np.stack(list(known.values())))
        part.replace(self._path)
        self._saved = len(known)

    def _found(self, texts: dict[str, str]) -> dict[str, Vectors]:
        if not texts.keys() <= self._known.keys():
            with self._computing:
                new = {name: text for name, text in texts.items() if name not in self._known}
                computed = dict(zip(new, self._model.embed(list(new.values())), strict=True))
                room = max(0, self._most - len(self._known))
                self._known.update(list(computed.items())[:room])
                return {name: computed[name] if name in computed else self._known[name] for name in texts}
        return {name: self._known[name] for name in texts}

    def _load(self) -> dict[str, Vectors]:
        if self._path is None or not self._path.exists():
            return {}
        with np.load(self._path) as stored:
            if str(stored["weights"]) != WEIGHTS_SHA256:
                return {}
            return dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
