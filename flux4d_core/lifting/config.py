"""How a clip is lifted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LiftConfig:
    """From LiDAR and images to the first Gaussians."""

    cell: int = 4
    """Pixels: every cell of this size in every input image gets at least one Gaussian; their number grows as
    1 / cell^2, and depth is completed at this resolution."""
    footprint: float = 0.5
    """A Gaussian's standard deviation in its image, as a share of the cell."""
    opacity: float = 0.9
    """Of every lifted Gaussian."""
    lift_pixels: bool = True
    """Cells without a LiDAR return get a Gaussian at their completed depth; False: LiDAR returns alone are lifted."""
    depth_levels: int = 64
    """Depths tried for each cell, evenly spaced in 1 / depth, the last one infinitely far (the sky)."""
    min_depth: float = 2.5
    """Nearest depth tried for a cell without LiDAR (m)."""
    max_depth: float = 200.0
    """Completed depths beyond this belong to the sky (m)."""
    sky: bool = True
    """What stands behind everything is a panorama of the sky; False: its mean colour above the horizon, everywhere."""
    panorama_height: int = 1024
    """Rows of the sky's panorama; it has twice as many columns."""
