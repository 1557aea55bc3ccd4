"""Pictures without what they say of people: where, when and with what they were made (EXIF, XMP, IPTC, comments). What
a picture shows is not looked at.

They come as files, and as base64 within texts: in messages, as a data URL, as a part of a client's own format.
Formats: JPEG (ITU-T T.81, Annex B), PNG (ISO/IEC 15948, 5.3), WebP (RFC 9649, 2.7).
"""

import base64
import re
from collections.abc import Callable, Sequence

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SPOKEN = {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"}
_WEBP_SPOKEN = {b"EXIF", b"XMP "}
_WEBP_FLAGS = 0b0000_1100  # of VP8X: that EXIF and XMP follow
_JPEG_KEPT = {0xE0, 0xE2, 0xEE}  # JFIF, the colour profile, Adobe's colours
_JPEG_SPOKEN = {*range(0xE0, 0xF0), 0xFE} - _JPEG_KEPT
_START_OF_SCAN = 0xDA

IN_BASE64 = r"(?:/|\\/)9j(?:/|\\/)[A-Za-z0-9+/]{6}|iVBORw0KGgo[A-Za-z0-9+/]{6}|UklGR[A-Za-z0-9+/]{9}"
"""How they begin in a text; a slash may be escaped, as some encoders of JSON do."""

_RUN = re.compile(r"(?<![A-Za-z0-9+/])(?:\\?/9j\\?/|iVBORw0KGgo|UklGR)[A-Za-z0-9+/]*(?:\\/[A-Za-z0-9+/]*)*={0,2}")

_SIGN = "\ue5e5"  # of the signs that mean nothing to anybody
_PLACE = re.compile(f"{_SIGN}(\\d+){_SIGN}")


class NotAPicture(ValueError):
    """The content is not of its type, or ends within it."""


def without_words(content_type: str, content: bytes) -> bytes:
    """The same picture. Raises NotAPicture."""
    return FORMATS[content_type](content, False)


def apart(text: str) -> tuple[str, list[str]]:
    """The text with signs in the place of its pictures in base64, and those without what they say of people.

    Where it holds such a sign itself they stay in it. Clients cut long texts: a picture that ends within what it says
    is cut where that began.
    """
    if _SIGN in text:
        return _RUN.sub(_cleaned, text), []
    pictures: list[str] = []

    def take(found: re.Match[str]) -> str:
        pictures.append(_cleaned(found))
        return f"{_SIGN}{len(pictures) - 1}{_SIGN}"

    return _RUN.sub(take, text), pictures


def together(text: str, pictures: Sequence[str]) -> str:
    """With the pictures in the places of the signs that are left."""
    return _PLACE.sub(lambda found: pictures[int(found[1])], text)


def _cleaned(found: re.Match[str]) -> str:
    written = found[0].replace("\\", "").rstrip("=")
    written = written[: len(written) - (len(written) % 4 == 1)]
    content = base64.b64decode(written + "=" * (-len(written) % 4))
    clean = next((clean for begins, clean in _BY_BEGINNING if content.startswith(begins)), None)
    try:
        kept = content if clean is None else clean(content, True)
    except NotAPicture:
        return found[0]
    return found[0] if kept == content else base64.b64encode(kept).decode()


def _png(content: bytes, cut: bool) -> bytes:
    """Chunks up to IEND; what stands behind it is left out."""
    if not content.startswith(_PNG):
        raise NotAPicture
    kept, at, kind = [_PNG], len(_PNG), b""
    while kind != b"IEND":
        size = int.from_bytes(content[at : at + 4], "big")
        kind, end = content[at + 4 : at + 8], at + 12 + size  # its length, its kind, what it holds, a checksum
        if (len(kind) < 4 or end > len(content)) and not cut:
            raise NotAPicture
        if kind not in _PNG_SPOKEN:
            kept.append(content[at:end])
        if cut and end >= len(content):
            break
        at = end
    return b"".join(kept)


def _jpeg(content: bytes, cut: bool) -> bytes:
    """Segments up to the start of the scan; the picture itself follows unchanged."""
    if not content.startswith(b"\xff\xd8"):
        raise NotAPicture
    kept, at = [content[:2]], 2
    while True:
        if cut and at + 4 > len(content):
            return b"".join(kept)
        if content[at : at + 1] != b"\xff" or at + 4 > len(content):
            raise NotAPicture
        marker = content[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        if marker == _START_OF_SCAN:
            return b"".join([*kept, content[at:]])
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker not in _JPEG_SPOKEN:
            kept.append(content[at:end])
        at = end


def _webp(content: bytes, cut: bool) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise NotAPicture
    kept, at = [], 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if at + 8 + size > len(content) and not cut:
            raise NotAPicture
        part = content[at:end]
        if kind == b"VP8X" and len(part) > 8:
            part = part[:8] + bytes([part[8] & ~_WEBP_FLAGS]) + part[9:]
        if kind not in _WEBP_SPOKEN:
            kept.append(part)
        at = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _gif(content: bytes, cut: bool) -> bytes:
    if not content.startswith((b"GIF87a", b"GIF89a")):
        raise NotAPicture
    return content


FORMATS: dict[str, Callable[[bytes, bool], bytes]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/jpg": _jpeg,
    "image/webp": _webp,
    "image/gif": _gif,
}

_BY_BEGINNING = ((b"\xff\xd8\xff", _jpeg), (_PNG, _png), (b"RIFF", _webp))
"""Of what stands in texts."""
