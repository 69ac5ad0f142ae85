import urllib.request

import pytest
import viser

from flux4d_core.errors import Flux4dError
from flux4d_viewer import server as module
from flux4d_viewer.server import Site, describe_address, has_display, open_browser, serve, start_server, stop_server


def test_the_page_answers_at_its_url_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    site = serve("127.0.0.1", 0)
    with urllib.request.urlopen(site.url, timeout=10) as answer:
        assert answer.status == 200
    site.stop()
    assert capsys.readouterr().out == ""


def test_no_browser_can_publish_the_drive() -> None:
    server = start_server("127.0.0.1", 0)
    assert server.request_share_url() is None
    assert server._share_tunnel is None
    stop_server(server)


def test_another_viser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viser, "__version__", "1.2.0")
    with pytest.raises(Flux4dError, match=r"expected viser 1\.1\.1"):
        start_server("127.0.0.1", 0)


def test_the_address_has_the_token_in_its_path_and_brackets_where_needed() -> None:
    class Listening:
        port = 8080

    def site(host: str) -> Site:
        return Site(None, Listening(), host, "0123456789abcdef")  # pyright: ignore[reportArgumentType]

    assert site("127.0.0.1").url == "http://127.0.0.1:8080/0123456789abcdef/"
    assert site("::1").url == "http://[::1]:8080/0123456789abcdef/"
    assert describe_address(site("127.0.0.1")) == ["flux4d-view: http://127.0.0.1:8080/0123456789abcdef/"]
    first, *warnings = describe_address(site("0.0.0.0"))
    assert first == "flux4d-view: http://localhost:8080/0123456789abcdef/"
    assert any("lets everybody in who can reach this machine and knows this address" in line for line in warnings)
    assert any("ssh -L 8080:localhost:8080" in line for line in warnings)


def test_without_a_display_no_browser_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module.webbrowser, "open", lambda url: pytest.fail("opened a browser"))
    assert not open_browser("http://127.0.0.1:1")


def test_a_display_far_away_over_ssh_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":10")
    monkeypatch.setenv("SSH_CONNECTION", "somewhere")
    assert not has_display()
