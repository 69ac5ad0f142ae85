"""Evaluations with round numbers."""

import math

import torch

from flux4d_core.evaluation.flow import BACKGROUND, Returns, flow_metrics
from flux4d_core.evaluation.results import Evaluation, NovelRow, Row


def made_evaluation(name: str, psnr: float, *, pedestrian: bool = False) -> Evaluation:
    """One method with a scene, one frame, one view aside; a car at 10 m/s, and maybe a pedestrian at 1 m/s."""
    nan = math.nan
    row = Row("lifted", "interpolated", "full", psnr, 0.5, 0.1, nan, 1.0, 2.0, 0.0, 3.0, 5)
    path = NovelRow("lifted", "on the path", psnr, 0.5, 0.1, nan, 0.0, 1.0, psnr, 0.0, 0.0, 2)
    aside = NovelRow("lifted", "1 m aside", psnr - 2, 0.5, 0.1, nan, 2.0, 0.9, psnr - 1, 0.01, 0.005, 2)
    velocities = torch.tensor([[10.0, 0, 0], [0, 0, 0]] + [[1.0, 0, 0]] * pedestrian)
    classes = torch.tensor([0, BACKGROUND] + [1] * pedestrian)
    returns = Returns(velocities, torch.ones(len(classes)), classes, torch.full((len(classes),), 10.0))
    return Evaluation(name, "", (row,), {"lifted": flow_metrics(torch.zeros_like(velocities), returns)}, (path, aside))
