"""MiniLM in numpy: properties that hold for the real weights."""

from pathlib import Path

import numpy as np
import pytest

from assay_server.providers import minilm
from examples.support import embeddings
from examples.support.embeddings import SIZE, MiniLm, ModelMissing, VectorCache

TEXTS = ["How long is the warranty?", "What is the period of the guarantee?", "Cats sleep in the sun."]


def test_vectors_have_length_one(model: MiniLm) -> None:
    found = model.embed(TEXTS)

    assert found.shape == (3, SIZE)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_sentences_of_one_meaning_are_closer(model: MiniLm) -> None:
    one, same, other = model.embed(TEXTS)

    assert one @ same > 0.5
    assert one @ other < 0.2


def test_it_agrees_with_the_published_model(model: MiniLm) -> None:
    """The model card of sentence-transformers/all-MiniLM-L6-v2 gives these three similarities, rounded to 4 digits."""
    a, b, c = model.embed(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])

    assert (a @ b, a @ c, b @ c) == pytest.approx((0.6660, 0.1046, 0.1411), abs=2e-4)


def test_company_in_a_batch_changes_nothing(model: MiniLm) -> None:
    texts = [f"{text} {'And more of it. ' * n}" for n, text in enumerate(TEXTS * 3)]
    alone = np.stack([model.embed([text + " "])[0] for text in texts])

    assert np.allclose(model.embed(texts), alone, atol=1e-5)


def test_long_texts_are_cut_and_empty_lists_are_fine(model: MiniLm) -> None:
    assert model.embed(["word " * 2_000]).shape == (1, SIZE)
    assert model.embed([]).shape == (0, SIZE)


class _Counting:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: list[str]) -> embeddings.Vectors:
        self.texts += texts
        return np.stack([np.full(SIZE, len(text), np.float32) for text in texts]) if texts else np.zeros((0, SIZE))


def test_the_cache_computes_once_and_survives_on_disk(tmp_path: Path) -> None:
    file, model = tmp_path / "cache" / "vectors.npz", _Counting()
    first = VectorCache(model, file)  # type: ignore[arg-type]
    first.embed(["a", "bb", "a"])
    first.save()
    second = VectorCache(model, file)  # type: ignore[arg-type]

    assert second.embed(["bb", "ccc", "a"])[:, 0].tolist() == [2, 3, 1]
    assert model.texts == ["a", "bb", "ccc"]


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    model = _Counting()
    cache = VectorCache(model, most=1)  # type: ignore[arg-type]
    cache.embed(["a", "bb"])

    assert cache.embed(["a", "bb"])[:, 0].tolist() == [1, 2]
    assert model.texts == ["a", "bb", "bb"]


def test_a_cache_of_other_weights_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, model = tmp_path / "vectors.npz", _Counting()
    cache = VectorCache(model, file)  # type: ignore[arg-type]
    cache.embed(["a"])
    cache.save()
    monkeypatch.setattr(embeddings, "WEIGHTS_SHA256", "other")

    VectorCache(model, file).embed(["a"])  # type: ignore[arg-type]
    assert model.texts == ["a", "a"]


def test_other_weights_are_refused() -> None:
    with pytest.raises(ModelMissing, match="SHA-256"):
        minilm._verified(b"something else")
