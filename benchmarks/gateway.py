"""CPU per call of the gateway, beside a bare proxy with the same outbound client and server in the same run.

What stands between a caller and a provider, each in a process of its own:
  bare     raw ASGI on uvicorn, aiohttp, bytes passed on
  assay    the whole gateway: key checked, traced, one span a call scrubbed, priced and stored durably in DuckDB
  unstored the same without the store: spans are built and dropped

usage: python -m benchmarks.gateway [--calls 10000] [--connections 32] [--rounds 3] [--stream]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.gateway_parts import KEY, MODEL, serve

_PARTS = ("bare", "unstored", "assay")
_TICKS_PER_S = 100
_PROMPT = "Please answer the customer in a friendly tone, and cite the document that you rely on. " * 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000, help="calls a round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--upstream", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        serve(arguments.part, arguments.upstream)
    else:
        print(json.dumps(_measure(arguments)))


def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Rounds are interleaved, so that a busy minute of the machine falls on all of them."""
    body = _request_body(stream=arguments.stream)
    cpu: dict[str, list[float]] = {part: [] for part in _PARTS}
    rate: dict[str, list[float]] = {part: [] for part in _PARTS}
    told: dict[str, Any] = {}
    with ExitStack() as stack:
        upstream = stack.enter_context(_part("upstream", "", {}))
        base_url = f"http://127.0.0.1:{upstream[0]}/v1"
        running = {part: stack.enter_context(_part(part, base_url, told)) for part in _PARTS}
        for port, _ in running.values():
            asyncio.run(_load(port, body, arguments.connections, min(500, arguments.calls)))
        for _ in range(arguments.rounds):
            for part, (port, pid) in running.items():
                before, started = _settled_cpu_s(pid), time.perf_counter()
                asyncio.run(_load(port, body, arguments.connections, arguments.calls))
                rate[part].append(arguments.calls / (time.perf_counter() - started))
                cpu[part].append((_settled_cpu_s(pid) - before) / arguments.calls * 1e6)
    return _report(arguments, cpu, rate, told)


def _report(
    arguments: argparse.Namespace, cpu: dict[str, list[float]], rate: dict[str, list[float]], told: dict[str, Any]
) -> dict[str, Any]:
    bare = statistics.median(cpu["bare"])
    parts = {
        part: {
            "cpu_us_per_call": round(statistics.median(cpu[part]), 1),
            "calls_per_s": round(statistics.median(rate[part])),
            "ratio_to_bare": round(statistics.median(cpu[part]) / bare, 2),
        }
        for part in _PARTS
    }
    setting = {name: getattr(arguments, name) for name in ("calls", "connections", "rounds", "stream")}
    return {**setting, "parts": parts, "stored": told.get("assay")}


@contextmanager
def _part(name: str, upstream: str, told: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """(port, pid) of a part in a process of its own; what it says at its end is put into `told`."""
    command = [sys.executable, "-m", "benchmarks.gateway", "--part", name, "--upstream", upstream]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise SystemExit("no pipe")
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"the part '{name}' did not start")
            yield json.loads(line)["port"], process.pid
        finally:
            process.terminate()
            last = process.stdout.read().strip()
            if last:
                told[name] = json.loads(last)


def _settled_cpu_s(pid: int) -> float:
    """CPU seconds of all threads, once nothing is being done any more: spans are written behind the answers."""
    known = -1.0
    while (now := _cpu_s(pid)) != known:
        known = now
        time.sleep(0.4)
    return now


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _request_body(*, stream: bool) -> bytes:
    messages = [{"role": "system", "content": _PROMPT}, {"role": "user", "content": "When will my parcel arrive?"}]
    return json.dumps({"model": f"openai/{MODEL}", "messages": messages, "temperature": 0, "stream": stream}).encode()


async def _load(port: int, body: bytes, connections: int, calls: int) -> None:
    """`calls` POSTs over `connections` kept alive. Raises where one is not answered with 200."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    left = iter(range(calls))
    await asyncio.gather(*(_caller(port, request, left) for _ in range(connections)))


async def _caller(port: int, request: bytes, left: Iterator[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in left:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not answered: {head.decode()} {(await reader.read(2000)).decode()}")
        lower = head.lower()
        if b"content-length:" in lower:
            await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
        else:
            await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()


if __name__ == "__main__":
    main()
