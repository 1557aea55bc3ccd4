"""Bodies of requests as foreign clients send them: packed, in JSON, with times and texts of their own."""

import asyncio
import json
import math
from collections.abc import Collection
from typing import Any

from fastapi import Request

from assay_server.api.services import services
from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.ingest import decompress, well_formed, within

_NO_MORE_NS = (1 << 63) - 1


async def plain_body(request: Request) -> bytes:
    """Unpacked, and never more than ingest's own limits allow. Raises TooLarge, UnsupportedMedia."""
    limits = services(request).ingest.limits
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.body_bytes:
            raise TooLarge(
                f"The body is larger than {limits.body_bytes} bytes.", field="body", fix="send fewer at once"
            )
        parts.append(part)
    encoding = request.headers.get("content-encoding")
    return await asyncio.to_thread(decompress, b"".join(parts), encoding, limits.unpacked_bytes)


async def json_body(request: Request) -> dict[str, Any]:
    """Raises InvalidInput where it is no JSON object."""
    return json_object(await plain_body(request))


def json_object(body: bytes) -> dict[str, Any]:
    found = json_value(body)
    if not isinstance(found, dict):
        raise InvalidInput("The body is no JSON object.", field="body", fix="send a JSON object")
    return found


def json_value(body: bytes) -> Any:
    """As a database can hold it: without halves of surrogate pairs; what is no finite number is unknown."""
    try:
        found = json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is no JSON: {error}.", field="body", fix="send JSON") from error
    return well_formed(found) if b"\\u" in body else found


def _finite(digits: str) -> float | None:
    found = float(digits)
    return found if math.isfinite(found) else None


def list_in(body: dict[str, Any], field: str, most: int = 2000) -> list[dict[str, Any]]:
    """The objects of a list; an absent list is empty. Raises InvalidInput."""
    found = body.get(field) or []
    if not isinstance(found, list) or len(found) > most or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(f"'{field}' is a list of at most {most} objects.", field=field, fix="send fewer at once")
    return found


def texts_in(body: dict[str, Any], field: str, most: int = 100) -> list[str]:
    """The texts of a list; an absent list is empty. Raises InvalidInput."""
    found = body.get(field) or []
    if not isinstance(found, list) or len(found) > most or not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"'{field}' is a list of at most {most} texts.", field=field, fix="send texts")
    return found


def required(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= 500:
        raise InvalidInput(f"'{field}' is missing.", field=field, value=str(value)[:80], fix="send it as a text")
    return value


def text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    return None if value is None or value == "" else str(value)


def moment(body: dict[str, Any], field: str) -> int | None:
    """Nanoseconds of an RFC 3339 time or of milliseconds since the epoch; None where there is none."""
    return moment_of(body.get(field), field)


def moment_of(told: Any, field: str) -> int | None:
    if told is None:
        return None
    try:
        found = told * 1_000_000 if isinstance(told, int) else parse_rfc3339(str(told))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"'{field}' is no RFC 3339 time.", field=field, value=str(told)[:80], fix="send it in UTC"
        ) from error
    if not 0 <= found < _NO_MORE_NS:
        raise InvalidInput(
            f"'{field}' is out of range.", field=field, value=str(told)[:80], fix="send a time from 1970 to 2262"
        )
    return found


def number(value: Any) -> float | None:
    """A number that can be added up with others, truth values as 0 and 1; None for anything else."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if within(found) else None


def beside(body: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """What a body says under names that none of ours stands for: it is kept, under those."""
    return {key: said for key, said in body.items() if key not in known and said not in (None, "", [], {})}


def named(prefix: str, values: Any) -> dict[str, Any]:
    """The entries of an object as attributes below `prefix`; anything else under the prefix itself."""
    if isinstance(values, dict):
        return {f"{prefix}.{key}": value for key, value in values.items() if value is not None}
    return {} if values is None else {prefix: values}
