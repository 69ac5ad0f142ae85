"""Colours and small pieces of page: one look for every panel and overlay.

Everything that comes from a file (names, messages) passes `html.escape` here before it reaches the page.
"""

import html
from typing import Literal

import numpy as np
import viser
from jaxtyping import Float, UInt8
from numpy import ndarray

from flux4d_viewer.colormaps import CIRCLE, Colormap, mapped, stops_of

ACCENT = (64, 149, 191)
"""Buttons, sliders and selections."""
PATH_COLOR = (255, 196, 61)
"""The own vehicle's way."""
LABEL_COLOR = (120, 230, 160)
"""Boxes that people drew."""
BOX_COLOR = (255, 214, 102)
SELECTED_COLOR = (64, 196, 255)
OVERLAP_COLOR = (242, 177, 52)
ERASER_COLOR = (229, 83, 75)
FRUSTUM_COLOR = (143, 188, 214)
CHOSEN_COLOR = (255, 196, 61)
BACKDROP = (26, 27, 30)
"""Behind everything, where nothing and no sky is drawn."""

Tone = Literal["note", "warning", "error"]
_TONES = {"note": "#4095bf", "warning": "#f2b134", "error": "#e5534b"}
SENSOR_COLORS = (
    (64, 149, 191),
    (242, 177, 52),
    (92, 190, 120),
    (229, 83, 75),
    (160, 120, 220),
    (240, 130, 190),
    (150, 200, 70),
    (60, 200, 200),
    (200, 140, 90),
    (220, 220, 120),
)
"""One for each of a drive's sensors; after the last the first again."""
UNKNOWN_COLOR = (110, 112, 118)
"""Where a value is not known."""


def configure(gui: viser.GuiApi, dark: bool) -> None:
    """The page's colours, for all browsers or for one."""
    gui.configure_theme(dark_mode=dark, show_logo=False, show_share_button=False, brand_color=ACCENT)


def speed_colors(speeds: Float[ndarray, "N"], top: float) -> UInt8[ndarray, "N 3"]:
    """A colour for every speed (m/s), from blue at 0 to red at `top` and beyond."""
    return mapped(np.asarray(speeds) / max(top, 1e-6), stops_of("rainbow"))


def heading_colors(velocities: Float[ndarray, "N 3"]) -> UInt8[ndarray, "N 3"]:
    """A colour for every direction of travel: red ahead (+x), green-yellow left, cyan back, violet right."""
    return mapped(np.arctan2(velocities[:, 1], velocities[:, 0]) / (2 * np.pi) % 1.0, np.array(CIRCLE, dtype=float))


