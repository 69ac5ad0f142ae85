"""Shapes are checked here too, and the CPU kernels compiled before any test is timed."""

import pytest
from jaxtyping import install_import_hook

_CHECKED = ("gradients", "layers", "photometric", "sky")
install_import_hook([f"flux4d_core.rendering.{module}" for module in _CHECKED], "beartype.beartype")


@pytest.fixture(scope="session", autouse=True)
def compiled_kernels() -> None:
    from flux4d_core.rendering.render import compile_kernels

    compile_kernels()
