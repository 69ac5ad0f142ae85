"""Shapes are checked in the readers too."""

from jaxtyping import install_import_hook

CHECKED = (
    "poses files images undistort document scans labels unpickle dataframe "
    "pandaset pandaset_tracks pandaset_tables pandaset_calibration "
    "kitti kitti_calibration kitti_files kitti_labels kitti_oxts dgp folder describe formats "
    "tables stamps json_rows argoverse2 argoverse2_tables nuscenes nuscenes_tables "
    "waymo waymo_tables waymo_turns waymo_range_images"
)
install_import_hook([f"flux4d_core.data.{name}" for name in CHECKED.split()], "beartype.beartype")
