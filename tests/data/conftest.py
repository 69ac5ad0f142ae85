"""Shapes are checked in the readers too."""

from jaxtyping import install_import_hook

install_import_hook("flux4d_core.data", "typechecker.check")
