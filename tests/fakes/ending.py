"""Whether what is told to end does."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def ends(closing: Coroutine[Any, Any, None]) -> bool:
    """Within two seconds. It is not cancelled otherwise: that may be the very thing that it forgets."""
    done, _ = await asyncio.wait([asyncio.ensure_future(closing)], timeout=2)
    return bool(done)
