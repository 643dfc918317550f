"""The text files of a Chrome kit: two manifests, the new-tab page, and a README that promises nothing Chrome does not do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .colours import Colour

_README = """{name}: an animated background for Chrome, three ways
{line}

Made by Cutroom: {width} x {height} pixels, {seconds} seconds, looping without an end.

1. The quickest: background.gif
   Open a new tab, press "Customize Chrome" (the pencil, bottom right), "Change theme", "Upload an image",
   and choose background.gif. Chrome copies the file as it is, so it moves. It covers the window, centred:
   on a window of other proportions the edges are cut off.

2. A theme: the folder "theme"
   Open chrome://extensions, switch "Developer mode" on, press "Load unpacked" and choose the folder "theme".
   Loaded like this, Chrome keeps the picture's own bytes. Its colours were taken from the picture; every text
   on them has a contrast of at least 4.5 to 1.
   A theme that is packed (.crx) or comes from the Web Store shows a STILL picture: Chrome decodes every theme
   image once and saves it as PNG when it installs a packed theme. No theme maker can change that.

3. A new-tab page: the folder "newtab"
   Load it in the same way. It shows background.webm, which is smaller and smoother than the GIF, pauses while
   the tab is hidden, stands still where the system asks for less motion, and has a button to stop it.
   It replaces Chrome's own new-tab page, with its search field and shortcuts; the address bar searches as ever.

To take it away again: "Customize Chrome" -> "Reset to default", or "Remove" on chrome://extensions.

What is in here
   background.gif            the picture for "Upload an image"
   theme/                    manifest.json, images/background.gif
   newtab/                   manifest.json, newtab.html, newtab.css, newtab.js, background.webm
"""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>New tab</title>
<link rel="stylesheet" href="newtab.css">
<video src="background.webm" muted loop playsinline preload="auto" aria-hidden="true"></video>
<button type="button" aria-pressed="false">Stop the background</button>
<script src="newtab.js"></script>
</html>
"""

_STYLE = """html, body {{ margin: 0; block-size: 100%; background: {ground}; }}
video {{ position: fixed; inset: 0; inline-size: 100%; block-size: 100%; object-fit: cover; }}
button {{ position: fixed; inset-block-end: 1rem; inset-inline-end: 1rem; padding: .5rem .9rem; border: 1px solid #fff; border-radius: 6px; \
background: #000; color: #fff; font: 14px system-ui, sans-serif; opacity: .25; cursor: pointer; }}
button:hover, button:focus-visible, button[aria-pressed="true"] {{ opacity: 1; }}
"""

_SCRIPT = """"use strict";
const video = document.querySelector("video");
const button = document.querySelector("button");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let stopped = false;

// It plays only where somebody can see it and nobody asked for rest.
const settle = () => {
  if (document.hidden || calm.matches || stopped) video.pause();
  else video.play().catch(() => {});
  button.hidden = calm.matches;
};

button.addEventListener("click", () => {
  stopped = !stopped;
  button.setAttribute("aria-pressed", String(stopped));
  settle();
});
document.addEventListener("visibilitychange", settle);
calm.addEventListener("change", settle);
settle();
"""


def files(name: str, colours: Mapping[str, Colour], width: int, height: int, seconds: float) -> dict[str, str]:
    """Every text file by its path inside the archive. `seconds` is the length of one round."""
    ground = "#{:02x}{:02x}{:02x}".format(*colours["ntp_background"])
    readme = _README.format(
        name=name, line="=" * (len(name) + len(": an animated background for Chrome, three ways")), width=width, height=height, seconds=f"{seconds:g}"
    )
    return {
        "README.txt": readme,
        "theme/manifest.json": _json(_theme(name, colours)),
        "newtab/manifest.json": _json(_new_tab(name)),
        "newtab/newtab.html": _PAGE,
        "newtab/newtab.css": _STYLE.format(ground=ground),
        "newtab/newtab.js": _SCRIPT,
    }


def _theme(name: str, colours: Mapping[str, Colour]) -> dict[str, Any]:
    return {
        "manifest_version": 3,
        "name": f"{name} (theme)",
        "version": "1.0",
        "description": "A picture and its colours, made by Cutroom.",
        "theme": {
            "images": {"theme_ntp_background": "images/background.gif"},
            "colors": {key: list(colour) for key, colour in colours.items()},
            "properties": {"ntp_background_alignment": "center", "ntp_background_repeat": "no-repeat"},
        },
    }


def _new_tab(name: str) -> dict[str, Any]:
    return {
        "manifest_version": 3,
        "name": f"{name} (new tab)",
        "version": "1.0",
        "description": "A looping background on every new tab, made by Cutroom.",
        "chrome_url_overrides": {"newtab": "newtab.html"},
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
