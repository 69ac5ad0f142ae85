import numpy as np
import torch
from small_street import SKY_BLUE, make_sky

from flux4d_core.rendering.sky import draw_sky
from flux4d_core.types import Camera
from flux4d_viewer.canvas.sky_box import FACE_PIXELS, sky_faces


def test_six_faces_look_six_ways_with_proper_rotations() -> None:
    faces = sky_faces(make_sky())
    forwards = {tuple(face.rotation[:, 2].round().astype(int)) for face in faces}
    assert forwards == {(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)}
    for face in faces:
        assert np.allclose(face.rotation @ face.rotation.T, np.eye(3))
        assert np.isclose(np.linalg.det(face.rotation), 1.0)


def test_the_front_face_is_sky_above_and_ground_below_with_the_sun_on_its_left() -> None:
    front = sky_faces(make_sky())[0].image / 255
    half = FACE_PIXELS // 2
    assert np.allclose(front[10, -10], SKY_BLUE, atol=0.01)
    assert np.allclose(front[-10, -10], (0.4, 0.35, 0.3), atol=0.01)
    white = np.argwhere(front.min(-1) > 0.99)
    assert len(white) > 20
    assert (white[:, 1] < half).all()
    assert (white[:, 0] < half).all()


def test_every_face_is_what_a_camera_there_would_see() -> None:
    dice = torch.Generator().manual_seed(0)
    sky = type(make_sky())(torch.rand(16, 32, 3, generator=dice))
    half = FACE_PIXELS / 2
    K = torch.tensor([[half, 0, half], [0, half, half], [0, 0, 1]])
    for face in sky_faces(sky):
        pose = torch.eye(4)
        pose[:3, :3] = torch.from_numpy(face.rotation).float()
        seen = draw_sky(sky, Camera(K, pose, FACE_PIXELS, FACE_PIXELS, 0.0))
        assert np.abs(face.image / 255 - seen.numpy()).max() < 0.01
