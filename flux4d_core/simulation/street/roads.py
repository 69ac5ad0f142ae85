"""The plan of a street: where its roads, lanes and junction are, how it climbs, what it is paved with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.ground import Ground, Profile, Road
from flux4d_core.simulation.street.parts import Texture, Vector
from flux4d_core.simulation.street.paving import KERB_STONE, WHITE, YELLOW, Line, Paving, Surface
from flux4d_core.simulation.street.routes import Arc, Route
from flux4d_core.simulation.street.styles import STYLES, Style

BEHIND = 130.0
"""Metres of main road behind the ego vehicle's start."""
ARM = 130.0
"""Metres of the crossing road on either side."""


@dataclass(frozen=True)
class Junction:
    """Where the crossing road meets the main road."""

    at: float
    """Distance along the main road's route (m)."""
    cross: Road
    cross_at: float
    """Distance along the crossing road's route (m)."""
    main_gap: float
    """Metres of main road, each way, without lines."""
    cross_gap: float
    has_lights: bool


@dataclass(frozen=True)
class Plan:
    """Everything the rest of the street is placed by."""

    style: Style
    ground: Ground
    paving: Paving
    main: Road
    lane_width: float
    lanes_each_way: int
    parking: float
    """Width of the parking strip along either kerb (m); 0: none."""
    side: float
    """1: traffic keeps right; -1: left."""
    ego_start: float
    """Distance along the main road where the ego vehicle is at time 0 (m)."""
    ahead: float
    """Metres of road that matter ahead of it."""
    speed: float
    """Of the traffic on the main road (m/s)."""
    junction: Junction | None

    def lane(self, number: int, forward: bool = True) -> Route:
        """The middle of a lane, in its direction of travel; 0 is the lane next to the middle of the road."""
        route = self.main.route if forward else self.main.route.reversed()
        return route.parallel(-self.side * (number + 0.5) * self.lane_width)

    def beside(self, outside: float, left: bool, forward: bool = True) -> Route:
        """Parallel to a kerb, `outside` metres from it towards the houses, seen from someone who looks ahead."""
        offset = (1 if left else -1) * (self.main.half_width + outside)
        return self.main.route.parallel(offset) if forward else self.main.route.parallel(offset).reversed()


def plan_street(seed: int, duration: float) -> Plan:
    """Lay out one street."""
    dice = Dice(seed, "roads")
    style = dice.choice(STYLES, [style.weight for style in STYLES])
    speed = dice.uniform(*style.speed)
    ahead = 150.0 + 22.0 * duration
    lanes, width = dice.choice(style.lanes), dice.uniform(*style.lane_width)
    parking = 2.15 if lanes == 1 and dice.chance(style.parking) else 0.0
    gutter = 0.35 if parking == 0 else 0.1
    main = Road(_main_route(dice, ahead), lanes * width + parking + gutter)
    junction = _junction(dice, main, style)
    roads = (main, junction.cross) if junction else (main,)
    kerb = dice.choice((0.08, 0.12, 0.15))
    ground = Ground(_profile(dice, ahead), roads, kerb, corner_radius=dice.uniform(4.0, 8.0))
    side = 1.0 if dice.chance(0.85) else -1.0
    middles = [s * (n + 0.5) * width for n in range(lanes) for s in (-1, 1)]
    layout = _Layout(main, junction, lanes, width, parking, side)
    return Plan(
        style=style,
        ground=ground,
        paving=_paving(dice, style, layout, tuple(middles)),
        main=main,
        lane_width=width,
        lanes_each_way=lanes,
        parking=parking,
        side=side,
        ego_start=BEHIND,
        ahead=ahead,
        speed=speed,
        junction=junction,
    )


@dataclass(frozen=True)
class _Layout:
    main: Road
    junction: Junction | None
    lanes: int
    width: float
    parking: float
    side: float


