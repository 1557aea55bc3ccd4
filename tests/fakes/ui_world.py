"""A made-up week of the support assistant, in the shapes of the REST API: what the pages are drawn from in tests."""

# ruff: noqa: E501  rows of data read best as rows

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException

Json = dict[str, Any]

NOW = datetime.now(UTC)
DEEP = "ffffff" + "0" * 25 + "1"
QUESTIONS = [
    "How long may I return shoes that I have worn once?",
    "My order #4471 arrived broken, mail me at [EMAIL_ADDRESS] or call [PHONE_NUMBER]",
    "Do you ship to the Faroe Islands, and what does it cost?",
    "Can I pay with card [CREDIT_CARD] and split it over two months?",
    "Where do I see the warranty of a refurbished phone?",
    "Why was I charged twice in October?",
    "How do I delete my account and everything you know about me?",
    "Which documents do you need for a business account?",
]
ANSWERS = [
    "You may return shoes within 30 days if the soles show no wear. [returns-04]",
    "The documents I was given do not say. Please contact support.",
    "We ship to all of Denmark including the Faroe Islands; standard shipping costs 9.90 euros. [shipping-11]",
    "Refurbished devices carry a warranty of 12 months from the day of delivery. [warranty-02]",
]
SYSTEM_A = (
    "You answer questions of customers from the context. Say so if the context does not hold the answer. "
    "Cite the document. Use at most three sentences."
)
SYSTEM_B = "You answer questions of customers from the context. Cite the document. Use at most three sentences."


class Overtaken(HTTPException):
    """Somebody else was quicker: the `If-Match` of a change is not what is saved."""

    def __init__(self) -> None:
        super().__init__(409)


def at(**ago: float) -> str:
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def an_id(prefix: str, n: int) -> str:
    return f"{prefix}_01kagqz5x{n:02d}v7e8m4t2x6c5b{n:03d}"


def trace_id(n: int) -> str:
    return f"{0x10000 + n:06x}4f1c2ab7e8442726c5b160d9fa"


@dataclass
class World:
    """Everything a project holds. An empty one is a new project."""

    role: str = "admin"
    traces: list[Json] = field(default_factory=list)
    spans: dict[str, list[Json]] = field(default_factory=dict)
    datasets: list[Json] = field(default_factory=list)
    items: list[Json] = field(default_factory=list)
    runs: list[Json] = field(default_factory=list)
    run_items: dict[str, list[Json]] = field(default_factory=dict)
    verdicts: list[Json] = field(default_factory=list)
    releases: list[Json] = field(default_factory=list)
    channels: list[Json] = field(default_factory=list)
    canaries: list[Json] = field(default_factory=list)
    incidents: list[Json] = field(default_factory=list)
    audit: list[Json] = field(default_factory=list)
    providers: list[Json] = field(default_factory=list)
    keys: list[Json] = field(default_factory=list)
    checks: list[Json] = field(default_factory=list)
    prices: list[Json] = field(default_factory=list)
    repricings: list[Json] = field(default_factory=list)
    monitors: list[Json] = field(default_factory=list)
    addresses: list[Json] = field(default_factory=list)
    silences: list[Json] = field(default_factory=list)
    agents: list[Json] = field(default_factory=list)  # traces beside the list: `ui_agent`
    views: list[Json] = field(default_factory=list)
    kept: Json = field(default_factory=dict)
    telling: list[tuple[str, Json] | None] = field(default_factory=list)
    counted: int = 10_000
    behind: Json = field(default_factory=lambda: {"rows": 0, "seconds": 0.0})


