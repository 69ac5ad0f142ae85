import urllib.request

import pytest
import viser

from flux4d_core.errors import Flux4dError
from flux4d_viewer import server as module
from flux4d_viewer.server import describe_address, has_display, open_browser, start_server, stop_server


def test_the_page_answers(capsys: pytest.CaptureFixture[str]) -> None:
    server = start_server("127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.get_port()}", timeout=10) as answer:
        assert answer.status == 200
    stop_server(server)
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


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(Flux4dError, match="65535"):
        start_server("127.0.0.1", 70000)


def test_a_taken_port_gives_the_next_one() -> None:
    first = start_server("127.0.0.1", 0)
    second = start_server("127.0.0.1", first.get_port())
    assert second.get_port() != first.get_port()
    stop_server(first)
    stop_server(second)


def test_serving_others_is_warned_about_with_the_safer_way() -> None:
    assert describe_address("127.0.0.1", 8080) == ["flux4d-view: http://127.0.0.1:8080"]
    lines = describe_address("0.0.0.0", 8081)
    assert any("no password" in line for line in lines)
    assert any("ssh -L 8081:localhost:8081" in line for line in lines)


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
