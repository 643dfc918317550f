#!/usr/bin/env python
"""Django's command line for Cutroom."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.commandline import execute

    execute(sys.argv)
