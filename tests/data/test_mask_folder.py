from pathlib import Path

import numpy as np
import pytest
from miniature_logs import FRAMES, HEIGHT, WIDTH, write_kitti
from PIL import Image

from flux4d_core.data.folder_writer import write_log
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.mask_folder import with_masks
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

WHOLE = Window(duration=0.4)


def put(path: Path, black: slice, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    mask = np.full(size[::-1], 255, np.uint8)
    mask[black] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return open_log(write_kitti(tmp_path / "log"))


def test_a_camera_s_mask_holds_for_all_its_images(tmp_path: Path, log: Log) -> None:
    put(tmp_path / "masks/image_02.png", slice(40, None))
    for frame in cut(with_masks(log, tmp_path / "masks"), WHOLE).frames:
        assert frame.valid is not None
        assert frame.valid[:40].all() and not frame.valid[40:].any()


def test_an_image_s_mask_holds_for_it_alone_and_beside_the_camera_s(tmp_path: Path, log: Log) -> None:
    put(tmp_path / "masks/image_02.png", slice(40, None))
    put(tmp_path / "masks/image_02/0000000002.png", slice(0, 10), (2 * WIDTH, 2 * HEIGHT))
    frames = cut(with_masks(log, tmp_path / "masks"), WHOLE).frames
    assert len(frames) == FRAMES
    for i, frame in enumerate(frames):
        assert frame.valid is not None
        assert int((~frame.valid).any(1).sum()) == (8 + 5 if i == 2 else 8)


def test_a_folder_without_a_mask_for_the_log_is_refused(tmp_path: Path, log: Log) -> None:
    put(tmp_path / "masks/somebody_else.png", slice(0, 5))
    with pytest.raises(LogError, match=r"image_02\.png or image_02/0000000000\.png"):
        with_masks(log, tmp_path / "masks")
    with pytest.raises(LogError, match="expected a folder of masks"):
        with_masks(log, tmp_path / "none")


def test_a_mask_of_another_shape_costs_its_image_and_says_so(tmp_path: Path, log: Log) -> None:
    put(tmp_path / "masks/image_02/0000000002.png", slice(0, 10), (HEIGHT, WIDTH))
    with pytest.warns(UserWarning, match=r"expected a mask in the shape of its image, 64x48, found 48x64"):
        assert len(cut(with_masks(log, tmp_path / "masks"), WHOLE).frames) == FRAMES - 1


def test_masks_of_images_travel_with_our_own_folder(tmp_path: Path, log: Log) -> None:
    put(tmp_path / "masks/image_02/0000000002.png", slice(0, 10))
    write_log(with_masks(log, tmp_path / "masks"), tmp_path / "copy")
    frames = cut(open_log(tmp_path / "copy"), WHOLE).frames
    assert [frame.valid is not None for frame in frames] == [i == 2 for i in range(FRAMES)]