def _main_route(dice: Dice, ahead: float) -> Route:
    kind = dice.choice(("straight", "bend", "winding"), (0.4, 0.38, 0.22))
    start = (-BEHIND, 0.0, 0.0)
    if kind == "straight":
        return Route(*start, (Arc(BEHIND + ahead),))
    lead = BEHIND + dice.uniform(-15, 45)
    turn = dice.choice((-1.0, 1.0))
    radius = math.exp(dice.uniform(math.log(38), math.log(170)))
    angle = math.radians(dice.uniform(20, 70))
    bend = Arc(radius * angle, turn / radius)
    if kind == "bend":
        return Route(*start, (Arc(lead), bend, Arc(ahead)))
    second = math.exp(dice.uniform(math.log(38), math.log(150)))
    back = Arc(second * angle * dice.uniform(0.7, 1.1), -turn / second)
    return Route(*start, (Arc(lead), bend, Arc(dice.uniform(5, 30)), back, Arc(ahead)))


def _profile(dice: Dice, ahead: float) -> Profile:
    if dice.chance(0.45):
        return Profile.through(((0.0, 0.0),))
    slopes = [(-BEHIND, dice.uniform(-0.03, 0.03))]
    x = dice.uniform(-60, 10)
    slope = slopes[0][1]
    while x < ahead:
        slopes.append((x, slope))
        slope = dice.uniform(-0.065, 0.065)
        x += max(35.0, abs(slope - slopes[-1][1]) * 700)
        slopes.append((x, slope))
        x += dice.uniform(20, 70)
        if len(slopes) >= 5:
            break
    return Profile.through(tuple(slopes))


def _junction(dice: Dice, main: Road, style: Style) -> Junction | None:
    """A crossing or T on a straight piece of the main road ahead of the ego vehicle, if there is room for one."""
    wanted = dice.chance(0.25 if style.name == "park" else 0.62)
    at = BEHIND + dice.uniform(14, 52)
    half_width = dice.uniform(3.2, 4.6)
    room = half_width + 14
    straight = all(
        abs(main.route.at(at + d).heading - main.route.at(at).heading) < 1e-6
        for d in (-room, -room / 2, room / 2, room)
    )
    turned, has_stem, left, has_lights = dice.uniform(-0.2, 0.2), dice.chance(0.35), dice.chance(0.5), dice.chance(0.55)
    if not (wanted and straight):
        return None
    middle = main.route.at(at)
    heading = middle.heading + (1 if left else -1) * math.pi / 2 + turned
    start = (middle.x - ARM * math.cos(heading), middle.y - ARM * math.sin(heading))
    route = Route(*start, heading, (Arc(2 * ARM),))
    cross = Road(route, half_width, begins=ARM if has_stem else -math.inf)
    return Junction(at, cross, ARM, half_width + 3.2, main.half_width + 3.2, has_lights and not has_stem)


def _paving(dice: Dice, style: Style, layout: _Layout, middles: tuple[float, ...]) -> Paving:
    wear = dice.uniform(0.15, 1.0)
    gray = dice.uniform(0.10, 0.20)
    warm = dice.uniform(-0.008, 0.012)
    road = Texture.WORN_ASPHALT if wear > 0.45 else Texture.ASPHALT
    if style.name == "city" and layout.lanes == 1 and dice.chance(0.12):
        road, gray = Texture.COBBLES, 0.22
    walk = dice.choice((Texture.SLABS, Texture.SLABS, Texture.COBBLES, Texture.ASPHALT, Texture.WORN_ASPHALT))
    if style.name == "park":
        walk = dice.choice((Texture.GRAVEL, Texture.ASPHALT))
    verge_width = dice.uniform(*style.verge)
    verge_end = KERB_STONE + (verge_width if verge_width > 0.5 else 0.0)
    pale = dice.uniform(0.26, 0.46)
    tint = dice.choice(((1.0, 1.0, 1.0), (1.06, 1.0, 0.92), (1.1, 0.97, 0.88), (0.96, 1.0, 1.03)))
    walk_tint: Vector = tuple(pale * c * (0.5 if walk in (Texture.ASPHALT, Texture.WORN_ASPHALT) else 1) for c in tint)  # pyright: ignore[reportAssignmentType]
    return Paving(
        road=Surface(road, (gray + warm, gray, gray - warm), 4.0 if road != Texture.COBBLES else 2.6),
        crossroad=Surface(Texture.WORN_ASPHALT, (gray * 1.1, gray * 1.1, gray * 1.1), 4.3),
        kerb=Surface(Texture.CONCRETE, (0.42, 0.41, 0.39), 2.0),
        verge=Surface(Texture.GRASS, (1.0, 1.0, 1.0), 2.6),
        pavement=Surface(walk, walk_tint, 3.2 if walk == Texture.SLABS else 2.4),
        yard=_yard(dice.choice(style.yard), tint),
        verge_end=verge_end,
        pavement_end=verge_end + dice.uniform(*style.pavement),
        lines=_lines(dice, style, layout),
        lanes=middles,
        wear=wear,
    )


