"""Nine weeks of a made-up agent that plans train journeys, sent over OTLP as any client sends: what the pictures in
docs/images show beside the tour. Its traffic has days and nights; the day before today its answers became longer.

usage: python scripts/picture_week.py http://127.0.0.1:4600 ADMIN_KEY
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

DAYS, A_DAY = 66, 45
TOWNS = ("Aarhus", "Odense", "Aalborg", "Malmö", "Hamburg", "Copenhagen", "Berlin", "Esbjerg")
WHEN = (
    "on Friday morning",
    "tomorrow evening",
    "next Monday",
    "for two people on Saturday",
    "with a bicycle",
    "tonight",
)
RULES = "A Standard ticket may be changed until departure for 90 kroner. An Orange ticket is tied to its train."
SYSTEM = (
    "You plan train journeys in Denmark and to its neighbours. Use the tools for times and prices; never guess one."
)
CHEAP, DEAR = ("openai", "gpt-4o-mini-2024-07-18"), ("openai", "gpt-4o-2024-11-20")
BATCH = 40

Json = dict[str, Any]

MONITORS: tuple[Json, ...] = (
    {
        "name": "slow-answers", "metric": {"name": "latency", "quantile": 0.95},
        "rule": {"kind": "threshold", "above": 1500},
        "window_s": 86_400, "severity": "warning", "description": "Nobody waits longer for a train.",
    },
    {
        "name": "tools-fail", "metric": {"name": "error_rate"}, "rule": {"kind": "threshold", "above": 0.2},
        "filter": {"kind": ["tool"]}, "window_s": 86_400, "severity": "critical",
        "description": "Ask the owner of the timetable.",
    },
)  # fmt: skip


def main() -> int:
    url, key = sys.argv[1].rstrip("/"), sys.argv[2]
    dice = random.Random(7)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        waiting: list[Json] = []
        for number, at in enumerate(_moments(dice)):
            trace = Trace(dice, number, at)
            waiting += trace.spans
            if number % BATCH == BATCH - 1:
                _send(http, waiting)
                waiting = []
        _send(http, waiting)
        for monitor in MONITORS:
            http.post("/api/v1/monitors", json={"every_s": 60, "min_n": 20, **monitor}).raise_for_status()
    return 0


def _moments(dice: random.Random) -> Iterator[datetime]:
    """Starts in their order: more by day than by night, fewer at weekends, none in the future."""
    now = datetime.now(UTC) - timedelta(minutes=2)
    for days_ago in range(DAYS, -1, -1):
        day = (now - timedelta(days=days_ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        many = round(
            A_DAY * (0.6 if day.weekday() > 4 else 1) * (1.12 if days_ago == 1 else 1) * dice.uniform(0.95, 1.05)
        )
        hours = sorted(min(max(dice.gauss(14, 4.5), 0), 23.99) for _ in range(many))
        yield from (at for hour in hours if (at := day + timedelta(hours=hour)) < now)


def _send(http: httpx.Client, spans: list[Json]) -> None:
    resource = _said({"service.name": "journeys", "deployment.environment.name": "production"})
    body = {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]}
    http.post("/v1/traces", json=body).raise_for_status()


def _said(attributes: Json) -> list[Json]:
    def value(given: Any) -> Json:
        if isinstance(given, int):
            return {"intValue": str(given)}
        if isinstance(given, float):
            return {"doubleValue": given}
        return {"stringValue": given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)}

    return [{"key": key, "value": value(given)} for key, given in attributes.items()]


class Trace:
    """One journey that is asked for: the spans, in the order in which they happened."""

    def __init__(self, dice: random.Random, number: int, at: datetime) -> None:
        self.dice, self.at_ns = dice, int(at.timestamp() * 1e9)
        self.id = f"{dice.getrandbits(127):032x}"
        self.yesterday = at.date() == (datetime.now(UTC) - timedelta(days=1)).date()
        self.user = f"u-{int(dice.paretovariate(1.2)) % 140:04d}"
        start, end = dice.sample(TOWNS, 2)
        self.question = f"Find me a train from {start} to {end} {dice.choice(WHEN)}."
        self.spans: list[Json] = []
        self.now_ns = self.at_ns
        self._plan(number, start, end)

    def _plan(self, number: int, start: str, end: str) -> None:
        root = self._id()
        talk: list[Json] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": self.question}]
        self._model(root, "decide", CHEAP, talk, {"role": "assistant", "content": "I look for trains first."}, 420)
        trains = [{"departs": f"{hour:02d}:56", "arrives": f"{hour + 3:02d}:41", "kroner": 249} for hour in (7, 9, 10)]
        self._tool(root, "search_trains", {"from": start, "to": end}, trains, 1.1)
        talk.append({"role": "tool", "content": json.dumps(trains)})
        self._model(
            root, "decide", CHEAP, talk, {"role": "assistant", "content": "Three trains. I ask for their prices."}, 640
        )
        for _ in range(self.dice.choice((1, 2, 2, 3))):
            empty = self.dice.random() < 0.18
            self._tool(
                root,
                "check_price",
                {"departs": self.dice.choice(trains)["departs"]},
                [] if empty else {"kroner": 249},
                0.32,
            )
        self._documents(root)
        talk.append({"role": "tool", "content": RULES})
        answer = f"The 09:56 reaches {end} at 12:41 and costs 249 kroner. {RULES if self.yesterday else ''}".strip()
        model = DEAR if number % 3 == 0 else CHEAP
        self._model(
            root, "answer", model, talk, {"role": "assistant", "content": answer}, 1480 if self.yesterday else 1050
        )
        attributes = {
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "plan journey", "input.value": self.question,
            "output.value": answer, "session.id": f"{self.user}-{self.at_ns // 86_400_000_000_000}",
            "user.id": self.user, "assay.feature": "rebooking" if number % 4 == 0 else "planning",
        }  # fmt: skip
        self._add(root, "", "plan journey", self.at_ns, attributes)

    def _model(self, parent: str, name: str, model: tuple[str, str], talk: list[Json], said: Json, tokens: int) -> None:
        took = self.dice.lognormvariate(-0.35, 0.45) * (1.6 if name == "answer" else 0.7)
        failed = self.dice.random() < 0.008
        attributes: Json = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": model[0], "gen_ai.request.model": model[1],
            "gen_ai.request.temperature": self.dice.choice((0.0, 0.3, 0.7)), "gen_ai.input.messages": talk,
        }  # fmt: skip
        if not failed:
            into = round(5 * tokens * self.dice.uniform(0.9, 1.1))
            out = round((480 if self.yesterday else 260) * self.dice.uniform(0.6, 1.4))
            attributes |= {
                "gen_ai.response.model": model[1], "gen_ai.output.messages": [said],
                "gen_ai.usage.input_tokens": into, "gen_ai.usage.output_tokens": out if name == "answer" else 24,
                "gen_ai.response.time_to_first_chunk": round(took * 0.3, 3),
            }  # fmt: skip
        else:
            attributes |= {"error.type": "rate_limit_exceeded"}
        self._step(parent, name, took, attributes, error="429 Too Many Requests" if failed else "")

    def _tool(self, parent: str, name: str, arguments: Json, result: Any, seconds: float) -> None:
        failed = self.dice.random() < 0.02
        attributes = {
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.arguments": arguments,
            **({"error.type": "timeout"} if failed else {"gen_ai.tool.call.result": result}),
        }  # fmt: skip
        self._step(
            parent, name, seconds * self.dice.lognormvariate(0, 0.5), attributes, error="timed out" if failed else ""
        )

    def _documents(self, parent: str) -> None:
        attributes = {
            "openinference.span.kind": "RETRIEVER", "input.value": "may a ticket be changed",
            "retrieval.documents.0.document.id": "tickets-14", "retrieval.documents.0.document.content": RULES,
            "retrieval.documents.0.document.score": round(self.dice.uniform(0.7, 0.95), 3),
        }  # fmt: skip
        self._step(parent, "find rules", 0.12 * self.dice.lognormvariate(0, 0.3), attributes)

    def _step(self, parent: str, name: str, seconds: float, attributes: Json, *, error: str = "") -> None:
        begin = self.now_ns + 2_000_000
        self.now_ns = begin + int(seconds * 1e9)
        self._add(self._id(), parent, name, begin, attributes, error)

    def _add(self, span: str, parent: str, name: str, begin_ns: int, attributes: Json, error: str = "") -> None:
        self.spans.append(
            {
                "traceId": self.id, "spanId": span, "parentSpanId": parent, "name": name, "kind": 1,
                "startTimeUnixNano": str(begin_ns), "endTimeUnixNano": str(self.now_ns),
                "attributes": _said(attributes), "status": {"code": 2, "message": error} if error else {},
            }
        )  # fmt: skip

    def _id(self) -> str:
        return f"{self.dice.getrandbits(63):016x}"


if __name__ == "__main__":
    began = time.perf_counter()
    code = main()
    print(f"sent in {time.perf_counter() - began:.1f} s")
    raise SystemExit(code)
