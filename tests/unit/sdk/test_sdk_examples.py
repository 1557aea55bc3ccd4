"""The quickstart examples run as they are."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fakes.rest import FakeServer
from tests.unit.sdk.test_sdk_releases import release_json

EXAMPLES = Path(__file__).parents[3] / "examples" / "quickstart"


def _run(server: FakeServer, name: str, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "ASSAY_URL": server.url, "ASSAY_API_KEY": "sk_test"},
    )
    return done.stdout


def _chat(server: FakeServer) -> None:
    message = {"role": "assistant", "content": "Two years."}
    reply = {"id": "c", "object": "chat.completion", "created": 0, "model": "m"}
    server.on("POST", "/v1/chat/completions", reply | {"choices": [{"index": 0, "message": message}]})


def test_the_sdk_with_a_release_and_the_gateway(fake_rest: FakeServer) -> None:
    resolved = {"channel": "production", "release": release_json("rel_a"), "arm": None, "canary": None}
    fake_rest.on("GET", "/api/v1/channels/production/resolve", resolved)
    fake_rest.on("POST", "/api/v1/scores", {"items": []})
    _chat(fake_rest)
    out = _run(fake_rest, "assay_sdk.py", "Why?")
    request = fake_rest.span("request")
    assert out == f"Two years.\ntrace: assay trace show {request.trace_id}\n"
    [call] = fake_rest.calls("POST", "/v1/chat/completions")
    assert call.json["model"] == "release:rel_a"
    assert call.json["assay"]["variables"]["question"] == "Why?"
    assert call.headers["traceparent"].split("-")[1] == request.trace_id
    assert call.headers["x-assay-user"] == "ada"
    assert request.attributes["assay.release"] == "rel_a"
    [scores] = fake_rest.calls("POST", "/api/v1/scores")
    assert scores.json[0]["trace_id"] == request.trace_id


def test_the_lines_of_the_five_minute_start(fake_rest: FakeServer, tmp_path: Path) -> None:
    """As they are pasted, but for the client that stands above them there."""
    resolved = {"channel": "production", "release": release_json("rel_a"), "arm": None, "canary": None}
    fake_rest.on("GET", "/api/v1/channels/production/resolve", resolved)
    fake_rest.on("POST", "/api/v1/scores", {"items": []})
    _chat(fake_rest)
    start = (EXAMPLES.parents[1] / "docs" / "five-minute-start.md").read_text()
    *_, lines = re.findall(r"```python\n(.*?)```", start, re.DOTALL)
    client = (
        f"import assay, openai\nassay.init()\nclient = openai.OpenAI(base_url='{fake_rest.url}/v1', api_key='sk_x')"
    )
    (tmp_path / "pasted.py").write_text(f"{client}\n{lines}\nprint(said)")
    assert _run(fake_rest, str(tmp_path / "pasted.py")) == "Two years.\n"
    [call] = fake_rest.calls("POST", "/v1/chat/completions")
    [scores] = fake_rest.calls("POST", "/api/v1/scores")
    assert scores.json[0]["trace_id"] == call.headers["traceparent"].split("-")[1]


def test_plain_opentelemetry(fake_rest: FakeServer) -> None:
    out = _run(fake_rest, "opentelemetry_only.py")
    assert out == f"trace: assay trace show {fake_rest.span('request').trace_id}\n"
    assert fake_rest.span("chat gpt-4o").attributes["gen_ai.usage.input_tokens"] == 12
