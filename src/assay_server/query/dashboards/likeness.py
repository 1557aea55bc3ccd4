"""Texts grouped by likeness: by their words (TF-IDF vectors), or by their meaning where somebody knows it; average
linkage. Pure, slow, meant for a thread."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_APART = 0.75  # cosine distance of words at which two clusters are two
_APART_IN_MEANING = 0.65  # and of meaning, of MiniLM (docs/decisions.md)
_MOST_TERMS = 4000

_TOKEN = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2,}"
)
"""Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana and Han."""
_SAYS_NOTHING = """
    a an and any are as at be but by can could did do does for from get had has have how i if in is it its me my not of
    on or our please so that the their there they this to us was we were what when where which who why will with would
    you your
"""
_EMPTY_WORDS = frozenset(_SAYS_NOTHING.split())


def clusters_of(texts: Sequence[str], meanings: Any = None) -> list[list[int]]:
    """Positions in `texts`, largest cluster first, in each the one nearest to all others first.

    `meanings`: a vector of each text, shape (n, size), rows of length 1; NaN where it is not known, and there words
    tell. By words texts without one in common with any other stand alone. At most a few thousand texts: the work is
    quadratic.
    """
    terms = [terms_of(text) for text in texts]
    if len(texts) < 2:
        return [[at] for at in range(len(texts))]
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distances = _distances(_vectors(terms), meanings)
    labels = fcluster(linkage(squareform(distances, checks=False), "average"), 1.0, "distance")
    members: dict[int, list[int]] = {}
    for at, label in enumerate(labels):
        members.setdefault(int(label), []).append(at)
    for found in members.values():
        within = distances[found][:, found].sum(axis=1)
        order = sorted(range(len(found)), key=lambda at, within=within: (within[at], at))  # type: ignore[misc]
        found[:] = [found[at] for at in order]
    return sorted(members.values(), key=lambda found: (-len(found), found[0]))


def _distances(words: Any, meanings: Any) -> Any:
    """Of each pair, as shares of the distance at which two clusters are two; shape (n, n)."""
    import numpy as np

    distances = (1.0 - words @ words.T) / _APART
    if meanings is not None:
        known = ~np.isnan(meanings).any(axis=1)
        vectors = np.where(known[:, None], meanings, 0)
        pairs = known[:, None] & known[None, :]
        distances = np.where(pairs, (1.0 - vectors @ vectors.T) / _APART_IN_MEANING, distances)
    distances = ((distances + distances.T) / 2).clip(min=0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def terms_of(text: str) -> list[str]:
    """Words that say something, and pairs of neighbours. Where nothing stands between words, two signs are one."""
    words = [word for found in _TOKEN.findall(text.lower()) for word in _words(found) if word not in _EMPTY_WORDS]
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]


def _words(token: str) -> list[str]:
    if not _UNSPACED.search(token):
        return [token]
    spaced = [part for part in _UNSPACED.split(token) if len(part) > 1]
    return spaced + [run[at : at + 2] for run in _UNSPACED.findall(token) for at in range(len(run) - 1)]


def telling(texts: Sequence[str], rest: Sequence[str], most: int) -> list[str]:
    """The words that are frequent in `texts` and rare in `rest`."""
    inside, outside = _frequencies(texts), _frequencies(rest)
    scores = {
        term: n / len(texts) * math.log((1 + len(rest)) / (1 + outside[term])) for term, n in inside.items() if n > 1
    }
    return sorted(scores, key=lambda term: (-scores[term], term))[:most]


def _frequencies(texts: Sequence[str]) -> Counter[str]:
    return Counter(word for text in texts for word in set(terms_of(text)) if " " not in word)


def _vectors(terms: Sequence[Sequence[str]]) -> Any:
    """Rows of length 1: (1 + ln tf) * ln(n / df) over the terms that two texts or more share; shape (n, terms)."""
    import numpy as np

    frequencies = Counter(term for found in terms for term in set(found))
    shared = [term for term, n in frequencies.most_common(_MOST_TERMS) if n > 1]
    place = {term: at for at, term in enumerate(shared)}
    vectors = np.zeros((len(terms), len(shared) + 1), np.float32)
    for row, found in enumerate(terms):
        for term, n in Counter(found).items():
            if term in place:
                weight = math.log(1 + len(terms) / frequencies[term])
                vectors[row, place[term]] = (1 + math.log(n)) * weight
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms == 0, 1, norms)
