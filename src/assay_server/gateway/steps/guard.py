"""The release's guard policy, on what comes in and on what goes out. Every decision is told in the span.

Input is what the caller brings, variables and messages; the release's own prompt is not suspected. Output is what a
person may read, text and reasoning; arguments of tool calls go to programs and pass unchanged.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from assay_server.core.errors import InvalidInput, Refused, TooLarge
from assay_server.gateway.call import Call, Events, Reply
from assay_server.gateway.masking import HeldEvents, Scrub, masked
from assay_server.gateway.pipeline import Next
from assay_server.gateway.policy import Mode, Policy
from assay_server.gateway.texts import Texts, texts_of_answer, texts_of_messages
from assay_server.providers import Event


class Blocked(Refused):
    """The release's guard policy does not let this through."""

    code = "guard_blocked"


class Guard:
    """Does nothing where the release has no policy."""

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        policy = call.plan.policy if call.plan is not None else None
        if policy is None:
            return await proceed(call)
        await self._check_input(call, policy)
        reply = await proceed(call)
        if policy.output_pii is not None:
            await self._check_output(call, reply, policy.output_pii)
        return reply

    async def _check_input(self, call: Call, policy: Policy) -> None:
        raw = call.fields.get("messages")
        messages = _decoded_messages(raw) if raw is not None else []
        said, variables = texts_of_messages(messages), call.prompting.variables or {}
        texts = [*said.all, *variables.values()]
        _limit(texts, policy.max_input_chars)
        if policy.input_pii is None:
            return
        started = time.perf_counter()
        clean, found = await masked(self._scrub, texts)
        _decide(call, "input", policy.input_pii, found, started)
        if policy.input_pii == "mask" and found:
            said.replace(clean[: len(said.all)])
            if raw is not None:
                call.fields["messages"] = msgspec.Raw(msgspec.json.encode(messages))
            if call.prompting.variables is not None:
                call.prompting.variables = dict(zip(variables, clean[len(said.all) :], strict=True))

    async def _check_output(self, call: Call, reply: Reply, mode: Mode) -> None:
        if reply.events is not None:
            watch = self._observed if mode == "observe" else self._held
            reply.events = watch(call, reply.events, mode)
        elif reply.body is not None:
            reply.body = await self._checked_body(call, reply.body, mode)

    async def _checked_body(self, call: Call, body: bytes, mode: Mode) -> bytes:
        started = time.perf_counter()
        answer = msgspec.json.decode(body)
        said: Texts = texts_of_answer(answer)
        clean, found = await masked(self._scrub, said.all)
        _decide(call, "output", mode, found, started)
        if mode != "mask" or not found:
            return body
        said.replace(clean)
        return msgspec.json.encode(answer)

    async def _observed(self, call: Call, events: Events, mode: Mode) -> AsyncGenerator[list[Event], None]:
        """Lets everything pass and looks at the whole when its end has come."""
        async with aclosing(events):
            async for batch in events:
                yield batch
        started = time.perf_counter()
        texts = ["".join([*said.text, *said.reasoning]) for said in call.transcript.choices.values()]
        _, found = await masked(self._scrub, texts)
        _decide(call, "output", mode, found, started)

    async def _held(self, call: Call, events: Events, mode: Mode) -> AsyncGenerator[list[Event], None]:
        """Lets sentences go when they were looked at, and ends before the first that may not."""
        held = HeldEvents(self._scrub, call.transcript)
        spent = 0.0
        async with aclosing(events):
            async for batch in events:
                started = time.perf_counter()
                checked = held.release(batch)
                spent += time.perf_counter() - started
                if mode == "block" and held.found:
                    break
                yield checked
        _decide(call, "output", mode, held.found, time.perf_counter() - spent)


def _decoded_messages(raw: msgspec.Raw) -> list[Any]:
    try:
        return msgspec.json.decode(raw, type=list[Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"'messages' cannot be used: {error}", field="messages") from error


def _limit(texts: Sequence[str], most: int | None) -> None:
    count = sum(map(len, texts))
    if most is not None and count > most:
        raise TooLarge(
            f"The input has {count} characters; this release takes at most {most}.",
            field="messages",
            value=count,
            fix="shorten the messages and variables, or ship a release with a larger max_input_chars",
        )


def _decide(call: Call, side: str, mode: Mode, found: set[str], started: float) -> None:
    """Tells the decision in the span. Raises Blocked where that is what it is."""
    types = sorted(found)
    action = mode if found else "pass"
    decision: dict[str, Any] = {"side": side, "check": "pii", "action": action, "found": types}
    decision["latency_ms"] = round((time.perf_counter() - started) * 1000, 3)
    call.attributes.setdefault("assay.guard", []).append(decision)
    if mode == "block" and found:
        raise Blocked(
            f"The {side} holds personal data ({', '.join(types)}), and the release's guard policy blocks it.",
            field="messages" if side == "input" else None,
            fix="leave it out of the request" if side == "input" else None,
        )
