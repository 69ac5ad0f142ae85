"""The variants of an ablation: the whole, and the whole with one thing changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from flux4d_core.errors import Flux4dError
from flux4d_core.learning.train import TrainConfig
from flux4d_core.reconstruction.clip import ReconstructionConfig

Family = Literal["reconstruction", "training"]
WHOLE, NETWORK_ALONE = "whole", "network alone"
_Config = TypeVar("_Config", bound=TrainConfig | ReconstructionConfig)


@dataclass(frozen=True)
class Variant:
    """A name for the table, and what it changes."""

    name: str
    changes: tuple[tuple[str, Any], ...] = ()
    """Fields of the config by their path, "losses.bodies", and their values."""

    @property
    def file_name(self) -> str:
        """The name without spaces; on the command line, too."""
        return self.name.replace(" ", "-")

    def of(self, whole: _Config) -> _Config:
        """The config of this variant."""
        for path, value in self.changes:
            whole = _with(whole, path.split("."), value)
        return whole


RECONSTRUCTION: tuple[Variant, ...] = (
    Variant(WHOLE),
    Variant(NETWORK_ALONE, (("settle_motion", False),)),
    Variant("no refinement", (("refinements", 0),)),
    Variant("one refinement", (("refinements", 1),)),
    Variant("LiDAR returns only", (("lift.lift_pixels", False),)),
    Variant("no sky", (("lift.sky", False),)),
    Variant("no acceleration", (("accelerations", False),)),
)
"""Of a `ReconstructionConfig`: the same weights, used otherwise."""
TRAINING: tuple[Variant, ...] = (
    Variant(WHOLE),
    Variant("no bodies", (("losses.bodies", 0.0), ("settled", False))),
    Variant("no self-consistency", (("losses.consistency", 0.0),)),
    Variant("no re-weighting", (("losses.reweight", 0.0),)),
    Variant("no static preference", (("losses.static", 0.0), ("losses.acceleration", 0.0))),
    Variant("no depth term", (("losses.depth", 0.0),)),
    Variant("no coverage", (("losses.coverage", 0.0),)),
    Variant("no views from beside", (("stream.beside", 0),)),
    Variant("no acceleration", (("model.accelerations", False),)),
    Variant("no refinement", (("model.refinements", 0),)),
    Variant("lifespans", (("model.lifespans", True),)),
    Variant("attention", (("model.unet.attention_levels", 2),)),
    Variant("two per point", (("model.children", 2),)),
)
"""Of a `TrainConfig`: weights of their own."""
FAMILIES: dict[Family, tuple[Variant, ...]] = {"reconstruction": RECONSTRUCTION, "training": TRAINING}


def chosen(names: Sequence[str], families: Sequence[Family]) -> dict[Family, tuple[Variant, ...]]:
    """The named variants of each family; all of them if none is named. Spaces may be hyphens.

    Raises:
        Flux4dError: none of the families has a variant of that name.
    """
    wanted = {name.replace(" ", "-") for name in names}
    known = list(dict.fromkeys(variant.file_name for family in families for variant in FAMILIES[family]))
    for name in sorted(wanted):
        if name not in known:
            raise Flux4dError(f"--variants {name}: there is no such variant; expected some of {', '.join(known)}")
    return {
        family: tuple(variant for variant in FAMILIES[family] if not wanted or variant.file_name in wanted)
        for family in families
    }


def _with(config: Any, path: list[str], value: Any) -> Any:
    inner = value if len(path) == 1 else _with(getattr(config, path[0]), path[1:], value)
    return replace(config, **{path[0]: inner})
