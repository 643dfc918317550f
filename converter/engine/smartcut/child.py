"""The process that cuts: `python -I child.py DESCRIPTOR REQUEST`, alone in the sandbox.

Writes the file `output` in its current directory and reports on standard output: the done part (0 to 1) on a line
now and then, and at last one JSON object, `{"unfit": why}` when the source can't be cut this way.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any


def main(descriptor: int, request: dict[str, Any]) -> dict[str, Any]:
    """Cut as `request` says. Raises what the libraries raise for damaged files."""
    # SVT-AV1 otherwise tells its whole configuration each time.
    os.environ["SVT_LOG"] = "1"
    import av

    work = importlib.import_module("smartcut.work")
    unfit = importlib.import_module("smartcut.families").Unfit
    av.logging.set_level(None)
    with os.fdopen(descriptor, "rb") as file:

        def opened() -> Any:
            file.seek(0)
            return av.open(file, format=request["demuxer"], options=request["options"], metadata_errors="replace")

        try:
            joiner = work.Joiner(av, opened, request)
            joiner.write()
            answer: dict[str, Any] = joiner.answer()
        except unfit as reason:
            return {"unfit": str(reason)}
        except av.FFmpegError as error:
            return {"unfit": "it is damaged or unusual there", "log": str(error)[:300]}
    return answer


def load_package() -> None:
    """Make the modules beside this script importable as `smartcut`, without a look at the directory above."""
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location("smartcut", here / "__init__.py", submodule_search_locations=[str(here)])
    if spec is None or spec.loader is None:
        raise ImportError(str(here))
    module = importlib.util.module_from_spec(spec)
    sys.modules["smartcut"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_package()
    answered = main(int(sys.argv[1]), json.loads(sys.argv[2]))
    os.write(1, (json.dumps(answered) + "\n").encode())
