"""What each variant changes."""

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.ablation.variants import FAMILIES, RECONSTRUCTION, TRAINING, WHOLE, Variant, chosen
from flux4d_core.learning.train import TrainConfig
from flux4d_core.reconstruction.clip import ReconstructionConfig


def leaves(config: Any, path: str = "") -> dict[str, Any]:
    """Every value inside nested dataclasses, by its path."""
    if not is_dataclass(config):
        return {path: config}
    found: dict[str, Any] = {}
    for field in fields(config):
        found |= leaves(getattr(config, field.name), f"{path}.{field.name}" if path else field.name)
    return found


def different(variant: Variant, whole: TrainConfig | ReconstructionConfig) -> dict[str, Any]:
    before, after = leaves(whole), leaves(variant.of(whole))
    assert before.keys() == after.keys()
    return {path: value for path, value in after.items() if value != before[path]}


@pytest.mark.parametrize("variant", TRAINING, ids=lambda variant: variant.file_name)
def test_a_training_differs_from_the_whole_in_its_own_thing_and_in_nothing_else(variant: Variant) -> None:
    assert different(variant, TrainConfig()) == dict(variant.changes)


@pytest.mark.parametrize("variant", RECONSTRUCTION, ids=lambda variant: variant.file_name)
def test_a_reconstruction_differs_from_the_whole_in_its_own_thing_and_in_nothing_else(variant: Variant) -> None:
    assert different(variant, ReconstructionConfig()) == dict(variant.changes)


def test_the_whole_changes_nothing_and_all_others_something() -> None:
    for variants in FAMILIES.values():
        assert [variant.name for variant in variants if not variant.changes] == [WHOLE]
        assert len({variant.file_name for variant in variants}) == len(variants)
        assert len({variant.changes for variant in variants}) == len(variants)


def test_variants_are_found_by_name_with_spaces_or_hyphens_in_the_families_that_have_them() -> None:
    found = chosen(["no bodies", "no-refinement"], ["reconstruction", "training"])
    assert [variant.name for variant in found["reconstruction"]] == ["no refinement"]
    assert [variant.name for variant in found["training"]] == ["no bodies", "no refinement"]
    assert chosen([], ["training"]) == {"training": TRAINING}


def test_a_variant_that_is_not_there_is_refused() -> None:
    with pytest.raises(Flux4dError, match="no-magic: there is no such variant; expected some of whole, no-bodies"):
        chosen(["whole", "no magic"], ["training"])
    with pytest.raises(Flux4dError, match="no-sky"):
        chosen(["no-sky"], ["training"])  # it is one of reconstruction
