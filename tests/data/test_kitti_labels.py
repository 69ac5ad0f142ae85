from pathlib import Path

import numpy as np
import pytest
import torch
from miniature_logs import write_kitti, write_tracking_labels

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.kitti import open_kitti
from flux4d_core.data.labels import box_velocities, boxes_in_clip, labels_at
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

TRACKLETS = """<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!DOCTYPE boost_serialization>
<boost_serialization signature="serialization::archive" version="9">
<tracklets class_id="0" tracking_level="0" version="0">
  <count>1</count><item_version>1</item_version>
  <item class_id="1" tracking_level="0" version="1">
    <objectType>Van</objectType><h>2</h><w>1.8</w><l>5</l><first_frame>1</first_frame>
    <poses class_id="2" tracking_level="0" version="0">
      <count>2</count><item_version>2</item_version>
      <item><tx>20</tx><ty>0</ty><tz>-1</tz><rx>0</rx><ry>0</ry><rz>0</rz><state>1</state></item>
      <item><tx>20</tx><ty>0</ty><tz>-1</tz><rx>0</rx><ry>0</ry><rz>0</rz><state>1</state></item>
    </poses>
  </item>
</tracklets>
</boost_serialization>
"""


def test_a_tracking_label_is_a_box_on_the_road_that_points_ahead(tmp_path: Path) -> None:
    write_tracking_labels(tmp_path / "0000.txt")
    log = open_kitti(write_kitti(tmp_path), LogChoice(labels=tmp_path / "0000.txt"))
    start_ns = cut(log, Window(duration=0.4)).start_ns
    boxes = labels_at(log, start_ns, 0.0)
    assert (boxes.track_ids, boxes.classes) == (("7",), ("Car",))
    torch.testing.assert_close(boxes.sizes, torch.tensor([[4.0, 2.0, 1.5]]))
    expected = torch.eye(4)
    # Its bottom is 1.5 m below the camera, so its centre is 0.75 m below.
    expected[:3, 3] = torch.tensor([20.0, 0.0, -0.75])
    torch.testing.assert_close(boxes.box_to_world[0], expected, atol=1e-5, rtol=0)


def test_a_car_that_gains_5_metres_a_second_on_us_at_10_drives_15(tmp_path: Path) -> None:
    write_tracking_labels(tmp_path / "0000.txt")
    log = open_kitti(write_kitti(tmp_path), LogChoice(labels=tmp_path / "0000.txt"))
    start_ns = cut(log, Window(duration=0.4)).start_ns
    motion = box_velocities(boxes_in_clip(log, start_ns), 0.2)
    torch.testing.assert_close(motion.linear, torch.tensor([[15.0, 0.0, 0.0]]), atol=1e-3, rtol=0)
    torch.testing.assert_close(motion.yaw_rates, torch.zeros(1), atol=1e-4, rtol=0)


def test_a_box_to_the_right_was_met_late_and_is_moved_back_to_the_middle_of_the_turn(tmp_path: Path) -> None:
    # A car 10 m to the right (azimuth -90 degrees) that keeps pace at 10 m/s: met a quarter turn, 25 ms, late.
    lines = [f"{i} 3 Car 0 0 0 0 0 1 1 1.5 2 4 10 1.5 0 -1.5707963267948966" for i in range(5)]
    (tmp_path / "0000.txt").write_text("\n".join(lines))
    log = open_kitti(write_kitti(tmp_path), LogChoice(labels=tmp_path / "0000.txt"))
    boxes = log.labels[2]
    np.testing.assert_allclose(boxes.box_to_global[0, :2, 3], [2.0 - 10 * 0.025, -10.0], atol=1e-4)


def test_tracklets_beside_the_sensors_are_found_and_stand_on_their_bottoms(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    (drive / "tracklet_labels.xml").write_text(TRACKLETS)
    log = open_kitti(drive)
    assert [boxes.track_ids for boxes in log.labels] == [(), ("0",), ("0",), (), ()]
    box = log.labels[1]
    assert box.classes == ("Van",)
    np.testing.assert_allclose(box.sizes, [[5.0, 1.8, 2.0]])
    # 20 m ahead of a car that is 1 m on; 2 m high on a road 1 m below the scanner.
    np.testing.assert_allclose(box.box_to_global[0, :3, 3], [21.0, 0.0, 0.0], atol=1e-4)


def test_broken_tracklets_of_the_drive_are_a_note_and_a_broken_file_that_was_named_an_error(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    own = drive / "tracklet_labels.xml"
    own.write_text(TRACKLETS[:300])
    log = open_kitti(drive)
    assert log.labels == () and any("Labels left out" in note and "tracklet_labels.xml" in note for note in log.notes)
    with pytest.raises(LogError, match="not a readable XML file"):
        open_kitti(drive, LogChoice(labels=own))


def test_xml_with_entities_is_not_parsed(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    bomb = tmp_path / "bomb.xml"
    bomb.write_text('<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;</a>')
    with pytest.raises(LogError, match="defines XML entities"):
        open_kitti(drive, LogChoice(labels=bomb))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1 Car 0 0", "line 1 is not a KITTI tracking label"),
        ("0 1 Car 0 0 0 0 0 1 1 1.5 2 nan 0 1.5 20 0", "line 1: not a box"),
        ("0 1 Car 0 0 0 0 0 1 1 1.5 2 -4 0 1.5 20 0", "line 1: not a box"),
        ("700 1 Car 0 0 0 0 0 1 1 1.5 2 4 0 1.5 20 0", "labels frames 700 to 700, of which the drive has none"),
        ("", "is empty"),
    ],
)
def test_a_wrong_label_file_is_an_error_that_names_the_line(text: str, message: str, tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    (tmp_path / "bad.txt").write_text(text)
    with pytest.raises(LogError, match=rf"bad\.txt.*{message}"):
        open_kitti(drive, LogChoice(labels=tmp_path / "bad.txt"))


def test_a_label_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="the file of labels is missing"):
        open_kitti(write_kitti(tmp_path), LogChoice(labels=tmp_path / "gone.txt"))
