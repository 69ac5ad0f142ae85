"""Several training processes as one: who is who, and what all must agree on."""

import os

import torch
import torch.distributed as dist
from torch import nn


def join_ranks(device: torch.device) -> tuple[int, int]:
    """Own number and count of the processes that torchrun started; (0, 1) without it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return dist.get_rank(), dist.get_world_size()


def agreed(seconds: float, device: torch.device) -> float:
    """The first process's clock: all must stop at the same step."""
    if not dist.is_initialized():
        return seconds
    clock = torch.tensor([seconds], dtype=torch.float64, device=device)
    dist.broadcast(clock, 0)
    return float(clock)


def of_the_first(content: bytes, device: torch.device) -> bytes:
    """What the first process has: a node's disk may not be the first's. The others' `content` counts for nothing."""
    if not dist.is_initialized():
        return content
    size = torch.tensor([len(content)], device=device)
    dist.broadcast(size, 0)
    if int(size) == 0:
        return b""
    if dist.get_rank() == 0:
        shared = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(device)
    else:
        shared = torch.empty(int(size), dtype=torch.uint8, device=device)
    dist.broadcast(shared, 0)
    return shared.cpu().numpy().tobytes()


def average_gradients(model: nn.Module) -> None:
    """The mean of all processes' gradients, in every process."""
    if not dist.is_initialized():
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters()]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, part in zip(model.parameters(), flat.split([g.numel() for g in gradients]), strict=True):
        parameter.grad = part.view_as(parameter)