def for_viser(colors: UInt8[ndarray, "*any 3"] | tuple[int, int, int]) -> UInt8[ndarray, "*any 3"]:
    """sRGB colours as viser's lines and meshes want them: it takes them for linear light and would wash them out."""
    encoded = np.asarray(colors, dtype=np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return (linear * 255).round().astype(np.uint8)


def nice_top(speed: float) -> float:
    """The end of a speed legend: the next of 5, 10, 15, 20, 30, 40 m/s."""
    return next((top for top in (5.0, 10.0, 15.0, 20.0, 30.0) if speed <= top), 40.0)


def legend(colormap: Colormap, low: float, high: float, unit: str) -> str:
    """A bar in a colour map's colours with its numbers."""
    stops = ", ".join(f"rgb({r:.0f},{g:.0f},{b:.0f})" for r, g, b in stops_of(colormap))
    numbers = "".join(f"<span>{low + (high - low) * share:.3g}</span>" for share in (0, 0.25, 0.5, 0.75))
    return _block(
        f'<div style="height:10px;border-radius:3px;background:linear-gradient(to right,{stops})"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:0.75em;opacity:0.8;margin-top:2px">'
        f"{numbers}<span>{high:.3g}{html.escape(unit)}</span></div>"
    )


def speed_legend(top: float, colormap: Colormap = "rainbow", low: float = 0.0) -> str:
    """A bar from slow to fast."""
    return legend(colormap, low, top, "+ m/s")


def heading_legend() -> str:
    """A wheel of the directions of travel, seen from above with the world's x axis up."""
    # CSS turns clockwise from the top, headings counterclockwise from ahead
    stops = ", ".join(f"rgb({r},{g},{b})" for r, g, b in reversed(CIRCLE))
    names = (("ahead", "left:50%;top:0"), ("left", "left:14%;top:50%"), ("back", "left:50%;top:100%"))
    names = (*names, ("right", "left:86%;top:50%"))
    labels = "".join(
        f'<span style="position:absolute;{place};transform:translate(-50%,-50%)">{name}</span>' for name, place in names
    )
    ring = "radial-gradient(circle,transparent 42%,#000 44%,#000 69%,transparent 71%)"
    return _block(
        '<div style="position:relative;height:104px;margin:8px 0;font-size:0.75em;opacity:0.95">'
        '<div style="position:absolute;left:50%;top:50%;width:78px;height:78px;transform:translate(-50%,-50%);'
        f'border-radius:50%;background:conic-gradient({stops});mask:{ring};-webkit-mask:{ring}"></div>{labels}</div>'
        '<div style="font-size:0.75em;opacity:0.65;text-align:center">'
        "seen from above; ahead: the own vehicle's way at the start</div>"
    )


def sensor_legend(names: tuple[str, ...]) -> str:
    """The sensors in their colours."""
    return _swatches([(name, SENSOR_COLORS[i % len(SENSOR_COLORS)]) for i, name in enumerate(names)])


def normal_legend() -> str:
    """Which way surfaces of which colour face."""
    axes = {"ahead (x)": (1, 0, 0), "left (y)": (0, 1, 0), "up (z)": (0, 0, 1), "back": (-1, 0, 0), "right": (0, -1, 0)}
    return _swatches([(name, (128 + 127 * x, 128 + 127 * y, 128 + 127 * z)) for name, (x, y, z) in axes.items()])


def _swatches(entries: list[tuple[str, tuple[int, int, int]]]) -> str:
    cells = "".join(
        f'<span style="display:inline-flex;align-items:center;gap:5px;margin-right:10px">'
        f'<span style="width:10px;height:10px;border-radius:3px;background:rgb{color}"></span>'
        f"{html.escape(name)}</span>"
        for name, color in entries
    )
    return _block(f'<div style="font-size:0.78em;line-height:1.6">{cells}</div>')


def banner(text: str, tone: Tone) -> str:
    """One sentence with a coloured edge."""
    color = _TONES[tone]
    return _block(
        f'<div style="border-left:3px solid {color};background:rgba(127,127,127,0.13);border-radius:3px;'
        f'padding:6px 9px;font-size:0.85em;line-height:1.4;overflow-wrap:anywhere">{html.escape(text)}</div>'
    )


def line(text: str, faint: bool = False) -> str:
    """A line of plain text."""
    opacity = 0.65 if faint else 1.0
    return _block(f'<div style="font-size:0.875em;line-height:1.4;opacity:{opacity}">{html.escape(text)}</div>')


def readout(left: str, right: str) -> str:
    """Two numbers at the ends of one line, in figures of equal width."""
    return _block(
        '<div style="display:flex;justify-content:space-between;font-size:0.9em;font-variant-numeric:tabular-nums">'
        f"<span><b>{html.escape(left)}</b></span><span style='opacity:0.75'>{html.escape(right)}</span></div>"
    )


def moment(time: str, frame: str, stamp: str, predicted: bool) -> str:
    """A time in three ways on one line, in figures of equal width; in another colour where it is predicted."""
    color = f"color:{_TONES['warning']}" if predicted else ""
    return _block(
        '<div style="display:flex;gap:1em;align-items:baseline;font-size:0.875em;font-variant-numeric:tabular-nums;'
        f'white-space:nowrap;{color}"><b>{html.escape(time)}</b><span>{html.escape(frame)}</span>'
        f'<span style="margin-left:auto;opacity:0.65">{html.escape(stamp)}</span></div>'
    )


def keys_of_curves(words: list[tuple[str, str]]) -> str:
    """What curves of several colours (CSS) say, on one line."""
    spans = "".join(f'<span style="color:{color}">{html.escape(text)}</span>' for color, text in words)
    return _block(
        '<div style="display:flex;justify-content:space-between;font-size:0.8em;font-variant-numeric:tabular-nums;'
        f'white-space:nowrap">{spans}</div>'
    )


def table(rows: list[tuple[str, str]]) -> str:
    """Names on the left, values on the right."""
    cells = "".join(
        f'<tr><td style="opacity:0.65;padding:2px 10px 2px 0;vertical-align:top;white-space:nowrap">'
        f'{html.escape(name)}</td><td style="padding:2px 0;overflow-wrap:anywhere">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return _block(f'<table style="font-size:0.85em;line-height:1.35;border-collapse:collapse">{cells}</table>')


def steps(lines: list[str], count: int) -> str:
    """What was done, the newest first; `count`: of all."""
    items = "".join(f'<li style="padding:1px 0">{html.escape(line)}</li>' for line in lines)
    more = f'<div style="opacity:0.65">and {count - len(lines)} before</div>' if count > len(lines) else ""
    return _block(
        f'<ol reversed start="{count}" style="font-size:0.85em;line-height:1.35;margin:0;padding-left:1.8em">'
        f"{items}</ol>"
        f'<div style="font-size:0.85em">{more}</div>'
    )


def code(text: str) -> str:
    """A command to copy."""
    return _block(
        f'<code style="display:block;font-size:0.8em;background:rgba(127,127,127,0.13);border-radius:3px;'
        f'padding:4px 7px;overflow-wrap:anywhere;user-select:all">{html.escape(text)}</code>'
    )


def grid(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Rows of figures under titles, in a field that scrolls if they are many."""
    head = "".join(
        f'<th style="font-weight:400;opacity:0.65;padding:2px 6px">{html.escape(name)}</th>' for name in titles
    )
    body = "".join(
        "<tr>" + "".join(f'<td style="padding:2px 6px">{html.escape(value)}</td>' for value in row) + "</tr>"
        for row in rows
    )
    return _block(
        '<div style="max-height:180px;overflow-y:auto"><table style="font-size:0.8em;line-height:1.3;width:100%;'
        f'text-align:right;font-variant-numeric:tabular-nums;border-collapse:collapse"><tr>{head}</tr>{body}</table></div>'
    )


def bar(name: str, number: str, share: float, text: str) -> str:
    """A name with its number over a bar from green to red, and a sentence."""
    percent = 100 * min(1.0, max(0.0, share))
    hue = 120 * (1 - percent / 100)
    return _block(
        '<div style="display:flex;justify-content:space-between;font-size:0.85em">'
        f"<span>{html.escape(name)}</span><b>{html.escape(number)}</b></div>"
        '<div style="height:4px;border-radius:2px;background:rgba(127,127,127,0.25);margin:2px 0">'
        f'<div style="height:4px;border-radius:2px;width:{percent:.0f}%;background:hsl({hue:.0f},60%,50%)"></div></div>'
        f'<div style="font-size:0.75em;line-height:1.35;opacity:0.65">{html.escape(text)}</div>'
    )


def _block(inner: str) -> str:
    return f'<div style="padding:0 0.75em 0.5em 0.75em">{inner}</div>'
