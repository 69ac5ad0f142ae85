"""What a user of the viewer can do, found on the page itself: see `soak`."""

from __future__ import annotations

import random
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raw_page import RawPage, Widget, address_of

from flux4d_viewer.app import Viewer
from flux4d_viewer.keys import KEYS

PAGES = 2
"""Pages without a browser; a third one is real where there is Chromium."""
LEFT_ALONE = re.compile(r"adapt|open|reconstruct|optimi|align|recent|folder|browse|learn|insert", re.IGNORECASE)
"""What takes minutes, or another scene in place of this one."""
RARE = re.compile(r"export|save|film|write|render|download|video|score", re.IGNORECASE)
"""What writes files: tried this often when chosen."""
RARELY = 0.05
TEXTS = ("", "a name", "<b>Grün & groß</b>", "x" * 80)


class Soak:
    """One viewer, its pages, and dice."""

    def __init__(self, viewer: Viewer, seed: int, eye: Any = None) -> None:
        self.viewer, self.dice, self.eye = viewer, random.Random(seed), eye
        self.pages = [RawPage(address_of(viewer)) for _ in range(PAGES)]
        self.done: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=25)
        """What was done, the newest last."""

    def act(self) -> None:
        """One random action."""
        choices = [action for action in ACTIONS if self.eye is not None or not action.needs_eye]
        action = self.dice.choices(choices, [choice.weight for choice in choices])[0]
        words = action.act(self)
        if words:
            self.done[action.name] += 1
            self.last.append(f"{action.name}: {words}")

    def close(self) -> None:
        for page in self.pages:
            page.close()

    @property
    def page(self) -> RawPage:
        """Any of those without a browser."""
        return self.dice.choice(self.pages)


def move_a_control(soak: Soak) -> str:
    """Any usable control to any of its values."""
    page = soak.page
    widgets = [w for w in list(page.seen.widgets.values()) if w.kind in _VALUES and _is_reachable(page, w)]
    widgets = [w for w in widgets if not LEFT_ALONE.search(w.label)]
    if not widgets:
        return ""
    widget = soak.dice.choice(sorted(widgets, key=lambda w: (w.kind, w.label, str(w.props.get("order")))))
    if RARE.search(widget.label) and soak.dice.random() > RARELY:
        return ""
    value = _VALUES[widget.kind](soak.dice, widget)
    if value is None:
        return ""
    page.set(widget, value)
    return f"{widget.kind} {widget.label!r} to {value!r}"


def use_a_command(soak: Soak) -> str:
    """Any command of the palette."""
    page = soak.page
    commands = [(c["label"], uuid) for uuid, c in list(page.seen.commands.items()) if not c.get("disabled")]
    commands = [(label, uuid) for label, uuid in commands if not LEFT_ALONE.search(label)]
    if not commands:
        return ""
    label, uuid = soak.dice.choice(sorted(commands))
    if RARE.search(label) and soak.dice.random() > RARELY:
        return ""
    page.trigger(uuid)
    return label


def scrub(soak: Soak) -> str:
    """The time's slider, pulled quickly through many values."""
    page = soak.page
    slider = next((w for w in page.seen.widgets.values() if w.label == "Time (s)"), None)
    if slider is None or not slider.is_usable:
        return ""
    values = [_in_slider(soak.dice, slider) for _ in range(soak.dice.randrange(3, 60))]
    for value in values:
        page.set(slider, value)
    return f"{len(values)} values, the last {values[-1]:g}"


def look_elsewhere(soak: Soak) -> str:
    dice = soak.dice
    eye = (dice.uniform(-2, 5), dice.uniform(-1, 1), dice.uniform(0.05, 2))
    soak.page.look(eye, (eye[0] + 2.0, eye[1], eye[2] - 0.1), dice.uniform(0.4, 1.6))
    return f"from {eye[0]:.2f} {eye[1]:.2f} {eye[2]:.2f}"


def click_into_the_scene(soak: Soak) -> str:
    """A click straight down on the road, or a rectangle over a part of the view."""
    dice, modifier = soak.dice, soak.dice.choice((None, None, "shift", "cmd/ctrl"))
    if dice.random() < 0.3:
        (a, b), (c, d) = sorted((dice.random(), dice.random())), sorted((dice.random(), dice.random()))
        corners = ((a, c), (b, d))
        _point(soak.page, "rect-select", None, None, corners, "shift")
        return f"rectangle {a:.2f} {c:.2f} to {b:.2f} {d:.2f}"
    x, y = dice.choice(
        ((1.2 + dice.random(), -0.2), (3.0 - dice.random(), 0.2), (dice.uniform(0, 6), dice.gauss(0, 1)))
    )
    _point(soak.page, "click", (x, y, 1.0), (0.0, 0.0, -1.0), ((0.5, 0.5),), modifier)
    return f"above {x:.2f} {y:.2f} with {modifier}"


