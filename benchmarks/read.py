"""Reading a large store through the REST API while spans come in, each question beside the same one in plain SQL.

The server is the real one (`assay up`), the spans come through its OTLP door at a fixed rate from a process of its own,
and every question is asked over HTTP with other values each time. `plain` is what DuckDB alone takes for the question
(`POST /sql`, in the same run): ILIKE instead of the text index, whole columns instead of what is kept beside them.
The store is made once and kept in `--data`; the spans that come in while it is asked stay in it.

usage: python -m benchmarks.read [--spans N] [--rounds N] [--rate SPANS_PER_S] [--data DIR]
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.read_data import build
from benchmarks.read_questions import PLAIN, QUESTIONS, Api, Question, TookTooLong
from benchmarks.read_server import KEY, running

_CAUGHT_UP = 20_000  # rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "assay-bench-read")
    parser.add_argument("--only", help="questions with this in their name")
    options = parser.parse_args()
    print(json.dumps(_measure(options), indent=2))
    return 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    folder = options.data / str(options.spans)
    _prepared(folder, options.spans)
    with running(folder) as server:
        ready_s = server.ready_s
        api = Api(server.url)
        indexed_s = _indexed(api)
        with _fed(server.url, options.rate) as fed:
            time.sleep(3)
            asked = [_asked(api, question, options.rounds) for question in _chosen(QUESTIONS, options.only)]
            plain = [_asked(api, question, max(3, options.rounds // 4)) for question in _chosen(PLAIN, options.only)]
            behind = api.get("/search/state")
        sizes = _sizes(folder, api)
    return {
        "load": os.getloadavg(), "ready_s": ready_s,
        "index_caught_up_s": indexed_s, "fed": fed, "behind_while_fed": behind,
        "sizes": sizes, "asked": asked, "plain": plain,
    }  # fmt: skip


def _prepared(folder: Path, spans: int) -> None:
    done = folder / "built"
    if done.exists():
        return
    with running(folder) as server:
        project = Api(server.url).get("/info")["project"]
    began = time.perf_counter()
    for file in (folder / "facts").glob("*"):
        if file.is_file():
            file.unlink()
    build(folder / "facts", project, spans)
    done.write_text(f"{time.perf_counter() - began:.0f} s")
    print(f"built in {done.read_text()}", file=sys.stderr)


def _indexed(api: "Api") -> float:
    """Seconds until the text index knows nearly all; only the first start after the building takes long."""
    began = time.perf_counter()
    while api.get("/search/state")["behind"]["rows"] > _CAUGHT_UP:
        time.sleep(1)
    return round(time.perf_counter() - began, 1)


@contextmanager
def _fed(url: str, rate: int) -> Iterator[dict[str, Any]]:
    """Spans at this rate until the block ends; what was sent is known behind it."""
    told: dict[str, Any] = {}
    if rate == 0:
        yield told
        return
    command = [sys.executable, "-m", "benchmarks.read_feed", url, KEY, str(rate), "3600"]
    feeding = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield told
    finally:
        feeding.terminate()
        out, _ = feeding.communicate()
        told |= json.loads(out)


def _asked(api: "Api", question: Question, rounds: int) -> dict[str, Any]:
    rng = random.Random(question.name)
    took: list[float] = []
    answer: Any = None
    for _ in range(rounds + 1):
        about = question.find(api, rng)
        began = time.perf_counter()
        try:
            answer = question.ask(api, rng, about)
        except TookTooLong:
            answer = []  # it took the limit, at least
        took.append((time.perf_counter() - began) * 1e3)
    took = sorted(took[1:])  # the first one warms up
    told = {
        "question": question.name, "n": len(took), "p50_ms": round(took[len(took) // 2], 1),
        "p95_ms": round(took[math.ceil(0.95 * len(took)) - 1], 1), "answer": question.said(answer),
    }  # fmt: skip
    print("{question:40} p50 {p50_ms:8.1f} ms  p95 {p95_ms:8.1f} ms  {answer}".format(**told), file=sys.stderr)
    return told


def _chosen(questions: tuple[Question, ...], only: str | None) -> list[Question]:
    return [question for question in questions if only is None or only in question.name]


def _sizes(folder: Path, api: "Api") -> dict[str, float]:
    """Bytes a span: on disk, beside what the same spans take as JSON Lines and as Parquet."""
    spans = api.sql("SELECT count(*) FROM spans")[0][0]
    facts = sum(file.stat().st_size for file in (folder / "facts").glob("*.duckdb*"))
    texts = sum(file.stat().st_size for file in (folder / "facts" / "text").rglob("*") if file.is_file())
    some = api.get_bytes("/export/spans?format=jsonl&user=u7")
    parquet = api.get_bytes("/export/spans?format=parquet&user=u7")
    lines = max(1, some.count(b"\n"))
    return {
        "spans": spans, "facts": round(facts / spans), "text_index": round(texts / spans),
        "json_lines": round(len(some) / lines), "parquet": round(len(parquet) / lines), "exported": lines,
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
