"""`manage.py djmig`: starts the interface as another program, on this very project."""

import argparse
import os
import shutil
import sys
from typing import Any, Optional

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Hands the terminal over to djmig-tui; imports nothing of it."""

    help = "Shows the migrations of this project in the terminal: previews, rolls back, removes."
    requires_system_checks = []  # type: ignore[var-annotated,unused-ignore]

    def add_arguments(self, parser: Any) -> None:
        """Take everything that djmig-tui itself understands."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to djmig-tui")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process by the interface."""
        program = find_program()
        if program is None:
            raise CommandError(
                "The program djmig-tui is neither beside %s nor on PATH. Install it with "
                "`pip install djmig-tui`, or run it from where it is installed." % sys.executable
            )
        settings = ["--settings", options["settings"]] if options.get("settings") else []
        command = [sys.executable, os.path.abspath(sys.argv[0])]
        sys.stdout.flush()
        os.execv(program, [program, *settings, *options["arguments"], "--", *command])  # noqa: S606


def find_program() -> Optional[str]:
    """Return the path of djmig-tui: beside this interpreter, or on PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), "djmig-tui")
    return beside if os.access(beside, os.X_OK) else shutil.which("djmig-tui")
