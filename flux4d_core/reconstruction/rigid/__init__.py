"""What moves as one body, found in the LiDAR sweeps themselves and put above the network's guess where it is certain.

No label and no training: `sweeps.py` prepares each sweep for questions, `bodies.py` cuts it into bodies, `evidence.py`
asks the other sweeps whether a body stood or where it went. `tracks.py` links bodies into things, fits each one's
`path.py` to all sweeps (`registration.py`) and keeps those that hold in `proof.py`; `movers.py` says which Gaussians
belong to each, `settle.py` gives them its motion, and `teach.py` tells it to a network in training. The idea is that of
ICP-Flow (Lin and Caesar, CVPR 2024): clusters matched between sweeps, with the search started from all motions that a
vehicle can have; the search by distance maps, the fit over all sweeps at once and the proof by free space are ours.
"""
