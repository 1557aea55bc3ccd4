"""Addresses that carry their own permission, for clients that put and get media without a key."""

import base64
import binascii
import hmac
from hashlib import blake2b

from assay_server.core.clock import Clock
from assay_server.core.errors import NotFound

_LASTS_S = 3600
_SECOND = 1_000_000_000


class MediaTickets:
    """Signed with a key derived from the installation's secret; good for one hour, one project and one file."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._key = blake2b(b"media tickets", key=secret[:64], digest_size=32).digest()
        self._clock = clock

    def issue(self, project: str, media: str) -> tuple[str, int]:
        """(ticket, the moment at which it ends in nanoseconds)."""
        ends_s = self._clock.now_ns() // _SECOND + _LASTS_S
        said = f"{project} {ends_s}"
        return base64.urlsafe_b64encode(f"{said} {self._seal(said, media)}".encode()).decode(), ends_s * _SECOND

    def project(self, ticket: str, media: str) -> str:
        """Whose media it is for. Raises NotFound for a ticket that is made up, of another file, or too old."""
        try:
            said, _, seal = base64.urlsafe_b64decode(ticket.encode()).decode().rpartition(" ")
            project, _, ends_s = said.partition(" ")
            good = hmac.compare_digest(seal, self._seal(said, media)) and int(ends_s) * _SECOND > self._clock.now_ns()
        except (ValueError, TypeError, binascii.Error):
            good, project = False, ""
        if not good:
            raise NotFound(
                "Nobody gave out this ticket, or it has ended.", field="ticket", fix="ask for the media again"
            )
        return project

    def _seal(self, said: str, media: str) -> str:
        return blake2b(f"{said} {media}".encode("utf-8", "replace"), key=self._key, digest_size=20).hexdigest()
