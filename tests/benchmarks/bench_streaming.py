"""How many pictures a second the server sends when it draws, from a move of the camera to the JPEG on its way.

Stages: `advance` (the Gaussians brought to the time and into the view's colours), `rasterise`, `download` (to bytes, to
the CPU), `encode` (JPEG, as viser does it), `send` (into a socket of this machine that is read). Every stage waits for
the GPU before its clock is read, which overlapping would hide: the true rate is at least this one. Where viser is
installed a last table goes through the whole server, from a camera message to the picture's arrival.

Run: python tests/benchmarks/bench_streaming.py [--splats 500000 2000000] [--frames 100] [--json file]
On a machine without a GPU: --splats 3000 --frames 3 --sizes 320x180. viser need not be installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import socket
import sys
import threading
import time
import types
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
import imageio.v3 as iio
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from small_street import make_gaussians, make_scene

from flux4d_core.rendering import render as core
from flux4d_core.scene.actors import Grouping
from flux4d_core.scene.scene import Scene

HAS_VISER = importlib.util.find_spec("viser") is not None
QUALITY = 60
"""JPEG, as the viewer sends it while something moves."""
STAGES = ("advance", "rasterise", "download", "encode", "send")


class Clock:
    """Seconds between calls, once the GPU has done what it was asked for."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._last = device, 0.0

    def lap(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        return passed


@dataclass(frozen=True)
class Row:
    """What a picture costs."""

    splats: int
    width: int
    height: int
    motion: str
    """What changes from picture to picture: the camera, or the time as well."""
    milliseconds: dict[str, float]
    """Median of each stage."""
    kilobytes: float

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return 1000 / sum(self.milliseconds.values())


def street(splats: int) -> Scene:
    """The tests' street with so many Gaussians, each smaller the more there are; a seventh of them drives."""
    gaussians = make_gaussians(splats / len(make_gaussians()))
    gaussians = replace(gaussians, scales=gaussians.scales * min(1.0, (3240 / len(gaussians)) ** 0.5 * 2))
    return replace(make_scene(), gaussians=gaussians, grouping=Grouping((), torch.full((len(gaussians),), -1)))


class Watched:
    """The core's renderer, telling when it begins and ends; put in its place before the viewer takes it by name."""

    tell: Callable[[str], None] = staticmethod(lambda stage: None)

    @classmethod
    def install(cls) -> None:
        draw = core.draw

        def watched(*arguments: Any, **options: Any) -> Any:
            cls.tell("advance")
            rendering = draw(*arguments, **options)
            cls.tell("rasterise")
            return rendering

        core.draw = watched


def make_painter(scene: Scene, device: str) -> Any:
    """The viewer's own painter of this scene."""
    if not HAS_VISER:  # the painter's modules name it in annotations only
        sys.modules.update({"viser": types.ModuleType("viser"), "viser.transforms": types.ModuleType("transforms")})
    from flux4d_viewer.device import choose_desk
    from flux4d_viewer.messages import Reconstructed
    from flux4d_viewer.work.session import Session

    session, posted = Session(choose_desk(device, "gpu")), []
    session.compile(lambda stage, fraction: None)
    session.show(scene, (), lambda stage, fraction: None, posted.append)
    return next(message for message in posted if isinstance(message, Reconstructed)).drawable.painter


class Receiver:
    """The other end of a socket: reads all that is sent."""

    def __init__(self) -> None:
        self.sender, self._end = socket.socketpair()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while self._end.recv(1 << 20):
            pass


def encode(image: UInt8[ndarray, "h w 3"]) -> bytes:
    """As viser does: OpenCV where it is installed, imageio (Pillow) where not."""
    if HAS_VISER:
        from viser._image_encoding import cv2_imencode_with_fallback

        return cv2_imencode_with_fallback("jpeg", image, QUALITY, channel_ordering="rgb")
    if importlib.util.find_spec("cv2") is not None:
        return _with_opencv(image)
    return _with_pillow(image)


def _with_pillow(image: UInt8[ndarray, "h w 3"]) -> bytes:
    return iio.imwrite("<bytes>", image, extension=".jpeg", quality=QUALITY)


def _with_opencv(image: UInt8[ndarray, "h w 3"]) -> bytes:
    import cv2  # pyright: ignore[reportMissingImports]

    return cv2.imencode(".jpeg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[
        1
    ].tobytes()


def pose_at(step: int, width: int, height: int) -> Any:
    """A view that sways 20 degrees to both sides, 1.5 m above the road."""
    from flux4d_viewer.canvas.units import Pose

    yaw = math.radians(20) * math.sin(0.1 * step)
    ahead, right = np.array([math.cos(yaw), math.sin(yaw), 0]), np.array([math.sin(yaw), -math.cos(yaw), 0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.array([0, 0, -1.0]), ahead], -1)
    pose[:3, 3] = (0.02 * step % 2, 0.0, 1.5)
    return Pose(pose, 1.0, width, height)


class Bench:
    """One scene, drawn again and again."""

    def __init__(self, scene: Scene, device: str) -> None:
        self._laps: dict[str, list[float]] = {}
        self._clock = Clock(torch.device(device))
        self._painter = make_painter(scene, device)
        self._splats = len(scene.gaussians)
        self._receiver = Receiver()

    def _lap(self, stage: str) -> None:
        self._laps.setdefault(stage, []).append(self._clock.lap())

    def measure(self, width: int, height: int, frames: int, plays: bool) -> Row:
        """Medians over `frames` pictures, after a few that are not counted."""
        from flux4d_viewer.state import View

        warm, sizes, spread = max(1, frames // 10), [], 0.0
        Watched.tell = self._lap
        for step in range(-warm, frames):
            if step == 0:
                self._laps.clear()
            self._clock.lap()
            time_shown = 0.5 + 0.3 * math.sin(0.07 * step) if plays else 0.5
            image = self._painter.paint(View(), pose_at(step, width, height), time_shown)
            self._lap("download")
            jpeg = encode(image)
            self._lap("encode")
            self._receiver.sender.sendall(jpeg)
            self._lap("send")
            sizes.append(len(jpeg))
            spread = float(image.std())
        Watched.tell = lambda stage: None
        assert spread > 10, "the picture is empty"
        milliseconds = {stage: 1000 * float(np.median(self._laps[stage])) for stage in STAGES}
        motion = "camera and time" if plays else "camera"
        return Row(self._splats, width, height, motion, milliseconds, float(np.mean(sizes)) / 1000)

    def encoders(self, width: int, height: int) -> dict[str, float]:
        """Milliseconds of the ways to make a JPEG that are installed here."""
        from flux4d_viewer.state import View

        image = self._painter.paint(View(), pose_at(0, width, height), 0.5)
        ways: dict[str, Callable[[], Any]] = {"Pillow": lambda: _with_pillow(image)}
        if importlib.util.find_spec("cv2") is not None:
            ways["OpenCV"] = lambda: _with_opencv(image)
        if torch.cuda.is_available() and importlib.util.find_spec("torchvision") is not None:
            from torchvision.io import encode_jpeg  # pyright: ignore[reportMissingImports]

            on_gpu = torch.from_numpy(image).permute(2, 0, 1).contiguous().cuda()
            ways["nvJPEG (torchvision)"] = lambda: encode_jpeg(on_gpu, QUALITY).cpu().numpy().tobytes()
        return {name: 1000 * _median_seconds(way) for name, way in ways.items()}


def _median_seconds(way: Callable[[], Any], times: int = 15) -> float:
    way()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        way()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def through_the_server(scene: Scene, device: str, size: tuple[int, int], frames: int) -> dict[str, float]:
    """The whole viewer: from a camera message to the arrival of the next picture, one after the other."""
    from raw_page import RawPage, address_of

    from flux4d_viewer.app import Settings, Viewer
    from flux4d_viewer.jobs.opening import OpenSceneFile
    from flux4d_viewer.work.work import Work

    work = Work(device, "gpu")

    def perform(job: Any, report: Any, post: Any) -> None:
        if isinstance(job, OpenSceneFile):
            work._session.compile(report)
            work._session.show(scene, (), report, post)

    viewer = Viewer(Settings(port=0, device=device, renderer="gpu"), lambda: perform)
    viewer.start(OpenSceneFile(Path("street.f4d")))
    while viewer.store.state.drawable is None:
        assert not viewer.store.state.problem, viewer.store.state.problem
        time.sleep(0.05)
    page, arrived = RawPage(address_of(viewer), size), threading.Event()
    page.told = lambda message: arrived.set() if message["type"] == "BackgroundImageMessage" else None
    arrived.wait(60)
    time.sleep(1.0)  # until the resting picture, too, has come
    seconds = []
    for step in range(frames):
        arrived.clear()
        began = time.perf_counter()
        page.look((0.001 * step, 0.0, 0.15), (1.8, 0.0, 0.1))
        assert arrived.wait(30), "no picture came"
        seconds.append(time.perf_counter() - began)
    page.close()
    viewer.stop()
    seconds = seconds[frames // 4 :]  # after it has found its pace
    return {"pictures/s": 1 / float(np.mean(seconds)), "median ms": 1000 * float(np.median(seconds))}


def show(rows: list[Row]) -> None:
    print(f"| splats | size | what moves | pictures/s | {' | '.join(f'{s} (ms)' for s in STAGES)} | kB |")
    print("| ---: | --- | --- | ---: " + "| ---: " * (len(STAGES) + 1) + "|")
    for row in rows:
        total = sum(row.milliseconds.values())
        cells = [f"{row.milliseconds[s]:.2f} ({100 * row.milliseconds[s] / total:.0f} %)" for s in STAGES]
        size = f"{row.width} x {row.height}"
        print(
            f"| {row.splats:,} | {size} | {row.motion} | {row.rate:.1f} | {' | '.join(cells)} | {row.kilobytes:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splats", type=int, nargs="+", default=[500_000, 2_000_000])
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080"])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in asked.sizes]
    name = torch.cuda.get_device_name(0) if asked.device.startswith("cuda") else "CPU"
    print(f"{name}, PyTorch {torch.__version__}, JPEG quality {QUALITY}, median of {asked.frames} pictures")
    rows, encoders, whole = [], {}, {}
    Watched.install()
    for splats in asked.splats:
        scene = street(splats)
        bench = Bench(scene, asked.device)
        for width, height in sizes:
            rows += [bench.measure(width, height, asked.frames, plays) for plays in (False, True)]
            encoders[f"{width}x{height}"] = bench.encoders(width, height)
            if HAS_VISER:
                whole[f"{splats} splats, {width}x{height}"] = through_the_server(
                    scene, asked.device, (width, height), asked.frames
                )
    show(rows)
    print("\nJPEG (ms): " + json.dumps(encoders))
    print("Through the whole server: " + (json.dumps(whole) if HAS_VISER else "viser is not installed"))
    result = {"device": name, "rows": [asdict(r) | {"rate": r.rate} for r in rows], "jpeg": encoders, "server": whole}
    if asked.json is not None:
        asked.json.write_text(json.dumps(result, indent=1))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
