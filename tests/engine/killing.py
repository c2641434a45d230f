"""A rollback of five steps, killed after its k-th statement: the project, its possible states, the kill.

The project's own settings count the statements and do the killing, as nothing in the product does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from djmig_tui import protocol as p
from tests.driver import driving
from tests.dumps import Snapshot
from tests.engine.small import ITEM, add, execute, migrate, python
from tests.projects import SampleProject, clone, make_project, migration_source
from tests.protocol.waiting import alive, wait_for

#: Counts each statement and each commit of the main thread from the first one that is no mere look, and
#: kills, after the wanted one, this process or the one that started it.
COUNTS = """
import os, re, signal, threading
from django.db.backends.signals import connection_created

seen = []
begins = re.compile("BEGIN|SAVEPOINT|ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|LOCK", re.IGNORECASE)

def event(what):
    main = threading.current_thread() is threading.main_thread()
    if not main or not os.path.exists("armed") or not (seen or begins.match(what)):
        return
    seen.append(what)
    with open("events", "a") as file:
        file.write(" ".join(what.split()) + "\\n")
    with open("armed") as file:
        wanted, whom = file.read().split()
    if len(seen) == int(wanted):
        with open("killed", "w") as file:
            file.write(str(os.getpid()))
        os.kill(os.getpid() if whom == "self" else os.getppid(), signal.SIGKILL)

def execute(run, sql, params, many, context):
    result = run(sql, params, many, context)
    event(str(sql))
    return result

def watch(connection, **kwargs):
    if execute in connection.execute_wrappers:
        return
    connection.execute_wrappers.append(execute)
    commit = connection._commit

    def counted():
        commit()
        event("COMMIT")

    connection._commit = counted

connection_created.connect(watch, weak=False)
"""

CHILD = """migrations.CreateModel("Child", [
    ("id", models.AutoField(primary_key=True)),
    ("item", models.ForeignKey("shop.Item", models.CASCADE)),
])"""
CODE = """
def forth(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(name="renamed")


def back(apps, schema_editor):
    items = apps.get_model("shop", "Item").objects
    for item in items.all():
        item.name = "item %d" % item.id
        item.save()
"""
STEPS = (
    add("first"),
    'migrations.AddIndex("item", models.Index(fields=["name"], name="by_name"))',
    CHILD,
    python(forwards="forth"),
    'migrations.AlterField("item", "name", models.CharField(default="", max_length=40))',
)
#: A step that gives up the one transaction of the plan, and so its promise.
LOOSE = 4
ROWS = 2
#: Statements after which a database may be in another state than before.
WRITES = re.compile(
    "BEGIN|COMMIT|SAVEPOINT|RELEASE|ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|LOCK", re.IGNORECASE
)


def make(tmp_path: Path, vendor: str, *, loose: bool = False) -> SampleProject:
    """Return the project with five steps applied and rows in every table."""
    files = {"0001_initial": migration_source(ITEM)}
    names = ["0001_initial"]
    for number, step in enumerate(STEPS, 2):
        atomic = not (loose and number == LOOSE)
        needs = [("shop", names[-1])]
        names.append(f"{number:04}_step")
        files[names[-1]] = migration_source(step, needs=needs, before=CODE, atomic=atomic)
    project = make_project(tmp_path, {"shop": files}, vendor, name="five_steps")
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write(COUNTS)
    with driving(project) as engine:
        migrate(engine, "shop", "0001_initial")
        for number in range(ROWS):
            execute(project, f"INSERT INTO shop_item (name) VALUES ('row {number}')")
        migrate(engine, "shop", "0004_step")
        execute(project, "INSERT INTO shop_child (item_id) SELECT id FROM shop_item")
        migrate(engine)
    return project


def states(project: SampleProject, tmp_path: Path) -> list[Snapshot]:
    """Return what Django's own rollback leaves after none, one, … all of the steps."""
    copy = clone(project, tmp_path, "states")
    found = [copy.snapshot()]
    for number in range(len(STEPS), 0, -1):
        target = "0001_initial" if number == 1 else f"{number:04}_step"
        copy.manage("migrate", "shop", target, "--skip-checks", "-v", "0")
        found.append(copy.snapshot())
    copy.drop()
    return found


class Range:
    """The project, killed again and again; set back to where it was whenever something changed."""

    def __init__(self, project: SampleProject, tmp_path: Path) -> None:
        self.project = project
        self.states = states(project, tmp_path)
        self.copy = clone(project, tmp_path, "killed")
        self.events: list[str] = []
        self.kills = 0

    def shoot(self, run: Callable[[], object], k: int, whom: str = "self") -> Snapshot:
        """Return what is left after `run` was killed after statement `k`; 0 kills nothing and counts."""
        folder = self.copy.folder
        for name in ("events", "killed"):
            (folder / name).unlink(missing_ok=True)
        (folder / "armed").write_text(f"{k} {whom}")
        run()
        (folder / "armed").unlink()
        if k:
            pid = int((folder / "killed").read_text())
            wait_for(lambda: not alive(pid))
            self.kills += 1
        else:
            self.events = (folder / "events").read_text().splitlines()
        return self.look()

    def places(self, every: bool) -> list[int]:
        """Return the statements to kill after: every one, or those that write."""
        return [k for k, event in enumerate(self.events, 1) if every or WRITES.match(event)]

    def look(self) -> Snapshot:
        """Return how things are, having written as another process does, and set them back."""
        begun = time.monotonic()
        execute(self.copy, "UPDATE shop_item SET id = id")
        assert time.monotonic() - begun < 1, "others could not write within a second"
        found = self.copy.snapshot()
        if found != self.states[0]:
            self.copy.reset_to(self.project)
        return found

    def drop(self) -> None:
        """Drop the databases."""
        self.copy.drop()
        self.project.drop()


def roll_back(project: SampleProject) -> None:
    """Roll the five steps back with our engine, which may be killed on the way."""
    with driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        try:
            finished = engine.run(plan)
        except Exception as error:
            if "ended" not in str(error):
                raise
        else:
            assert finished.error is None, finished.detail
