"""How far media tools must be confined for Cutroom to start at all."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from config import env
from converter.engine import sandbox

MODES = ("auto", "strict")
WORDS: dict[sandbox.Level, str] = {
    "landlock": "Landlock holds: files, system calls and resources are confined.",
    "seccomp": "seccomp holds: system calls and resources are confined; this kernel has no Landlock for files.",
    "rlimits": "Only limits hold: resources are confined; this kernel has neither Landlock nor seccomp.",
}
"""Each rung in one sentence, for /health/ready/."""


def mode() -> str:
    """The variable SANDBOX: `auto` or `strict`. Raises `ImproperlyConfigured` where strict is asked for and Landlock does not hold."""
    wanted = env.text("SANDBOX", "auto", choices=MODES)
    if wanted == "strict" and (held := sandbox.level()) != sandbox.STRICT:
        raise ImproperlyConfigured(
            f"SANDBOX=strict needs Landlock (Linux 5.13 or newer, not switched off), but here only {held} holds: use such a kernel, or SANDBOX=auto."
        )
    return wanted
