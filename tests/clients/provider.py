"""A provider for clients under test: speaks OpenAI's chat completions, asks for a tool once, then answers.

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


class Provider:
    """`with Provider() as provider:` serves on `provider.base_url`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
        body = json.dumps(completion(request)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Says nothing: tests are quiet."""
