"""Every shape annotation of the core is checked while the tests run."""

from jaxtyping import install_import_hook

install_import_hook(["flux4d_core.geometry", "flux4d_core.types", "flux4d_core.motion"], "beartype.beartype")
