"""One journey that a made-up agent plans, as the spans that an OpenTelemetry client would send of it."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

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
FOLLOWING = (
    ("Is there an earlier one?", "Yes: the 07:56 arrives at 10:41, at the same price."),
    ("May I change the ticket later?", f"That depends on it. {RULES}"),
    ("Can I take my bicycle?", "Yes, with a bicycle ticket for 20 kroner; reserve its place in summer."),
    ("What does it cost for two?", "498 kroner for two Standard tickets on the 09:56."),
    ("And back on Sunday?", "On Sunday the 16:12 goes back without a change and costs 249 kroner."),
    ("How do I get a refund?", "A Standard ticket is refunded until departure, less 90 kroner; an Orange one is not."),
)
CHEAP, DEAR = ("openai", "gpt-4o-mini-2024-07-18"), ("openai", "gpt-4o-2024-11-20")
RERANKER = ("northrail", "rerank-da-2")
SHOPS = (("northrail", "sales"), ("northrail", "service"), ("fjordline", "sales"), ("cityhop", "sales"))

Json = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Asked:
    """What somebody wants to know, as a turn of a conversation. `answer` is what is said to a follower."""

    number: int
    at: datetime
    user: str
    session: str
    question: str
    answer: str = ""


class Trace:
    """The spans, in the order in which they happened, and what people and checks will say of them."""

    def __init__(self, dice: random.Random, asked: Asked) -> None:
        self.dice, self.asked = dice, asked
        self.at_ns = self.now_ns = int(asked.at.timestamp() * 1e9)
        self.id = f"{dice.getrandbits(127):032x}"
        self.yesterday = asked.at.date() == (datetime.now(UTC) - timedelta(days=1)).date()
        self.spans: list[Json] = []
        self.answer = ""
        self._plan()

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.now_ns / 1e9, UTC)

    def _plan(self) -> None:
        root, asked = self._id(), self.asked
        talk: list[Json] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": asked.question}]
        answer = asked.answer
        if not answer:
            start, end = self.dice.sample(TOWNS, 2)
            answer = self._trains(root, talk, start, end)
        self._documents(root)
        talk.append({"role": "tool", "content": RULES})
        said = f"{answer} {RULES if self.yesterday else ''}".strip()
        model = DEAR if asked.number % 3 == 0 else CHEAP
        size = 1480 if self.yesterday else 1050
        self._model(root, "answer", model, talk, {"role": "assistant", "content": said}, size)
        tenant, centre = SHOPS[int(asked.user[2:]) % len(SHOPS)]
        attributes = {
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "plan journey",
            "input.value": asked.question, "output.value": said, "session.id": asked.session, "user.id": asked.user,
            "assay.feature": "rebooking" if asked.number % 4 == 0 else "planning", "assay.tenant": tenant,
            "assay.cost_center": f"{tenant} {centre}", "http.route": "/chat" if asked.answer else "/journeys",
            "assay.tags": ["app" if asked.number % 5 else "web"],
        }  # fmt: skip
        self._add(root, "", "plan journey", self.at_ns, attributes)

    def _trains(self, root: str, talk: list[Json], start: str, end: str) -> str:
        first = {"role": "assistant", "content": "I look for trains first."}
        self._model(root, "decide", CHEAP, talk, first, 420)
        trains = [{"departs": f"{hour:02d}:56", "arrives": f"{hour + 3:02d}:41", "kroner": 249} for hour in (7, 9, 10)]
        self._tool(root, "search_trains", {"from": start, "to": end}, trains, 1.1)
        talk.append({"role": "tool", "content": json.dumps(trains)})
        then = {"role": "assistant", "content": "Three trains. I ask for their prices."}
        self._model(root, "decide", CHEAP, talk, then, 640)
        for _ in range(self.dice.choice((1, 2, 2, 3))):
            price: Any = [] if self.dice.random() < 0.18 else {"kroner": 249}
            self._tool(root, "check_price", {"departs": self.dice.choice(trains)["departs"]}, price, 0.32)
        return f"The 09:56 reaches {end} at 12:41 and costs 249 kroner."

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
        took = seconds * self.dice.lognormvariate(0, 0.5)
        self._step(parent, name, took, attributes, error="timed out" if failed else "")

    def _documents(self, parent: str) -> None:
        attributes = {
            "openinference.span.kind": "RETRIEVER", "input.value": "may a ticket be changed",
            "retrieval.documents.0.document.id": "tickets-14", "retrieval.documents.0.document.content": RULES,
            "retrieval.documents.0.document.score": round(self.dice.uniform(0.7, 0.95), 3),
        }  # fmt: skip
        self._step(parent, "find rules", 0.12 * self.dice.lognormvariate(0, 0.3), attributes)
        if self.asked.number % 45 == 0:
            order = {
                "openinference.span.kind": "RERANKER", "gen_ai.provider.name": RERANKER[0],
                "gen_ai.request.model": RERANKER[1], "gen_ai.usage.input_tokens": 310,
            }  # fmt: skip
            self._step(parent, "order rules", 0.05 * self.dice.lognormvariate(0, 0.3), order)

    def _step(self, parent: str, name: str, seconds: float, attributes: Json, *, error: str = "") -> None:
        begin = self.now_ns + 2_000_000
        self.now_ns = begin + int(seconds * 1e9)
        span = self._id()
        self.answer = span if name == "answer" else self.answer
        self._add(span, parent, name, begin, attributes, error)

    def _add(self, span: str, parent: str, name: str, begin_ns: int, attributes: Json, error: str = "") -> None:
        self.spans.append(
            {
                "traceId": self.id, "spanId": span, "parentSpanId": parent, "name": name, "kind": 1,
                "startTimeUnixNano": str(begin_ns), "endTimeUnixNano": str(self.now_ns),
                "attributes": said_as(attributes), "status": {"code": 2, "message": error} if error else {},
            }
        )  # fmt: skip

    def _id(self) -> str:
        return f"{self.dice.getrandbits(63):016x}"


def said_as(attributes: Json) -> list[Json]:
    """Attributes as OTLP's JSON writes them."""

    def value(given: Any) -> Json:
        if isinstance(given, int):
            return {"intValue": str(given)}
        if isinstance(given, float):
            return {"doubleValue": given}
        if isinstance(given, list) and all(isinstance(one, str) for one in given):
            return {"arrayValue": {"values": [{"stringValue": one} for one in given]}}
        return {"stringValue": given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)}

    return [{"key": key, "value": value(given)} for key, given in attributes.items()]
