"""`Upstream` over aiohttp: the most trusted of the asynchronous clients, behind a seam that lets it be replaced."""

import functools
import ssl
from collections.abc import AsyncGenerator, Mapping

import aiohttp
from yarl import URL

from assay_server.core.errors import InvalidInput, UpstreamError
from assay_server.providers.upstream import Incoming, Outgoing

# uvicorn and Node hang up on idle connections after 5 s. Letting go of them first means that no call
# is sent into a connection that is just being closed: a POST cannot be repeated blindly.
_IDLE_S = 4.0


class HttpUpstream:
    """One connection pool for all providers. Redirects are not followed: a provider's key goes to its host only."""

    def __init__(self, *, connect_s: float = 10.0, trust_env: bool = False) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Outgoing) -> Incoming:
        session = self._session or self._open()
        url = _parsed(request.url)
        try:
            response = await session.request(
                request.method, url, data=request.body, headers=request.headers, allow_redirects=False
            )
        except aiohttp.InvalidURL as error:
            raise InvalidInput("This is no address a call can be sent to.", field="base_url", value=str(url)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _failed(url, error) from error
        return _Answer(response)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Opened by the first call: the pool belongs to the event loop it runs in."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trust_env=self._trust_env,
        )
        return self._session


class _Answer:
    """`Incoming` over aiohttp's response."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(f"{self._response.url.host} broke off in the middle of its answer.") from error

    async def release(self) -> None:
        self._response.release()

    def close(self) -> None:
        self._response.close()


@functools.lru_cache(maxsize=256)
def _parsed(url: str) -> URL:
    """Parsing an address costs more than looking it up."""
    return URL(url)


def _failed(url: URL, error: Exception) -> UpstreamError:
    """Says what happened in words, and names host and port only: an address may carry a secret."""
    where = f"{url.host}:{url.port}"
    if isinstance(error, TimeoutError):
        return UpstreamError(f"{where} did not accept a connection in time.")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return UpstreamError(f"No secure connection to {where}: {error}.")
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.strerror or str(error)
        return UpstreamError(f"Cannot connect to {where}: {reason}.", fix="check the address, and that it is running")
    return UpstreamError(f"{where} closed the connection before it answered.")
