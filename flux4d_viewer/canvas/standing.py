"""What stands, where the browser draws: one large node, sent once.

Other colours mean other buffers. A small scene is given a second node in those colours, and the two are shown in turn,
which costs nothing; a large one is sent again, once the view rests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import viser
from jaxtyping import Float, Int64
from torch import Tensor

from flux4d_core.motion import advance
from flux4d_core.types import Gaussians, Snapshot
from flux4d_viewer.canvas.splats import STATIC_BUDGET, SplatCloud, condition, most_visible, pack
from flux4d_viewer.canvas.tinting import Origins, Tint, origins_of, tinted

VARIANT_BUDGET = 120_000
"""Splats of which a second, coloured copy is kept on the page."""

AddSplats = Callable[[str, SplatCloud], "viser.GaussianSplatHandle"]


@dataclass(frozen=True)
class StandingNode:
    """Gaussians that stand, ready to be sent and to be coloured."""

    snapshot: Snapshot
    """On the CPU."""
    origins: Origins
    index: Int64[Tensor, "S"]
    """Positions of its Gaussians in the scene."""
    cloud: SplatCloud
    """In their own colours."""

    def splats(self, tint: Tint, errors: Float[Tensor, "N"] | None) -> SplatCloud:
        """The cloud in a tint's colours; `errors`: of the whole scene."""
        origins = self.origins if errors is None else replace(self.origins, errors=errors[self.index])
        colors = (tinted(self.snapshot, origins, tint).clamp(0, 1) * 255).round().byte().numpy()
        return replace(self.cloud, colors=colors)


def standing_node(gaussians: Gaussians, index: Int64[Tensor, "S"], vantages: Float[Tensor, "V 3"]) -> StandingNode:
    """The node of what stands: `index` among all Gaussians, of which the most visible are kept."""
    index = index[most_visible(gaussians[index], vantages, STATIC_BUDGET)]
    kept = condition(gaussians[index], vantages)
    snapshot = advance(kept, kept.times)
    return StandingNode(snapshot, origins_of([kept]), index, pack(snapshot))


class StandingSplats:
    """The nodes /static and /static_tinted."""

    def __init__(self, node: StandingNode, add: AddSplats) -> None:
        self._node, self._add = node, add
        self._own = add("/static", node.cloud)
        self._tinted: viser.GaussianSplatHandle | None = None
        self._painted: Tint | None = None
        """What the tinted splats, or a large scene's only ones, are painted with; None: with their own colours."""
        self._errors: Float[Tensor, "N"] | None = None
        self._shown, self._wanted = True, False

    def replace(self, node: StandingNode) -> None:
        """Other splats, because an edit took some away; in their own colours until the view rests."""
        self._node, cloud = node, node.cloud
        self._own.set_gaussians(cloud.centers, cloud.covariances, cloud.colors, cloud.opacities)
        if self._tinted is not None:
            self._tinted.remove()
        self._tinted = self._painted = self._errors = None
        self._place()

    def show(self, shown: bool, tint: Tint) -> None:
        """Show or hide, in the colours that are there already."""
        self._shown, self._wanted = shown, tint.is_of_everything
        self._place()

    def settle(self, tint: Tint, errors: Float[Tensor, "N"] | None) -> None:
        """Paint as the tint says, if that is not how it is."""
        wanted = tint if tint.is_of_everything else None
        large = len(self._node.index) > VARIANT_BUDGET
        if (wanted == self._painted and errors is self._errors) or (wanted is None and not large):
            return
        cloud = self._node.cloud if wanted is None else self._node.splats(tint, errors)
        if large:
            self._own.rgbs = cloud.colors
        elif self._tinted is None:
            self._tinted = self._add("/static_tinted", cloud)
        else:
            self._tinted.rgbs = cloud.colors
        self._painted, self._errors = wanted, errors
        self._place()

    def _place(self) -> None:
        use_tinted = self._wanted and self._tinted is not None
        self._own.visible = self._shown and not use_tinted
        if self._tinted is not None:
            self._tinted.visible = self._shown and use_tinted
