"""Writes what the test has put into a folder (log.json, images, sweeps) as a log of py123d, with py123d's own writer.

python py123d_write.py FOLDER LOGS_ROOT DATASET STORE; STORE: png_binary, jpeg_binary, or path (files stay in FOLDER)
"""

import json
import sys
from pathlib import Path

import numpy as np
from py123d.api.scene.arrow.arrow_log_writer import ArrowLogWriter  # pyright: ignore[reportMissingImports]
from py123d.api.scene.arrow.utils.log_writer_config import LogWriterConfig  # pyright: ignore[reportMissingImports]
from py123d.datatypes import LogMetadata, Timestamp  # pyright: ignore[reportMissingImports]
from py123d.datatypes.detections.box_detection_label import (  # pyright: ignore[reportMissingImports]
    DefaultBoxDetectionLabel,
)
from py123d.datatypes.detections.box_detections import (  # pyright: ignore[reportMissingImports]
    BoxDetectionAttributes,
    BoxDetectionSE3,
    BoxDetectionsSE3,
)
from py123d.datatypes.detections.box_detections_metadata import (  # pyright: ignore[reportMissingImports]
    BoxDetectionsSE3Metadata,
)
from py123d.datatypes.sensors.base_camera import CameraID  # pyright: ignore[reportMissingImports]
from py123d.datatypes.sensors.fisheye_mei_camera import (  # pyright: ignore[reportMissingImports]
    FisheyeMEICameraMetadata,
    FisheyeMEIDistortion,
    FisheyeMEIProjection,
)
from py123d.datatypes.sensors.ftheta_camera import (  # pyright: ignore[reportMissingImports]
    FThetaCameraMetadata,
    FThetaIntrinsics,
)
from py123d.datatypes.sensors.lidar import Lidar, LidarID, LidarMetadata  # pyright: ignore[reportMissingImports]
from py123d.datatypes.sensors.pinhole_camera import (  # pyright: ignore[reportMissingImports]
    PinholeCameraMetadata,
    PinholeDistortion,
    PinholeIntrinsics,
)
from py123d.datatypes.vehicle_state.ego_state import EgoStateSE3  # pyright: ignore[reportMissingImports]
from py123d.datatypes.vehicle_state.ego_state_metadata import EgoStateSE3Metadata  # pyright: ignore[reportMissingImports]
from py123d.geometry import BoundingBoxSE3, PoseSE3  # pyright: ignore[reportMissingImports]
from py123d.parser.base_dataset_parser import ModalitiesSync, ParsedCamera  # pyright: ignore[reportMissingImports]

folder, logs_root, dataset, store = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
street = json.loads((folder / "street.json").read_text())


def pose(matrix):
    return PoseSE3.from_transformation_matrix(np.array(matrix, np.float64))


def at(time_us):
    return Timestamp.from_us(int(time_us))


def metadata_of(camera):
    same = {"camera_name": camera["name"], "camera_id": CameraID.from_arbitrary(camera["name"])}
    same |= {"width": camera["width"], "height": camera["height"], "camera_to_imu_se3": PoseSE3.identity()}
    lens = camera["lens"]
    if camera["model"] == "pinhole":
        inner = PinholeIntrinsics(**{key: lens[key] for key in ("fx", "fy", "cx", "cy")})
        bends = PinholeDistortion(**{key: lens[key] for key in ("k1", "k2", "p1", "p2", "k3")})
        return PinholeCameraMetadata(intrinsics=inner, distortion=bends, **same)
    if camera["model"] == "mei":
        plane = FisheyeMEIProjection(gamma1=lens["fx"], gamma2=lens["fy"], u0=lens["cx"], v0=lens["cy"])
        bends = FisheyeMEIDistortion(**{key: lens[key] for key in ("k1", "k2", "p1", "p2")})
        return FisheyeMEICameraMetadata(mirror_parameter=lens["xi"], distortion=bends, projection=plane, **same)
    forward, backward = np.array(lens["forward"]), np.array(lens["backward"])
    return FThetaCameraMetadata(intrinsics=FThetaIntrinsics(lens["cx"], lens["cy"], forward, backward), **same)


vehicle = EgoStateSE3Metadata("street", 2.0, 5.0, 1.5, 3.0, PoseSE3.identity(), PoseSE3.identity())
boxes = BoxDetectionsSE3Metadata(DefaultBoxDetectionLabel)
lidar = LidarMetadata("top", LidarID.LIDAR_TOP, pose(street["lidar_to_imu"]))
cameras = [(camera, metadata_of(camera)) for camera in street["cameras"]]
writer = ArrowLogWriter(
    LogWriterConfig(camera_store_option=store, lidar_store_option="binary", lidar_codec="ipc_zstd"),
    logs_root,
    logs_root,
)
assert writer.reset(LogMetadata(dataset=dataset, split=f"{dataset}_test", log_name="street", location=None))
count = len(street["ego"])
for i, ego in enumerate(street["ego"]):
    rows = [EgoStateSE3.from_imu(pose(ego["pose"]), vehicle, at(ego["time_us"]))]
    if 1 <= i < count - 1:
        k = i - 1
        for camera, metadata in cameras:
            image = camera["images"][k]
            if store == "path":
                where = {"dataset_root": folder, "relative_path": image["file"]}
            else:
                where = {"byte_string": (folder / image["file"]).read_bytes()}
            rows.append(ParsedCamera(metadata, at(image["time_us"]), pose(image["pose"]), **where))
        sweep = street["sweeps"][k]
        columns = dict(np.load(folder / sweep["file"]))
        rows.append(Lidar(at(sweep["first_us"]), at(sweep["last_us"]), lidar, columns.pop("points"), columns))
        found = []
        for box in street["labels"][k]["boxes"]:
            about = BoxDetectionAttributes(DefaultBoxDetectionLabel.VEHICLE, box["track"])
            found.append(BoxDetectionSE3(about, BoundingBoxSE3(pose(box["pose"]), *box["size"])))
        rows.append(BoxDetectionsSE3(found, at(street["labels"][k]["time_us"]), boxes))
    writer.write_sync(ModalitiesSync(at(ego["time_us"]), rows))
writer.close()
print(json.dumps(str(logs_root / f"{dataset}_test" / "street")))
