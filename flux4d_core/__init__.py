"""Flux4D in the open: driving logs to moving 4D scenes of Gaussians, without labels."""

import os

# Idle threads of PyTorch and numba spin while they wait, and fight whoever shares the cores with them (a browser, other
# processes): on two busy cores that makes everything several times slower. Must be said before PyTorch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
