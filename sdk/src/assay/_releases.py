"""Releases by channel: cached for a second, refreshed in the background, in an outage from the last good copy."""

import hashlib
import json
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from assay._calls import Call, Json, Request, Response
from assay._config import Connection
from assay._context import Mark, headers
from assay._errors import AssayError, NotFound, RetryableError, ServerError, from_response
from assay._outbox import Outage
from assay._spans import current_span
from assay._templates import Message, fields_of, messages_of, render

TTL_S = 1.0
"""How old an answer may be. The background asks again before it is over, so that callers do not wait."""

_GRACE_S = 2.0  # an answer this old is still used where the background is late: a rollback reaches everybody by then
_IDLE_S = 30.0  # a channel nobody asked for this long is no longer refreshed
_TIMEOUT_S = 2.0
_UNITS = 10_000


@dataclass(slots=True, frozen=True)
class Prompt:
    """One prompt version."""

    id: str
    name: str
    version: int
    template: Mapping[str, Any]
    model: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    document: Json = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, document: Json) -> Self:
        return cls(
            document["id"],
            document["name"],
            document["version"],
            document["template"],
            document.get("model"),
            document.get("parameters") or {},
            document,
        )

    @property
    def variables(self) -> list[str]:
        """The names of the fields."""
        return sorted(fields_of(str(message["content"]) for message in messages_of(self.template)))

    def render(self, **variables: Any) -> list[Message]:
        """Chat messages with the fields filled in; the current span says which prompt that was.

        Raises InvalidInput naming every field that is missing; further variables are ignored."""
        current_span().set("assay.prompt.name", self.name).set("assay.prompt.version", str(self.version))
        return render(self.template, variables)


@dataclass(slots=True, frozen=True)
class Release:
    """What is live for one user: prompts, model, parameters and retrieval config that belong together."""

    id: str
    name: str
    version: int
    prompts: Mapping[str, Prompt]
    pinned_model: str
    parameters: Mapping[str, Any]
    output_schema: Json | None
    retrieval: Json | None
    channel: str | None
    canary: str | None
    arm: str | None
    document: Json = field(repr=False)

    @classmethod
    def of(cls, resolved: Json) -> Self:
        """From an answer of `/channels/{name}/resolve`, or `{"release": …}`."""
        document = resolved["release"]
        return cls(
            id=document["id"],
            name=document["name"],
            version=document["version"],
            prompts={role: Prompt.of(prompt) for role, prompt in (document.get("prompts") or {}).items()},
            pinned_model=document["model"],
            parameters=document.get("parameters") or {},
            output_schema=document.get("output_schema"),
            retrieval=document.get("retrieval_config"),
            channel=resolved.get("channel"),
            canary=resolved.get("canary"),
            arm=resolved.get("arm"),
            document=document,
        )

    @property
    def model(self) -> str:
        """The name to call it by at the gateway, which then applies this release and no other."""
        return f"release:{self.id}"

    @property
    def mark(self) -> Mark:
        return Mark(self.id, self.channel, self.canary, self.arm)

    @property
    def headers(self) -> dict[str, str]:
        """For the call at the gateway: trace context, user, session, channel, canary and arm."""
        return headers(self.mark)

    def prompt(self, role: str | None = None) -> Prompt:
        """The prompt of a role; the only one where there is one. Raises NotFound."""
        if role is None and len(self.prompts) == 1:
            return next(iter(self.prompts.values()))
        if role is None or role not in self.prompts:
            known = ", ".join(sorted(self.prompts)) or "none"
            raise NotFound(
                f"Release {self.name}@{self.version} has no prompt for the role '{role}'; its roles: {known}.",
                field="role",
                value=role,
            )
        return self.prompts[role]

    def render(self, role: str | None = None, /, **variables: Any) -> list[Message]:
        """The chat messages of a role's prompt with the fields filled in."""
        return self.prompt(role).render(**variables)


@dataclass(slots=True)
class _Entry:
    document: Json
    at: float  # seconds, monotonic


