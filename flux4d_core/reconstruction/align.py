"""Cameras brought into agreement with the Gaussians: each one's place on the vehicle, and its clock.

For logs without LiDAR: where there is one, `alignment.refine` finds more, as no image takes part in what it measures.

A camera that is mounted half a degree beside its calibration, or whose clock is 30 ms late, blurs everything that is
made of its images. Both are found here by rendering the recorded views and following the gradient of the image error.
This works as far as the Gaussians are right. Where a camera's own images gave them their colours, they agree with its
wrong calibration, too: on a simulated street with one camera, half a degree came back by a thirtieth only. Cameras that
overlap, or a scene made with other ones, are what corrects it. Bare lifted Gaussians are too rough: drawn small,
they favour cameras that are turned by most of a degree. So nothing is kept but what held-out images confirm.

A camera cannot be moved in the renderer, but the scene in front of it can: moving the camera one way is moving all
Gaussians rigidly the other way, so the gradient by their centres and orientations reaches the pose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import invert, rotations_to_quats
from flux4d_core.motion import advance
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.alignment.corrections import Correction
from flux4d_core.reconstruction.clip import Reconstruction
from flux4d_core.reconstruction.twists import exponential, twist_at
from flux4d_core.rendering.photometric import PhotometricConfig, photometric_loss
from flux4d_core.rendering.reduced import reduced
from flux4d_core.rendering.render import draw
from flux4d_core.types import Camera, Clip, Frame, Snapshot


@dataclass(frozen=True)
class AlignConfig:
    """How cameras are aligned."""

    widths: tuple[int, ...] = (160, 320)
    """Columns of the images, coarse to fine: the first catch what is far off, the last are exact."""
    steps: tuple[int, ...] = (30, 80)
    """Adam steps with each width."""
    views: int = 2
    """Images of each camera that a step looks at."""
    rate: float = 0.2
    """First learning rate, in the `usual` sizes of what is looked for; falls to a tenth in each width."""
    clocks: bool = True
    """Whether clocks are looked for, too."""
    max_angle: float = math.radians(2.0)
    """Largest turn (rad)."""
    max_shift: float = 0.3
    """Largest displacement (m)."""
    max_delay: float = 0.06
    """Largest error of a clock (s)."""
    usual_angle: float = math.radians(0.3)
    """Of calibrations (rad). Along a straight way, a clock that is late and a camera that is mounted further ahead look
    alike; the usual sizes decide what it was."""
    usual_shift: float = 0.02
    """Of calibrations (m)."""
    usual_delay: float = 0.02
    """Of clocks (s)."""
    prior: float = 1e-4
    """What a correction of its usual size costs, in units of the image error."""
    photometric: PhotometricConfig = field(default_factory=PhotometricConfig)


@dataclass(frozen=True)
class Vehicle:
    """How the vehicle went."""

    ego_to_world: Float[Tensor, "poses 4 4"]
    ego_times: Float[Tensor, "poses"]

    def moved(self, camera: Camera, correction: Correction) -> Camera:
        """A recorded camera where, and when, it really was."""
        return _View.of(camera, self).camera_after(correction.twist, torch.tensor(correction.delay))


def align(
    scene: Reconstruction,
    frames: Sequence[Frame],
    judged: Sequence[Frame],
    vehicle: Vehicle,
    config: AlignConfig,
    report: Report = silent,
) -> tuple[Correction, ...]:
    """Find what each camera is off by, against Gaussians that are taken to be right.

    Only corrections that lower the error of `judged`, frames that were not fitted, are kept.
    """
    sensors = tuple(dict.fromkeys(frame.sensor for frame in frames))
    kept = []
    for number, sensor in enumerate(sensors):
        own = [frame for frame in frames if frame.sensor == sensor]

        def report_share(stage: str, fraction: float, number: int = number) -> None:
            report(stage, (number + fraction) / len(sensors))

        found = _align_one(scene, own, vehicle, config, report_share)
        before, after = (_judge(scene, judged, vehicle, c, config) for c in (_nothing(sensor), found))
        if after < before:
            kept.append(found)
    report("Aligning the cameras", 1.0)
    return tuple(kept)


def corrected(clip: Clip, corrections: Sequence[Correction]) -> Clip:
    """The clip with its cameras where and when they really were."""
    by_sensor = {correction.sensor: correction for correction in corrections}
    vehicle = Vehicle(clip.ego_to_world, clip.ego_times)

    def moved(frame: Frame) -> Frame:
        correction = by_sensor.get(frame.sensor)
        return frame if correction is None else replace(frame, camera=vehicle.moved(frame.camera, correction))

    return replace(clip, frames=tuple(sorted(map(moved, clip.frames), key=lambda frame: frame.camera.time)))


@dataclass(frozen=True)
class _View:
    """One recorded camera, and how it goes along with the vehicle."""

    camera: Camera
    twist: Float[Tensor, "6"]
    """Of the vehicle, in its own axes (rad/s, m/s)."""
    ego_to_world: Float[Tensor, "4 4"]

    @staticmethod
    def of(camera: Camera, vehicle: Vehicle) -> _View:
        times, pose = vehicle.ego_times, camera.camera_to_world
        twist = twist_at(vehicle.ego_to_world, times, camera.time).to(pose)
        ego = vehicle.ego_to_world[int((times - camera.time).abs().argmin())] if len(times) else torch.eye(4)
        return _View(camera, twist, ego.to(pose))

    def pose_after(self, twist: Float[Tensor, "6"], delay: Float[Tensor, ""]) -> Float[Tensor, "4 4"]:
        """camera_to_world of the corrected camera; carries gradients."""
        along = self.ego_to_world @ exponential(self.twist * delay) @ invert(self.ego_to_world)
        return along @ self.camera.camera_to_world @ exponential(twist)

    def camera_after(self, twist: Float[Tensor, "6"], delay: Float[Tensor, ""]) -> Camera:
        """The corrected camera; without gradients."""
        pose = self.pose_after(twist.to(self.twist), delay.to(self.twist)).detach()
        return replace(self.camera, camera_to_world=pose, time=self.camera.time + float(delay))


def _align_one(
    scene: Reconstruction, frames: list[Frame], vehicle: Vehicle, config: AlignConfig, report: Report
) -> Correction:
    """What one camera is off by."""
    device = scene.gaussians.means.device
    usual = torch.tensor([config.usual_angle] * 3 + [config.usual_shift] * 3 + [config.usual_delay], device=device)
    most = torch.tensor([config.max_angle] * 3 + [config.max_shift] * 3 + [config.max_delay], device=device)
    free = torch.ones_like(usual)
    free[6] = float(config.clocks)
    raw = torch.zeros_like(usual, requires_grad=True)
    dice = torch.Generator().manual_seed(0)
    done, total = 0, sum(config.steps)
    for width, steps in zip(config.widths, config.steps, strict=True):
        small = [reduced(frame, width).to(device) for frame in frames]
        views = [_View.of(frame.camera, vehicle) for frame in small]
        optimizer = torch.optim.Adam([raw], lr=config.rate)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / max(1, steps)))
        for _ in range(steps):
            report("Aligning the cameras", done / total)
            done += 1
            chosen = torch.randperm(len(small), generator=dice)[: config.views].tolist()
            with torch.inference_mode(False), torch.enable_grad():
                values = most * torch.tanh(free * raw * usual / most)
                errors = [_error(scene, small[i], views[i], values, config) for i in chosen]
                loss = torch.stack(errors).mean() + config.prior * (values / usual).square().mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
            optimizer.step()
            schedule.step()
    found = (most * torch.tanh(free * raw * usual / most)).detach().cpu()
    return Correction(frames[0].sensor, found[:6], float(found[6]))


def _error(
    scene: Reconstruction, frame: Frame, view: _View, values: Float[Tensor, "7"], config: AlignConfig
) -> Float[Tensor, ""]:
    """The image error of one view after a correction; its gradient reaches the correction."""
    pose = view.pose_after(values[:6], values[6])
    camera = replace(view.camera, camera_to_world=pose.detach())
    snapshot = advance(scene.gaussians, (view.camera.time + values[6]).expand(len(scene.gaussians)))
    rendering = draw(_moved(snapshot, pose.detach() @ invert(pose)), scene.sky, camera)
    return photometric_loss(rendering, frame, config.photometric)


def _moved(snapshot: Snapshot, motion: Float[Tensor, "4 4"]) -> Snapshot:
    """All Gaussians moved rigidly: not at all by its value, but by its gradient."""
    w, x, y, z = rotations_to_quats(motion[:3, :3]).unbind()
    left = torch.stack(
        [
            torch.stack([w, -x, -y, -z]),
            torch.stack([x, w, -z, y]),
            torch.stack([y, z, w, -x]),
            torch.stack([z, -y, x, w]),
        ]
    )
    means = snapshot.means @ motion[:3, :3].T + motion[:3, 3]
    return replace(snapshot, means=means, quats=snapshot.quats @ left.T)


@torch.no_grad()
def _judge(
    scene: Reconstruction, frames: Sequence[Frame], vehicle: Vehicle, correction: Correction, config: AlignConfig
) -> float:
    """Mean image error of a camera's frames after a correction, at the finest width."""
    own = [frame for frame in frames if frame.sensor == correction.sensor]
    values = torch.cat([correction.twist, torch.tensor([correction.delay])]).to(scene.gaussians.means.device)
    errors = []
    for frame in own:
        small = reduced(frame, config.widths[-1]).to(values.device)
        errors.append(float(_error(scene, small, _View.of(small.camera, vehicle), values, config)))
    return sum(errors) / max(1, len(errors))


def _nothing(sensor: str) -> Correction:
    return Correction(sensor, torch.zeros(6), 0.0)
