"""LPIPS, where its package and its weights lie on this machine already: nothing is ever downloaded."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

_BACKBONE = "alexnet-owt-7be5be79.pth"
"""torchvision's AlexNet, in PyTorch's own folder of downloaded weights."""


@dataclass(frozen=True)
class Lpips:
    """A learned distance of images: 0 where alike, higher is worse."""

    distances: Callable[[Float[Tensor, "h w 3"], Float[Tensor, "h w 3"]], Float[Tensor, "h w"]]
    """In every pixel, of sRGB images from 0 to 1."""
    fingerprint: str
    """First 12 hex digits of the backbone's SHA-256."""


def load_lpips(device: torch.device | str = "cpu") -> Lpips | None:
    """Zhang et al., "The Unreasonable Effectiveness of Deep Features" (2018), version 0.1 with AlexNet; None if absent.

    It needs the package `lpips` (`pip install 'flux4d[metrics]'`) and AlexNet's weights, which PyTorch stores once any
    program has asked torchvision for them.
    """
    backbone = Path(torch.hub.get_dir()) / "checkpoints" / _BACKBONE
    if not backbone.is_file():
        return None
    try:
        import lpips  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    network = lpips.LPIPS(net="alex", spatial=True, pnet_rand=True, verbose=False)
    stored = torch.load(backbone, map_location="cpu", weights_only=True)
    for number in range(1, 6):  # AlexNet in five slices, whose layers keep their numbers
        part = getattr(network.net, f"slice{number}")
        part.load_state_dict({name: stored[f"features.{name}"] for name in part.state_dict()})
    network = network.to(device).eval()

    def distances(image: Tensor, target: Tensor) -> Tensor:
        pair = torch.stack([image.clamp(0, 1), target]).movedim(-1, 1) * 2 - 1
        with torch.no_grad():
            return network(pair[:1], pair[1:])[0, 0]

    return Lpips(distances, hashlib.sha256(backbone.read_bytes()).hexdigest()[:12])