def a_week(traces: int = 240) -> World:
    """The tour's story: A live, B refused, C canaried and promoted, D canaried and rolled back."""
    dice = random.Random(7)
    world = World()
    world.releases = _releases()
    world.verdicts = _verdicts()
    for release in world.releases:
        release["verdicts"] = [_brief(one) for one in world.verdicts if one["release"] == release["id"]]
    world.canaries = [_canary_d(dice), _canary_c(dice)]
    world.channels = _channels(world.releases)
    world.incidents = _incidents(world.canaries[0])
    for n in range(traces):
        _add_trace(world, dice, n)
    _add_deep_trace(world, 10_000)
    world.datasets = [
        {
            "id": an_id("dsv", 2 - n),
            "name": "golden",
            "version": 2 - n,
            "description": "Eighty questions of customers; a quarter cannot be answered from the policies.",
            "content_hash": "sha256:" + f"{n + 3:x}b" * 32,
            "items": 80 - n * 8,
            "scrubbed": {"EMAIL_ADDRESS": 3, "PHONE_NUMBER": 1},
            "created_at": at(days=6 + n),
            "created_by": "user:mara",
        }
        for n in range(2)
    ]
    world.items = [_item(n) for n in range(80)]
    world.runs = [_run(n, release) for n, release in enumerate(reversed(world.releases))][::-1]
    for run in world.runs:
        world.run_items[run["id"]] = [_answered(run, dice, item) for item in world.items]
    world.audit = _audit()
    world.providers = [
        {"name": "extractive", "kind": "openai", "base_url": "http://127.0.0.1:41973/v1", "key_env": None},
        {"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:42011/v1", "key_env": None},
        {"name": "openai", "kind": "openai", "base_url": "https://api.openai.com/v1", "key_env": "OPENAI_API_KEY"},
    ]
    world.keys = [
        {"id": an_id("key", 1), "name": "bootstrap", "role": "admin", "public_key": "pk_k3v9q2m7x4t8w1z6b5n0", "created_at": at(days=7), "created_by": "user:admin", "revoked_at": None, "last_used_at": at(hours=3), "use_known_since": at(days=7)},
        {"id": an_id("key", 2), "name": "support service", "role": "ingest", "public_key": "pk_a8d2f6h1j5l9p3r7t0v4", "created_at": at(days=6), "created_by": "user:admin", "revoked_at": None, "last_used_at": None, "use_known_since": at(days=6)},
        {"id": an_id("key", 3), "name": "old laptop", "role": "editor", "public_key": "pk_c4e7g0i3k6m9o2q5s8u1", "created_at": at(days=6), "created_by": "user:admin", "revoked_at": at(days=2), "last_used_at": None, "use_known_since": at(days=4)},
    ]  # fmt: skip
    world.checks = [
        {"name": name, "version": "1", "range": limits, "direction": direction, "describes": "", "cannot_see": "", "formula": ""}
        for name, limits, direction in [
            ("fuzzy_match", [0, 1], "higher"), ("groundedness", [0, 1], "higher"),
            ("right_refusal", [0, 1], "higher"), ("latency_ms", [0, None], "lower"),
        ]
    ]  # fmt: skip
    return world


def _brief(verdict: Json) -> Json:
    return {name: value for name, value in verdict.items() if name != "metrics"}


def _prompt(version: int, system: str) -> Json:
    return {
        "id": an_id("prv", version), "name": "answer", "version": version, "content_hash": "sha256:" + f"{version}d" * 32,
        "template": {"system": system, "user": "Context:\n{context}\n\nQuestion: {question}"},
        "variables": ["context", "question"], "model": "extractive/quote-2026-11-01", "parameters": {"temperature": 0},
        "output_schema": None, "changelog": None, "created_at": at(days=6), "created_by": "user:mara",
    }  # fmt: skip


