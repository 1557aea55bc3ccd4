"""What media say of people is taken out before they are kept: where and with what a picture was made (EXIF, XMP, IPTC,
comments), and personal data in whatever reads as text. What a picture shows is not looked at.

Formats: JPEG (ITU-T T.81, Annex B), PNG (ISO/IEC 15948, 5.3), WebP (RFC 9649, 2.7).
"""

from collections.abc import Callable, Iterator

from assay_server.core.errors import InvalidInput

Scrub = Callable[[str], tuple[str, object]]

_PNG = b"\x89PNG\r\n\x1a\n"
_PDF = b"%PDF-"  # says where in it its parts are: no byte may be added
_PNG_SPOKEN = {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"}
_WEBP_SPOKEN = {b"EXIF", b"XMP "}
_WEBP_FLAGS = 0b0000_1100  # of VP8X: that EXIF and XMP follow
_JPEG_KEPT = {0xE0, 0xE2, 0xEE}  # JFIF, the colour profile, Adobe's colours
_JPEG_SPOKEN = {*range(0xE0, 0xF0), 0xFE} - _JPEG_KEPT
_START_OF_SCAN = 0xDA
_TEXTS = ("text/", "application/json", "application/xml")
_MARKED_AS_TEXT = ("+json", "+xml")  # image/svg+xml, and whatever else says so


def clean(content_type: str, content: bytes, scrub: Scrub) -> bytes:
    """Raises InvalidInput where the content is not of its type."""
    if content_type in _CLEANERS:
        return _CLEANERS[content_type](content)
    if content_type.startswith(_TEXTS) or content_type.endswith(_MARKED_AS_TEXT):
        try:
            return scrub(content.decode())[0].encode()
        except UnicodeDecodeError as error:
            raise _not_a(content_type) from error
    return content if content.startswith(_PDF) else _scrubbed_where_text(content, scrub)


def _scrubbed_where_text(content: bytes, scrub: Scrub) -> bytes:
    """Mail, CSV, logs: clients send texts under many types, and as `application/octet-stream`."""
    if b"\0" in content:
        return content
    try:
        return scrub(content.decode())[0].encode()
    except UnicodeDecodeError:
        return content


def _png(content: bytes) -> bytes:
    if not content.startswith(_PNG):
        raise _not_a("image/png")
    kept = [part for kind, part in _png_chunks(content) if kind not in _PNG_SPOKEN]
    return _PNG + b"".join(kept)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, the chunk with its length and checksum) up to IEND; what stands behind it is left out."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        size = int.from_bytes(content[at : at + 4], "big")
        kind, end = content[at + 4 : at + 8], at + 12 + size
        if len(kind) < 4 or end > len(content):
            raise _not_a("image/png")
        yield kind, content[at:end]
        at = end


def _jpeg(content: bytes) -> bytes:
    """Segments up to the start of the scan; the picture itself follows unchanged."""
    if not content.startswith(b"\xff\xd8"):
        raise _not_a("image/jpeg")
    kept, at = [content[:2]], 2
    while True:
        if content[at : at + 1] != b"\xff" or at + 4 > len(content):
            raise _not_a("image/jpeg")
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


def _webp(content: bytes) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise _not_a("image/webp")
    kept, at = [], 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if at + 8 + size > len(content):
            raise _not_a("image/webp")
        part = content[at:end]
        if kind == b"VP8X":
            part = part[:8] + bytes([part[8] & ~_WEBP_FLAGS]) + part[9:]
        if kind not in _WEBP_SPOKEN:
            kept.append(part)
        at = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _gif(content: bytes) -> bytes:
    if not content.startswith((b"GIF87a", b"GIF89a")):
        raise _not_a("image/gif")
    return content


_CLEANERS: dict[str, Callable[[bytes], bytes]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/jpg": _jpeg,
    "image/webp": _webp,
    "image/gif": _gif,
}


def _not_a(content_type: str) -> InvalidInput:
    return InvalidInput(f"The content is no {content_type}.", field="body", value=content_type, fix="name its type")
