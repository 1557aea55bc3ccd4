"""Keys and what else opens a door: in the answer that made them, and nowhere else. Searched for as whole secrets."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.server import RunningServer

ADDRESS = "json://hook-user:hook-password@127.0.0.1:9/path"
CHAT = "/v1/chat/completions"
CALL = {"model": "quokka/m-2026-01-01", "messages": [{"role": "user", "content": "hello"}]}
VENDOR = "sk-vendor-0123456789abcdefghijklmnop"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("secrets") / "data"
    made = RunningServer(data, QUOKKA_API_KEY=VENDOR).start()
    yield made
    made.kill()


class Told:
    """Everything the server said but the answers that make a secret, and the secrets that were made."""

    def __init__(self, running: RunningServer) -> None:
        self.server = running
        self.secrets = {"bootstrap": running.key, "hook": "hook-password", "vendor": VENDOR}
        self.texts: dict[str, str] = {}
        with running.client() as http, httpx.Client(base_url=running.url, timeout=30) as bare:
            self._makes(http)
            self._uses(bare)
            self._misplaces(http)
            self._reads(http)

    def _makes(self, http: httpx.Client) -> None:
        for role in ("admin", "ingest", "score"):
            made = http.post("/api/v1/keys", json={"name": role, "role": role}).raise_for_status().json()
            self.secrets[role] = made["secret"]
        project = http.post("/api/v1/projects", json={"name": "second"}).raise_for_status().json()
        self.secrets["project"] = project["key"]["secret"]
        link = http.post("/api/v1/sign-in-tokens").raise_for_status().json()["url"]
        self.secrets["sign-in"] = link.partition("token=")[2]
        signed_in = httpx.post(f"{http.base_url}/api/v1/session", json={"token": self.secrets["sign-in"]})
        self.secrets["session"] = signed_in.raise_for_status().cookies["assay_session"]
        self.texts["session"] = signed_in.text
        body = {"base_url": "http://127.0.0.1:9/v1", "key_env": "QUOKKA_API_KEY"}
        self._keep("provider", http.put("/api/v1/providers/quokka", json=body).raise_for_status())
        hook = {"name": "hook", "url": ADDRESS}
        self._keep("hook", http.post("/api/v1/notification-channels", json=hook).raise_for_status())
        self._keep("revoke", http.delete(f"/api/v1/keys/{made['id']}").raise_for_status())

    def _uses(self, bare: httpx.Client) -> None:
        """In every place a key can stand, and where none can."""
        for name, secret in self.secrets.items():
            basic = base64.b64encode(f"pk:{secret}".encode()).decode()
            forms = [
                {"authorization": told} for told in (f"Bearer {secret}", f"Basic {basic}", secret, f"Not {secret}")
            ]
            for n, headers in enumerate([*forms, {"x-api-key": secret}, {"cookie": f"assay_session={secret}"}]):
                for method, path in (
                    ("GET", "/api/v1/traces"),
                    ("POST", "/v1/traces"),
                    ("POST", CHAT),
                    ("GET", "/info"),
                ):
                    self._keep(f"{name} {n} {path}", bare.request(method, path, headers=headers, json=CALL))
            self._keep(f"{name} token", bare.post("/api/v1/session", json={"token": secret}))

    def _misplaces(self, http: httpx.Client) -> None:
        """A key where something else belongs: what is wrong is told, and the key is not repeated."""
        for name in ("admin", "vendor"):
            secret = self.secrets[name]
            self._keep(f"{name} query", http.get("/api/v1/traces", params={"api_key": secret}))
            self._keep(f"{name} id", http.delete(f"/api/v1/keys/{secret}"))
            self._keep(f"{name} field", http.post("/api/v1/keys", json={"name": "n", "secret": secret}))
            self._keep(f"{name} role", http.post("/api/v1/keys", json={"name": "n", "role": secret}))
            self._keep(f"{name} model", http.post(CHAT, json=CALL | {"model": secret}))
            provider = {"base_url": "http://127.0.0.1:9/v1"}
            for field in ("key", "key_env"):
                self._keep(f"{name} {field}", http.put("/api/v1/providers/p", json=provider | {field: secret}))
        self._keep("chat", http.post(CHAT, json=CALL))
        self._keep("hook test", http.post(f"/api/v1/notification-channels/{self._hook(http)}/test"))
        self._keep("hook again", http.post("/api/v1/notification-channels", json={"name": 7, "url": ADDRESS}))

    def _hook(self, http: httpx.Client) -> str:
        found: str = http.get("/api/v1/notification-channels").json()["items"][0]["id"]
        return found

    def _reads(self, http: httpx.Client) -> None:
        lists = ("audit?limit=500", "keys", "projects", "providers", "notification-channels", "notifications")
        for path in (*(f"/api/v1/{name}" for name in (*lists, "incidents", "spans", "info")), "/metrics", "/readyz"):
            self._keep(path, http.get(path).raise_for_status())
        schema = http.get("/api/v1/sql/schema").raise_for_status()
        self._keep("schema", schema)

    def _keep(self, name: str, answer: httpx.Response) -> None:
        assert answer.status_code < 500 or "chat" in name, f"{name}: {answer.text}"
        self.texts[name] = f"{answer.headers}{answer.text}"


@pytest.fixture(scope="module")
def told(running: RunningServer) -> Told:
    return Told(running)


def test_no_answer_holds_a_secret(told: Told) -> None:
    assert _found(told.secrets, told.texts) == []


def test_no_line_of_the_log_holds_a_secret(told: Told) -> None:
    """The link that `assay up` prints is one more, made for whoever reads the terminal; it opens once."""
    log = told.server.log.read_text()
    assert "ready on" in log
    assert _found(told.secrets, {"log": log}) == []


def test_what_was_done_is_in_the_audit_without_its_secret(told: Told) -> None:
    for action in ("key.create", "key.revoke", "project.create", "provider.put"):
        assert action in told.texts["/api/v1/audit?limit=500"]


def test_no_file_of_the_server_holds_a_key(told: Told) -> None:
    """Keys are stored as hashes. The address of the hook has to be kept: it is used."""
    keys = {name: secret.encode() for name, secret in told.secrets.items() if name != "hook"}
    files = [path for path in told.server.data.rglob("*") if path.is_file()]
    assert files != []
    assert [(name, path.name) for path in files for name in _inside(path, keys)] == []


def _found(secrets: dict[str, str], texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, where) for name, secret in secrets.items() for where, text in texts.items() if secret in text]


def _inside(path: Path, secrets: dict[str, bytes]) -> list[str]:
    held = path.read_bytes()
    return [name for name, secret in secrets.items() if secret in held]
