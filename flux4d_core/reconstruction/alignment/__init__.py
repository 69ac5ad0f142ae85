"""Poses, mountings and clocks brought into agreement, from the log itself: LiDAR with LiDAR, images with LiDAR.

`refine.refine` is the whole of it: the LiDARs' clocks and the vehicle's poses from the map (`sweeps`), then every
camera's mounting and clock from the brightness of LiDAR points (`cameras`), each kept only where what was held out
agrees. `check` scores a log as it is, `drawing` draws the LiDAR over its images.
"""
