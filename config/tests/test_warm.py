"""A web process has everything in its place before the first request."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import gc
import runpy
hooks = runpy.run_path("gunicorn.conf.py")
import config.asgi
hooks["post_worker_init"](None)
from django.template import engines
from django.urls import get_resolver
print("url_patterns" in get_resolver().__dict__, gc.get_freeze_count() > 50_000)
print(any(name.endswith("base.html") for loader in engines["django"].engine.template_loaders for name in map(str, loader.get_template_cache)))
"""


def test_addresses_and_templates_are_there_and_the_collector_leaves_them_alone() -> None:
    # In a process of its own: what is frozen stays so.
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