def _releases() -> list[Json]:
    made = [
        ("A: the first", 1, SYSTEM_A, 3, "policies-2026-11-10", 144),
        ("B: three words shorter", 2, SYSTEM_B, 3, "policies-2026-11-10", 96),
        ("C: six documents instead of three, new index", 1, SYSTEM_A, 6, "policies-2026-11-18", 60),
        ("D: index without cleaning step", 1, SYSTEM_A, 6, "policies-2026-08-02", 8),
    ]
    return [
        {
            "id": an_id("rel", n + 1), "name": "support", "version": n + 1, "content_hash": "sha256:" + f"{n + 1}a" * 32,
            "prompts": {"answer": _prompt(prompt, system)}, "model": "extractive/quote-2026-11-01",
            "parameters": {"temperature": 0, "max_tokens": 220}, "output_schema": None,
            "retrieval_config": {
                "id": an_id("rc", n + 1), "name": "policies", "version": n + 1, "embedding_model": "all-MiniLM-L6-v2",
                "chunking": {"size": 400, "overlap": 40}, "top_k": top_k, "threshold": 0.2,
                "index_version": index, "index_built_at": at(hours=hours + 5),
            },
            "guard_policy": {"pii": "scrub"}, "code_ref": "git:4f1c2ab", "changelog": changelog,
            "created_at": at(hours=hours), "created_by": "user:mara" if n % 2 else "user:joel",
            "verdicts": [], "live_on": ["production"] if n == 2 else ["staging"] if n == 3 else [],
        }
        for n, (changelog, prompt, system, top_k, index, hours) in enumerate(made)
    ][::-1]  # fmt: skip


def _verdicts() -> list[Json]:
    def metric(name: str, verdict: str, sentence: str, **more: Any) -> Json:
        return {
            "metric": name, "kind": "baseline", "verdict": verdict, "n": 80, "errors": 0, "clusters": 34, "value": None,
            "baseline": None, "difference": None, "ci": None, "bound": None, "bar": None, "margin": None, "method": "paired t",
            "p": None, "minimum_detectable": None, "items_needed": None, "sentence": sentence, **more,
        }  # fmt: skip

    def verdict(n: int, outcome: str, sentence: str, metrics: list[Json], hours: float) -> Json:
        return {
            "id": an_id("ver", n), "verdict": outcome, "release": an_id("rel", n), "run": an_id("run", n),
            "baseline_run": None if n == 1 else an_id("run", 1), "suite": "support", "alpha": 0.05, "n": 80,
            "metrics": metrics, "sentence": sentence, "created_at": at(hours=hours), "created_by": "user:mara",
        }  # fmt: skip

    return [
        verdict(4, "pass", "support v4 passes: no metric is worse than support v3 by more than its margin.", [
            metric("groundedness", "pass", "At worst 0.012 lower; the margin allows 0.030.", value=0.874, baseline=0.871, difference=0.003, ci=[-0.012, 0.018], bound=-0.012, margin=0.03, p=0.004),
        ], 7),
        verdict(4, "inconclusive", "support v4 is undecided: 8 items cannot tell a loss of 0.030 from chance. Inconclusive is not a pass.", [
            metric("groundedness", "inconclusive", "The interval reaches 0.141 below; about 310 items would decide.", n=8, clusters=8, value=0.88, baseline=0.871, difference=0.009, ci=[-0.141, 0.159], bound=-0.141, margin=0.03, p=0.31, minimum_detectable=0.21, items_needed=310),
        ], 7.5) | {"id": an_id("ver", 5), "n": 8},
        verdict(3, "pass", "support v3 passes: better retrieval, and no metric is worse than support v1 by more than its margin.", [
            metric("groundedness", "pass", "Higher by 0.081, at least 0.032.", value=0.871, baseline=0.79, difference=0.081, ci=[0.032, 0.13], bound=0.032, margin=0.03, p=0.0001),
            metric("right_refusal", "pass", "At worst 0.021 lower; the margin allows 0.050.", value=0.95, baseline=0.938, difference=0.012, ci=[-0.021, 0.045], bound=-0.021, margin=0.05, p=0.002),
            metric("retrieval_hit", "pass", "Higher by 0.133, at least 0.060.", value=0.933, baseline=0.8, difference=0.133, ci=[0.06, 0.206], bound=0.06, margin=0.03, p=0.0004),
        ], 58),
        verdict(2, "fail", "support v2 fails: right refusal is lower than support v1 by 0.225, and the margin allows 0.050.", [
            metric("right_refusal", "fail", "Lower by 0.225, at least 0.141: 18 of the 20 questions without an answer were answered anyway.", value=0.713, baseline=0.938, difference=-0.225, ci=[-0.309, -0.141], bound=-0.309, margin=0.05, p=1e-6, method="mcnemar exact"),
            metric("groundedness", "pass", "At worst 0.010 lower; the margin allows 0.030.", value=0.792, baseline=0.79, difference=0.002, ci=[-0.01, 0.014], bound=-0.01, margin=0.03, p=0.001),
        ], 90),
        verdict(1, "pass", "support v1 passes its absolute bars: there is no baseline yet.", [
            metric("groundedness", "pass", "0.790, and surely above the bar of 0.700.", kind="bar", value=0.79, ci=[0.742, 0.838], bound=0.742, bar=0.7),
            metric("right_refusal", "pass", "0.938, and surely above the bar of 0.850.", kind="bar", value=0.938, ci=[0.862, 0.973], bound=0.862, bar=0.85, method="wilson"),
        ], 140),
    ]  # fmt: skip


