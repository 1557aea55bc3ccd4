"""A provider for clients under test: speaks OpenAI's chat completions, asks for a tool once, then answers; speaks
Anthropic's messages too. Both whole and streamed.

Its usage has cached and reasoning tokens, so that a client or a door that counts them twice is found out.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MODEL = "gpt-4o-mini"
DATED = "gpt-4o-mini-2024-07-18"
ANSWER = "Refunds take 14 days."
TOOL = "look_up"
USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 10},
}


CLAUDE = "claude-sonnet-4-5-20250929"
CLAUDES_USAGE = {
    "input_tokens": 100,
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 5,
    "output_tokens": 30,
}


class Provider:
    """`with Provider() as provider:` serves on `provider.base_url`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def completion(request: dict[str, Any]) -> dict[str, Any]:
    """A tool call where tools are offered and none was answered yet; otherwise the answer."""
    answered = any(message.get("role") == "tool" for message in request.get("messages", []))
    message: dict[str, Any] = {"role": "assistant", "content": ANSWER}
    reason = "stop"
    if request.get("tools") and not answered:
        function = {"name": request["tools"][0]["function"]["name"], "arguments": '{"topic": "refunds"}'}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }
        reason = "tool_calls"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_248_000,
        "model": DATED,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": USAGE,
    }


def completion_chunks(request: dict[str, Any]) -> str:
    """The same, streamed; usage comes last, where it is asked for."""
    whole = completion(request)
    [choice] = whole["choices"]
    said = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if said["content"]:
        deltas += [{"content": word} for word in said["content"].partition(" ")]
    for at, call in enumerate(said.get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        deltas.append({"tool_calls": [{**call, "index": at, "function": {**call["function"], "arguments": ""}}]})
        deltas.append({"tool_calls": [{"index": at, "function": {"arguments": arguments}}]})
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]})
    base = {**whole, "object": "chat.completion.chunk"}
    del base["usage"]
    chunks = [{**base, "choices": [one]} for one in choices]
    if (request.get("stream_options") or {}).get("include_usage"):
        chunks.append({**base, "choices": [], "usage": USAGE})
    return "".join(f"data: {told}\n\n" for told in (*map(json.dumps, chunks), "[DONE]"))


def message(content: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Anthropic's answer."""
    made = {"id": "msg_1", "type": "message", "role": "assistant", "model": CLAUDE, "content": content}
    return {**made, "stop_reason": "end_turn", "stop_sequence": None, "usage": CLAUDES_USAGE, **fields}


def message_events() -> str:
    """The same, streamed."""
    text = {"type": "text", "text": ""}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": message([], stop_reason=None, usage={**CLAUDES_USAGE, "output_tokens": 1}),
        },
        {"type": "content_block_start", "index": 0, "content_block": text},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": CLAUDES_USAGE["output_tokens"]}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
        kind, body = "application/json", json.dumps(completion(request)).encode()
        if self.path.endswith("/messages"):
            body = json.dumps(message([{"type": "text", "text": ANSWER}])).encode()
            if request.get("stream"):
                kind, body = "text/event-stream", message_events().encode()
        elif request.get("stream"):
            kind, body = "text/event-stream", completion_chunks(request).encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Says nothing: tests are quiet."""
