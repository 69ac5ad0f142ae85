from __future__ import annotations

import math

import pytest
import torch
from simulation_streets import BRICK, CAMERA_HEIGHT, MakeSimulation, block_car, straight

from flux4d_core.errors import Flux4dError
from flux4d_core.geometry import invert, pixel_centers, project, transform, unproject
from flux4d_core.progress import Cancelled
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import build, simulate
from flux4d_core.simulation.street.movement import Movement, Phase
from flux4d_core.simulation.street.parts import Joint, Part, Shape
from flux4d_core.simulation.street.routes import Arc, Route

SMALL = SimulationConfig(duration=0.2, cameras=2, width=96, height=54, beams=16)


def test_a_wall_ten_metres_ahead_has_depth_ten(make_simulation: MakeSimulation) -> None:
    wall = Part(Shape.BOX, (11.0, 0.0, 5.0), (1.0, 20.0, 6.0), (BRICK,))
    simulation = make_simulation([wall], [])
    _, truth = simulation.picture(simulation.camera(simulation.rig.cameras[0], 0.0))
    above_horizon = truth.depths[:45]
    assert torch.allclose(above_horizon, torch.full_like(above_horizon, 10.0), atol=1e-4)
    assert bool((truth.actor_ids[:45] == -1).all())


def test_the_ground_lies_a_camera_height_below_and_the_sky_is_infinitely_far(make_simulation: MakeSimulation) -> None:
    simulation = make_simulation([], [])
    camera = simulation.camera(simulation.rig.cameras[0], 0.0)
    _, truth = simulation.picture(camera)
    points = unproject(pixel_centers(160, 90), truth.depths, camera.K, camera.camera_to_world)
    ground = torch.isfinite(truth.depths)
    assert torch.allclose(points[ground][:, 2], torch.zeros(int(ground.sum())), atol=1e-3)
    assert float(truth.depths[89, 80]) == pytest.approx(CAMERA_HEIGHT * 100 / 44.5, abs=1e-3)
    assert bool(torch.isinf(truth.depths[:44]).all())
    assert bool((truth.actor_ids[:44] == -2).all())


def test_a_car_at_ten_metres_per_second_is_one_metre_further_in_the_next_sweep(make_simulation: MakeSimulation) -> None:
    simulation = make_simulation([], [block_car(straight(12.0, 3.0), 10.0)])
    (first, truth), (second, truth_after) = simulation.sweep(0), simulation.sweep(1)
    for sweep, own in ((first, truth), (second, truth_after)):
        rear = (own.actor_ids == 0) & (sweep.points[:, 1].sub(3).abs() < 0.9) & (sweep.points[:, 2] < 1.4)
        expected = 12.0 - 2.0 + 10.0 * sweep.times[rear]
        assert int(rear.sum()) > 20
        assert torch.allclose(sweep.points[rear, 0], expected, atol=1e-3)
        on_car = own.actor_ids == 0
        assert torch.allclose(
            own.velocities[on_car], torch.tensor([10.0, 0.0, 0.0]).expand(int(on_car.sum()), 3), atol=1e-4
        )
        assert float(own.velocities[~on_car].abs().max()) == 0
    shift = second.points[truth_after.actor_ids == 0][:, 0].min() - first.points[truth.actor_ids == 0][:, 0].min()
    assert float(shift) == pytest.approx(1.0, abs=0.02)


def test_a_braking_car_has_its_acceleration_and_a_turning_one_that_towards_the_middle(
    make_simulation: MakeSimulation,
) -> None:
    braking = block_car(straight(15.0, 5.0), 10.0, phases=(Phase(2.0, -3.0),))
    circle = Route(15.0, -8.0, 0.0, (Arc(1000.0, 1 / 20),))
    simulation = make_simulation([], [braking, block_car(circle, 5.0)])
    sweep, truth = simulation.sweep(3)
    of_braking, of_turning = truth.actor_ids == 0, truth.actor_ids == 1
    assert torch.allclose(truth.accelerations[of_braking], torch.tensor([-3.0, 0.0, 0.0]), atol=1e-3)
    assert torch.allclose(truth.velocities[of_braking, 0], 10 - 3 * sweep.times[of_braking], atol=1e-3)
    # Everything on the turning car goes round the circle's middle at 5 m/s / 20 m = 0.25 rad/s.
    from_middle = sweep.points[of_turning] - torch.tensor([15.0, 12.0, 0.0])
    from_middle[:, 2] = 0
    assert torch.allclose(truth.accelerations[of_turning], -(0.25**2) * from_middle, atol=1e-3)
    expected = 0.25 * torch.stack([-from_middle[:, 1], from_middle[:, 0], 0 * from_middle[:, 0]], 1)
    assert torch.allclose(truth.velocities[of_turning], expected, atol=1e-3)


