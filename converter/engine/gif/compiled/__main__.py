"""`python -m converter.engine.gif.compiled FILE`: write the shared library for this machine's processor."""

from __future__ import annotations

import sys
from pathlib import Path

from converter.engine.gif.kernel.library import PREFIX

from .emit import emit
from .exports import EXPORTS
from .link import link


def main(target: Path) -> None:
    """Compile, link, write."""
    target.write_bytes(link(emit(EXPORTS), [PREFIX + name for name in EXPORTS]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
