"""A chain is a fold: each step gets the call and what comes after it, and may act before, after, instead or again.

Budgets (reserve before, settle after), a cache (instead) and retries (again) are further steps of this shape.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial, reduce

from assay_server.gateway.call import Call, Reply

Next = Callable[[Call], Awaitable[Reply]]
Step = Callable[[Call, Next], Awaitable[Reply]]


def fold(steps: Sequence[Step], last: Next) -> Next:
    """The first step is the outermost; `last` answers."""

    def around(inner: Next, step: Step) -> Next:
        return partial(_then, step, inner)

    return reduce(around, reversed(steps), last)


def _then(step: Step, inner: Next, call: Call) -> Awaitable[Reply]:
    return step(call, inner)