def test_a_swinging_arm_moves_against_the_rest_of_the_body(make_simulation: MakeSimulation) -> None:
    body = block_car(straight(8.0, 0.0), 0.0)
    hinge = Joint((0.0, 0.0, 3.0), swing=0.5, frequency=1.0)
    arm = Part(Shape.BOX, (0.0, 0.0, 2.0), (0.2, 0.2, 1.0), (BRICK,), joints=(hinge,))
    actor = type(body)(body.kind, body.size, (arm,), body.movement)
    simulation = make_simulation([], [actor])
    _, truth = simulation.picture(simulation.camera(simulation.rig.cameras[0], 0.0))
    seen = truth.actor_ids == 0
    # Through the rest position at 0.5 rad * 2 pi/s: the lower end, 2 m below the hinge, at 6.28 m/s to the rear.
    assert float(truth.velocities[seen][:, 0].min()) == pytest.approx(-2 * 0.5 * 2 * math.pi, rel=0.05)
    assert float(truth.velocities[seen][:, 1].abs().max()) < 1e-4


def test_points_of_a_wall_stay_on_it_while_the_ego_vehicle_drives_and_turns(make_simulation: MakeSimulation) -> None:
    wall = Part(Shape.BOX, (31.0, 0.0, 5.0), (1.0, 60.0, 6.0), (BRICK,))
    ego = Movement(Route(0.0, 0.0, 0.0, (Arc(1000.0, 1 / 30),)), 0.0, 15.0)
    simulation = make_simulation([wall], [], ego)
    for number in (0, 2):
        sweep, truth = simulation.sweep(number)
        high = ~truth.on_ground
        assert int(high.sum()) > 500
        assert torch.allclose(sweep.points[high, 0], torch.full((int(high.sum()),), 30.0), atol=2e-3)
        assert torch.allclose(sweep.points[truth.on_ground, 2], torch.zeros(int(truth.on_ground.sum())), atol=2e-3)


def test_beams_fire_one_after_another_from_half_a_turn_before_the_sweeps_time_to_half_after() -> None:
    simulation = build(3, SimulationConfig(duration=0.2, beams=16))
    sweep, _ = simulation.sweep(1)
    assert sweep.time == pytest.approx(0.1)
    assert bool((sweep.times.diff() >= 0).all())
    assert float(sweep.times[0]) == pytest.approx(0.05, abs=0.003)
    assert float(sweep.times[-1]) == pytest.approx(0.15, abs=0.003)
    lidar = simulation.rig.lidar
    in_lidar = transform(invert(sweep.lidar_to_world), sweep.points)
    azimuths = torch.atan2(in_lidar[:, 1], in_lidar[:, 0])
    expected = lidar.start + lidar.turn * 2 * math.pi * (sweep.times.double() - 0.05) / 0.1
    error = torch.remainder(azimuths - expected + math.pi, 2 * math.pi) - math.pi
    assert float(error.abs().median()) < 0.08


@pytest.mark.parametrize("seed", [8, 9])
def test_a_seen_point_moved_by_its_velocity_and_acceleration_lands_on_the_same_actor(seed: int) -> None:
    """In the street's boxes: 0.1 s later the point is still on its actor's box (limbs excepted)."""
    simulation = build(seed, SMALL)
    sweep, truth = simulation.sweep(0)
    boxes = simulation.boxes(0.1)
    rigid = torch.tensor([name not in ("pedestrian", "cyclist") for name in boxes.classes])
    chosen = (truth.actor_ids >= 0) & rigid[truth.actor_ids.clamp(min=0)]
    dt = (0.1 - sweep.times[chosen])[:, None]
    later = sweep.points[chosen] + truth.velocities[chosen] * dt + 0.5 * truth.accelerations[chosen] * dt * dt
    owner = truth.actor_ids[chosen]
    box = boxes.box_to_world[owner]
    own = ((later - box[:, :3, 3])[:, None] @ box[:, :3, :3]).squeeze(1)
    outside = (own.abs() - boxes.sizes[owner] / 2).amax(1)
    assert len(owner) > 100
    assert float((outside < 0.2).float().mean()) > 0.995


@pytest.mark.parametrize("seed", [8, 16])
def test_a_moving_pixel_carried_to_the_next_image_shows_the_same_actor_at_the_same_depth(seed: int) -> None:
    simulation = build(seed, SimulationConfig(duration=0.2, width=192, height=108, antialias=False))
    mount = simulation.rig.cameras[0]
    now, soon = (simulation.camera(mount, time) for time in (0.1, 0.12))
    (_, before), (_, after) = simulation.picture(now), simulation.picture(soon)
    finite = torch.isfinite(before.depths)
    points = unproject(pixel_centers(192, 108), before.depths, now.K, now.camera_to_world)[finite]
    pixels, depths = project(points + 0.02 * before.velocities[finite], soon.K, soon.camera_to_world)
    column, row = pixels[:, 0].floor().long(), pixels[:, 1].floor().long()
    inside = (column >= 0) & (column < 192) & (row >= 0) & (row < 108) & (depths > 0.5)
    found_ids = after.actor_ids[row[inside], column[inside]]
    found_depths = after.depths[row[inside], column[inside]]
    ids = before.actor_ids[finite][inside]
    # Only outlines, what they hide, and leaves may differ.
    assert float((found_ids == ids).float().mean()) > 0.97
    close = (found_depths / depths[inside] - 1).abs() < 0.05
    assert float(close.float().mean()) > 0.85
    moving = (ids >= 0) & (before.velocities[finite][inside].norm(dim=1) > 0.5)
    assert int(moving.sum()) > 100
    assert float((found_ids == ids)[moving].float().mean()) > 0.9


