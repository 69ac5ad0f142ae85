"""Robot recordings: Rosbag2 folders (SQLite or MCAP), bare .mcap and .db3 files, and ROS 1 bags.

A recording is topics with messages, not a dataset: `topics.py` guesses what each topic is, `mapping.py` lets a person
correct the guess in a file, and `open.py` makes the log.
"""
