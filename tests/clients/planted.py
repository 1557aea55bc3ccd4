"""What every client of the bench says somewhere, and nobody may keep: an e-mail address; a key in its place; the key of
a provider. Where they would be found if somebody did.
"""

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import httpx
import zstandard

from tests.clients.bench import Exchange, unpacked

EMAIL = "ada.lovelace@mail-box.org"
SECRET = "sk-proj-KeyOfSomebody0123"
"""As long as the address: it can take its place in protobuf too."""

PROVIDERS_KEY = "sk-proj-KeyOfTheProviderThatNobodyShallKeep0123456789"

_PACK = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def says(exchange: Exchange, text: str) -> bool:
    """Whether it is in the request, as the server reads it."""
    return text.encode() in unpacked(exchange) or any(text in value for value in exchange.headers.values())


def with_secret(exchange: Exchange) -> Exchange:
    """The same request with the key where the address was. An image stays: its name is a hash of its content."""
    if exchange.headers.get("content-type", "").startswith("image/"):
        return exchange
    headers = {name: value.replace(EMAIL, SECRET) for name, value in exchange.headers.items()}
    return packed(replace(exchange, headers=headers), unpacked(exchange).replace(EMAIL.encode(), SECRET.encode()))


def packed(exchange: Exchange, body: bytes) -> Exchange:
    """The same request with another body, packed as the first was."""
    pack = _PACK.get(exchange.headers.get("content-encoding", ""), bytes)
    return replace(exchange, body=pack(body))


def files_that_say(folder: Path, texts: Iterable[str]) -> list[Path]:
    """Facts, decisions, logs and media: every file below `folder`."""
    wanted = [text.encode() for text in texts]
    files = (file for file in folder.rglob("*") if file.is_file())
    return [file for file in files if _holds(file.read_bytes(), wanted)]


_WORKED_OUT = {"calls", "traces"}


def stored(api: httpx.Client, *, as_sent: bool = False) -> str:
    """All facts of a project, every column: what is packed on the disk is plain here.

    Without what is worked out of them (`as_sent`) it takes half as long, for whoever waits until something is there.
    """
    tables = [table["name"] for table in api.get("/api/v1/sql/schema").json()["tables"]]
    tables = [name for name in tables if not (as_sent and name in _WORKED_OUT)]
    answers = [api.post("/api/v1/sql", json={"sql": f"SELECT * FROM {table}", "limit": 10_000}) for table in tables]
    assert all(answer.status_code == 200 for answer in answers), [answer.text[:500] for answer in answers]
    return "\n".join(answer.text for answer in answers)


def _holds(content: bytes, wanted: list[bytes]) -> bool:
    return any(text in content for text in wanted)