def _canary(n: int, **more: Any) -> Json:
    return {
        "id": an_id("can", n), "channel": "production", "baseline": an_id("rel", 1), "candidate": an_id("rel", 3),
        "status": "running", "share": 20, "step": 0, "steps": [20, 50], "unit": "user", "alpha": 0.05,
        "min_units": 60, "max_units": 4000, "started_at": at(hours=50), "ended_at": None, "srm_p": 0.42, "by": "user:mara",
        "reason": "better retrieval, passed its gate", "decision": None, **more,
    }  # fmt: skip


def _looks(dice: random.Random, effect: float, last: int, hours: float) -> list[Json]:
    found = []
    for units in range(120, last + 1, 40):
        half = 1.75 / math.sqrt(units)
        seen = effect + dice.gauss(0, 0.14 / math.sqrt(units))
        found.append(
            {
                "at": at(hours=hours - units / last),
                "units": units,
                "difference": round(seen, 4),
                "ci": [round(seen - half, 4), round(seen + half, 4)],
            }
        )
    return found  # fmt: skip


def _canary_c(dice: random.Random) -> Json:
    looks = _looks(dice, 0.041, 1480, 52)
    return _canary(
        1, status="promoted", share=50, step=1, units={"baseline": 1010, "candidate": 470}, ended_at=at(hours=50.5), looks=looks,
        metrics=[{"name": "user_feedback", "n": {"baseline": 1010, "candidate": 470}, "mean": {"baseline": 0.712, "candidate": 0.754}, "difference": looks[-1]["difference"], "ci": looks[-1]["ci"], "margin": 0.05, "direction": "higher", "decision": "not_worse"}],
        decision={"action": "promote", "at": at(hours=50.5), "sentence": "support v3 was promoted on production: user feedback is at most 0.004 lower than with support v1, and the margin allows 0.050, after 1,480 users."},
    )  # fmt: skip


def _canary_d(dice: random.Random) -> Json:
    looks = _looks(dice, -0.153, 640, 3.5)
    return _canary(
        2, candidate=an_id("rel", 4), baseline=an_id("rel", 3), status="rolled_back", units={"baseline": 514, "candidate": 126}, looks=looks,
        started_at=at(hours=3.5), ended_at=at(hours=2.5), reason="cleaner index", by="user:joel",
        metrics=[{"name": "user_feedback", "n": {"baseline": 514, "candidate": 126}, "mean": {"baseline": 0.751, "candidate": 0.598}, "difference": looks[-1]["difference"], "ci": looks[-1]["ci"], "margin": 0.05, "direction": "higher", "decision": "worse"}],
        guardrails=[{"name": "error_rate", "n": {"baseline": 514, "candidate": 126}, "events": {"baseline": 3, "candidate": 1}, "rate": {"baseline": 0.006, "candidate": 0.008}, "difference": 0.002, "margin": 0.02, "e": 0.9, "alarm_at": 20, "decision": "undecided"}],
        decision={"action": "rollback", "at": at(hours=2.5), "sentence": "support v4 was rolled back on production: user feedback is lower than with support v3 by 0.153, at least 0.084, after 640 users. The machine decided; nobody was asked."},
    )  # fmt: skip


