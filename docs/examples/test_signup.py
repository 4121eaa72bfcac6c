"""The sign-up of app.py with numbers and messages of the sandbox."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

SANDBOX = os.environ.get("NUMBEROTP_SANDBOX_URL", "http://127.0.0.1:8080")
KEY = "notp_SandboxDemoKeyOnlyForTesting000H6vHm"


@pytest.fixture
def sandbox():
    """Speaks to the sandbox: `sandbox("POST", path, body)`."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {KEY}"

    def ask(method, path, body=None):
        return session.request(method, SANDBOX + path, json=body, timeout=70).json()

    return ask


@pytest.fixture
def app():
    """The app under test: its address. Its messages go to the sandbox."""
    environment = {**os.environ, "SMS_URL": f"{SANDBOX}/sandbox/messages", "SMS_KEY": KEY}
    command = [sys.executable, Path(__file__).with_name("app.py")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.terminate()


def rent(sandbox, **wish):
    answer = sandbox("POST", "/api/internal/rent", {"service": "discord", "country": "US", **wish})
    assert answer["success"], answer
    return answer["data"]


def test_a_visitor_signs_up(sandbox, app):
    # `silent`: the sandbox sends nothing of its own, so the only message is the app's.
    number = rent(sandbox, operator="silent")
    visitor = requests.Session()
    visitor.post(f"{app}/number", data={"number": number["number"]}, timeout=10)

    code = sandbox("GET", f"/api/internal/rent/{number['id']}/wait")["data"]["otp"]
    page = visitor.post(f"{app}/code", data={"code": code}, timeout=10).text
    assert "You are signed up" in page


def test_a_wrong_code_signs_nobody_up(sandbox, app):
    number = rent(sandbox, operator="silent")
    visitor = requests.Session()
    visitor.post(f"{app}/number", data={"number": number["number"]}, timeout=10)
    assert "Wrong code" in visitor.post(f"{app}/code", data={"code": "guess"}, timeout=10).text


def test_a_code_that_never_comes_costs_nothing(sandbox):
    before = sandbox("GET", "/api/internal/balance")
    number = rent(sandbox, operator="silent")
    assert sandbox("GET", "/api/internal/balance") != before

    # Twenty minutes pass at once, for this sandbox alone.
    sandbox("POST", "/sandbox/clock", {"advance": "20m"})
    assert sandbox("GET", f"/api/internal/rent/{number['id']}/wait")["code"] == "RENT_CLOSED"
    assert sandbox("GET", f"/api/internal/rent/{number['id']}")["data"]["status"] == "expired"
    assert sandbox("GET", "/api/internal/balance") == before


def test_the_next_code_is_the_one_that_was_chosen(sandbox):
    wish = {"scenario": "normal", "service": "telegram", "code": "123456"}
    sandbox("POST", "/sandbox/scenarios", wish)
    number = rent(sandbox, service="telegram")
    assert sandbox("GET", f"/api/internal/rent/{number['id']}/wait")["data"]["otp"] == "123456"
