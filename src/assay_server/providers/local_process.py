"""Starts, awaits and stops the local model's process."""

import asyncio
import contextlib
import json
import sys
from types import TracebackType
from typing import cast

from assay_server.core.errors import Unavailable

_MODULE = "assay_server.providers.local_llm"


class LocalLlm:
    """The local model as a provider: `base_url` and `model` are known once `start` has returned.

    The process follows its parent: it ends when this one does, however that happens.
    """

    def __init__(self, *, port: int = 0, start_s: float = 60.0, stop_s: float = 5.0) -> None:
        self._port = port
        self._start_s = start_s
        self._stop_s = stop_s
        self._process: asyncio.subprocess.Process | None = None
        self._ready: dict[str, str] = {}

    @property
    def base_url(self) -> str:
        """For `Providers`: `http://127.0.0.1:<port>/v1`."""
        return f"{self._known('url')}/v1"

    @property
    def model(self) -> str:
        """The pinned name, `smollm2-135m-instruct@sha256:<12 digits>`."""
        return self._known("model")

    @property
    def models(self) -> list[str]:
        """The names it goes by: the pinned one, and the one without its digest."""
        return [self.model, self.model.partition("@")[0]]

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Returns when the model answers. Raises Unavailable saying why it does not."""
        if self.is_running:
            return
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE, "--port", str(self._port), "--follow-stdin",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._ready = await asyncio.wait_for(self._first_line(self._process), self._start_s)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends the process, politely first. Stopping twice is fine."""
        process, self._process, self._ready = self._process, None, {}
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        try:
            await asyncio.wait_for(process.communicate(), self._stop_s)
        except TimeoutError:
            process.kill()
            await process.communicate()

    async def __aenter__(self) -> "LocalLlm":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _first_line(self, process: asyncio.subprocess.Process) -> dict[str, str]:
        line = await cast("asyncio.StreamReader", process.stdout).readline()
        if not line:
            raise Unavailable(f"The local model's process ended with code {await process.wait()}.")
        told: dict[str, str] = json.loads(line)
        if "error" in told:
            raise Unavailable(f"The local model did not start. {told['error']}")
        return told

    def _known(self, name: str) -> str:
        if name not in self._ready:
            raise Unavailable("The local model is not running.", fix="await start() first")
        return self._ready[name]
