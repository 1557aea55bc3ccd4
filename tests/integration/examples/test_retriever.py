"""Retrieval does what a release's configuration says."""

import pytest
import yaml

from examples.support.embeddings import VectorCache
from examples.support.retriever import Retriever, Settings
from examples.tour.context import SUPPORT

NOW, JUNE = "2026-10-20", "2026-06-01"


@pytest.fixture(scope="module")
def retriever(vectors: VectorCache) -> Retriever:
    return Retriever(vectors)


def test_at_most_top_k_nearest_first(retriever: Retriever) -> None:
    found = retriever.find("How long is a gift card valid?", Settings("paragraph", 5, 0.0, NOW))

    assert len(found) == 5
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)
    assert found[0].id == "gift-card-validity"


def test_nothing_below_the_threshold(retriever: Retriever) -> None:
    assert retriever.find("What is the tallest mountain?", Settings("paragraph", 5, 0.9, NOW)) == []


def test_the_version_of_the_index_decides_which_edition_is_found(retriever: Retriever) -> None:
    question = "How many days do I have to return an unused item?"
    new = retriever.find(question, Settings("paragraph", 1, 0.2, NOW))[0]
    old = retriever.find(question, Settings("paragraph", 1, 0.2, JUNE))[0]

    assert (new.id, old.id) == ("returns-window", "returns-window")
    assert "45 days" in new.text
    assert "30 days" in old.text


def test_documents_are_longer_than_paragraphs(retriever: Retriever) -> None:
    whole, _ = retriever.index(JUNE, "document")
    parts, _ = retriever.index(JUNE, "paragraph")

    assert len(whole) < len(parts)
    assert {passage.id for passage in whole} == {passage.id for passage in parts}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_examples_configurations_can_be_read(version: int) -> None:
    config = yaml.safe_load((SUPPORT / "retrieval" / f"v{version}.yaml").read_text())

    assert Settings.read(config).index_version == (JUNE if version == 3 else NOW)


def test_an_unknown_cut_is_refused() -> None:
    config = {"chunking": {"by": "page"}, "top_k": 1, "threshold": 0, "index_version": NOW}

    with pytest.raises(ValueError, match=r"chunking\.by"):
        Settings.read(config)
