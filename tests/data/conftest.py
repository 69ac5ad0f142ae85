"""Shapes are checked in the readers too."""

from jaxtyping import install_import_hook

CHECKED = (
    "poses files images undistort document scans labels "
    "kitti kitti_calibration kitti_files kitti_labels kitti_oxts dgp folder describe formats "
    "tables stamps json_rows argoverse2 argoverse2_tables nuscenes nuscenes_tables "
    "kitti360 kitti360_calibration kitti360_labels kitti360_poses hdf5 zod zod_calibration zod_scans "
    "zarr_store ncore ncore_boxes ncore_lens ncore_poses ncore_scans"
)
install_import_hook([f"flux4d_core.data.{name}" for name in CHECKED.split()], "beartype.beartype")
