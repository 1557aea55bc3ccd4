"""What a canary needs from rooms it may not see, or sees only so much of. `app` plugs the real things in."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Standing(Protocol):
    """What a channel says, read from the ledger."""

    @property
    def release(self) -> str | None:
        """The live release's id."""

    @property
    def canary(self) -> str | None:
        """The canary in progress."""


class ChannelControl(Protocol):
    """The canary's side of a channel. Every call is idempotent: the same canary and step change it once.

    They write the channel's history and the audit log in the same transaction. A canary that has ended is not
    changed any more: `advance` and `finish` leave it as it is, or raise Conflict where it ended otherwise.
    """

    async def standing(self, project: str, channel: str) -> Standing: ...

    async def get(self, project: str, channel: str) -> Mapping[str, Any]:
        """`{"history": [{"at", "canary", "step", …}, …], …}`: when which step began, newest first."""

    async def begin(
        self, project: str, channel: str, *, canary: str, candidate: str, share: float, by: str, reason: str
    ) -> None:
        """Refused without a passing verdict, Conflict while another canary runs."""

    async def advance(
        self, project: str, channel: str, *, canary: str, step: int, share: float, by: str, reason: str
    ) -> None: ...

    async def finish(self, project: str, channel: str, *, canary: str, outcome: str, by: str, reason: str) -> None:
        """`promote`: the candidate gets everything; `rollback` and `abort`: the baseline does."""


class Releases(Protocol):
    """The two questions about releases; both raise NotFound."""

    async def id_of(self, project: str, ref: str) -> str: ...

    async def differences(self, project: str, before: str, after: str) -> Mapping[str, Any]:
        """`{"summary": "in words", "changes": [...]}`."""


class OpenIncident(Protocol):
    """Opens an incident once per `key` and returns its id; a second call with the same key changes nothing."""

    async def __call__(
        self,
        project: str,
        *,
        key: str,
        kind: str,
        severity: str,
        title: str,
        subject: str,
        sentence: str,
        evidence: Mapping[str, Any],
        actions: Sequence[Mapping[str, str]],
        by: str,
    ) -> str: ...
