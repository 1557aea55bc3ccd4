"""`Client` and `AsyncClient`: the REST API by noun, the same endpoints on two drivers."""

from types import TracebackType
from typing import Any, BinaryIO, Self

from assay import _nouns
from assay._calls import Asynchronous, Blocking, Call, D_co, Json, Noun, Request, endpoint, get, send
from assay._config import Connection
from assay._drivers import AsyncDriver, SyncDriver


class _Server(Noun[D_co]):
    """The nouns of a server, on either driver."""

    def __init__(self, driver: D_co) -> None:
        super().__init__(driver)
        self.traces = _nouns.Traces(driver)
        self.spans = _nouns.Spans(driver)
        self.scores = _nouns.Scores(driver)
        self.chat = _nouns.Chat(driver)
        self.prompts = _nouns.Prompts(driver)
        self.retrieval_configs = _nouns.RetrievalConfigs(driver)
        self.datasets = _nouns.Datasets(driver)
        self.releases = _nouns.Releases(driver)
        self.suites = _nouns.Suites(driver)
        self.checks = _nouns.Checks(driver)
        self.runs = _nouns.Runs(driver)
        self.verdicts = _nouns.Verdicts(driver)
        self.channels = _nouns.Channels(driver)
        self.canaries = _nouns.Canaries(driver)
        self.incidents = _nouns.Incidents(driver)
        self.monitors = _nouns.Monitors(driver)
        self.silences = _nouns.Silences(driver)
        self.notification_channels = _nouns.NotificationChannels(driver)
        self.providers = _nouns.Providers(driver)
        self.costs = _nouns.Costs(driver)
        self.prices = _nouns.Prices(driver)
        self.audit = _nouns.Audit(driver)
        self.keys = _nouns.Keys(driver)
        self.projects = _nouns.Projects(driver)
        self.sign_in = _nouns.SignIn(driver)
        self.sql = _nouns.Sql(driver)
        self.sessions = _nouns.Sessions(driver)
        self.users = _nouns.Users(driver)
        self.views = _nouns.Views(driver)
        self.dashboards = _nouns.Dashboards(driver)
        self.retention = _nouns.Retention(driver)
        self.deletions = _nouns.Deletions(driver)
        self.backups = _nouns.Backups(driver)
        self.outgoing = _nouns.Outgoing(driver)
        self.compactions = _nouns.Compactions(driver)
        self.quotas = _nouns.Quotas(driver)
        self.sampling = _nouns.Sampling(driver)
        self.flags = _nouns.Flags(driver)
        self.exports = _nouns.ScheduledExports(driver)
        self.forwards = _nouns.Forwards(driver)

    @endpoint
    def info(self) -> Call[Json]:
        """`version`, `api_version`, and who this key is: `project`, `role`, `actor`."""
        return get("/info")

    @endpoint
    def ready(self) -> Call[bool]:
        """True once the server takes requests. Raises Unavailable before."""
        yield from send(Request("GET", "/readyz"))
        return True


class Client(_Server[Blocking]):
    """The REST API, blocking. `url` and `api_key` default to `ASSAY_URL` and `ASSAY_API_KEY`."""

    def __init__(self, url: str | None = None, api_key: str | None = None, *, timeout_s: float = 30.0) -> None:
        self.connection = Connection.of(url, api_key)
        self._sync = SyncDriver(self.connection.url, self.connection.headers(), timeout_s)
        super().__init__(self._sync)

    def export(self, kind: str, to: BinaryIO, /, format: str = "jsonl", **filters: Any) -> int:  # noqa: A002
        """Writes `traces`, `spans` or `scores` to a file as `jsonl`, `csv` or `parquet`; how many bytes.

        Filters are those of the list. Raises ServerUnreachable where it breaks off: the file is then not whole.
        """
        request = Request("GET", f"/api/v1/export/{kind}", {"format": format, **filters}, timeout_s=300.0)
        return self._sync.download(request, to)

    def close(self) -> None:
        """Gives the connections back."""
        self._sync.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class AsyncClient(_Server[Asynchronous]):
    """The REST API, asynchronous: the same nouns and endpoints as `Client`, awaited."""

    def __init__(self, url: str | None = None, api_key: str | None = None, *, timeout_s: float = 30.0) -> None:
        self.connection = Connection.of(url, api_key)
        self._async = AsyncDriver(self.connection.url, self.connection.headers(), timeout_s)
        super().__init__(self._async)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._async.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()
