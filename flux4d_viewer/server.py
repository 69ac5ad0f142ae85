"""The web server: viser, kept to this machine and to the one version whose behaviour is known, behind a proxy."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import sys
import webbrowser
from dataclasses import dataclass

import viser

from flux4d_core.errors import Flux4dError
from flux4d_viewer.theme import configure
from flux4d_viewer.web.door import LOCAL, make_door
from flux4d_viewer.web.lock import start_locked
from flux4d_viewer.web.proxy import Proxy
from flux4d_viewer.web.uploads import limit_uploads
from flux4d_viewer.web.waking import wake_safely

VISER_VERSION = "1.1.1"


@dataclass(frozen=True)
class Site:
    """The page and what serves it."""

    server: viser.ViserServer
    """Answers only the proxy."""
    proxy: Proxy
    host: str
    token: str

    @property
    def port(self) -> int:
        return self.proxy.port

    @property
    def url(self) -> str:
        """Where this machine finds the page, token and all."""
        host = "localhost" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/{self.token}/"

    def stop(self) -> None:
        """Stop serving."""
        self.proxy.stop()
        stop_server(self.server)


def serve(host: str, port: int, token: str | None = None) -> Site:
    """Serve the page on `host`, at `port` or the next free one (0: any); without a token, with a new one.

    Raises:
        Flux4dError: another viser is installed, or the address or the token cannot be used.
    """
    door = make_door(host, token)
    key = secrets.token_urlsafe(32)
    server = start_server("127.0.0.1", 0, key)
    try:
        proxy = Proxy(host, port, server.get_port(), key, door)
    except Flux4dError:
        stop_server(server)
        raise
    return Site(server, proxy, host, door.token)


def start_server(host: str, port: int, key: str | None = None) -> viser.ViserServer:
    """viser itself, which answers only who knows the key; nobody if there is none.

    Raises:
        Flux4dError: another viser is installed.
    """
    if viser.__version__ != VISER_VERSION:
        raise Flux4dError(
            f"viser {viser.__version__}: expected viser {VISER_VERSION}, whose behaviour this viewer is built on; "
            f"install it with `pip install viser=={VISER_VERSION}`"
        )
    wake_safely()
    server = start_locked(host, port, key or secrets.token_urlsafe(32))
    # Any browser could otherwise ask viser to publish the drive through a tunnel on the internet.
    server.request_share_url = lambda verbose=True: None  # pyright: ignore[reportAttributeAccessIssue]
    limit_uploads(server)
    configure(server.gui, dark=True)
    server.gui.set_panel_label("flux4d")
    return server


def stop_server(server: viser.ViserServer) -> None:
    """Stop serving, without viser's own farewell."""
    with contextlib.redirect_stdout(io.StringIO()):
        server.stop()


def describe_address(site: Site) -> list[str]:
    """What to print: where the page is, and what it means if others can reach it."""
    if site.host in LOCAL:
        return [f"flux4d-view: {site.url}"]
    return [
        f"flux4d-view: {site.url}",
        f"Warning: --host {site.host} lets everybody in who can reach this machine and knows this address. The drive "
        "and the address travel unencrypted.",
        f"Safer from another machine: ssh -L {site.port}:localhost:{site.port} <this machine>, without --host.",
    ]


def open_browser(url: str) -> bool:
    """Open the default browser, if there is a screen to open it on; whether it was tried."""
    if not has_display():
        return False
    return webbrowser.open(url)


def has_display() -> bool:
    """Whether this machine shows windows to somebody: not over ssh, not without X or Wayland."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
