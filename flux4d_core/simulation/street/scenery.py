"""Everything that stands for ever along one street: houses, trees, lamps, signs, fences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street import furniture, houses, vegetation
from flux4d_core.simulation.street.houses import House
from flux4d_core.simulation.street.parts import Part, placed
from flux4d_core.simulation.street.placing import Lot, Rectangle
from flux4d_core.simulation.street.roads import Plan
from flux4d_core.simulation.street.routes import Route


@dataclass(frozen=True)
class Frontage:
    """One side of one road, looked at in the direction of the road's route."""

    route: Route
    """Along the outer edge of the pavement."""
    outward: float
    """Turns the route's heading towards the houses: +pi/2 on the left, -pi/2 on the right."""
    begins: float
    ends: float
    is_main: bool

    def point(self, along: float, out: float) -> tuple[float, float, float]:
        """x, y and the route's heading, at a distance along it and `out` metres towards the houses."""
        at = self.route.at(along)
        direction = at.heading + self.outward
        return at.x + out * math.cos(direction), at.y + out * math.sin(direction), at.heading


def build_scenery(seed: int, plan: Plan, lamps: float) -> list[Part]:
    """All parts of one street that belong to no actor."""
    lot = Lot(plan)
    frontages = _frontages(plan)
    for number, frontage in enumerate(frontages):
        _houses(Dice(seed, f"houses {number}"), lot, frontage, number)
    for number, frontage in enumerate(frontages):
        _street_side(Dice(seed, f"street side {number}"), lot, frontage, lamps)
        _yards(Dice(seed, f"yards {number}"), lot, frontage)
    _junction(Dice(seed, "junction"), lot)
    _backdrop(Dice(seed, "backdrop"), lot, frontages)
    return lot.parts


def _frontages(plan: Plan) -> list[Frontage]:
    out = plan.paving.pavement_end
    sides = [(plan.main, plan.ego_start - 55, plan.ego_start + plan.ahead - 30, True)]
    if plan.junction:
        begins = max(plan.junction.cross.begins, 0.0)
        sides.append((plan.junction.cross, begins, plan.junction.cross.route.length, False))
    return [
        Frontage(road.route.parallel(sign * (road.half_width + out)), sign * math.pi / 2, begins, ends, is_main)
        for road, begins, ends, is_main in sides
        for sign in (1, -1)
    ]


def _choose_house(dice: Dice, plan: Plan, number: int) -> House:
    match plan.style.name:
        case "residential":
            kinds: tuple[Callable[[], House], ...] = (
                lambda: houses.detached_house(dice, number),
                lambda: houses.town_house(dice, number, (2, 3)),
            )
            return dice.choice(kinds, (0.8, 0.2))()
        case "city":
            kinds = (
                lambda: houses.town_house(dice, number, (3, 6)),
                lambda: houses.apartment_block(dice, number),
                lambda: houses.hall(dice, number),
            )
            return dice.choice(kinds, (0.8, 0.14, 0.06))()
        case "suburb":
            kinds = (
                lambda: houses.hall(dice, number),
                lambda: houses.apartment_block(dice, number),
                lambda: houses.detached_house(dice, number),
            )
            return dice.choice(kinds, (0.45, 0.3, 0.25))()
        case _:
            return houses.detached_house(dice, number)


def _houses(dice: Dice, lot: Lot, frontage: Frontage, side: int) -> None:
    """House after house along a frontage; where one does not fit, the next is tried a little further on."""
    plan = lot.plan
    along = frontage.begins + dice.uniform(0, 8)
    number = side * 1000
    setback = dice.uniform(*plan.style.setback)
    empty = {"park": 0.72, "suburb": 0.15, "residential": 0.04}.get(plan.style.name, 0.03)
    while along < frontage.ends:
        number += 1
        if dice.chance(empty):
            along += dice.uniform(8, 22)
            continue
        house = _choose_house(dice, plan, number)
        own = setback + (dice.uniform(0, 2.5) if plan.style.name != "city" else 0.0)
        x, y, heading = frontage.point(along + house.width / 2, own + house.depth / 2)
        rectangle = Rectangle(x, y, heading, house.width, house.depth)
        if not lot.is_clear(rectangle, plan.paving.pavement_end - 0.4):
            along += 4.0
            continue
        lot.take(rectangle)
        # Built with its front to the right (-y), a house on the right of the road is turned round.
        yaw = heading if frontage.outward > 0 else heading + math.pi
        lot.parts += placed(list(house.parts), x, y, lot.lowest(rectangle), yaw)
        gap = dice.uniform(2.5, 8) if plan.style.name != "city" else dice.choice((0.0, 0.0, 0.0, 3.0))
        along += house.width + gap


