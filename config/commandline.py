"""Commands that need no apps start without them: to import them all takes longer than many a cut."""

from __future__ import annotations

import logging.config
from collections.abc import Sequence

from django.conf import settings
from django.core.management import execute_from_command_line

_DJANGOS = ("--settings", "--pythonpath")


def execute(argv: Sequence[str]) -> None:
    """Run `manage.py`'s command line, `argv[0]` being its name. `convert` touches no model, so it is spared `django.setup()`."""
    if argv[1:2] != ["convert"] or any(word.startswith(_DJANGOS) for word in argv):
        execute_from_command_line(list(argv))
        return
    from converter.apps import hand_settings_over
    from converter.management.commands.convert import Command

    logging.config.dictConfig(settings.LOGGING)
    hand_settings_over()
    Command().run_from_argv(list(argv))
