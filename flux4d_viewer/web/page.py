"""viser's page made the viewer's own: its name, its icon, its backdrop, and deep links."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import viser

TITLE = "flux4d"
_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='#1a1b1e'/>"
    "<circle cx='21' cy='12' r='5' fill='#4095bf'/><circle cx='12.5' cy='17' r='3.4' fill='#4095bf' opacity='.65'/>"
    "<circle cx='7' cy='21' r='2.2' fill='#4095bf' opacity='.4'/></svg>"
)


def page() -> bytes:
    """The whole page, in UTF-8."""
    html = (Path(viser.__file__).parent / "client" / "build" / "index.html").read_text(encoding="utf-8")
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    html = re.sub(r"<title>[^<]*</title>", f"<title>{TITLE}</title>", html, count=1)
    html = re.sub(r'href="data:image/svg\+xml,[^"]*"', f'href="data:image/svg+xml,{quote(_ICON)}"', html, count=1)
    start = html.index("<head>") + len("<head>")
    return f"{html[:start]}<script>{script}</script>{html[start:]}".encode()
