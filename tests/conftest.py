"""Every shape annotation of the core is checked while the tests run."""

# First of all: it tells idle threads to sleep, which counts only before PyTorch is loaded (by jaxtyping's hook, too).
import flux4d_core  # noqa: F401

from jaxtyping import install_import_hook  # isort: skip

install_import_hook(["flux4d_core.geometry", "flux4d_core.types", "flux4d_core.motion"], "beartype.beartype")
