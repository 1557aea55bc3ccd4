"""The golden set and the questions of live users, as they lie in the repository."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.jsonl"


@dataclass(slots=True, frozen=True)
class Question:
    """What a user asks, and the fact of today's policy that a right answer holds; none: it cannot be answered."""

    id: str
    text: str
    document: str | None
    accept: tuple[str, ...]

    def answered_by(self, text: str) -> bool:
        """Does the text hold one of the facts, as whole words? `15 euros` is not in `115 euros`."""
        return any(re.search(rf"(?<![\w.,]){re.escape(fact)}(?!\w)", text) for fact in self.accept)


def live() -> list[Question]:
    """The questions of live users, written after the policies of October."""
    return [
        Question(row["id"], row["question"], row["document"], tuple(row["accept"]))
        for row in _rows(HERE / "questions.jsonl")
    ]


def golden() -> list[dict[str, Any]]:
    """The golden set: 80 items, a quarter unanswerable, written before the policies of October."""
    return _rows(GOLDEN)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
