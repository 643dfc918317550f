"""The web and worker processes stay small: everything heavy lives in children that end."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("numpy", "av", "PIL", "moviepy", "pillow_heif", "django", "celery", "redis", "rest_framework")


def test_the_engine_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "import converter.engine.run, converter.engine.strip, converter.engine.peaks, converter.engine.probe, converter.engine.operations as o\n"
        "from converter.engine.ffmpeg import find_ffmpeg\n"
        "find_ffmpeg(); o.all_operations()\n"
        f"print(*sorted(set({HEAVY!r}) & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
