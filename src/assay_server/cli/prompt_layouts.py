"""What prompt files hold: two layouts of prompts, deployments, and their faults.

layout `system`:    version, model_target, system, parameters, changelog (text), eval_score_required
layout `template`:  version, model, temperature, system, user_template with {fields},
                    changelog (list of {version, date, change})
deployment:         a mapping `deployment` with model, prompt_version, retrieval_config_version, promoted_at,
                    promoted_by, eval_score_at_promotion
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import assay

LAYOUTS = {
    "system": ("name", "version", "model_target", "system", "parameters", "changelog", "eval_score_required"),
    "template": ("name", "version", "model", "temperature", "system", "user_template", "changelog"),
}
DEPLOYMENT = (
    "model",
    "prompt_version",
    "retrieval_config_version",
    "promoted_at",
    "promoted_by",
    "eval_score_at_promotion",
)


@dataclass(slots=True, frozen=True)
class Fault:
    """What is wrong, and where."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class FaultyFiles(assay.InvalidInput):
    """Files that cannot be used, with everything that is wrong with them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        told = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{len(self.faults)} fault(s) in the files, nothing was sent:\n{told}", field="files")


@dataclass(slots=True)
class PromptFile:
    """One prompt of one file, ready to push."""

    file: Path
    name: str
    layout: str
    version: str  # as the file says it; the server numbers by itself
    template: dict[str, str]
    model: str | None
    parameters: dict[str, Any]
    changelog: str | None
    metadata: dict[str, Any]


@dataclass(slots=True)
class Deployment:
    """What a `deployment:` file says is live."""

    file: Path
    model: str
    prompt_version: str
    retrieval_config_version: str | None
    promoted_at: str | None
    promoted_by: str | None
    eval_score: float | None

    @property
    def changelog(self) -> str:
        """Where this release comes from, in words."""
        by = f" by {self.promoted_by}" if self.promoted_by else ""
        at = f" at {self.promoted_at}" if self.promoted_at else ""
        score = f", eval score {self.eval_score:g}" if self.eval_score is not None else ""
        return f"from {self.file.name}: promoted{by}{at}{score}"


@dataclass(slots=True)
class Files:
    """What was found under a path."""

    prompts: list[PromptFile] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
