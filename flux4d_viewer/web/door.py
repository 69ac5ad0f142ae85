"""Who may come in: only those who know the token, by a name of this machine, from the viewer's own page.

A page elsewhere on the web can make a browser talk to a local port. It does so under its own Origin, or under a name of
its own that it points at this machine (DNS rebinding), and it cannot know the token: each of the three is refused.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flux4d_core.errors import Flux4dError

WRONG_TOKEN = "This page opens only at the whole address, with the key in it, that flux4d-view printed as it started."
WRONG_HOST = "This page is not served under that name: open it at the address that flux4d-view printed."
WRONG_ORIGIN = "Pages of other sites may not talk to this viewer."

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


@dataclass(frozen=True)
class Door:
    """What every request is held against."""

    token: str
    """First part of every path."""
    names: frozenset[str]
    """Names that a request may call this machine by, besides numeric addresses, which cannot be rebound."""

    def refusal(self, path: str, hosts: Sequence[str], origins: Sequence[str]) -> str | None:
        """Why a request may not come in, in one sentence; None if it may.

        `hosts`, `origins`: all headers of that name. A missing Origin is let pass: browsers always send it with a
        websocket and with what is not a plain visit.
        """
        if len(hosts) != 1 or not self._knows(hosts[0]):
            return WRONG_HOST
        if any(not _is_same(origin, hosts[0]) for origin in origins):
            return WRONG_ORIGIN
        first = path.split("/")[1] if path.startswith("/") else ""
        if not secrets.compare_digest(first.encode(), self.token.encode()):
            return WRONG_TOKEN
        return None

    def _knows(self, host: str) -> bool:
        name = _name_of(f"http://{host}")
        if name is None:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.rstrip(".") in self.names
        return True


def make_door(host: str, token: str | None) -> Door:
    """The door of a page served on `host`; with a new token if none is given.

    Raises:
        Flux4dError: the token is too short or has letters that an address cannot hold.
    """
    if token is not None and not _TOKEN.fullmatch(token):
        raise Flux4dError("--token: expected 16 to 128 letters, digits, - or _; leave it out for a new one every time")
    names = {"localhost", host.lower()}
    if host not in LOCAL:
        names |= {name.lower() for name in (socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local")}
    return Door(token or secrets.token_urlsafe(16), frozenset(names))


LOCAL = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine reaches."""


def _is_same(origin: str, host: str) -> bool:
    """Whether an Origin is the page that the request is sent to."""
    return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def _name_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none
    except ValueError:
        return None
    is_bare = not (parts.username or parts.password or parts.path or parts.query or parts.fragment)
    return parts.hostname if is_bare else None
