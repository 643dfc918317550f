"""`python -m config.supervisor`: run Cutroom until Ctrl-C or SIGTERM."""

from __future__ import annotations

import sys

from django.core.exceptions import ImproperlyConfigured

if __name__ == "__main__":
    try:
        from config.supervisor.run import main

        sys.exit(main())
    except ImproperlyConfigured as error:
        sys.exit(f"cutroom: {error}")
