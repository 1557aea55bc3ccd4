"""Messages of protobuf as clients really send them.

A text that is no UTF-8 makes the parser refuse the whole request, with all the spans beside it. Collectors and some
SDKs pass on such bytes (a text cut inside a letter, a header in another encoding), so what cannot be read in it becomes
U+FFFD, and the rest is taken. It refuses all of a request, too, where one value in it is nested deeper than a hundred
messages: there it is cut, below what our own limit of a value allows, so that only its span is refused.
"""

from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

M = TypeVar("M", bound=Message)

_DEEPEST = 98  # messages in messages: two fewer than protobuf's own parser takes
_LENGTH = 2  # the wire type of texts, bytes and messages
_FIXED = {1: 8, 5: 4}


def read_message(of: type[M], body: bytes) -> M:
    """Raises `DecodeError` where it is no such message, whatever its texts are and however deep."""
    try:
        return of.FromString(body)
    except DecodeError:
        return of.FromString(_readable(of.DESCRIPTOR, body, _DEEPEST))


def _readable(of: Any, body: bytes, depth: int) -> bytes:
    """The same message with every text in UTF-8. `of`: its descriptor."""
    out, at = bytearray(), 0
    while at < len(body):
        start = at
        tag, at = varint(body, at)
        if tag & 7 != _LENGTH:
            at = varint(body, at)[1] if tag & 7 == 0 else at + _FIXED.get(tag & 7, len(body))
            out += body[start:at]
            continue
        length, at = varint(body, at)
        part, at = body[at : at + length], at + length
        if at > len(body):
            raise DecodeError("a message that ends too early")
        out += written(tag)
        made = _part(of.fields_by_number.get(tag >> 3), part, depth)
        out += written(len(made)) + made
    return bytes(out)


def _part(field: FieldDescriptor | None, part: bytes, depth: int) -> bytes:
    if field is not None and field.type == FieldDescriptor.TYPE_STRING:
        return part.decode("utf-8", "replace").encode()
    if field is not None and field.type == FieldDescriptor.TYPE_MESSAGE:
        return _readable(field.message_type, part, depth - 1) if depth > 1 else b""
    return part


def varint(body: bytes, at: int) -> tuple[int, int]:
    """(the number, the place behind it). Raises `DecodeError` where it does not end."""
    number = shift = 0
    while at < len(body) and shift < 64:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise DecodeError("a number that does not end")


def written(number: int) -> bytes:
    """As protobuf writes numbers: seven bits a byte."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
