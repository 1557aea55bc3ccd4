"""Names of groups as decisions note them, and what a list of traces makes of such a name."""

import re
from hashlib import blake2b

_LONGEST = 400  # characters
_CUT = re.compile("… [0-9a-f]{16}")


def group_noted(value: str) -> str:
    """A group as any ledger can hold it in an index: PostgreSQL knows no NUL, and no key of more than 2,700 bytes."""
    text = value.replace("\0", "\ufffd")
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… {blake2b(value.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def beginning_noted(name: str) -> str | None:
    """What a value begins with whose group was noted as this; None where the name is the value itself."""
    return name[:_LONGEST] if _CUT.fullmatch(name, _LONGEST) else None
