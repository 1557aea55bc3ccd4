"""Which arm of a canary a unit is in: sticky, and only ever moving towards the candidate while the share grows."""

import hashlib


def bucket(salt: str, canary: str, unit: str) -> float:
    """A number in [0, 1) that depends on the unit and the canary alone: sha256(salt ‖ canary ‖ unit), 53 bits.

    Another canary deals the units anew, so that the same people are not always the first to get what is new.
    """
    # Lengths in front, so that no two triples make the same text.
    text = f"{len(salt)}:{salt}{len(canary)}:{canary}{unit}"
    hashed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(hashed[:8], "big") >> 11) / (1 << 53)


def is_candidate(salt: str, canary: str, unit: str, share: float) -> bool:
    """Whether a unit gets the candidate at a share in percent."""
    return bucket(salt, canary, unit) * 100 < share
