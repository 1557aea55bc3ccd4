"""What every step of the tour works with."""

import asyncio
import datetime as dt
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

import assay
from examples.tour.expect import expect
from examples.tour.screen import Screen

SUPPORT = Path(__file__).resolve().parents[1] / "support"
ROOT = SUPPORT.parents[1]
DATASET = "support-golden"
CHANNEL = "production"
FEEDBACK = "user_feedback"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")


@dataclass(slots=True)
class Row:
    """One line of the table at the end: what, the numbers with their n, and the page that shows it."""

    what: str
    happened: str
    page: str


@dataclass(slots=True)
class Tour:
    """The public doors (REST through the SDK's client, the CLI, the example's own HTTP service) and what was found."""

    url: str
    key: str
    app: str
    providers: dict[str, str]  # name -> base URL
    client: assay.AsyncClient
    http: aiohttp.ClientSession
    screen: Screen
    began: str = field(default_factory=_now)  # RFC 3339: what is older belongs to earlier tours
    rows: list[Row] = field(default_factory=list)
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)  # A, B, C, D
    runs: dict[str, str] = field(default_factory=dict)  # the release's letter -> id of its golden run
    users: int = 0  # simulated users who have asked so far
    canaries: dict[str, dict[str, Any]] = field(default_factory=dict)  # the release's letter -> its canary, ended

    def tell(self, what: str, happened: str, page: str) -> None:
        """Keep a line for the table at the end."""
        self.rows.append(Row(what, happened, page))

    async def assay(self, *arguments: str, code: int = 0, show: bool = True) -> str:
        """Run the command line as a user would; its standard output. Any other exit code stops the tour."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "assay_server.app.main", *arguments),
            env={**os.environ, "ASSAY_URL": self.url, "ASSAY_API_KEY": self.key, "NO_COLOR": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        out, err = (text.decode() for text in await process.communicate())
        if show:
            self.screen.command(f"assay {' '.join(_quoted(each) for each in arguments)}", code or None)
        expect(process.returncode == code, f"exit code {code} of `assay {' '.join(arguments[:3])} …`",
               f"{process.returncode}: {(err or out).strip()[-600:]}")  # fmt: skip
        return out

    async def ask(self, question: str, user: str, session: str, **more: str) -> dict[str, Any]:
        """Put a question to the support service. Raises NotAsExpected unless it answers."""
        body = {"question": question, "user": user, "session": session, **more}
        async with self.http.post(f"{self.app}/ask", json=body) as response:
            text = await response.text()
            expect(response.status == 200, "the support service answers", f"{response.status}: {text[:300]}")
            reply: dict[str, Any] = await response.json()
            return reply


def _quoted(argument: str) -> str:
    shown = argument.removeprefix(f"{ROOT}/")
    return f"'{shown}'" if " " in shown else shown


def signed(number: float) -> str:
    """`+0.17` or `−0.19`, with a real minus."""
    return f"{number:+.2f}".replace("-", "−")


def interval(ends: Sequence[float]) -> str:
    """`[−0.30, −0.06]`."""
    return f"[{', '.join(map(signed, ends))}]"
