"""What the gateway allows and how long it waits."""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Limits:
    """Seconds and bytes. A total limit alone would kill long good answers: a stream has two deadlines of its own."""

    first_token_s: float = 120.0  # from the call to the first part of a streamed answer
    between_tokens_s: float = 60.0  # from one part to the next
    answer_s: float = 600.0  # from the call to the whole answer, where it is not streamed
    largest_answer: int = 32 * 1024 * 1024  # bytes
    largest_error: int = 256 * 1024  # bytes of a provider's error that are read
