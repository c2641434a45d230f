"""`djmig-tui --demo`: a copy of the bookshop with rows in it, to try everything on without fear."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .engine.errors import StartFailed

#: Beside us in a checkout as well as where we are installed.
SAMPLE_SITE = Path(__file__).resolve().parent.parent / "sample_site"

#: Run in the copy by a process of its own: the interface never imports Django. One process, because
#: starting Django costs more than all the migrations of a small project.
SCRIPT = """
import django
django.setup()
from datetime import timedelta
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.db import connections, transaction
from django.utils import timezone
from bookshop.rows import fill
for alias in connections:
    call_command("migrate", database=alias, verbosity=0)
fill()
for alias in connections:  # on all of them: so the file of the last one may go
    call_command("migrate", "store", "0003_change_price_field", database=alias, verbosity=0)

# As if the shop had been deployed three times: what was applied together is seen as one run.
def deployed(record):
    recent = record.app == "orders" or record.name == "0003_change_price_field"
    days = 2 if recent else 9 if record.name == "0002_add_price_to_product" else 30
    return timezone.now() - timedelta(days=days) + timedelta(milliseconds=record.pk)

for alias in connections:
    with transaction.atomic(using=alias):
        for record in MigrationRecorder(connections[alias]).migration_qs:
            record.applied = deployed(record)
            record.save(using=alias)
"""

SECONDS = 60


def prepare() -> Path:
    """Copy the bookshop to a new temporary folder, fill it, leave `store` at 0003; return its folder.

    The folder stays: what the user did in it can be looked at afterwards.
    """
    if importlib.util.find_spec("django") is None:
        raise StartFailed(
            f"The demo needs Django, and {sys.executable} has none:"
            " install it with `pip install 'djmig-tui[demo]'`, then try again."
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix="djmig-tui-demo-")) / "bookshop"
        try:
            shutil.copytree(SAMPLE_SITE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
            _fill(folder)
        except BaseException:
            shutil.rmtree(folder.parent, ignore_errors=True)
            raise
    except OSError as error:
        raise StartFailed(f"The demo could not be written: {error}. TMPDIR names another folder.") from error
    return folder


def _fill(folder: Path) -> None:
    try:
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise StartFailed(
            "The demo's databases could not be made. Please report this with the output below.", error.stderr
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StartFailed(
            f"The demo's databases were not ready after {SECONDS} seconds: is the disk of"
            f" {tempfile.gettempdir()} full or slow? TMPDIR names another folder."
        ) from error


def environment() -> dict[str, str]:
    """Return our environment, pointed at the bookshop: a shell may have settings of another project."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("BOOKSHOP_")}
    return {**ours, "DJANGO_SETTINGS_MODULE": "bookshop.settings"}
