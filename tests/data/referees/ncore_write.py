"""Write a sequence with NVIDIA's ncore, from what `write_for_ncore` in test_referee_ncore.py puts into a folder.

Arguments: that folder, the folder to write to, "itar" or "directory". Runs with nvidia-ncore installed.
"""
# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path

import numpy as np
from ncore.data import (
    BBox3,
    CuboidTrackObservation,
    FThetaCameraModelParameters,
    LabelSource,
    OpenCVPinholeCameraModelParameters,
)
from ncore.data.v4 import (
    CameraSensorComponent,
    CuboidsComponent,
    IntrinsicsComponent,
    LidarSensorComponent,
    MasksComponent,
    PosesComponent,
    SequenceComponentGroupsWriter,
)
from ncore.impl.common.transformations import HalfClosedInterval
from PIL import Image
from upath import UPath

source, target, kind = Path(sys.argv[1]), UPath(sys.argv[2]), sys.argv[3]
street = json.loads((source / "street.json").read_text())
stamps = np.array(street["ego_stamps_us"], np.uint64)
writer = SequenceComponentGroupsWriter(
    output_dir_path=target,
    store_base_name=street["sequence"],
    sequence_id=street["sequence"],
    sequence_timestamp_interval_us=HalfClosedInterval(int(stamps[0]), int(stamps[-1]) + 1),
    generic_meta_data={},
    store_type=kind,
)
poses = writer.register_component_writer(PosesComponent.Writer, "default", "poses")
poses.store_dynamic_pose("rig", "world", np.array(street["ego_to_world"]), stamps)
intrinsics = writer.register_component_writer(IntrinsicsComponent.Writer, "default", "intrinsics")
masks = writer.register_component_writer(MasksComponent.Writer, "default", "masks")
models = {"opencv-pinhole": OpenCVPinholeCameraModelParameters, "ftheta": FThetaCameraModelParameters}
for camera in street["cameras"]:
    name, model = camera["name"], camera["intrinsics"]
    poses.store_static_pose(name, "rig", np.array(camera["mount"]))
    parameters = models[model["camera_model_type"]].from_dict(model["camera_model_parameters"])
    intrinsics.store_camera_intrinsics(name, parameters)
    width, height = model["camera_model_parameters"]["resolution"]
    mask = np.zeros((height, width), np.uint8)
    mask[-4:] = 255
    masks.store_camera_masks(name, {"ego": Image.fromarray(mask)})
    sensor = writer.register_component_writer(CameraSensorComponent.Writer, name, "cameras")
    for i, frame in enumerate(camera["frames"]):
        content = (source / f"{name}_{i}.png").read_bytes()
        sensor.store_frame(content, "png", np.array(frame, np.uint64), {}, {})
lidar = street["lidar"]
poses.store_static_pose(lidar["name"], "rig", np.array(lidar["mount"]))
sensor = writer.register_component_writer(LidarSensorComponent.Writer, lidar["name"], "lidars")
for i, frame in enumerate(lidar["frames"]):
    with np.load(source / f"{lidar['name']}_{i}.npz") as rays:
        sensor.store_frame(
            rays["directions"], rays["times_us"], None, rays["distances"][None], rays["intensities"][None],
            np.array(frame, np.uint64), {}, {},
        )  # fmt: skip
cuboids = writer.register_component_writer(CuboidsComponent.Writer, "default", "cuboids")
observations = []
for box in street["observations"]:
    size = {key: tuple(map(float, value)) for key, value in box.pop("bbox3").items()}
    source_of = LabelSource[box.pop("source")]
    observations.append(CuboidTrackObservation(bbox3=BBox3(**size), source=source_of, **box))
cuboids.store_observations(observations)
print(json.dumps([str(path) for path in writer.finalize()]))
