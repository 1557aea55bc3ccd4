"""An embedding by words alone: deterministic, instant, no weights."""

import hashlib
import re

import numpy as np

from examples.support.embeddings import SIZE, Vectors


def words(text: str) -> Vectors:
    """Texts without a common word are orthogonal, or nearly so."""
    vector = np.zeros(SIZE, np.float32)
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % SIZE] += 1
    unit: Vectors = vector / max(1.0, float(np.linalg.norm(vector)))
    return unit
