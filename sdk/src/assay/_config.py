"""Where the server is and who we are: arguments win, then the environment, then the local default."""

import os
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from assay._errors import InvalidInput
from assay._version import VERSION

DEFAULT_URL = "http://127.0.0.1:4600"


@dataclass(slots=True, frozen=True)
class Connection:
    """A server's root URL (no trailing slash) and a key."""

    url: str
    api_key: str | None

    @classmethod
    def of(cls, url: str | None = None, api_key: str | None = None) -> Self:
        """Completes what was not given from `ASSAY_URL` and `ASSAY_API_KEY`. Raises InvalidInput for a bad one."""
        chosen = url or os.environ.get("ASSAY_URL") or DEFAULT_URL
        parts = urlsplit(chosen)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInput(
                f"'{chosen}' is not the address of a server.", field="url", value=chosen, fix=f"such as {DEFAULT_URL}"
            )
        key = (api_key or os.environ.get("ASSAY_API_KEY") or "").strip()
        if not (key.isascii() and key.isprintable()):  # no header can hold it, such as the `sk_…` of a manual
            raise InvalidInput(
                "This is no key: keys are plain letters, digits, '-' and '_'.",
                field="api_key",
                fix="copy the whole key: sk_ and all that follows it",
            )
        return cls(chosen.rstrip("/"), key or None)

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        headers = {"User-Agent": f"assay-sdk/{VERSION}", "Accept": "application/json"}
        return headers if self.api_key is None else headers | {"Authorization": f"Bearer {self.api_key}"}
