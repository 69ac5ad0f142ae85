"""Cars, vans, lorries and buses, drawn about the ground below their middle: x forward."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import (
    WHEEL_AT,
    Mapping,
    Material,
    Part,
    Plane,
    Shape,
    Side,
    Texture,
    Vector,
    sides,
)

_PAINTS: tuple[Vector, ...] = (
    (0.80, 0.80, 0.79),
    (0.72, 0.73, 0.74),
    (0.42, 0.43, 0.45),
    (0.17, 0.18, 0.20),
    (0.055, 0.055, 0.06),
    (0.055, 0.055, 0.06),
    (0.40, 0.04, 0.04),
    (0.05, 0.10, 0.28),
    (0.09, 0.22, 0.42),
    (0.06, 0.20, 0.14),
    (0.48, 0.42, 0.34),
    (0.62, 0.30, 0.05),
    (0.76, 0.52, 0.06),
    (0.25, 0.10, 0.09),
)
_PAINT_SHARES = (4.0, 3.0, 3.0, 2.5, 2.5, 2.5, 1.0, 0.8, 1.0, 0.6, 0.8, 0.5, 0.4, 0.6)
_RUBBER = Material(Texture.PLAIN, (0.035, 0.035, 0.037))
_UNDER = Material(Texture.PLAIN, (0.03, 0.03, 0.032))


@dataclass(frozen=True)
class Vehicle:
    """Size and parts."""

    kind: str
    size: Vector
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _Form:
    """Measures of a car body (m)."""

    kind: str
    length: float
    width: float
    height: float
    belt: float
    """Height of the window line."""
    screen: tuple[float, float]
    """Where the windscreen begins and ends, in metres ahead of the middle."""
    rear: tuple[float, float]
    """Where the rear window ends at the roof and at the belt, in metres ahead of the middle."""
    bonnet_drop: float
    boot_drop: float
    side_row: int
    cabin_cell: int
    wheel: float


_FORMS = (
    _Form("saloon", 4.65, 1.83, 1.44, 0.92, (0.88, 0.16), (-1.02, -1.62), 0.20, 0.06, 0, 0, 0.325),
    _Form("hatchback", 4.10, 1.78, 1.48, 0.94, (0.88, 0.24), (-1.42, -1.86), 0.20, 0.02, 2, 1, 0.315),
    _Form("estate", 4.70, 1.83, 1.48, 0.93, (0.92, 0.20), (-1.92, -2.22), 0.20, 0.01, 0, 1, 0.325),
    _Form("off-roader", 4.60, 1.90, 1.72, 1.06, (0.92, 0.42), (-1.86, -2.14), 0.16, 0.01, 1, 1, 0.37),
    _Form("city car", 3.60, 1.66, 1.50, 0.94, (0.92, 0.36), (-1.30, -1.66), 0.17, 0.01, 2, 1, 0.285),
    _Form("people carrier", 4.50, 1.84, 1.66, 0.98, (1.24, 0.46), (-1.86, -2.12), 0.22, 0.01, 0, 1, 0.33),
    _Form("van", 5.10, 1.98, 2.05, 1.10, (1.62, 1.12), (-2.44, -2.50), 0.14, 0.01, 3, 2, 0.34),
)


def car(dice: Dice, lamps: float, braking: bool) -> Vehicle:
    """A passenger car or delivery van."""
    form = dice.choice(_FORMS, (4, 3, 2, 2.5, 1.5, 1.5, 1.3))
    color = dice.choice(_PAINTS, _PAINT_SHARES) if form.kind != "van" or dice.chance(0.4) else (0.78, 0.78, 0.77)
    light = dice.uniform(0.88, 1.1)
    paint: Vector = (color[0] * light, color[1] * light, color[2] * light)
    front = _ends(paint, dice.integer(0, 7), 0.12 + 1.6 * lamps)
    rear = _ends(paint, 8 + dice.integer(0, 7), 0.05 + 0.7 * lamps + (1.1 if braking else 0.0))
    parts = [_lower_body(form, paint, front, rear), _cabin(form, paint)]
    parts += _wheels(form.length, form.width, form.wheel, dice.integer(0, 2))
    parts += _mirrors(form, paint)
    return Vehicle("van" if form.kind == "van" else "car", (form.length, form.width, form.height), tuple(parts))


def truck(dice: Dice, lamps: float, braking: bool) -> Vehicle:
    """A lorry with a box, seven to ten metres long."""
    length, width, height = dice.uniform(6.8, 9.8), 2.4, dice.uniform(2.9, 3.6)
    paint = dice.choice(_PAINTS, _PAINT_SHARES)
    cab = 1.9
    front = _ends(paint, dice.integer(0, 7), 0.12 + 1.6 * lamps)
    rear = _ends((0.62, 0.62, 0.62), 8 + dice.integer(0, 7), 0.05 + 0.7 * lamps + (1.1 if braking else 0.0))
    box_color: Vector = dice.choice(
        ((0.78, 0.78, 0.77), (0.70, 0.70, 0.68), (0.10, 0.22, 0.42), (0.62, 0.12, 0.08), (0.70, 0.55, 0.15))
    )
    box_side = Material(Texture.TRUCK_SIDE, box_color, Mapping.UPRIGHT, cell=(1, 4, dice.integer(0, 3)), gloss=0.5)
    plain = Material(Texture.PLAIN, box_color, period=6.0, gloss=0.15)
    box_half = ((length - cab - 0.25) / 2, width / 2, (height - 1.0) / 2)
    box = Part(
        Shape.BOX,
        (-length / 2 + box_half[0], 0, 1.0 + box_half[2]),
        box_half,
        (plain, plain, box_side, box_side, _UNDER, plain),
    )
    cab_part = _lorry_cab(length, width, dice.uniform(2.3, 2.7), paint)
    chassis = Part(Shape.BOX, (-0.4, 0, 0.78), (length / 2 - 0.5, 0.45, 0.2), (_UNDER,))
    bar = Part(Shape.BOX, (-length / 2 + 0.1, 0, 0.62), (0.06, width / 2 - 0.1, 0.22), (rear,))
    panel = Part(Shape.BOX, (length / 2 - 0.01, 0, 0.88), (0.05, width / 2 - 0.05, 0.40), (front,))
    parts = [box, cab_part, chassis, bar, panel]
    for x in (length / 2 - 1.05, -length / 2 + 1.5, -length / 2 + (2.6 if length > 8.5 else 1.5)):
        parts += [_wheel(x, s * (width / 2 - 0.16), 0.48, 0.16, 2) for s in (-1, 1)]
    return Vehicle("truck", (length, width, height), tuple(parts))


def bus(dice: Dice, lamps: float, braking: bool) -> Vehicle:
    """A city bus."""
    length, width, height = dice.uniform(10.5, 12.0), 2.5, 3.05
    paint = dice.choice(
        ((0.62, 0.06, 0.05), (0.72, 0.56, 0.10), (0.10, 0.30, 0.50), (0.10, 0.36, 0.22), (0.74, 0.74, 0.72))
    )
    side = Material(Texture.CABIN, paint, Mapping.ALONG, cell=(4, 2, 3), gloss=0.9, glow=0.5 * lamps)
    screen = Material(Texture.CABIN, paint, Mapping.UPRIGHT, cell=(4, 2, 4), gloss=0.9)
    roof = Material(Texture.PLAIN, (0.70, 0.70, 0.69), gloss=0.1)
    body = _rounded_box(length, width, (0.32, height), (screen, screen, side, side, _UNDER, roof), 0.12)
    front = _ends(paint, dice.integer(0, 7), 0.12 + 1.6 * lamps)
    rear = _ends(paint, 8 + dice.integer(0, 7), 0.05 + 0.7 * lamps + (1.1 if braking else 0.0))
    panels = [
        Part(Shape.BOX, (s * (length / 2 - 0.03), 0, 0.72), (0.06, width / 2 - 0.06, 0.4), (end,))
        for s, end in ((1, front), (-1, rear))
    ]
    poster = Material(Texture.POSTERS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)), gloss=0.3)
    advert = [Part(Shape.BOX, (-1.2, s * (width / 2 + 0.005), 0.95), (1.1, 0.012, 0.32), (poster,)) for s in (-1, 1)]
    wheels = [
        _wheel(x, s * (width / 2 - 0.14), 0.48, 0.16, 2) for x in (length * 0.28, -length * 0.24) for s in (-1, 1)
    ]
    return Vehicle("bus", (length, width, height), (body, *panels, *advert, *wheels))


def _ends(paint: Vector, cell: int, glow: float) -> Material:
    return Material(Texture.CAR_ENDS, paint, Mapping.UPRIGHT, cell=(4, 4, cell), gloss=0.9, glow=glow, retro=0.05)


def _lower_body(form: _Form, paint: Vector, front: Material, rear: Material) -> Part:
    """From the sill to the window line: bonnet and boot slope, sides and corners are rounded."""
    low = 0.17
    half = (form.length / 2, form.width / 2, (form.belt - low) / 2)
    hx, hy, hz = half
    bonnet = math.atan2(form.bonnet_drop, hx - form.screen[0])
    boot = math.atan2(form.boot_drop, hx + form.rear[1])
    corner = math.radians(56)
    planes = [
        Plane((0.0, 0.0, 1.0), hz, Side.TOP),
        Plane((0.0, 0.0, -1.0), hz, Side.BOTTOM),
        _through((math.sin(bonnet), 0.0, math.cos(bonnet)), (form.screen[0], 0.0, hz), Side.TOP),
        _through((-math.sin(boot), 0.0, math.cos(boot)), (form.rear[1], 0.0, hz), Side.TOP),
        _through((math.cos(0.10), 0.0, math.sin(0.10)), (hx, 0.0, -0.3 * hz), Side.FRONT),
        _through((math.cos(0.30), 0.0, -math.sin(0.30)), (hx, 0.0, -0.4 * hz), Side.FRONT),
        _through((-math.cos(0.08), 0.0, math.sin(0.08)), (-hx, 0.0, -0.2 * hz), Side.REAR),
        _through((-math.cos(0.30), 0.0, -math.sin(0.30)), (-hx, 0.0, -0.4 * hz), Side.REAR),
    ]
    for sign, side in ((1, Side.LEFT), (-1, Side.RIGHT)):
        planes += [
            _through((0.0, sign * math.cos(0.13), math.sin(0.13)), (0.0, sign * hy, 0.25 * hz), side),
            _through((0.0, sign * math.cos(0.16), -math.sin(0.16)), (0.0, sign * hy, -0.1 * hz), side),
            _through((math.cos(corner), sign * math.sin(corner), 0.0), (hx - 0.42, sign * hy, 0.0), Side.FRONT),
            _through((-math.cos(corner), sign * math.sin(corner), 0.0), (-hx + 0.30, sign * hy, 0.0), Side.REAR),
        ]
    flank = Material(Texture.CAR_SIDE, paint, Mapping.ALONG, cell=(1, 4, form.side_row), gloss=0.9)
    top = Material(Texture.PLAIN, paint, gloss=0.55)
    covers = (rear, front, flank, flank, _UNDER, top)
    return Part(Shape.HULL, (0.0, 0.0, (form.belt + low) / 2), half, covers, planes=tuple(planes))


def _cabin(form: _Form, paint: Vector) -> Part:
    """Windows and roof: everything above the window line, narrowing upwards."""
    front, rear = form.screen[0] + 0.02, form.rear[1] - 0.02
    half = ((front - rear) / 2, form.width / 2 - 0.06, (form.height - form.belt) / 2 + 0.02)
    middle = (front + rear) / 2
    hx, hy, hz = half
    screen = math.atan2(form.screen[0] - form.screen[1], 2 * hz)
    window = math.atan2(form.rear[0] - form.rear[1], 2 * hz)
    tumble = 0.20 if form.kind not in ("van", "people carrier") else 0.10
    planes = [
        Plane((0.0, 0.0, 1.0), hz, Side.TOP),
        Plane((0.0, 0.0, -1.0), hz, Side.BOTTOM),
        _through((math.cos(screen), 0.0, math.sin(screen)), (hx, 0.0, -hz), Side.FRONT),
        _through((-math.cos(window), 0.0, math.sin(window)), (-hx, 0.0, -hz), Side.REAR),
        _through((0.22, 0.0, 0.975), (form.screen[1] - middle - 0.45, 0.0, hz), Side.TOP),
    ]
    for sign, side in ((1, Side.LEFT), (-1, Side.RIGHT)):
        planes.append(_through((0.0, sign * math.cos(tumble), math.sin(tumble)), (0.0, sign * hy, -hz), side))
        roof_y = hy - 2 * hz * math.tan(tumble)
        planes.append(_through((0.0, sign * 0.62, 0.785), (0.0, sign * (roof_y - 0.07), hz), Side.TOP))
    glass = Material(Texture.CABIN, paint, Mapping.ALONG, cell=(4, 2, form.cabin_cell), gloss=0.9)
    ends = [Material(Texture.CABIN, paint, Mapping.UPRIGHT, cell=(4, 2, cell), gloss=0.9) for cell in (5, 4)]
    if form.kind == "van":
        ends[0] = Material(Texture.PLAIN, paint, gloss=0.4)
    roof = Material(Texture.PLAIN, paint, gloss=0.55)
    covers = (*ends, glass, glass, _UNDER, roof)
    return Part(Shape.HULL, (middle, 0.0, form.belt + hz - 0.02), half, covers, planes=tuple(planes))


def _lorry_cab(length: float, width: float, height: float, paint: Vector) -> Part:
    low = 0.45
    cab = 1.9
    half = (cab / 2, width / 2, (height - low) / 2)
    side = Material(Texture.CABIN, paint, Mapping.ALONG, cell=(4, 2, 6), gloss=0.8)
    screen = Material(Texture.CABIN, paint, Mapping.UPRIGHT, cell=(4, 2, 4), gloss=0.9)
    top = Material(Texture.PLAIN, paint, gloss=0.4)
    planes = (
        Plane((0.0, 0.0, 1.0), half[2], Side.TOP),
        Plane((0.0, 0.0, -1.0), half[2], Side.BOTTOM),
        Plane((-1.0, 0.0, 0.0), half[0], Side.REAR),
        Plane((0.0, 1.0, 0.0), half[1], Side.LEFT),
        Plane((0.0, -1.0, 0.0), half[1], Side.RIGHT),
        _through((math.cos(0.16), 0.0, math.sin(0.16)), (half[0], 0.0, 0.0), Side.FRONT),
        Plane((1.0, 0.0, 0.0), half[0], Side.FRONT),
        _through((0.5, 0.0, 0.866), (half[0] - 0.5, 0.0, half[2]), Side.TOP),
    )
    covers = (top, screen, side, side, _UNDER, top)
    return Part(Shape.HULL, (length / 2 - cab / 2, 0.0, (height + low) / 2), half, covers, planes=planes)


def _rounded_box(
    length: float, width: float, levels: tuple[float, float], covers: tuple[Material, ...], bevel: float
) -> Part:
    low, high = levels
    half = (length / 2, width / 2, (high - low) / 2)
    hx, hy, hz = half
    planes = [
        Plane((0.0, 0.0, 1.0), hz, Side.TOP),
        Plane((0.0, 0.0, -1.0), hz, Side.BOTTOM),
        _through((math.cos(0.06), 0.0, math.sin(0.06)), (hx, 0.0, -hz), Side.FRONT),
        Plane((-1.0, 0.0, 0.0), hx, Side.REAR),
    ]
    for sign, side in ((1, Side.LEFT), (-1, Side.RIGHT)):
        planes += [
            Plane((0.0, float(sign), 0.0), hy, side),
            _through((0.0, sign * 0.707, 0.707), (0.0, sign * (hy - bevel), hz), Side.TOP),
            _through((0.707, sign * 0.707, 0.0), (hx - bevel, sign * hy, 0.0), Side.FRONT),
            _through((-0.707, sign * 0.707, 0.0), (-hx + bevel, sign * hy, 0.0), Side.REAR),
        ]
    return Part(Shape.HULL, (0.0, 0.0, (low + high) / 2), half, covers, planes=tuple(planes))


def _wheels(length: float, width: float, radius: float, rim: int) -> list[Part]:
    places = [(fore * WHEEL_AT * length, aside * (width / 2 - 0.10)) for fore in (-1, 1) for aside in (-1, 1)]
    return [_wheel(x, y, radius, 0.105, rim) for x, y in places]


def _wheel(x: float, y: float, radius: float, half_width: float, rim: int) -> Part:
    cap = Material(Texture.WHEEL, mapping=Mapping.UPRIGHT, cell=(2, 2, rim), gloss=0.6)
    return Part(
        Shape.CYLINDER, (x, y, radius), (radius, radius, half_width), sides(_RUBBER, cap), (0.0, 0.0, math.pi / 2)
    )


def _mirrors(form: _Form, paint: Vector) -> list[Part]:
    coat = Material(Texture.PLAIN, paint, gloss=0.5)
    x = form.screen[0] - 0.28
    return [
        Part(Shape.ELLIPSOID, (x, s * (form.width / 2 + 0.06), form.belt + 0.10), (0.07, 0.12, 0.075), (coat,))
        for s in (-1, 1)
    ]


def _through(normal: Vector, point: Vector, side: Side) -> Plane:
    """The plane through a point."""
    length = math.sqrt(sum(n * n for n in normal))
    unit = (normal[0] / length, normal[1] / length, normal[2] / length)
    return Plane(unit, sum(n * p for n, p in zip(unit, point, strict=True)), side)
