"""Bodies as they come over HTTP: gzip, deflate, zstd or plain, never larger than allowed once unpacked."""

import zlib

import zstandard

from assay_server.core.errors import InvalidInput, TooLarge, UnsupportedMedia

ENCODINGS = ("gzip", "deflate", "zstd", "identity")
_PIECE = 16 << 10  # bytes


def decompress(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body unpacked. Unpacking stops at `limit` bytes, so a bomb costs no more than that.

    Raises `UnsupportedMedia`, `TooLarge`, and `InvalidInput` for a body that is broken or cut off.
    """
    name = (encoding or "identity").strip().lower()
    if name in {"", "identity"}:
        return _within(body, limit)
    try:
        if name in {"gzip", "x-gzip"}:
            return _zlib(body, zlib.MAX_WBITS | 16, limit)
        if name == "deflate":
            return _deflate(body, limit)
        if name == "zstd":
            return _zstd(body, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise InvalidInput(
            f"The body is not {name}: {error}.", field="content-encoding", value=encoding, fix="send it whole, or plain"
        ) from error
    raise UnsupportedMedia(
        f"Nobody here reads the content encoding '{encoding}'.",
        field="content-encoding",
        value=encoding,
        fix=f"use one of {', '.join(ENCODINGS)}",
    )


def _deflate(body: bytes, limit: int) -> bytes:
    """HTTP's deflate is zlib's format (RFC 9110); some clients send the raw stream all the same."""
    try:
        return _zlib(body, zlib.MAX_WBITS, limit)
    except zlib.error:
        return _zlib(body, -zlib.MAX_WBITS, limit)


def _zlib(body: bytes, window: int, limit: int) -> bytes:
    """All members of a gzip file, as RFC 1952 allows several.

    The body is fed in pieces: what follows a member is copied, and a body of a million empty ones would be copied a
    million times.
    """
    parts: list[bytes] = []
    size = 0
    stream = None
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE]
        while piece:
            stream = zlib.decompressobj(window) if stream is None or stream.eof else stream
            part = stream.decompress(piece, limit - size + 1)
            size += len(part)
            parts.append(part)
            _refuse_over(size, limit)
            piece = stream.unused_data
    if stream is not None and not stream.eof:
        raise zlib.error("it ends too early")
    return b"".join(parts)


def _zstd(body: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body, read_across_frames=True) as reader:
        text: bytes = reader.read(limit + 1)
    if body and not text and not _is_empty_frame(body):
        raise zstandard.ZstdError("it ends too early")
    return _within(text, limit)


def _is_empty_frame(body: bytes) -> bool:
    return zstandard.frame_content_size(body) == 0


def _within(body: bytes, limit: int) -> bytes:
    _refuse_over(len(body), limit)
    return body


def _refuse_over(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(
            f"The body is larger than {limit} bytes unpacked.",
            field="body",
            fix="send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
        )
