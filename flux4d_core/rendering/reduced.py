"""Recorded images with fewer pixels, to compare with quick renders."""

from __future__ import annotations

from dataclasses import replace

import torch

from flux4d_core.types import Frame


def reduced(frame: Frame, width: int) -> Frame:
    """The frame at most `width` pixels wide, without its depth map; every pixel the mean of those that it covers."""
    if frame.camera.width <= width:
        return replace(frame, depth=None)
    height = max(1, round(frame.camera.height * width / frame.camera.width))
    image = frame.image.permute(2, 0, 1)[None].float()
    image = torch.nn.functional.interpolate(image, (height, width), mode="area")[0].permute(1, 2, 0)
    valid = frame.valid
    if valid is not None:
        valid = torch.nn.functional.interpolate(valid[None, None].float(), (height, width), mode="area")[0, 0] > 0.99
    return Frame(image.round().byte().contiguous(), frame.camera.resized(width, height), frame.sensor, valid)