def _channels(releases: list[Json]) -> list[Json]:
    by_version = {release["version"]: release for release in releases}

    def event(n: int, action: str, old: int | None, new: int, reason: str, by: str, hours: float) -> Json:
        return {
            "id": an_id("evt", n), "at": at(hours=hours), "by": by, "action": action, "reason": reason,
            "from": old and an_id("rel", old), "to": an_id("rel", new), "verdict": an_id("ver", new) if action == "promote" else None,
        }  # fmt: skip

    history = [
        event(1, "promote", None, 1, "first release, passed its bars", "user:mara", 139),
        event(2, "canary_start", 1, 3, "better retrieval, passed its gate", "user:mara", 52),
        event(3, "canary_step", 1, 3, "60 units in each arm, nothing looks bad: 50 %", "canary", 51.4),
        event(4, "canary_promote", 1, 3, "not worse than the margin, after 1,480 users", "canary", 50.5),
        event(5, "canary_start", 3, 4, "cleaner index", "user:joel", 3.5),
        event(6, "canary_rollback", 3, 4, "user feedback lower by 0.153, at least 0.084", "canary", 2.5),
    ]
    return [
        {"name": "production", "release": by_version[3], "since": at(hours=50.5), "by": "canary", "reason": "not worse than the margin, after 1,480 users", "requires_gate": True, "canary": None, "history": history},
        {"name": "staging", "release": by_version[4], "since": at(hours=7), "by": "user:joel", "reason": "try the new index", "requires_gate": False, "canary": None, "history": [event(9, "promote", 3, 4, "try the new index", "user:joel", 7)]},
    ]  # fmt: skip


def _incidents(canary: Json) -> list[Json]:
    address = f"/api/v1/canaries/{canary['id']}"
    pair = f"/api/v1/releases/{canary['baseline']}/diff?to={canary['candidate']}"
    changes = [
        {
            "part": "retrieval_config.index_version",
            "kind": "value",
            "from": "policies-2026-11-18",
            "to": "policies-2026-08-02",
        }
    ]
    rolled_back = {
        "id": an_id("inc", 1), "title": "Canary on production rolled back", "status": "open", "severity": "critical",
        "opened_at": canary["ended_at"], "kind": "canary_rollback", "subject": canary["id"],
        "sentence": canary["decision"]["sentence"] + " What differs: the index of the retrieval config is from August.",
        "evidence": {
            "channel": "production", "canary": canary["id"], "baseline": canary["baseline"], "candidate": canary["candidate"],
            "why": "worse", "step": 0, "share": 20, "unit": "user", "alpha": 0.05, "units": canary["units"], "srm_p": 0.42,
            "metrics": canary["metrics"], "guardrails": canary["guardrails"],
            "arms": {"baseline": {"arm": "baseline", "traces": 1741, "errors": 3, "latency_ms_p50": 39.2, "cost": None, "error_rate": 0.0017}, "candidate": {"arm": "candidate", "traces": 402, "errors": 1, "latency_ms_p50": 46.6, "cost": 0.17, "error_rate": 0.0025}},
            "affected": {"units": 126, "calls": 402, "cost": None}, "differs": {"summary": "the index", "changes": changes},
        },
        "actions": [
            {"label": "Look at the canary", "method": "GET", "path": address},
            {"label": "Compare the two releases", "method": "GET", "path": pair},
        ],
        "timeline": [
            {"at": canary["started_at"], "what": "Canary started at 20 %", "by": "user:joel"},
            {"at": canary["ended_at"], "what": "Rolled back by the machine; 126 users had seen the candidate", "by": "canary"},
        ],
    }  # fmt: skip
    held = {
        "id": an_id("inc", 2), "title": "Canary on production held for a person", "status": "resolved", "severity": "warning",
        "opened_at": at(days=4), "kind": "canary_held", "subject": None, "actions": [],
        "sentence": "The budget of 4,000 users was used up without a decision.",
        "evidence": {"units": {"baseline": 3200, "candidate": 800}, "difference": -0.01, "ci": [-0.06, 0.04]},
        "timeline": [{"at": at(days=4), "what": "Opened", "by": "canary"}, {"at": at(days=3.9), "what": "Resolved: aborted", "by": "user:mara"}],
    }  # fmt: skip
    return [rolled_back, held]


