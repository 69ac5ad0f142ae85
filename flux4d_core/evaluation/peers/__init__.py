"""Other people's ways to find motion without labels, on the same clips and in the same table as ours.

Each looks only at the input sweeps' returns above the ground (`returns.py`) and gives every return a velocity, which
the lifted Gaussians then carry, so that pictures and motion can be compared. None shares code with
`reconstruction/rigid`: a peer that leaned on our method would say nothing about it. They are written from the papers
and kept near them; where a figure had to be chosen, its comment says so.
"""
