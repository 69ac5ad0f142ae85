"""Small inputs of the command line, made once, and the command itself."""

import flux4d_core  # noqa: F401 # isort: skip  # before PyTorch, since it says how idle threads wait for work

from pathlib import Path

import pytest
import torch
from ended import Ended, Flux4d
from toy_clip import toy_clip
from toy_scene import toy_scene

from flux4d_core.cli.main import main
from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.model.checkpoint import WeightsOrigin, save_checkpoint
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.simulation.storage import write_truth


@pytest.fixture
def flux4d(capsys: pytest.CaptureFixture[str]) -> Flux4d:
    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ending:
            assert isinstance(ending.code, int)
            code = ending.code
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def toy_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy street as a log folder: one camera "front" and one LiDAR "top", 17 of each at 10 Hz, 5 m/s."""
    folder = tmp_path_factory.mktemp("logs") / "toy"
    write_log(clip_as_log(toy_clip(frames=17)), folder)
    return folder


@pytest.fixture(scope="session")
def street_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated street 7 with its truth: a stereo pair of 64x36 pixels, "front_left" first, 5 sweeps at 10 Hz."""
    folder = tmp_path_factory.mktemp("logs") / "street"
    config = SimulationConfig(duration=0.4, cameras=2, width=64, height=36, beams=16)
    clip, truth = simulate(7, config)
    write_log(clip_as_log(clip), folder)
    write_truth(truth, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learned nothing, and is small."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    unet = UNetConfig(channels=(8, 16))
    torch.manual_seed(0)
    model = Reconstructor(ReconstructorConfig(unet=unet, refine_unet=unet, head_width=16))
    save_checkpoint(model, WeightsOrigin("tiny", "nothing", "CC0"), path)
    return path


@pytest.fixture(scope="session")
def toy_scene_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy scene: 1 s, a wall of 1000 Gaussians, then a red ball of 200 at 10 m/s along x, then a blue one."""
    path = tmp_path_factory.mktemp("scenes") / "toy.f4d"
    write_scene(toy_scene(), path)
    return path