class LastGood:
    """What each channel had when the server last answered; on disk too where a directory is given."""

    def __init__(self, connection: Connection, directory: Path | None, outage: Outage) -> None:
        # The name depends on the key, so that projects do not see each other's releases.
        tag = hashlib.sha256(f"{connection.url} {connection.api_key}".encode()).hexdigest()[:16]
        self._file = None if directory is None else directory / f"assay-releases-{tag}.json"
        self._outage = outage
        self._channels: dict[str, Json] = self._load()

    def get(self, channel: str) -> Json | None:
        """The release, without an arm: nobody knows in an outage which one a user would have got."""
        return self._channels.get(channel)

    def keep(self, channel: str, answer: Json) -> None:
        """Remembers the release of the channel itself; a candidate only where there is nothing else."""
        old = self._channels.get(channel)
        if old is not None and (answer.get("arm") == "candidate" or old["release"]["id"] == answer["release"]["id"]):
            return
        self._channels[channel] = {"channel": channel, "release": answer["release"]}
        self._save()

    def _load(self) -> dict[str, Json]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            loaded = json.loads(self._file.read_text())
        except (OSError, ValueError) as error:
            self._outage.tell_once(f"The release cache {self._file} cannot be read ({error}); it is written anew.")
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def _save(self) -> None:
        """Whole or not at all, and readable by this user only: prompts may be confidential."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent)
            with os.fdopen(handle, "w") as out:
                json.dump(self._channels, out)
            Path(name).replace(self._file)
        except OSError as error:
            self._outage.tell_once(f"The release cache {self._file} cannot be written ({error}).")


class Resolver:
    """Which release a unit gets. `fetch` runs a call; everything else is memory. Safe between threads."""

    def __init__(
        self,
        fetch: Callable[[Call[Json]], Json],
        last_good: LastGood,
        outage: Outage,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._last_good = last_good
        self._outage = outage
        self._now = now
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str | None], _Entry] = OrderedDict()
        self._asked: dict[str, float] = {}
        self._down_until = float("-inf")
        self._stop = threading.Event()
        self._refresher: threading.Thread | None = None

    def cached(self, channel: str, unit: str | None) -> Release | None:
        """The release where it is known without asking."""
        with self._lock:
            self._asked[channel] = self._now()
            entry = self._entry(channel, unit)
            fresh = entry is not None and self._now() - entry.at < _GRACE_S
        return Release.of(entry.document) if entry is not None and fresh else None

    def resolve(self, channel: str, unit: str | None) -> Release:
        """The release for a unit, asking the server where needed.

        Raises ServerUnreachable where neither the server nor a last good copy answers, NotFound and Unauthenticated
        as the server says.
        """
        self._start_refresher()
        known = self.cached(channel, unit)
        return known if known is not None else self._ask(channel, unit)

    def refresh(self) -> None:
        """Asks anew for the channels in use; called by the background about once a TTL."""
        with self._lock:
            wanted = [name for name, at in self._asked.items() if self._now() - at < _IDLE_S]
        for channel in wanted:
            began = time.monotonic()
            try:
                self._remember(channel, None, self._fetch(_resolving(channel, None)))
            except (RetryableError, ServerError) as error:
                self._away(error, began)
            except AssayError as error:
                self._forget(channel)
                self._outage.tell_once(f"Assay: channel '{channel}': {error}")

    def close(self) -> None:
        """Ends the background."""
        self._stop.set()

    def _ask(self, channel: str, unit: str | None) -> Release:
        if self._now() < self._down_until:
            fallback = self._fallback(channel, unit)
            if fallback is not None:
                return fallback
        began = time.monotonic()
        try:
            answer = self._fetch(_resolving(channel, unit))
        except (RetryableError, ServerError) as error:
            self._away(error, began)
            fallback = self._fallback(channel, unit)
            if fallback is None:
                raise
            return fallback
        self._remember(channel, unit, answer)
        return Release.of(answer)

    def _fallback(self, channel: str, unit: str | None) -> Release | None:
        """A unit keeps the arm it had; others get the channel's release, outside the canary."""
        with self._lock:
            entry = self._entry(channel, unit)
        document = entry.document if entry is not None else self._last_good.get(channel)
        return None if document is None else Release.of(document)

    def _entry(self, channel: str, unit: str | None) -> _Entry | None:
        """Without a canary one answer holds for everybody; with one, an answer holds for its unit."""
        whole = self._entries.get((channel, None))
        if whole is not None and (unit is None or whole.document.get("canary") is None):
            return whole
        return self._entries.get((channel, unit))

    def _remember(self, channel: str, unit: str | None, answer: Json) -> None:
        self._outage.end()
        with self._lock:
            self._down_until = float("-inf")
            key = (channel, None if answer.get("canary") is None else unit)
            self._entries[key] = _Entry(answer, self._now())
            self._entries.move_to_end(key)
            if key[1] is not None:
                # A canary has begun since everybody's answer was fetched: that one no longer holds.
                whole = self._entries.get((channel, None))
                if whole is not None and whole.document.get("canary") is None:
                    del self._entries[channel, None]
            while len(self._entries) > _UNITS:
                self._entries.popitem(last=False)
            self._last_good.keep(channel, answer)

    def _forget(self, channel: str) -> None:
        with self._lock:
            self._asked.pop(channel, None)
            for key in [key for key in self._entries if key[0] == channel]:
                del self._entries[key]

    def _away(self, error: AssayError, began: float) -> None:
        self._outage.begin(error.message, began)
        with self._lock:
            self._down_until = self._now() + TTL_S

    def _start_refresher(self) -> None:
        with self._lock:
            if self._refresher is not None:
                return
            self._refresher = threading.Thread(target=self._refreshing, name="assay-releases", daemon=True)
            self._refresher.start()

    def _refreshing(self) -> None:
        while not self._stop.wait(TTL_S * 0.8):
            self.refresh()


def _resolving(channel: str, unit: str | None) -> Call[Json]:
    """One attempt, quick: the caller has a fallback, or a user who waits."""
    request = Request("GET", f"/api/v1/channels/{quote(channel)}/resolve", {"unit": unit}, timeout_s=_TIMEOUT_S)
    response: Response = yield request
    if response.status >= 400:
        raise from_response(response.status, response.headers, response.body)
    answer: Json = response.json()
    return answer
