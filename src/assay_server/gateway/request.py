"""A chat request's bytes become a call. No validation framework: what the gateway does not use is not looked at."""

import time
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from urllib.parse import unquote

import msgspec

from assay_server.core.clock import Clock
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.core.records import Arm
from assay_server.gateway.call import Call, Caller, Prompting
from assay_server.gateway.helicone import helicone_attributes, helicone_session, helicone_user
from assay_server.gateway.trace import continued

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_optional_text = msgspec.json.Decoder(str | None).decode
_decode_flag = msgspec.json.Decoder(bool | None).decode

_Value = TypeVar("_Value")


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Assay(msgspec.Struct, forbid_unknown_fields=True):
    """Variables may be numbers or truth values; they are written as JSON writes them."""

    variables: dict[str, str | int | float | bool] | None = None
    prompt: str | None = None


_decode_stream_options = msgspec.json.Decoder(_StreamOptions | None).decode
_decode_assay = msgspec.json.Decoder(_Assay | None).decode


def parse(principal: Principal, headers: Mapping[str, str], body: bytes, clock: Clock) -> Call:
    """The call a body asks for; header names are lower case. Raises InvalidInput naming the field."""
    started, start_ns = time.perf_counter(), clock.now_ns()
    try:
        fields = _decode_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body is not a JSON object: {error}", field="body") from error
    asked = _field(fields, "model", _decode_text, "")
    if not asked:
        raise InvalidInput("The model is missing.", field="model", fix="write provider/model or channel:<name>")
    assay = _field(fields, "assay", _decode_assay, None)
    fields.pop("assay", None)
    return Call(
        principal=principal,
        caller=_caller(headers, _field(fields, "user", _decode_optional_text, None)),
        trace=continued(headers),
        prompting=_prompting(assay),
        asked=asked,
        fields=fields,
        stream=_field(fields, "stream", _decode_flag, None) or False,
        keep_usage=_keeps_usage(fields),
        size=len(body),
        start_ns=start_ns,
        started=started,
        attributes=helicone_attributes(headers),
    )


def _field(fields: Mapping[str, msgspec.Raw], name: str, decode: Any, default: _Value) -> _Value:
    raw = fields.get(name)
    if raw is None:
        return default
    try:
        return cast("_Value", decode(raw))
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(f"'{name}' cannot be used: {error}", field=name, value=_shown(raw)) from error


def _keeps_usage(fields: Mapping[str, msgspec.Raw]) -> bool:
    options: _StreamOptions | None = _field(fields, "stream_options", _decode_stream_options, None)
    return options is not None and options.include_usage is True


def _caller(headers: Mapping[str, str], user: str | None) -> Caller:
    """Header values may be percent-encoded: HTTP carries no other way to say `Zoë`."""
    tags = headers.get("x-assay-tags")
    arm = headers.get("x-assay-arm")
    return Caller(
        user=user or unquote(headers.get("x-assay-user", "")) or helicone_user(headers),
        session=unquote(headers.get("x-assay-session", "")) or helicone_session(headers),
        channel=headers.get("x-assay-channel") or None,
        canary=headers.get("x-assay-canary") or None,
        arm=cast("Arm", arm) if arm in ("baseline", "candidate") else None,
        run=unquote(headers.get("x-assay-run", "")) or None,
        item=unquote(headers.get("x-assay-item", "")) or None,
        tags=[unquote(tag) for part in tags.split(",") if (tag := part.strip())] if tags else [],
    )


def _prompting(assay: _Assay | None) -> Prompting:
    if assay is None:
        return Prompting()
    given = assay.variables
    variables = None if given is None else {name: _written(value) for name, value in given.items()}
    return Prompting(variables, assay.prompt)


def _written(value: str | float | bool) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _shown(raw: msgspec.Raw) -> str:
    return bytes(raw)[:200].decode(errors="replace")
