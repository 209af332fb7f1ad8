"""``starsend daemon --console``: page and daemon in one process, from the start to the end."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from contextlib import closing

from client_async.projects import Place
from tests.unit.daemon_house import DaemonHouse, bill, is_in, until

TOKEN = "a-token-of-some-length"


def line_to(house: DaemonHouse) -> closing[http.client.HTTPConnection]:
    """A connection to the console."""
    address = house.events("console_ready")[-1]["address"].removeprefix("http://")
    return closing(http.client.HTTPConnection(address, timeout=20))


def ask(house: DaemonHouse, path: str) -> str:
    """An answer's body; it must be a success."""
    with line_to(house) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


def cookie_of(house: DaemonHouse, **headers: str) -> str:
    """What is set at a login."""
    with line_to(house) as connection:
        connection.request("POST", "/login", f"token={TOKEN}", headers)
        return str(connection.getresponse().headers["set-cookie"]).lower()


def test_one_process_draws_and_shows_and_ends_in_time(house: DaemonHouse) -> None:
    """A grid drawn by the daemon: does its page show it, and does an open page not hold up the end?"""
    place = house.project()
    daemon = house.start("--console", STARSEND_CONSOLE__PORT="0", STARSEND_CONSOLE_TOKEN=TOKEN)
    until(is_in(place, "waiting_for_pick"))
    until(lambda: "Waiting for a pick" in ask(house, "/rows/job?only=SEQ01"))
    now = json.loads(ask(house, "/api/now"))
    assert (now["daemons"], now["silent"], now["steps"]) == (1, 0, [])
    until(
        lambda: [row["provider"] for row in json.loads(ask(house, "/api/now"))["providers"]] == ["animatic"]
    )
    assert json.loads(ask(house, "/readyz")) == {"status": "ok"}
    assert "secure" not in cookie_of(house)
    assert "secure" in cookie_of(house, **{"X-Forwarded-Proto": "https"}), (
        "a proxy on this machine is believed"
    )
    with line_to(house) as page:
        page.request("GET", "/events")
        assert page.getresponse().readline() == b"event: hello\n"
        begun = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=20) == 0
    assert time.monotonic() - begun < 10
    assert house.events("daemon_stopped")
    assert TOKEN not in house.log.read_text()


def test_a_taken_port_is_told_and_nothing_is_begun(house: DaemonHouse) -> None:
    """Somebody else listens there: one line, exit code 2, and no project driven, no call paid for?"""
    place: Place = house.project()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = house.start("--console", STARSEND_CONSOLE__PORT=str(port))
        assert daemon.wait(timeout=20) == 2
    (line,) = [line for line in house.log.read_text().splitlines() if not line.startswith("{")]
    assert line.startswith(f"starsend: console.port: 127.0.0.1:{port} cannot be listened on")
    assert "STARSEND_CONSOLE__PORT=0" in line
    assert not house.events("project_opened")
    assert not house.events("daemon_ready")
    assert bill(place) == []
