"""Whether somebody may go on with what they began: a stream would outlive a revoked key and a session that ended."""

import time

from starlette.requests import Request

from assay_server.api.auth import Permission, authorise, identify
from assay_server.core.errors import Forbidden, Unauthenticated
from assay_server.core.ports import Principal

_ASKED_AGAIN_S = 1.0


class StillWelcome:
    """Asked before each part of a stream; it looks once a second at most."""

    def __init__(self, request: Request, caller: Principal, permission: Permission) -> None:
        self._request = request
        self._caller = caller
        self._permission = permission
        self._asked = time.monotonic()

    async def __call__(self) -> bool:
        if time.monotonic() - self._asked < _ASKED_AGAIN_S:
            return True
        self._asked = time.monotonic()
        try:
            now = await identify(self._request)
            authorise(now, self._permission)
        except (Unauthenticated, Forbidden):
            return False
        return now.project == self._caller.project
