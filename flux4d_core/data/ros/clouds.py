"""sensor_msgs/PointCloud2 as columns: any fields in any order and type, organised or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.scans import LARGEST_SCAN
from flux4d_core.errors import LogError

_DATATYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
INTENSITY_FIELDS = ("intensity", "intensities", "i", "reflectivity", "reflectance", "signal")
TIME_FIELDS = ("t", "time", "timestamp", "time_offset", "offset_time", "time_stamp", "timestamps", "ts", "toffset")
_NO_RETURN = 1e-3
_FARTHEST_RETURN = 1e4


@dataclass(frozen=True)
class Cloud:
    """The returns of one scan, as its sensor's driver wrote them."""

    points: Float64[ndarray, "points 3"]
    """In the sensor's frame (m)."""
    columns: dict[str, ndarray]
    """The other fields, in their own types and units."""
    dropped: int
    """Places without a return: not finite, or at the sensor itself."""


def read_cloud(message: Any, where: str) -> Cloud:
    """The returns of a PointCloud2; raises LogError if its sizes do not fit each other or it has no x, y and z."""
    table = _table(message, where)
    names = table.dtype.names or ()
    if not {"x", "y", "z"} <= set(names):
        raise LogError(f"{where}: expected the fields x, y and z, found {', '.join(names) or 'none'}")
    with np.errstate(over="ignore", invalid="ignore"):
        points = np.stack([table[axis].astype(np.float64) for axis in "xyz"], -1)
        largest = np.abs(points).max(-1, initial=0)
        sane = (largest > _NO_RETURN) & (largest < _FARTHEST_RETURN)
    columns = {name: table[name][sane] for name in names if name not in "xyz" and table[name].ndim == 1}
    if not sane.any():
        raise LogError(f"{where}: none of its {len(points)} points is a return")
    return Cloud(points[sane], columns, int((~sane).sum()))


def _table(message: Any, where: str) -> ndarray:
    """All points as one structured array, without copying; raises LogError."""
    width, height, step, row = (int(getattr(message, name)) for name in ("width", "height", "point_step", "row_step"))
    count, size = width * height, len(message.data)
    if not 0 < count <= LARGEST_SCAN:
        raise LogError(f"{where}: expected 1 to {LARGEST_SCAN} points, found {width} x {height}")
    # Many drivers leave row_step at 0, or wrong, in clouds of one row.
    row = row if height > 1 else width * step
    if step < 1 or row < width * step or (height - 1) * row + width * step > size:
        found = f"{width} x {height} points of {step} bytes in rows of {row}, and {size} bytes"
        raise LogError(f"{where}: the sizes of the point cloud do not fit its data: {found}")
    names, formats, offsets = [], [], []
    for field in message.fields:
        name, offset, kind, number = str(field.name), int(field.offset), int(field.datatype), max(int(field.count), 1)
        if kind not in _DATATYPES or offset + number * np.dtype(_DATATYPES[kind]).itemsize > step or name in names:
            raise LogError(f"{where}: the field {name!r} of type {kind} at byte {offset} does not fit {step} bytes")
        order = ">" if message.is_bigendian else "<"
        names.append(name)
        formats.append((order + _DATATYPES[kind], (number,)) if number > 1 else order + _DATATYPES[kind])
        offsets.append(offset)
    if not names or "" in names:
        raise LogError(f"{where}: expected fields with names, found {names}")
    dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": step})
    data = np.ascontiguousarray(message.data)
    return np.ndarray((height, width), dtype, buffer=data, strides=(row, step)).reshape(-1)


def field_of(cloud: Cloud, candidates: tuple[str, ...]) -> str | None:
    """The first of the candidates that the cloud has, whatever its case."""
    by_lower = {name.lower(): name for name in reversed(list(cloud.columns))}
    return next((by_lower[name] for name in candidates if name in by_lower), None)


def intensity_scale(cloud: Cloud, name: str) -> float:
    """What the intensities of the field are divided by to lie in 0 to 1: the type's or the usual largest value."""
    column = cloud.columns[name]
    if column.dtype.kind == "u" and column.dtype.itemsize <= 2:
        return float(np.iinfo(column.dtype).max)
    finite = column[np.isfinite(column)]
    largest = float(finite.max(initial=0))
    return next((limit for limit in (1.0, 255.0, 65535.0) if largest <= limit), largest)
