"""Telling systemd how we are: ready, stopping, alive. Silent where nobody asked (sd_notify(3), $NOTIFY_SOCKET)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class Service:
    """The service manager's ear.

    Args:
        environ: ``os.environ`` unless given.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._wants_watchdog = mine and bool(environ.get("WATCHDOG_USEC"))

    def ready(self, status: str) -> None:
        """Start-up or a reload is over."""
        self._say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The settings are being read again."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """No new work is begun any more."""
        self._say("STOPPING=1")

    def watchdog(self) -> None:
        """The event loop is alive."""
        if self._wants_watchdog:
            self._say("WATCHDOG=1")

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        # Whatever is wrong with the manager's socket must not stop the work.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ear:
            ear.sendto("\n".join(lines).encode(), self._address)
