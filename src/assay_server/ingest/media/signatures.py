"""What a file is by how it begins, where nobody says it."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_IN_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
UNKNOWN = "application/octet-stream"


def type_of(content: bytes) -> str:
    """`application/octet-stream` where its beginning tells nothing."""
    if content[:4] == b"RIFF":
        return _IN_RIFF.get(content[8:12], UNKNOWN)
    return next((kind for beginning, kind in _BEGINNINGS if content.startswith(beginning)), UNKNOWN)
