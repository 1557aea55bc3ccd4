"""Files whose type nobody says are known by how they begin."""

import pytest

from assay_server.ingest.media.signatures import type_of
from tests.unit.ingest.media.test_shelf import jpeg


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n rest", "image/png"),
        (jpeg(), "image/jpeg"),
        (b"GIF89a rest", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x10\0\0\0AVI LIST", "application/octet-stream"),
        (b"ID3\x04 rest", "audio/mpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg onload='x'>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_a_file_is_what_it_begins_as(content: bytes, kind: str) -> None:
    assert type_of(content) == kind
