import pytest
import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.rendering.render import BackendStatus
from flux4d_viewer import device as module
from flux4d_viewer.device import choose_desk


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any GPU, wherever the tests run."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(module, "_has_nvidia_gpu", lambda: False)


def test_without_a_gpu_the_browser_draws_and_nothing_is_said() -> None:
    desk = choose_desk("auto", "auto")
    assert (desk.device.type, desk.server_draws, desk.notices) == ("cpu", False, ())


def test_a_gpu_that_pytorch_cannot_use_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_nvidia_gpu", lambda: True)
    (notice,) = choose_desk("auto", "auto").notices
    assert notice.tone == "warning"
    assert "install a CUDA build of PyTorch" in notice.text


def test_a_gpu_that_the_user_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Big GPU")
    (notice,) = choose_desk("cpu", "auto").notices
    assert "Big GPU stands idle" in notice.text


def test_a_gpu_that_cannot_draw_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(module, "describe_backend", lambda device: BackendStatus("cpu", "no compiler", "install one"))
    desk = choose_desk("auto", "auto")
    assert not desk.server_draws
    assert "no compiler" in desk.notices[0].text
    assert "install one" in desk.notices[0].text


def test_a_working_gpu_draws_on_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(module, "describe_backend", lambda device: BackendStatus("cuda", "works", ""))
    assert choose_desk("auto", "auto").server_draws
    assert not choose_desk("auto", "browser").server_draws


def test_the_server_can_be_made_to_draw_without_a_gpu_and_says_that_it_is_slow() -> None:
    desk = choose_desk("cpu", "gpu")
    assert desk.server_draws
    assert "slowly" in desk.notices[0].text


@pytest.mark.parametrize("name", ["cuda", "abacus"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(Flux4dError, match=name):
        choose_desk(name, "auto")
