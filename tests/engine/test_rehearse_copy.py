"""On PostgreSQL a rehearsal leaves those alone who are connected: it is done on a copy."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import ask, copies, prepared, rehearse, someone
from tests.engine.small import add, python, shop
from tests.projects import SampleProject
from tests.servers import connect

pytestmark = pytest.mark.usefixtures("postgresql")


class Shopper:
    """Asks for the rows of a table without a pause, and never waits longer than a lock_timeout of 1 ms."""

    def __init__(self, project: SampleProject) -> None:
        self.asked = 0
        self.waited: list[str] = []
        self._over = threading.Event()
        self._connection = connect("postgresql", project.databases["default"])
        self._connection.execute("SET lock_timeout = '1ms'")
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def _go_on(self) -> None:
        import psycopg

        while not self._over.is_set():
            try:
                self._connection.execute("SELECT count(*) FROM shop_item")
                self._connection.execute("UPDATE shop_item SET name = name")
                self.asked += 1
            except psycopg.errors.LockNotAvailable as error:
                self.waited.append(str(error))

    def __enter__(self) -> Shopper:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()


def test_others_never_wait_and_the_result_is_that_of_the_transaction(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        expected = rehearse(project)
        assert expected.where == "in one transaction that was rolled back"
        before = project.snapshot()
        with Shopper(project) as shopper, driving(project) as engine:
            rehearsal = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
            told = {progress.note for progress in engine.progress} - {""}
        assert told == {f"It runs on a copy. {rehearsal.why_there}"}
        assert shopper.asked
        assert shopper.waited == []
        assert project.snapshot() == before
        assert copies(project) == []
    assert rehearsal.works, rehearsal
    assert rehearsal.where == "on a copy"
    assert rehearsal.why_there == "Another session is connected, and would wait for its locks."
    assert rehearsal.schema_diff == expected.schema_diff != ""
    assert "whether a run waits for locks of others is not shown" in " ".join(rehearsal.notes)


def test_in_one_transaction_the_same_shopper_would_have_waited(tmp_path: Path) -> None:
    """Else the test above would show nothing."""
    slow = "def back(apps, schema_editor):\n    schema_editor.execute('SELECT pg_sleep(0.5)')\n"
    files = shop(add("first"), python(), add("second"), before=slow)
    with prepared(tmp_path, files, "postgresql") as project, Shopper(project) as shopper:
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert ask(engine, plan, consent=True, on=p.ON_TRANSACTION).works
        assert shopper.waited


def test_a_copy_can_be_wanted_where_nobody_is_connected(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), "postgresql") as project:
        expected = rehearse(project)
        project.env["PATH"] = "/nowhere"  # the server itself copies it, without any tool
        rehearsal = rehearse(project, on=p.ON_COPY)
        to_zero = rehearse(project, None, intent=p.ZERO, on=p.ON_COPY)
        assert copies(project) == []
    assert (rehearsal.works, rehearsal.where, rehearsal.why_there) == (True, "on a copy", "")
    assert rehearsal.schema_diff == expected.schema_diff
    assert to_zero.works, to_zero


def test_what_fails_on_a_copy_is_named_as_in_the_transaction(tmp_path: Path) -> None:
    gone = 'migrations.RemoveField("item", "weight")'
    weight = 'migrations.AddField("item", "weight", models.IntegerField(default=1), preserve_default=False)'
    with prepared(tmp_path, shop(weight, gone, add("last")), "postgresql") as project:
        expected = rehearse(project)
        with someone(project):
            found = rehearse(project)
        assert copies(project) == []
    assert found.where == "on a copy"
    assert (found.works, found.failed_step, found.failed_operation) == (
        False,
        expected.failed_step,
        expected.failed_operation,
    )
    assert str(found.error).splitlines()[0] == str(expected.error).splitlines()[0]


def test_a_step_that_is_not_atomic_fails_on_a_copy_with_its_name(tmp_path: Path) -> None:
    raises = "def back(apps, schema_editor):\n    raise ValueError('half done')\n"
    files = shop(add("first"), [python(), add("second")], add("third"), before=raises, loose=[3])
    with prepared(tmp_path, files, "postgresql") as project:
        rehearsal = rehearse(project, consent=True)
        assert copies(project) == []
    assert rehearsal.where == "on a copy"
    assert rehearsal.failed_step == p.StepDone("shop", "0003_step")
    assert rehearsal.error == "ValueError: half done"


COMMITS = """
def back(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("UPDATE shop_item SET name = 'committed'")
        cursor.execute("COMMIT")
"""


def test_code_that_commits_commits_to_the_copy(tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=COMMITS)
    with prepared(tmp_path, files, "postgresql") as project:
        rehearsal = rehearse(project, consent=True, on=p.ON_COPY)
        assert rehearsal.where == "on a copy"
        assert copies(project) == []


ALIASES = """
DATABASES["mirror"] = dict(DATABASES["default"], HOST="localhost")
DATABASES["other"] = dict(DATABASES["default"], NAME="postgres")
DATABASES["dead"] = dict(DATABASES["default"], PORT="1")
"""
THROUGH_ALL = """
from django.db import connections


def back(apps, schema_editor):
    names = {}
    for alias in ("default", "mirror", "other"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_database(), current_setting('default_transaction_read_only')")
            names[alias] = cursor.fetchone()
    raise ValueError(repr(names))
"""


def test_every_alias_of_the_database_leads_to_the_copy_and_others_only_read(tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=THROUGH_ALL)
    with prepared(tmp_path, files, "postgresql", ALIASES) as project:
        rehearsal = rehearse(project, consent=True, on=p.ON_COPY)
    found = ast.literal_eval(str(rehearsal.error).partition(": ")[2])
    assert "_djmig_copy_" in found["default"][0]
    assert found["default"] == found["mirror"]
    assert found["default"][1] == "off"
    assert found["other"] == ("postgres", "on")
    assert "may only read" in " ".join(rehearsal.notes)


STRAYS = """
from django.db import connections


def back(apps, schema_editor):
    stray = connections["default"].copy()
    stray.settings_dict["NAME"] = %r
    try:
        stray.connect()
    except Exception:
        pass
    with stray.cursor() as cursor:
        cursor.execute("DELETE FROM shop_item")
"""


def test_a_connection_that_leads_to_the_original_can_only_read(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before="back = None"), "postgresql") as project:
        path = project.folder / "shop" / "migrations" / "0003_step.py"
        strays = STRAYS % project.databases["default"]
        path.write_text(path.read_text().replace("back = None", strays))
        rehearsal = rehearse(project, consent=True, on=p.ON_COPY)
    assert "read-only transaction" in str(rehearsal.error)