def _yard(texture: Texture, tint: Vector) -> Surface:
    if texture == Texture.GRASS:
        return Surface(texture, (1.0, 1.0, 1.0), 3.1)
    shade = 0.13 if texture == Texture.ASPHALT else 0.34
    return Surface(texture, tuple(shade * c for c in tint), 2.9)  # pyright: ignore[reportArgumentType]


def _lines(dice: Dice, style: Style, layout: _Layout) -> tuple[Line, ...]:
    """Markings of both roads."""
    bare = style.name == "residential" and dice.chance(0.4)
    kind = dice.choice(("dashed", "solid", "double"), (0.6, 0.2, 0.2))
    yellow = dice.chance(0.3)
    edges = style.name in ("suburb", "park") or dice.chance(0.4)
    junction = layout.junction
    pieces = [(-1e4, 1e4)]
    if junction:
        pieces = [(-1e4, junction.at - junction.main_gap), (junction.at + junction.main_gap, 1e4)]
    lines: list[Line] = []
    for begins, ends in pieces:
        if not bare:
            lines += _middle(kind, YELLOW if yellow else WHITE, begins, ends)
        for n in range(1, layout.lanes):
            lines += [Line(0, s * n * layout.width, 0.12, begins, ends, 3.0, 6.0) for s in (-1, 1)]
        border = layout.lanes * layout.width + 0.05
        if layout.parking:
            lines += [Line(0, s * border, 0.10, begins, ends, 5.2, 0.5) for s in (-1, 1)]
        elif edges:
            lines += [Line(0, s * (border - 0.05), 0.12, begins, ends) for s in (-1, 1)]
    if junction:
        lines += _crossing(dice, layout, junction)
    return tuple(lines)


def _middle(kind: str, color: Vector, begins: float, ends: float) -> list[Line]:
    match kind:
        case "dashed":
            return [Line(0, 0.0, 0.13, begins, ends, 3.0, 4.5, color)]
        case "solid":
            return [Line(0, 0.0, 0.13, begins, ends, color=color)]
        case _:
            return [Line(0, s * 0.13, 0.11, begins, ends, color=color) for s in (-1, 1)]


def _crossing(dice: Dice, layout: _Layout, junction: Junction) -> list[Line]:
    """Zebras, stop lines and the crossing road's own middle line."""
    lines: list[Line] = []
    zebra = dice.chance(0.75)
    for road, at, gap, width in (
        (0, junction.at, junction.main_gap, layout.main.half_width),
        (1, junction.cross_at, junction.cross_gap, junction.cross.half_width),
    ):
        for arm in (-1, 1):
            if road == 1 and arm == -1 and junction.cross.begins > 0:
                continue
            near, far = at + arm * (gap + 0.3), at + arm * (gap + 3.3)
            if zebra:
                lines.append(Line(road, 0.0, 0.5, min(near, far), max(near, far), repeat=1.0))
            if junction.has_lights or road == 1:
                stop = far + arm * 1.2
                middle = arm * layout.side * width / 2
                lines.append(Line(road, middle, width - 0.5, min(stop, stop + arm * 0.4), max(stop, stop + arm * 0.4)))
    before, after = junction.cross_at - junction.cross_gap, junction.cross_at + junction.cross_gap
    lines.append(Line(1, 0.0, 0.12, after + 5, 1e4, 2.0, 3.0))
    if junction.cross.begins < 0:
        lines.append(Line(1, 0.0, 0.12, -1e4, before - 5, 2.0, 3.0))
    return lines
