"""The web server: viser, kept to this machine and to the one version whose behaviour is known."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
import webbrowser

import viser

from flux4d_core.errors import Flux4dError
from flux4d_viewer.theme import ACCENT

VISER_VERSION = "1.1.1"
LOCAL = ("127.0.0.1", "localhost", "::1")


def start_server(host: str, port: int) -> viser.ViserServer:
    """Serve the page on `host`, at `port` or the next free one (0: any).

    Raises:
        Flux4dError: another viser is installed, or the address cannot be used.
    """
    if viser.__version__ != VISER_VERSION:
        raise Flux4dError(
            f"viser {viser.__version__}: expected viser {VISER_VERSION}, whose behaviour this viewer is built on; "
            f"install it with `pip install viser=={VISER_VERSION}`"
        )
    _check_address(host, port)
    with contextlib.redirect_stdout(io.StringIO()):
        server = viser.ViserServer(host=host, port=port, verbose=False)
    # Any browser could otherwise ask viser to publish the drive through a tunnel on the internet.
    server.request_share_url = lambda verbose=True: None  # pyright: ignore[reportAttributeAccessIssue]
    server.gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False, brand_color=ACCENT)
    server.gui.set_panel_label("flux4d")
    return server


def stop_server(server: viser.ViserServer) -> None:
    """Stop serving, without viser's own farewell."""
    with contextlib.redirect_stdout(io.StringIO()):
        server.stop()


def _check_address(host: str, port: int) -> None:
    """viser waits for ever for an address that this machine does not have; so ask for it first."""
    if not 0 <= port <= 65535:
        raise Flux4dError(f"--port {port}: expected a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except OSError as error:
        raise Flux4dError(f"--host {host}: this machine cannot serve there ({error}); leave --host out") from error


def describe_address(host: str, port: int) -> list[str]:
    """What to print: where the page is, and what it means if others can reach it."""
    if host in LOCAL:
        return [f"flux4d-view: http://{host}:{port}"]
    return [
        f"flux4d-view: http://{'localhost' if host in ('0.0.0.0', '::') else host}:{port}",
        f"Warning: --host {host} shows this drive to everybody who can reach this machine; there is no password.",
        f"Safer from another machine: ssh -L {port}:localhost:{port} <this machine>, without --host.",
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
