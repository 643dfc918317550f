"""`manage.py catalogues`: bring the message catalogues up to date, or only compile them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import catalogues


class Command(BaseCommand):
    """Gather what is to be translated, and compile what is."""

    help = "Update the message catalogues under config/locale/ and compile them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--compile` alone changes no .po file."""
        parser.add_argument("--compile", action="store_true", help="Only write the .mo files that are missing or old.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how much of each language is still missing."""
        if not options["compile"]:
            for language in catalogues.languages():
                for domain in ("django", "djangojs"):
                    catalogue = catalogues.update(language, domain)
                    missing = sum(1 for message in catalogue if message.id and not message.string)
                    self.stdout.write(f"{language} {domain}: {len(catalogue)} messages, {missing} without a translation")
        catalogues.compile_all()
