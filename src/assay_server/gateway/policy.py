"""A release's guard policy, as data: `{"input": {"pii": MODE}, "output": {"pii": MODE}, "max_input_chars": n}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from assay_server.core.errors import InvalidInput

Mode = Literal["observe", "mask", "block"]
_MODES: tuple[str, ...] = get_args(Mode)
_SIDES = ("input", "output")
_CHECKS = ("pii",)
_LIMIT = "max_input_chars"


@dataclass(slots=True, frozen=True)
class Policy:
    """What guards do. None: nothing is looked for on that side."""

    input_pii: Mode | None = None
    output_pii: Mode | None = None
    max_input_chars: int | None = None


def policy_of(policy: Mapping[str, Any] | None) -> Policy | None:
    """Raises InvalidInput naming every fault: a policy that is not understood must not be taken for none."""
    if not policy:
        return None
    faults = [f"'{key}' is not known" for key in policy if key not in (*_SIDES, _LIMIT)]
    modes = {side: _mode(side, policy.get(side), faults) for side in _SIDES}
    limit = policy.get(_LIMIT)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        faults.append(f"{_LIMIT} is not a whole number above 0")
    if faults:
        raise InvalidInput(
            f"The guard policy cannot be used: {'; '.join(faults)}.",
            field="guard_policy",
            value=policy,
            fix='write {"input": {"pii": "observe|mask|block"}, "output": {"pii": …}, "max_input_chars": 8000}',
        )
    return Policy(modes["input"], modes["output"], limit)


def _mode(side: str, checks: Any, faults: list[str]) -> Mode | None:
    if checks is None:
        return None
    if not isinstance(checks, Mapping):
        faults.append(f"'{side}' is not an object")
        return None
    faults.extend(f"'{side}.{key}' is not known" for key in checks if key not in _CHECKS)
    mode: Mode | None = checks.get("pii")
    if mode is not None and mode not in _MODES:
        faults.append(f"'{side}.pii' is not one of {', '.join(_MODES)}")
    return mode
