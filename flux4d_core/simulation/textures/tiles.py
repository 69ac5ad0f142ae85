"""All tiles of the simulator, drawn once a process and device."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import Texture
from flux4d_core.simulation.textures import bodywork, grounds, openings, plants, walls
from flux4d_core.simulation.textures.atlas import Atlas, build_atlas

_DRAWN: dict[Texture, Callable[[Dice], Tensor]] = {
    Texture.PLAIN: walls.plain,
    Texture.ASPHALT: grounds.asphalt,
    Texture.WORN_ASPHALT: grounds.worn_asphalt,
    Texture.SLABS: grounds.slabs,
    Texture.COBBLES: grounds.cobbles,
    Texture.GRASS: grounds.grass,
    Texture.GRAVEL: grounds.gravel,
    Texture.BRICK: walls.brick,
    Texture.PLASTER: walls.plaster,
    Texture.CONCRETE: walls.concrete,
    Texture.STONE: walls.stone,
    Texture.PLANKS: walls.planks,
    Texture.ROOF_TILES: walls.roof_tiles,
    Texture.CORRUGATED: walls.corrugated,
    Texture.LEAVES: plants.leaves,
    Texture.NEEDLES: plants.needles,
    Texture.BARK: plants.bark,
    Texture.WINDOWS: openings.windows,
    Texture.SHOPS: openings.shops,
    Texture.DOORS: openings.doors,
    Texture.POSTERS: openings.posters,
    Texture.SIGNS: openings.signs,
    Texture.CAR_SIDE: bodywork.car_side,
    Texture.CAR_ENDS: bodywork.car_ends,
    Texture.CABIN: bodywork.cabin,
    Texture.WHEEL: bodywork.wheel,
    Texture.LATTICE: bodywork.lattice,
    Texture.TRUCK_SIDE: bodywork.truck_side,
    Texture.CLOTH: bodywork.cloth,
    Texture.NOISE: bodywork.noise,
}


@lru_cache(maxsize=4)
def load_atlas(device: torch.device) -> Atlas:
    """Every tile, the same in every street. Drawn on the CPU, so that it is the same on every device."""
    return build_atlas([_DRAWN[texture](Dice(0, texture.name)) for texture in sorted(_DRAWN)], device)
