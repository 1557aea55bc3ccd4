"""The tour is the acceptance test: it checks what it shows. Here it is taken whole, and its traces are looked at again.

The vectors it computes are kept in pytest's cache, so that only the first run on a machine is a cold one.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.server import RunningServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_the_tour(own_server: RunningServer, pytestconfig: pytest.Config) -> None:
    server = own_server.start()
    said = _tour(server, pytestconfig.cache.mkdir("tour") if pytestconfig.cache else server.data / "tour")

    with server.client() as http:
        production = _get(http, "/channels/production")
        _history_is_complete(production)
        _every_number_has_its_n(http)
        _one_incident_with_numbers(http)
        _users_kept_their_arm(http)
        _audit_says_who_and_why(http)
    assert "What happened" in said
    assert "/sign-in?token=" in said
    assert "assay rollback production" in said


def _tour(server: RunningServer, work: Path) -> str:
    """Its exit code is its verdict; what it said is the evidence."""
    command = [sys.executable, "-m", "examples.tour", "--url", server.url, "--work", str(work), "--once"]
    environment = {**os.environ, "ASSAY_API_KEY": server.key}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580, check=False)
    assert ended.returncode == 0, f"{ended.stdout[-6000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


def _history_is_complete(production: dict[str, Any]) -> None:
    actions = [step["action"] for step in reversed(production["history"])]
    steps = ["canary_start", "canary_step"]
    assert actions[:4] == ["promote", *steps, "canary_promote"]
    assert actions[-2:] == ["canary_rollback", "rollback"]
    assert all(step["reason"] and step["by"] for step in production["history"])
    first = next(step for step in production["history"] if step["action"] == "promote")
    assert production["release"]["id"] == first["to"]
    assert production["canary"] is None


def _every_number_has_its_n(http: httpx.Client) -> None:
    runs = _get(http, "/runs?limit=50")["items"]
    assert sorted(run["progress"]["total"] for run in runs) == [8, 80, 80, 80, 80]
    for run in runs:
        assert run["status"] == "done"
        assert all(score["errors"] == 0 and isinstance(score["n"], int) for score in run["scores"].values())
    verdicts = _get(http, "/verdicts?limit=50")["items"]
    assert sorted(verdict["verdict"] for verdict in verdicts) == ["fail", "inconclusive", "pass", "pass", "pass"]


def _one_incident_with_numbers(http: httpx.Client) -> None:
    incidents = _get(http, "/incidents")["items"]
    assert len(incidents) == 1
    incident = _get(http, f"/incidents/{incidents[0]['id']}")
    assert incident["kind"] == "canary_rollback"
    assert "user_feedback" in incident["sentence"]
    assert incident["evidence"]
    assert incident["actions"]


def _users_kept_their_arm(http: httpx.Client) -> None:
    canaries = {canary["status"]: canary for canary in _get(http, "/canaries")["items"]}
    assert set(canaries) == {"promoted", "rolled_back"}
    for canary in canaries.values():
        assert min(canary["units"].values()) >= 30
        assert canary["srm_p"] > 0.001
        assert canary["decision"]["sentence"]


def _audit_says_who_and_why(http: httpx.Client) -> None:
    assert _get(http, "/audit/verify")["ok"] is True
    events = _get(http, "/audit?limit=500")["items"]
    told = {event["action"]: event for event in events}
    for action in ("channel.promote", "channel.promote_refused", "channel.rollback"):
        assert told[action]["actor"]
        assert told[action]["at"]
        assert told[action]["reason"]


def _get(http: httpx.Client, path: str) -> dict[str, Any]:
    response = http.get(f"/api/v1{path}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found
