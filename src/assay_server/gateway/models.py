"""`GET /v1/models`: what may stand in `model`, in this project."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from assay_server.core.errors import AssayError
from assay_server.gateway.endpoints import Endpoints, Found
from assay_server.gateway.reading import deadline, hung_up_on_failure, read
from assay_server.gateway.steps.resolve import Channels, Releases
from assay_server.providers import Upstream, failure

_log = logging.getLogger(__name__)

_PATIENCE_S = 3.0
_LARGEST_LIST = 4 * 1024 * 1024


class Models:
    """Channels and releases first, then each provider's own models as `provider/model`."""

    def __init__(self, endpoints: Endpoints, upstream: Upstream, channels: Channels, releases: Releases) -> None:
        self._endpoints = endpoints
        self._upstream = upstream
        self._channels = channels
        self._releases = releases

    async def __call__(self, project: str) -> list[Mapping[str, Any]]:
        """Model objects of OpenAI's dialect. A provider that does not answer in time is left out and logged."""
        listed = [_model(f"channel:{name}", "assay") for name in await self._channels.names(project)]
        listed += [_model(f"release:{name}", "assay") for name in await self._releases.names(project)]
        found = await self._endpoints.all(project)
        theirs = await asyncio.gather(*map(self._of_provider, found))
        for (endpoint, _), names in zip(found, theirs, strict=True):
            listed += [_model(f"{endpoint.name}/{name}", endpoint.name) for name in names]
        return listed

    async def _of_provider(self, found: Found) -> list[str]:
        endpoint, dialect = found
        try:
            async with deadline(_PATIENCE_S, f"{endpoint.name} did not list its models in time."):
                incoming = await self._upstream.send(dialect.models_request(endpoint))
                with hung_up_on_failure(incoming):
                    body = await read(incoming, _LARGEST_LIST)
                    if incoming.status != 200:
                        raise failure(incoming.status, incoming.headers, body)
            return sorted(dialect.models(body))
        except AssayError as error:
            _log.info("models of the provider %s are not listed: %s", endpoint.name, error)
            return []


def _model(name: str, owner: str) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