def test_a_clip_has_its_frames_sweeps_and_truth_in_order_and_its_world_is_the_first_ego_pose() -> None:
    clip, truth = simulate(3, SMALL)
    assert len(clip.sweeps) == 3 and len(clip.frames) == 6
    assert [sweep.time for sweep in clip.sweeps] == pytest.approx([0.0, 0.1, 0.2])
    times = [frame.camera.time for frame in clip.frames]
    assert times == sorted(times) and times[0] >= 0
    assert torch.allclose(clip.ego_to_world[0], torch.eye(4), atol=1e-6)
    assert clip.ego_times.tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert len(truth.frames) == 6 and len(truth.sweeps) == 3 and len(truth.boxes) == 3
    for frame, own in zip(clip.frames, truth.frames, strict=True):
        assert frame.image.dtype == torch.uint8 and frame.image.shape == (54, 96, 3)
        assert own.depths.shape == (54, 96) and own.velocities.shape == (54, 96, 3)
        assert bool((torch.isinf(own.depths) == (own.actor_ids == -2)).all())
        assert float(frame.image.float().mean()) > 20
    for sweep, own in zip(clip.sweeps, truth.sweeps, strict=True):
        assert len(own.velocities) == len(own.actor_ids) == len(own.on_ground) == len(sweep.points) > 1000
        assert float(sweep.intensities.min()) >= 0 and float(sweep.intensities.max()) <= 1


def test_the_same_seed_gives_the_same_clip_and_another_seed_another() -> None:
    config = SimulationConfig(duration=0.0, width=64, height=36, beams=16)
    (first, _), (again, _), (other, _) = (simulate(seed, config) for seed in (5, 5, 6))
    assert torch.equal(first.frames[0].image, again.frames[0].image)
    assert torch.equal(first.sweeps[0].points, again.sweeps[0].points)
    assert not torch.equal(first.frames[0].image, other.frames[0].image)


def test_noise_moves_points_along_their_beam_by_centimetres_and_zero_noise_does_not() -> None:
    exact = build(4, SimulationConfig(duration=0.0, beams=16, noise=0.0))
    noisy = build(4, SimulationConfig(duration=0.0, beams=16, noise=1.0))
    clean, _ = exact.sweep(0)
    again, _ = exact.sweep(0)
    rough, _ = noisy.sweep(0)
    assert torch.equal(clean.points, again.points)
    assert len(rough.points) < len(clean.points)
    common, index, place = _common(clean.times, rough.times)
    assert common > 1000
    error = (clean.points[index] - rough.points[place]).norm(dim=1)
    assert 0.003 < float(error.median()) < 0.05


def _common(a: torch.Tensor, b: torch.Tensor) -> tuple[int, torch.Tensor, torch.Tensor]:
    """Firings in both: their number and places."""
    place = torch.searchsorted(b, a).clamp(max=len(b) - 1)
    same = b[place] == a
    return int(same.sum()), torch.nonzero(same)[:, 0], place[same]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cameras", 0),
        ("cameras", 7),
        ("duration", -1.0),
        ("duration", math.nan),
        ("width", 0),
        ("rate", 0.0),
        ("beams", 1),
        ("field_of_view", 180.0),
        ("noise", -1.0),
    ],
)
def test_a_config_that_makes_no_sense_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(Flux4dError, match=field):
        simulate(0, SimulationConfig(**{field: value}))  # pyright: ignore[reportArgumentType]


def test_cancelling_stops_the_simulation() -> None:
    def cancel(stage: str, fraction: float) -> None:
        assert stage and 0 <= fraction <= 1
        raise Cancelled

    with pytest.raises(Cancelled):
        simulate(0, SMALL, report=cancel)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_the_same_street_as_the_cpu() -> None:
    (on_cpu, truth), (on_gpu, truth_gpu) = simulate(8, SMALL, "cpu"), simulate(8, SMALL, "cuda")
    for cpu, gpu in zip(on_cpu.frames, on_gpu.frames, strict=True):
        assert float((cpu.image.int() - gpu.image.cpu().int()).abs().float().mean()) < 0.5
    for cpu, gpu in zip(truth.frames, truth_gpu.frames, strict=True):
        assert float((cpu.actor_ids == gpu.actor_ids.cpu()).float().mean()) > 0.995
    for cpu, gpu in zip(on_cpu.sweeps, on_gpu.sweeps, strict=True):
        assert abs(len(cpu.points) - len(gpu.points)) < 0.005 * len(cpu.points)
