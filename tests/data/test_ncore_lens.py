"""NCore's camera models as lenses, with numbers that a child can check."""

from pathlib import Path

import numpy as np

from flux4d_core.data.document import Entry
from flux4d_core.data.lens import Brown, FTheta
from flux4d_core.data.ncore_lens import Windshield, read_camera


def ftheta(**changes: object) -> Entry:
    """A lens of 100 pixels a radian, with a bend."""
    parameters = {
        "resolution": [400, 300],
        "shutter_type": "GLOBAL",
        "external_distortion_parameters": None,
        "principal_point": [199.5, 149.5],
        "reference_poly": "ANGLE_TO_PIXELDIST",
        "angle_to_pixeldist_poly": [0, 100, 0, -10, 0, 0],
        "pixeldist_to_angle_poly": [0, 0.01, 0, 1e-7, 0, 0],
        "max_angle": 1.2,
        "linear_cde": [1, 0, 0],
    }
    model = {"camera_model_type": "ftheta", "camera_model_parameters": parameters | changes}
    return Entry(model, Path("camera"), "")


def test_an_f_theta_lens_shows_angles_at_its_polynomial_half_a_pixel_on() -> None:
    camera = read_camera(ftheta())
    assert isinstance(camera.lens, FTheta)
    rays = np.array([[0.0, 0, 1], [np.sin(0.5), 0, np.cos(0.5)], [0, np.sin(1.0), np.cos(1.0)]])
    positions, valid = camera.lens.project(rays)
    # 100 * 0.5 - 10 * 0.125 = 48.75 pixels right of the axis; 100 - 10 = 90 below it.
    np.testing.assert_allclose(positions, [[200, 150], [248.75, 150], [200, 240]], atol=1e-9)
    assert valid.all() and not camera.lens.project(np.array([[np.sin(1.3), 0, np.cos(1.3)]]))[1].any()


def test_the_linear_part_stretches_and_shears() -> None:
    camera = read_camera(ftheta(linear_cde=[1.02, 0.1, 0.05]))
    assert camera.lens is not None
    rays = np.array([[np.sin(0.5), 0, np.cos(0.5)], [0, np.sin(1.0), np.cos(1.0)]])
    expected = [[200 + 1.02 * 48.75, 150 + 0.05 * 48.75], [200 + 0.1 * 90, 240]]
    np.testing.assert_allclose(camera.lens.project(rays)[0], expected, atol=1e-9)


def test_where_distances_to_angles_are_the_reference_they_are_inverted() -> None:
    camera = read_camera(ftheta(reference_poly="PIXELDIST_TO_ANGLE", angle_to_pixeldist_poly=[0, 99, 0, 0, 0, 0]))
    assert isinstance(camera.lens, FTheta)
    radii = np.array([1.0, 20.0, 60.0, 110.0])
    angles = 0.01 * radii + 1e-7 * radii**3
    rays = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], -1)
    np.testing.assert_allclose(camera.lens.project(rays)[0][:, 0] - 200, radii, atol=1e-3)


def test_a_windshield_deflects_rays_before_they_meet_the_lens() -> None:
    # phi' = 0.01 + phi + 0.5 theta^2, theta' = theta: a prism that bends more above and below.
    glass = {
        "reference_poly": "FORWARD",
        "horizontal_poly": [0.01, 1, 0, 0, 0, 0.5],
        "vertical_poly": [0, 0, 1],
        "horizontal_poly_inverse": [0, 1, 0],
        "vertical_poly_inverse": [0, 0, 1],
        "external_distortion_type": "bivariate-windshield",
    }
    camera = read_camera(ftheta(external_distortion_parameters=glass))
    assert isinstance(camera.lens, Windshield)
    rays = np.array([[0.0, 0, 1], [np.sin(0.2), 0, np.cos(0.2)], [0, np.sin(0.2), np.cos(0.2)]])
    deflected = [[np.sin(0.01), 0, np.cos(0.01)], [np.sin(0.21), 0, np.cos(0.21)]]
    x, y = np.sin(0.01 + 0.5 * 0.04), np.sin(0.2)
    expected, _ = camera.lens.lens.project(np.array([*deflected, [x, y, np.sqrt(1 - x * x - y * y)]]))
    np.testing.assert_allclose(camera.lens.project(rays)[0], expected, atol=1e-9)


def test_opencvs_pinhole_is_its_own_and_without_distortion_none() -> None:
    parameters = ftheta().value["camera_model_parameters"] | {  # type: ignore[index]
        "principal_point": [200, 150],
        "focal_length": [100, 101],
        "radial_coeffs": [1, 2, 3, 4, 5, 6],
        "tangential_coeffs": [7, 8],
        "thin_prism_coeffs": [0, 0, 0, 9],
    }
    model = {"camera_model_type": "opencv-pinhole", "camera_model_parameters": parameters}
    camera = read_camera(Entry(model, Path("camera"), ""))
    assert camera.lens == Brown(100, 101, 200, 150, k1=1, k2=2, k3=3, k4=4, k5=5, k6=6, p1=7, p2=8)
    assert camera.notes == ("its lens has thin prism distortion, which is not undone",)
    for key in ("radial_coeffs", "tangential_coeffs", "thin_prism_coeffs"):
        parameters[key] = [0] * len(parameters[key])
    assert read_camera(Entry(model, Path("camera"), "")).lens is None
