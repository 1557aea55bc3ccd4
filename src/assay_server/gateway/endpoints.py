"""Providers' rows as endpoints: looked up at most once a second, each with its key from the environment."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from assay_server.core.errors import ModelNotFound, NotFound, RetryableError, Unavailable
from assay_server.providers import Dialect, Endpoint, dialect

_FRESH_S = 1.0
_MOST = 4096

Found = tuple[Endpoint, Dialect]
_Row = tuple[float, Mapping[str, Any]]  # when it was read, and the row


class ProviderRows(Protocol):
    """`registry.Providers`, as far as it is needed here. `get` raises NotFound."""

    async def get(self, project: str, name: str) -> Mapping[str, Any]: ...

    async def list(self, project: str) -> list[Mapping[str, Any]]: ...


class Endpoints:
    """Keys are read when a call is made, so that a rotated one needs no restart; they are kept nowhere else."""

    def __init__(self, providers: ProviderRows, environment: Mapping[str, str]) -> None:
        self._providers = providers
        self._environment = environment
        self._rows: dict[tuple[str, str], _Row] = {}
        self._only: dict[str, Sequence[str]] = {}

    def only(self, base_url: str, models: Sequence[str]) -> None:
        """These models are behind an address, whatever name it would answer to; the first is the one to name."""
        self._only[base_url] = models

    def check(self, endpoint: Endpoint, model: str) -> None:
        """Raises ModelNotFound for another model than those that are behind its address, where that is known."""
        known = self._only.get(endpoint.base_url)
        if known is not None and model not in known:
            raise ModelNotFound(
                f"The provider '{endpoint.name}' has no model '{model[:200]}'.",
                field="model",
                value=f"{endpoint.name}/{model}",
                fix=f"ask for {endpoint.name}/{known[0]}",
            )

    async def get(self, project: str, name: str) -> Found:
        """Raises NotFound for a provider nobody added, Unavailable where its key is not in the environment."""
        known = self._rows.get((project, name))
        if known is None or time.monotonic() - known[0] > _FRESH_S:
            known = await self._read(project, name, known)
        return self._found(known[1])

    async def all(self, project: str) -> list[Found]:
        """Those of the project that can be called now."""
        rows = await self._providers.list(project)
        able = [row for row in rows if not row["key_env"] or row["key_env"] in self._environment]
        return [self._found(row) for row in able]

    async def _read(self, project: str, name: str, known: _Row | None) -> _Row:
        """When the ledger cannot be reached, the last good row goes on being used."""
        now = time.monotonic()
        try:
            found = now, await self._providers.get(project, name)
        except NotFound:
            self._rows.pop((project, name), None)
            raise
        except RetryableError:
            if known is None:
                raise
            return known
        if len(self._rows) >= _MOST:
            self._rows.clear()
        self._rows[project, name] = found
        return found

    def _found(self, row: Mapping[str, Any]) -> Found:
        key = None
        if variable := row["key_env"]:
            key = self._environment.get(variable)
            if not key:
                raise Unavailable(
                    f"The key of the provider '{row['name']}' is not there.",
                    field="key_env",
                    value=variable,
                    fix=f"set {variable} in the environment of the server",
                )
        return Endpoint(row["name"], row["base_url"], key), dialect(row["kind"])
