"""A rehearsal of a plan that runs code needs a yes of its own, and keeps that code inside its database."""

from __future__ import annotations

from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import (
    prepared,
    rehearse,
)
from tests.engine.small import add, python, shop
from tests.projects import make_app

WRITES = """
def back(apps, schema_editor):
    open("was_here", "w").close()
"""
FOREIGN = """
class Special(migrations.SeparateDatabaseAndState):
    def database_backwards(self, *args):
        open("was_here", "w").close()
"""
SEPARATE = "migrations.SeparateDatabaseAndState(database_operations=[{}])"
CODE = {
    "python": (python(), WRITES),
    "sql": ('migrations.RunSQL("", "UPDATE shop_item SET name = name")', ""),
    "hidden": (
        SEPARATE.format(SEPARATE.format(python())),
        WRITES,
    ),
    "foreign": ("Special()", FOREIGN),
}


@pytest.mark.parametrize("kind", CODE)
def test_code_is_shown_and_not_run_without_a_yes(kind: str, tmp_path: Path) -> None:
    operation, before = CODE[kind]
    with prepared(tmp_path, shop(add("first"), operation, before=before), "sqlite") as project:
        rehearsal = rehearse(project)
        assert not rehearsal.works
        assert "yes of your own" in str(rehearsal.cannot)
        assert len(rehearsal.sources) == 1
        assert ("was_here" if before else "UPDATE shop_item") in rehearsal.sources[0].text
        assert not (project.folder / "was_here").exists()
        assert rehearse(project, consent=True).works
        assert (project.folder / "was_here").exists() == bool(before)


def test_code_that_does_nothing_needs_no_yes(tmp_path: Path) -> None:
    noop = "migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)"
    nothing = 'migrations.RunSQL("SELECT 1", migrations.RunSQL.noop)'
    with prepared(tmp_path, shop(noop, nothing, add("last")), "sqlite") as project:
        assert rehearse(project).works


HANDLER = """
from django.db.models.signals import post_migrate, pre_migrate


def warm_the_cache(**kwargs):
    open("was_warmed", "w").close()


def prepare_search_index(**kwargs):
    open("was_here", "w").close()


def listen():
    pre_migrate.connect(prepare_search_index)
    post_migrate.connect(warm_the_cache)
"""
LISTENS = """
from django.apps import AppConfig


class Config(AppConfig):
    name = "listener"

    def ready(self):
        from .handlers import listen

        listen()
"""


def test_a_handler_of_pre_migrate_is_code_too_and_one_of_post_migrate_is_named_as_left_out(
    tmp_path: Path,
) -> None:
    with prepared(tmp_path, shop(add("first")), "sqlite") as project:
        make_app(project.folder, "listener", {})
        (project.folder / "listener" / "apps.py").write_text(LISTENS)
        (project.folder / "listener" / "handlers.py").write_text(HANDLER)
        rehearsal = rehearse(project)
        assert "prepare_search_index" in rehearsal.sources[0].operation
        assert "was_here" in rehearsal.sources[0].text
        assert not (project.folder / "was_here").exists()
        rehearsal = rehearse(project, consent=True)
        assert rehearsal.works
        assert (project.folder / "was_here").exists()
        assert rehearsal.left_out == ("post_migrate handler listener.handlers.warm_the_cache",)
        assert not (project.folder / "was_warmed").exists()


OUTWARDS = """
from django.core import mail
from django.db import transaction


def back(apps, schema_editor):
    mail.send_mail("gone", "text", "a@example.org", ["b@example.org"])
    explicit = mail.get_connection("django.core.mail.backends.filebased.EmailBackend", file_path="letters")
    mail.EmailMessage("gone too", "text", "a@example.org", ["b@example.org"], connection=explicit).send()
    transaction.on_commit(lambda: open("committed", "w").close(), using=schema_editor.connection.alias)
    transaction.on_commit(lambda: open("committed", "w").close(), using="other")
"""
LETTERS = """
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = "letters"
"""


def test_edge_53_mail_goes_nowhere_and_hooks_are_dropped(trial: str, tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=OUTWARDS)
    with prepared(tmp_path, files, trial, LETTERS, ("default", "other")) as project:
        (project.folder / "letters").mkdir()
        rehearsal = rehearse(project, consent=True)
        assert rehearsal.works, rehearsal
        assert not list((project.folder / "letters").iterdir())
        assert not (project.folder / "committed").exists()
        with driving(project) as engine:  # the same code does all that in a run
            assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial")).error is None
        assert list((project.folder / "letters").iterdir())
        assert (project.folder / "committed").exists()


ELSEWHERE = """
from django.db import connections


def back(apps, schema_editor):
    items = apps.get_model("shop", "Item").objects.using("other")
    assert items.count() == 0
    {lift}
    items.create(name="written elsewhere")
"""
LIFTS = {
    "plainly": "pass",
    "sqlite": 'connections["other"].cursor().execute("PRAGMA query_only = OFF")',
    "sqlite raw": 'connections["other"].connection.execute("PRAGMA query_only = OFF")',
    "session": 'connections["other"].cursor().execute("SET default_transaction_read_only = off")',
    "reset": 'connections["other"].cursor().execute("RESET ALL")',
    "thread": 'connections["other"].close()',
}


@pytest.mark.parametrize("lift", LIFTS)
def test_edge_53_other_databases_refuse_writes_and_that_cannot_be_lifted(
    lift: str, trial: str, tmp_path: Path
) -> None:
    if (lift in {"session", "reset"}) != (trial == "postgresql") and lift not in {"plainly", "thread"}:
        pytest.skip("words of another vendor")
    files = shop(add("first"), python(), before=ELSEWHERE.format(lift=LIFTS[lift]))
    with prepared(tmp_path, files, trial, aliases=("default", "other")) as project:
        rehearsal = rehearse(project, consent=True)
        assert not rehearsal.works
        assert any(
            words in str(rehearsal.error)
            for words in ("readonly", "read-only", "may only be read", "authorized")
        ), rehearsal.error


THREAD = """
import threading
from django.db import connection, connections


def back(apps, schema_editor):
    said = []

    def write():
        try:
            apps.get_model("shop", "Item").objects.using(schema_editor.connection.alias).create(name="thread")
        except Exception as error:
            said.append(str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    raise ValueError("thread: %s" % said)
"""


def test_a_thread_of_the_project_cannot_write_into_the_database_either(
    postgresql: str, tmp_path: Path
) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=THREAD), postgresql) as project:
        rehearsal = rehearse(project, consent=True)
    assert "read-only transaction" in str(rehearsal.error)
