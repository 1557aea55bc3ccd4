"""What readers, a judge, checks and people of the house say of the made-up journeys: scores with the time they had."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from picture_trace import Trace

PRAISE = ("Just what I wanted.", "Quick, thanks!", "")
BLAME = ("I asked about a bicycle, not about prices.", "That train does not go on Sundays.", "Too long.", "")

Json = dict[str, Any]


def of_users(dice: random.Random, traces: list[Trace]) -> Iterator[Json]:
    """Every fifth reader says something; longer answers please less, and so does a high temperature."""
    for trace in traces:
        if dice.random() < 0.2:
            pleased = dice.random() < (0.71 if trace.yesterday else 0.87)
            yield _score(
                trace, "user_feedback", float(pleased), "end_user", minutes=dice.uniform(0.5, 6),
                label="up" if pleased else "down", reason=dice.choice(PRAISE if pleased else BLAME) or None,
            )  # fmt: skip


def of_checks(dice: random.Random, traces: list[Trace]) -> Iterator[Json]:
    """A judge that errs looks at half of the answers, people of the house at some of those; checks look at more."""
    for trace in traces:
        bad = dice.random() < (0.13 if trace.yesterday else 0.06)
        if dice.random() < 0.5:
            flagged = dice.random() < (0.85 if bad else 0.04)
            value = round(dice.uniform(0.1, 0.45) if flagged else dice.uniform(0.7, 1.0), 2)
            why = "A train is named that no tool returned." if flagged else None
            yield _score(trace, "groundedness", value, "judge", minutes=2, reason=why)
            if dice.random() < (0.5 if flagged else 0.09):
                yield _score(trace, "groundedness", 0.0 if bad else 1.0, "human", minutes=dice.uniform(60, 900))
        if dice.random() < 0.4:
            yield _score(trace, "toxicity", round(min(dice.expovariate(60), 1), 4), "code", minutes=1)
        if dice.random() < 0.6:
            yield _score(
                trace,
                "confidence",
                round(min(dice.gauss(0.82 - 0.15 * bad, 0.07), 0.99), 3),
                "code",
                0.1,
                span_id=trace.answer,
            )


def _score(trace: Trace, name: str, value: float, source: str, minutes: float, **more: Any) -> Json:
    time = (trace.end + timedelta(minutes=minutes)).isoformat()
    return {"name": name, "value": value, "trace_id": trace.id, "source": source, "time": time, **more}