def _street_side(dice: Dice, lot: Lot, frontage: Frontage, lamps: float) -> None:
    """Between kerb and houses: lamps, street trees, signs, bins, benches, poles with wires."""
    plan = lot.plan
    paving = plan.paving
    near_kerb = paving.verge_end / 2 if paving.verge_end > 0.5 else 0.55
    spacing = dice.uniform(22, 36)
    poles = plan.style.name in ("residential", "park") and frontage.is_main and dice.chance(0.4)
    with_trees = dice.chance({"city": 0.45, "residential": 0.55, "suburb": 0.6}.get(plan.style.name, 0.5))
    tree_spacing, kind = (
        dice.uniform(8, 15),
        dice.choice((vegetation.broadleaf, vegetation.broadleaf, vegetation.poplar)),
    )
    on_left = frontage.outward > 0
    along = frontage.begins + dice.uniform(0, spacing)
    while along < frontage.ends:
        if poles:
            _stand(lot, frontage, along, near_kerb, furniture.wire_pole(dice, 30.0))
            along += 30.0
        else:
            _stand(lot, frontage, along, near_kerb, furniture.lamp_post(dice, not on_left, lamps))
            along += spacing
    along = frontage.begins + dice.uniform(0, tree_spacing)
    while with_trees and along < frontage.ends:
        _stand(lot, frontage, along, near_kerb + 0.25, kind(dice), keep_off=2.0)
        along += tree_spacing * dice.uniform(0.8, 1.3)
    _small_things(dice, lot, frontage, near_kerb)


def _small_things(dice: Dice, lot: Lot, frontage: Frontage, near_kerb: float) -> None:
    """Signs face the traffic and bollards follow the kerb; whatever people use faces the road from the houses' side."""
    by_houses = lot.plan.paving.pavement_end
    along = frontage.begins + dice.uniform(0, 12)
    while along < frontage.ends:
        kind = dice.choice(
            ("sign", "box", "bench", "bollards", "shelter", "billboard"), (0.42, 0.26, 0.1, 0.12, 0.07, 0.03)
        )
        match kind:
            case "sign":
                _stand(lot, frontage, along, near_kerb, furniture.sign(dice), yaw=dice.choice((0.0, 0.0, math.pi)))
            case "bollards":
                _stand(lot, frontage, along, near_kerb, furniture.bollards(dice, dice.integer(3, 7), 1.6))
            case "box":
                _stand(lot, frontage, along, by_houses - 0.35, furniture.bin_or_box(dice), yaw=frontage.outward)
            case "bench":
                _stand(lot, frontage, along, by_houses - 0.45, furniture.bench(dice), yaw=frontage.outward)
            case "shelter":
                _stand(lot, frontage, along, by_houses - 0.9, furniture.shelter(dice), yaw=frontage.outward)
            case _:
                _stand(lot, frontage, along, by_houses + 1.0, furniture.billboard(dice), yaw=dice.uniform(-0.5, 0.5))
        along += dice.uniform(7, 24)


def _stand(
    lot: Lot,
    frontage: Frontage,
    along: float,
    from_kerb: float,
    parts: list[Part],
    keep_off: float = 0.3,
    yaw: float = 0.0,
) -> None:
    """Put a thing at a distance from the kerb, unless a road, a house or another thing is there."""
    x, y, heading = frontage.point(along, from_kerb - lot.plan.paving.pavement_end)
    low = [part for part in parts if part.centre[2] - part.half[2] < 1]
    reaches = [2 * max(abs(part.centre[axis]) + min(part.half[axis], 2.0) for part in low) for axis in (0, 1)]
    place = Rectangle(x, y, heading + yaw, min(reaches[0], 16.0), min(reaches[1], 16.0))
    if lot.is_clear(place, 0.2) and lot.plan.ground.edge_at(x, y) < from_kerb + 0.6:
        lot.take(Rectangle(x, y, heading, keep_off, keep_off))
        lot.stand(parts, x, y, heading + yaw)


