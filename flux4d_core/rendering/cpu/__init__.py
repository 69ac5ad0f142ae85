"""The CPU renderer: gsplat's picture and gradients without a GPU. Only these modules import numba.

`rasterize.py` runs the stages, in the order data flows: `projection.py` (3D Gaussians to splats), `tiles.py` (which
splats touch which tile, front to back), `compositing.py` (splats to pixels, and gradients back to splats) and
`projection_gradients.py` (back to Gaussians). `jit.py` says how they are compiled.
"""
