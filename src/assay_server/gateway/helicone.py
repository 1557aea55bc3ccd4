"""Helicone's headers: who sits behind a call, in which session, and properties of the application's own."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_PREFIX = "helicone-"
_PROPERTY = "helicone-property-"
_ELSEWHERE = frozenset({"helicone-user-id", "helicone-session-id"})
_SECRETS = ("auth", "key", "token", "secret")  # in the name of a header that is no property
_MOST = 64
_LONGEST = 1000


def helicone_user(headers: Mapping[str, str]) -> str | None:
    return unquote(headers.get("helicone-user-id", "")) or None


def helicone_session(headers: Mapping[str, str]) -> str | None:
    return unquote(headers.get("helicone-session-id", "")) or None


def helicone_attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    """Everything else they say, but never a key: `helicone.property.<name>`, `helicone.session-path` …"""
    found: dict[str, Any] = {}
    for name, value in headers.items():
        if not name.startswith(_PREFIX) or name in _ELSEWHERE or len(found) >= _MOST:
            continue
        if name.startswith(_PROPERTY):
            found[f"helicone.property.{name.removeprefix(_PROPERTY)}"] = unquote(value)[:_LONGEST]
        elif not any(word in name for word in _SECRETS):
            found[f"helicone.{name.removeprefix(_PREFIX)}"] = unquote(value)[:_LONGEST]
    return found