def ui_span(
    trace: str,
    n: int,
    parent: int | None,
    name: str,
    kind: str,
    start_ms: float,
    took_ms: float,
    begin: datetime,
    **more: Any,
) -> Json:
    start = begin + timedelta(milliseconds=start_ms)
    base: Json = {
        "trace_id": trace, "span_id": f"{int(trace[:6], 16) * 65536 + n:016x}", "name": name, "kind": kind,
        "parent_id": None if parent is None else f"{int(trace[:6], 16) * 65536 + parent:016x}",
        "start": start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "end": (start + timedelta(milliseconds=took_ms)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "start_ns": str(int(start.timestamp() * 1e6) * 1000), "latency_ms": took_ms, "status": "ok", "status_message": None,
        "service": "support", "environment": "demo", "scope": "assay@0.1.0", "session": None, "user": None, "tags": [], "input": None,
        "output": None, "documents": None, "model": None, "provider": None, "tokens": None, "cost": None, "cost_source": None, "ttft_ms": None,
        "prompt": None, "prompt_version": None, "release": None, "channel": None, "canary": None, "arm": None, "run": None, "item": None,
        "pii": [], "attributes": {"assay.kind": kind}, "resource": {"service.name": "support", "telemetry.sdk.language": "python"}, "events": [], "links": [],
    }  # fmt: skip
    return base | more


def _add_trace(world: World, dice: random.Random, n: int) -> None:
    trace = trace_id(n)
    begin = NOW - timedelta(minutes=1.3 * n, seconds=dice.random() * 50)
    question, answer = QUESTIONS[n % len(QUESTIONS)], ANSWERS[n % len(ANSWERS)]
    user, failed, priced = f"u-{dice.randrange(1, 400):04d}", n % 29 == 7, n % 3 != 0
    version = 4 if 115 <= n < 160 and n % 5 == 0 else 3
    model_ms, arm = (
        12 + dice.random() * 900,
        None if not 115 <= n < 160 else "candidate" if version == 4 else "baseline",
    )
    pii = [label for label in ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD") if f"[{label}]" in question]
    decided = {
        "release": an_id("rel", version),
        "channel": "production",
        "arm": arm,
        "user": user,
        "session": f"s-{n // 3}",
        "pii": pii,
    }
    documents = [
        {"id": f"returns-{k:02d}", "content": "Shoes and clothes may be returned within 30 days of delivery if they show no wear. Items from the outlet may be exchanged, not returned. " * (k + 1), "score": round(0.81 - 0.09 * k, 3), "metadata": {"section": "returns", "updated": "2026-10-02"}}
        for k in range(3)
    ]  # fmt: skip
    prompt = [
        {"role": "system", "content": SYSTEM_A},
        {"role": "user", "content": f"Context:\n{documents[0]['content'] * 4}\n\nQuestion: {question}"},
    ]
    said: list[Json] = [{"role": "assistant", "content": answer}]
    if n % 7 == 2:
        prompt += [{"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "order_status", "arguments": '{"order": 4471, "fields": ["state", "carrier"]}'}}]}, {"role": "tool", "tool_call_id": "call_1", "content": '{"state": "delivered", "carrier": "PostNord"}'}]  # fmt: skip
    tokens = {
        "fresh_input": 412 + n,
        "cache_read": 0,
        "cache_write": 0,
        "output": 38 + n % 40,
        "reasoning": None,
        "input_total": 412 + n,
        "output_total": 38 + n % 40,
    }
    cost = round(0.00041 + 0.00002 * dice.random(), 6) if priced else None
    spans = [
        ui_span(trace, 0, None, "answer", "agent", 0, model_ms + 31, begin, input=question, output=None if failed else answer, status="error" if failed else "ok", **decided),
        ui_span(trace, 1, 0, "retrieve policies", "retriever", 2, 17.4, begin, input=question, documents=documents, attributes={"retrieval.top_k": 6, "db.collection": "policies-2026-11-18"}, **decided),
        ui_span(trace, 2, 1, "embed question", "embedding", 3, 6.1, begin, model="all-MiniLM-L6-v2", provider="local"),
        ui_span(trace, 3, 0, "render answer", "chain", 21, 0.4, begin, prompt="answer", prompt_version="1"),
        ui_span(trace, 4, 0, "chat quote-2026-11-01", "llm", 22, model_ms, begin, input=prompt, output=None if failed else said, model="quote-2026-11-01" if n % 4 else "smollm2-135m-instruct", provider="extractive" if n % 4 else "local", tokens=tokens, cost=cost, cost_source="prices:2026-11-14" if priced else None, ttft_ms=9.2 if n % 4 == 0 else None, prompt="answer", prompt_version="1", status="error" if failed else "ok", status_message="The upstream answered 503: overloaded" if failed else None, attributes={"gen_ai.request.temperature": 0, "gen_ai.request.max_tokens": 220, "http.response.status_code": 503 if failed else 200}, **decided),
        ui_span(trace, 5, 0, "check citation", "guardrail", model_ms + 24, 3.2, begin),
    ]  # fmt: skip
    feedback = None if n % 5 == 0 else round(dice.choice([0, 1, 1, 1]), 1)
    world.spans[trace] = spans
    row = {
        "trace_id": trace, "root_span_id": spans[0]["span_id"], "name": "answer", "kind": "agent", "service": "support", "start": spans[0]["start"],
        "latency_ms": spans[0]["latency_ms"], "status": spans[0]["status"], "spans": len(spans), "errors": 2 if failed else 0, "models": [spans[4]["model"]],
        "tokens": {"input": tokens["input_total"], "output": tokens["output_total"]}, "cost": {"usd": cost, "unknown": 0 if priced else 1},
        "input": question, "output": spans[0]["output"], "scores": {} if feedback is None else {"user_feedback": {"n": 1, "mean": feedback}, "groundedness": {"n": 1, "mean": round(0.6 + 0.4 * dice.random(), 2)}},
        **decided,
    }  # fmt: skip
    world.traces.append(row)


def _add_deep_trace(world: World, size: int) -> None:
    """An agent that ran wild: the page must stay usable."""
    trace = DEEP
    begin = NOW - timedelta(days=2)
    spans = [ui_span(trace, 0, None, "batch of refunds", "agent", 0, size * 2.0, begin, user="u-0001")]
    for n in range(1, size):
        parent = 0 if n % 10 == 1 else n - n % 10 if n % 10 > 1 else n - 9
        spans.append(
            ui_span(
                trace,
                n,
                parent if n % 10 != 1 else 0,
                f"step {n}",
                ("tool", "llm", "retriever")[n % 3],
                n * 2.0,
                1.8,
                begin,
            )
        )
    world.spans[trace] = spans
    world.traces.append({
        "trace_id": trace, "root_span_id": spans[0]["span_id"], "name": "batch of refunds", "kind": "agent", "service": "support", "start": spans[0]["start"],
        "latency_ms": size * 2.0, "status": "ok", "spans": size, "errors": 0, "models": [], "user": "u-0001", "session": None, "release": None, "channel": None,
        "arm": None, "tokens": {"input": None, "output": None}, "cost": {"usd": None, "unknown": 3333}, "input": None, "output": None, "scores": {}, "pii": [],
    })  # fmt: skip


def _item(n: int) -> Json:
    answerable = n % 4 != 3
    return {
        "id": f"itm-{n:03d}", "input": QUESTIONS[n % len(QUESTIONS)], "expected": ANSWERS[n % len(ANSWERS)] if answerable else None,
        "contexts": None, "cluster": ["returns", "shipping", "warranty", "billing"][n % 4], "tags": ["tour"],
        "metadata": {"answerable": answerable, "documents": [f"returns-{n % 12:02d}"]}, "source_span": None,
    }  # fmt: skip


def _run(n: int, release: Json) -> Json:
    mean = [0.79, 0.792, 0.871, 0.874][n]
    refusal = [0.938, 0.713, 0.95, 0.95][n]

    def estimate(value: float, half: float, method: str, errors: int = 0) -> Json:
        return {
            "n": 80 - errors,
            "errors": errors,
            "mean": value,
            "ci": [value - half, min(1.0, value + half)],
            "method": method,
        }

    return {
        "id": an_id("run", n + 1), "status": "done", "dataset": {"name": "golden", "version": 2, "id": an_id("dsv", 2)}, "release": release["id"],
        "endpoint": None, "started_at": at(hours=141 - n * 44), "ended_at": at(hours=140.9 - n * 44), "progress": {"done": 80, "total": 80, "errors": 1 if n == 1 else 0},
        "scores": {
            "groundedness": estimate(mean, 0.048, "clustered t", 1 if n == 1 else 0), "right_refusal": estimate(refusal, 0.05, "wilson"),
            "fuzzy_match": estimate(mean - 0.1, 0.06, "clustered t"),
            "latency_ms": {"n": 80, "errors": 0, "mean": 31.2 + n, "ci": [28.1, 36.0], "method": "clustered t"},
        },
        "cost": {"usd": 0.0328, "unknown": 0} if n % 2 else {"usd": None, "unknown": 80}, "latency_ms": {"p50": 24.0, "p95": 81.0}, "created_by": "user:mara",
    }  # fmt: skip


def _answered(run: Json, dice: random.Random, item: Json) -> Json:
    number = int(item["id"][4:])
    refused = item["expected"] is None
    bad = run["id"] == an_id("run", 2) and refused
    output = ANSWERS[0] if bad else ANSWERS[1] if refused else item["expected"]
    if run["id"] >= an_id("run", 3) and number % 3 == 0:
        output = output.replace("You may", "Customers may").replace("standard shipping", "shipping as standard")
    failed = run["id"] == an_id("run", 2) and number == 11
    score = {
        "value": 0.31 if bad else round(0.7 + 0.3 * dice.random(), 3),
        "error": None,
        "reason": "every word of the answer stands in the context",
    }
    return {
        "item": item["id"], "repeat": 0, "input": item["input"], "expected": item["expected"], "output": None if failed else output,
        "contexts": [{"id": "returns-04", "text": "…", "score": 0.8}], "error": "the upstream answered 503" if failed else None, "trace_id": trace_id(number),
        "latency_ms": 24.0, "cost": None, "cluster": item["cluster"], "tags": item["tags"],
        "scores": {} if failed else {"groundedness": score, "right_refusal": {"value": 0.0 if bad else 1.0, "error": None, "reason": "answered although the context lacks it" if bad else "as it should"}, "fuzzy_match": {"value": None, "error": "nothing expected to compare with", "reason": None} if refused else {"value": 0.9, "error": None, "reason": None}},
    }  # fmt: skip


def _audit() -> list[Json]:
    rows = [
        ("canary", "canary.rollback", an_id("can", 2), "user feedback lower by 0.153, at least 0.084", 2.5),
        ("user:joel", "canary.start", an_id("can", 2), "cleaner index", 3.5),
        ("user:joel", "channel.promote", "staging", "try the new index", 7),
        ("canary", "channel.promote", "production", "not worse than the margin, after 1,480 users", 50.5),
        ("user:mara", "channel.promote", "production", "first release, passed its bars", 139),
        ("user:mara", "key.create", an_id("key", 2), "for the support service", 144),
    ]
    return [
        {"id": an_id("aud", 9 - n), "at": at(hours=hours), "actor": actor, "action": action, "subject": subject, "reason": reason, "before": {"release": an_id("rel", 1)}, "after": {"release": an_id("rel", 3)}, "hash": f"{n + 2:x}c" * 32}
        for n, (actor, action, subject, reason, hours) in enumerate(rows)
    ]  # fmt: skip
