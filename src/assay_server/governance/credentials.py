"""Secrets: how they are made, hashed, and found in a request. Nothing here is ever logged or stored as it is."""

import base64
import binascii
import hashlib
import secrets
import string
from collections.abc import Mapping

from assay_server.core.errors import Unauthenticated

_LETTERS = string.ascii_letters + string.digits

_HOW = "send 'Authorization: Bearer sk_…', Basic with public:secret, or 'x-api-key: sk_…'"


def new_pair() -> tuple[str, str]:
    """A public and a secret key, `pk_<20>` and `sk_<the same 20>_<40>`: 238 random bits in the last part."""
    middle = _random(20)
    return f"pk_{middle}", f"sk_{middle}_{_random(40)}"


def new_token() -> str:
    """A secret for a sign-in link or a session: 43 URL-safe characters, 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hex. Without salt or stretching: the secrets are random, so there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def secret_in(headers: Mapping[str, str]) -> str:
    """The secret of a request: Bearer, Basic (the password decides), bare `Authorization`, or `x-api-key`.

    Where there is a `Helicone-Auth`, it decides: beside it, `Authorization` is for the provider. `headers` are looked
    up by lower-case name. Raises Unauthenticated.
    """
    authorization = (headers.get("helicone-auth") or headers.get("authorization", "")).strip()
    secret = _authorization(authorization) if authorization else headers.get("x-api-key", "").strip()
    if not secret:
        raise Unauthenticated(fix=_HOW)
    return secret


def _authorization(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            return _password(rest.strip())
        case _ if rest:
            raise Unauthenticated(f"Nobody here understands the scheme '{scheme[:20]}'.", fix=_HOW)
        case _:
            return value


def _password(encoded: str) -> str:
    try:
        _, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("The Basic credentials are not base64 of public:secret.", fix=_HOW) from error
    return password


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