def undo_everything(soak: Soak) -> str:
    """Back to the scene as it was: edits do not pile up for an hour."""
    count = len(soak.viewer.store.state.history.past)
    if count < 25:
        return ""
    page = soak.page
    undo = next((uuid for uuid, c in page.seen.commands.items() if c["label"] == "Undo"), None)
    if undo is None:
        return ""
    for _ in range(count):
        page.trigger(undo)
    return f"{count} times"


def come_and_go(soak: Soak) -> str:
    """A page is closed, or its plug is pulled, and another one comes."""
    index = soak.dice.randrange(PAGES)
    leaves = soak.dice.choice(("close", "vanish"))
    getattr(soak.pages[index], leaves)()
    soak.pages[index] = RawPage(address_of(soak.viewer))
    return leaves


def press_a_key(soak: Soak) -> str:
    """A key of the list, on the real page's keyboard."""
    key = soak.dice.choice(KEYS)
    if key.hotkey is None or LEFT_ALONE.search(key.label) or RARE.search(key.label):
        return ""
    hotkey = str(key.hotkey)
    name = {"pageup": "PageUp", "pagedown": "PageDown"}.get(hotkey, hotkey.capitalize())
    keys = [{"cmd/ctrl": "Control", "shift": "Shift", "alt": "Alt"}[m] for m in (key.modifier or "").split("+") if m]
    soak.eye.page.keyboard.press("+".join([*keys, name.lower() if len(name) == 1 else name]))
    return key.label


def drag_the_view(soak: Soak) -> str:
    """Orbit the real page's view."""
    mouse, dice = soak.eye.page.mouse, soak.dice
    mouse.move(400, 200)
    mouse.down()
    mouse.move(400 + dice.uniform(-150, 150), 200 + dice.uniform(-60, 60), steps=4)
    mouse.up()
    return "orbit"


def reload_the_page(soak: Soak) -> str:
    soak.eye.page.reload(wait_until="domcontentloaded")
    return "real page"


@dataclass(frozen=True)
class Action:
    """One kind of thing that a user does."""

    name: str
    act: Callable[[Soak], str]
    """Does it, and says what it did; nothing if it could not."""
    weight: float
    needs_eye: bool = False
    """Whether it takes a real page."""


ACTIONS = (
    Action("control", move_a_control, 10),
    Action("command", use_a_command, 10),
    Action("scrub", scrub, 4),
    Action("look", look_elsewhere, 4),
    Action("click", click_into_the_scene, 4),
    Action("undo all", undo_everything, 1),
    Action("come and go", come_and_go, 0.5),
    Action("key", press_a_key, 3, needs_eye=True),
    Action("orbit", drag_the_view, 1, needs_eye=True),
    Action("reload", reload_the_page, 0.1, needs_eye=True),
)


def _is_reachable(page: RawPage, widget: Widget | None) -> bool:
    """Whether a user could get at it: it and all it lies in are shown."""
    while widget is not None:
        if not widget.is_usable:
            return False
        widget = page.seen.widgets.get(widget.container)
    return True


def _point(page: RawPage, kind: str, origin: Any, direction: Any, corners: Any, modifier: Any) -> None:
    page.send(
        "ScenePointerMessage",
        event_type=kind,
        ray_origin=origin,
        ray_direction=direction,
        screen_pos=corners,
        modifier=modifier,
    )


def _in_slider(dice: random.Random, widget: Widget) -> float:
    low, high, step = (float(widget.props[name]) for name in ("min", "max", "step"))
    return min(high, low + step * dice.randrange(0, max(1, round((high - low) / step)) + 1))


def _number(dice: random.Random, widget: Widget) -> float:
    low, high = widget.props.get("min"), widget.props.get("max")
    value = dice.uniform(-5.0 if low is None else low, 5.0 if high is None else high)
    return round(value) if isinstance(widget.value, int) else round(value, 2)


def _option(dice: random.Random, widget: Widget) -> str | None:
    options = [o for o in widget.props["options"] if not LEFT_ALONE.search(str(o))]
    return dice.choice(options) if options else None


def _vector(dice: random.Random, widget: Widget) -> tuple[float, ...]:
    return tuple(round(float(value) + dice.uniform(-2, 2), 2) for value in widget.value)


_VALUES: dict[str, Callable[[random.Random, Widget], Any]] = {
    "Button": lambda dice, widget: True,
    "ButtonGroup": _option,
    "Dropdown": _option,
    "Checkbox": lambda dice, widget: dice.random() < 0.5,
    "Slider": _in_slider,
    "MultiSlider": lambda dice, widget: sorted(_in_slider(dice, widget) for _ in widget.value),
    "Number": _number,
    "Rgb": lambda dice, widget: tuple(dice.randrange(256) for _ in range(3)),
    "Rgba": lambda dice, widget: tuple(dice.randrange(256) for _ in range(4)),
    "Vector2": _vector,
    "Vector3": _vector,
    "Text": lambda dice, widget: dice.choice(TEXTS),
}