def _yards(dice: Dice, lot: Lot, frontage: Frontage) -> None:
    """Beyond the pavement: fences and hedges along it, trees and bushes behind."""
    plan = lot.plan
    if plan.style.name == "city":
        return
    along = frontage.begins
    while along < frontage.ends:
        length = dice.uniform(5, 14)
        x, y, heading = frontage.point(along + length / 2, 0.35)
        fits = lot.is_clear(Rectangle(x, y, heading, length, 0.8), plan.paving.pavement_end - 0.1)
        if fits and dice.chance(0.55):
            parts = vegetation.hedge(dice, length) if dice.chance(0.45) else furniture.fence(dice, length)
            lot.take(Rectangle(x, y, heading, length, 0.6))
            lot.stand(parts, x, y, heading)
        along += length + dice.uniform(0.5, 5)
    density = {"park": 3.2, "suburb": 7.5}.get(plan.style.name, 6.0)
    along = frontage.begins
    while along < frontage.ends:
        out = dice.uniform(1.6, 5.0) if dice.chance(0.6) else dice.uniform(5, 26)
        x, y, heading = frontage.point(along, out)
        size = 2.6
        if lot.is_clear(Rectangle(x, y, heading, size, size), plan.paving.pavement_end + 0.9):
            lot.take(Rectangle(x, y, heading, size, size))
            plant = vegetation.tree(dice) if dice.chance(0.62) else vegetation.bush(dice)
            lot.stand(plant, x, y, dice.uniform(0, math.pi))
        along += density * dice.uniform(0.5, 1.5)


def _junction(dice: Dice, lot: Lot) -> None:
    """Traffic lights or signs at the corners, each facing those who must obey."""
    junction = lot.plan.junction
    if junction is None:
        return
    side = lot.plan.side
    main_green = dice.chance(0.6)
    arms = [
        (lot.plan.main.route, junction.at, 1, junction.main_gap, lot.plan.main.half_width, main_green),
        (lot.plan.main.route, junction.at, -1, junction.main_gap, lot.plan.main.half_width, main_green),
        (junction.cross.route, junction.cross_at, 1, junction.cross_gap, junction.cross.half_width, not main_green),
        (junction.cross.route, junction.cross_at, -1, junction.cross_gap, junction.cross.half_width, not main_green),
    ]
    for route, at, direction, gap, half_width, green in arms:
        parts = furniture.traffic_light(green) if junction.has_lights else furniture.sign(dice)
        before = at - direction * (gap + 3.8)
        place = route.parallel(-direction * side * (half_width + 0.7)).at(before)
        if lot.plan.ground.edge_at(place.x, place.y) > 0.3:
            lot.stand(parts, place.x, place.y, place.heading + (0.0 if direction > 0 else math.pi))


def _backdrop(dice: Dice, lot: Lot, frontages: list[Frontage]) -> None:
    """A second row of larger houses and trees behind the first, which fills the view between them."""
    plan = lot.plan
    for number, frontage in enumerate(frontages):
        along = frontage.begins
        while along < frontage.ends:
            out = dice.uniform(26, 58)
            x, y, heading = frontage.point(along, out)
            step = dice.uniform(6, 18)
            if plan.style.name == "park" or dice.chance(0.35):
                if lot.is_clear(Rectangle(x, y, heading, 3, 3), 3.0):
                    lot.stand(vegetation.tree(dice), x, y, 0.0)
                along += step * 0.6
                continue
            house = houses.apartment_block(dice, 90000 + number * 500 + int(along))
            rectangle = Rectangle(x, y, heading, house.width, house.depth)
            if lot.is_clear(rectangle, 6.0):
                lot.take(rectangle)
                yaw = heading if frontage.outward > 0 else heading + math.pi
                # Far off, the body alone will do.
                lot.parts += placed([house.parts[0], house.parts[1]], x, y, lot.lowest(rectangle), yaw)
            along += house.width + step
