"""rosbags reads a recording: every message of a sensor is unpacked. Arguments: the recording."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from report import Report
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

report = Report()
with AnyReader([Path(sys.argv[1])], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
    report.opened()
    for connection, _, content in reader.messages():
        message: Any = reader.deserialize(content, connection.msgtype)
        if connection.msgtype == "sensor_msgs/msg/Image":
            report.images += message.data.reshape(message.height, message.width, -1).ndim == 3
        elif connection.msgtype == "sensor_msgs/msg/PointCloud2":
            rows = message.data.reshape(-1, message.point_step)
            report.points += len(np.ascontiguousarray(rows[:, :12]).view("<f4"))
report.done()
