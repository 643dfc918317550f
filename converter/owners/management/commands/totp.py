"""`manage.py totp NAME`: give a member of staff a second factor, or take it away."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from converter.owners import totp


class Command(BaseCommand):
    """The secret is shown this once; the codes of an older one end."""

    help = "Set up an authenticator (TOTP) for an account, or remove it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the account's name")
        parser.add_argument("--remove", action="store_true", help="take the authenticator away")

    def handle(self, *args: Any, **options: Any) -> None:
        model = get_user_model()
        user = model._default_manager.filter(**{model.USERNAME_FIELD: options["name"]}).first()
        if user is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        if options["remove"]:
            self.stdout.write("removed" if totp.remove(user) else "there was none")
            return
        self.stdout.write("Enter this in the authenticator app; it is shown this once:")
        self.stdout.write(totp.set_up(user).config_url)
