"""A sender that keeps what it was given, and fails as told."""

from dataclasses import dataclass, field

from assay_server.core.errors import InvalidInput


@dataclass
class FakeSender:
    """`fails` holds the reasons of the next failures, in order; `down` fails everything."""

    sent: list[tuple[str, str, str, str]] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)
    down: str | None = None

    async def check(self, url: str) -> None:
        if "://" not in url:
            raise InvalidInput("no address", field="url")

    async def send(self, url: str, title: str, body: str, severity: str) -> str | None:
        if self.down is not None:
            return self.down
        if self.fails:
            return self.fails.pop(0)
        self.sent.append((url, title, body, severity))
        return None
