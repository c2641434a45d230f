"""Rows that are kept, or come back, where something unusual is in the way: nothing is lost without a word."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import need_server
from tests.driver import driving
from tests.engine.keeping import Keeping, Make, counts, making
from tests.engine.small import execute, migrate, python, shop
from tests.engine.test_kept_definitions import ITEM_ROW, PRICE, SHELF, SHELF_ROW, told
from tests.projects import SampleProject
from tests.servers import connect

FIVE = "UPDATE shop_item SET price = 5"
PRICES = "SELECT price FROM shop_item"
#: A way back that leaves something to be done once the run has committed.
HOOK = """
def back(apps, editor):
    from django.db import connections, transaction

    def hook():
        connection = connections["default"]
        {}

    transaction.on_commit(hook)


"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project with rows, and what keeps its rows."""
    with making(tmp_path) as make:
        yield make


def priced(make: Make, vendor: str) -> tuple[SampleProject, Keeping]:
    project, keeping = make(vendor, shop(PRICE), ITEM_ROW)
    execute(project, FIVE)
    return project, keeping


def test_what_was_dropped_stays_kept_if_the_records_cannot_be_read_afterwards(
    make: Make, postgresql: str
) -> None:
    gone = "connection.settings_dict['PORT'] = 1; raise ValueError('the server went away')"
    project, keeping = make(postgresql, shop([PRICE, python()], before=HOOK.format(gone)), ITEM_ROW)
    execute(project, FIVE)
    finished, entry = keeping.roll_back("0001_initial")
    assert (finished.untold, finished.taken_back, entry) == (True, False, None)
    assert "The records cannot be read" in " ".join(finished.next_steps)
    (left,) = keeping.state.kept()
    assert (left.certain, left.rows) == (False, 1)


def test_what_was_dropped_stays_kept_if_it_is_applied_again_in_the_same_moment(
    make: Make, postgresql: str
) -> None:
    again = (
        "cursor = connection.cursor(); cursor.execute('ALTER TABLE shop_item ADD COLUMN price int');"
        ' cursor.execute("INSERT INTO django_migrations (app, name, applied)'
        " VALUES ('shop', '0002_step', now())\")"
    )
    project, keeping = make(postgresql, shop([PRICE, python()], before=HOOK.format(again)), ITEM_ROW)
    execute(project, FIVE)
    finished, entry = keeping.roll_back("0001_initial")
    assert (finished.error, finished.done) == (None, ())
    assert entry is not None
    assert project.query(PRICES) == [(None,)]
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 1}]
    assert project.query(PRICES) == [(5,)]


OTHER_SCHEMA = (
    'migrations.CreateModel("Shelf", [("id", models.AutoField(primary_key=True)),'
    ' ("room", models.CharField(max_length=20))], options={"db_table": \'"other"."shelf"\'})'
)


@pytest.mark.parametrize(
    ("server", "steps", "statements"),
    [
        ("postgresql", [OTHER_SCHEMA], ["INSERT INTO other.shelf (id, room) VALUES (1, 'a')"]),
        (
            "postgresql",
            [SHELF],
            [
                ITEM_ROW,
                SHELF_ROW,
                "CREATE TABLE shelves (LIKE shop_shelf) PARTITION BY LIST (id)",
                "ALTER TABLE shelves ATTACH PARTITION shop_shelf DEFAULT",
            ],
        ),
        ("mysql", [SHELF], [ITEM_ROW, SHELF_ROW, "ALTER TABLE shop_shelf ADD SYSTEM VERSIONING"]),
        ("mysql", [PRICE], [ITEM_ROW, "ALTER TABLE shop_item RENAME COLUMN price TO Price"]),
        ("sqlite", [PRICE], [ITEM_ROW, "ALTER TABLE shop_item RENAME COLUMN price TO Price"]),
    ],
    ids=["another schema", "a partition", "versions", "MariaDB's case", "SQLite's case"],
)
def test_what_is_not_listed_is_not_dropped_unkept(
    make: Make, tmp_path: Path, server: str, steps: list[str], statements: list[str]
) -> None:
    if server != "sqlite":
        need_server(server)
    schema = 'migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS other", migrations.RunSQL.noop)'
    first = [schema] if steps == [OTHER_SCHEMA] else ["migrations.RunSQL('SELECT 1', 'SELECT 1')"]
    project, keeping = make(server, shop(*first, *steps), *statements)
    finished, entry = keeping.roll_back("0002_step")
    assert "cannot be kept: it is no usual table or column" in (finished.error or "")
    assert (finished.done, entry) == ((), None)
    with driving(project) as engine:  # the first one ended: it may have been left in any state
        finished, _entry = Keeping(engine, tmp_path).roll_back("0002_step", limit=0)
        assert finished.error is None, finished.detail


def test_what_a_policy_hides_is_not_dropped_unkept(
    make: Make, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _keeping = priced(make, postgresql)
    user = f"djmig_tenant_{os.getpid()}"
    execute(
        project,
        f"CREATE ROLE {user}",
        f"GRANT ALL ON SCHEMA public TO {user}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}",
        f"ALTER TABLE shop_item OWNER TO {user}",
        f"ALTER TABLE django_migrations OWNER TO {user}",
        "ALTER TABLE shop_item ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop_item FORCE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON shop_item USING (current_setting('app.tenant', true) = 'x')",
    )
    try:
        monkeypatch.setenv("PGOPTIONS", f"-c role={user}")
        with driving(project) as engine:
            finished, entry = Keeping(engine, tmp_path).roll_back("0001_initial")
        assert "row-level security" in (finished.error or "")
        assert (finished.done, entry) == ((), None)
    finally:
        monkeypatch.delenv("PGOPTIONS", raising=False)
        execute(
            project, f"REASSIGN OWNED BY {user} TO postgres", f"DROP OWNED BY {user}", f"DROP ROLE {user}"
        )
    assert project.query(PRICES) == [(5,)]


def test_views_over_the_type_and_the_sequence_of_a_table_are_kept(make: Make, postgresql: str) -> None:
    views = [
        "CREATE VIEW nexts AS SELECT last_value FROM shop_shelf_id_seq",
        "CREATE VIEW rowtype AS SELECT NULL::shop_shelf AS shelf",
    ]
    _project, keeping = make(postgresql, shop(SHELF), ITEM_ROW, SHELF_ROW, *views)
    entry = keeping.kept("0001_initial")
    assert sorted(each.name for each in entry.definitions) == ["nexts", "rowtype"]
    keeping.forward()
    assert told(keeping.returned(entry).definitions) == {"nexts": "match", "rowtype": "match"}


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_what_another_session_writes_at_that_moment_is_not_written_over(make: Make, server: str) -> None:
    need_server(server)
    project, keeping = priced(make, server)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    other = connect(server, project.databases["default"])
    other.autocommit = False if server == "postgresql" else other.autocommit(False)
    other.cursor().execute("UPDATE shop_item SET price = 99 WHERE id = 1")
    thread = threading.Thread(target=_commit_once_somebody_waits, args=(other, server, project))
    thread.start()
    done = keeping.put_back(entry)
    thread.join()
    other.close()
    assert [counts(part) for part in done] == [{"changed": 1}]
    assert project.query(PRICES) == [(99,)]


def _commit_once_somebody_waits(other: Any, server: str, project: SampleProject) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        if server == "postgresql"
        else "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    )
    deadline = time.monotonic() + 20
    while project.query(waiting) == [(0,)] and time.monotonic() < deadline:
        time.sleep(0.05)
    other.commit()


def test_a_row_that_a_trigger_leaves_out_is_not_called_put_back(make: Make, postgresql: str) -> None:
    project, keeping = priced(make, postgresql)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    function = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    trigger = "CREATE TRIGGER guard BEFORE UPDATE ON shop_item FOR EACH ROW EXECUTE FUNCTION f()"
    execute(project, function, trigger)
    (done,) = keeping.put_back(entry)
    assert counts(done) == {"unfit": 1}
    assert "a trigger or a rule of the table left it out" in done.error
    assert project.query(PRICES) == [(None,)]


ADDRESS = (
    'migrations.CreateModel("Address", [("id", models.AutoField(primary_key=True)),'
    ' ("who", models.IntegerField()), ("main", models.BooleanField(default=False))], options={"constraints":'
    ' [models.UniqueConstraint(fields=["who"], condition=models.Q(main=True), name="one_main")]})'
)


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_what_is_unique_among_some_rows_only_keeps_no_others_back(make: Make, server: str) -> None:
    if server != "sqlite":
        need_server(server)
    values = [f"({number}, {number % 10}, false)" for number in range(1, 701)]
    rows = f"INSERT INTO shop_address (id, who, main) VALUES {', '.join(values)}"
    project, keeping = make(server, shop(ADDRESS), rows)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 700}]
    assert project.query("SELECT count(*) FROM shop_address") == [(700,)]


BOX = (
    'migrations.CreateModel("Box", [("id", models.AutoField(primary_key=True)),'
    ' ("code", models.CharField(max_length=20, unique=True))])'
)
THING = (
    'migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True)),'
    ' ("box", models.ForeignKey("shop.Box", models.CASCADE))])'
)


def test_a_row_that_cannot_come_back_keeps_only_those_that_point_at_it(make: Make, vendor: str) -> None:
    boxes = [f"INSERT INTO shop_box (id, code) VALUES ({number}, 'c{number}')" for number in (1, 2, 3)]
    things = [f"INSERT INTO shop_thing (id, box_id) VALUES ({number}, {number})" for number in (1, 2, 3)]
    project, keeping = make(vendor, shop([BOX, THING]), *boxes, *things)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    execute(project, "INSERT INTO shop_box (id, code) VALUES (50, 'c1')")
    done = {part.table: counts(part) for part in keeping.put_back(entry)}
    assert done == {"shop_box": {"match": 2, "taken": 1}, "shop_thing": {"match": 2, "dangling": 1}}
    assert project.query("SELECT id FROM shop_thing ORDER BY id") == [(2,), (3,)]


def test_a_key_below_the_sequence_keeps_nothing_back(make: Make, postgresql: str) -> None:
    project, keeping = make(postgresql, shop(SHELF), ITEM_ROW, SHELF_ROW.replace("VALUES (1", "VALUES (0"))
    entry = keeping.kept("0001_initial")
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 1}]
    assert project.query("SELECT id FROM shop_shelf") == [(0,)]


def test_another_trigger_with_the_same_sql_mode_is_not_taken_for_it(make: Make) -> None:
    need_server("mysql")
    mode = "SET SESSION sql_mode = 'ANSI_QUOTES'"
    trigger = "CREATE TRIGGER noted BEFORE INSERT ON shop_shelf FOR EACH ROW SET NEW.\"room\" = 'x'"
    project, keeping = make("mysql", shop(SHELF), mode, trigger)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    execute(project, mode, "CREATE TRIGGER noted AFTER DELETE ON shop_item FOR EACH ROW SET @a = 1")
    assert told(keeping.matched(entry).definitions)["noted"].startswith("There is another trigger")


def test_columns_that_changed_names_with_each_other_are_not_guessed(make: Make, vendor: str) -> None:
    fields = [f'migrations.AddField("item", "{name}", models.IntegerField(null=True))' for name in "ab"]
    swap = [
        f'migrations.RenameField("item", "{old}", "{new}")'
        for old, new in (("a", "c"), ("b", "a"), ("c", "b"))
    ]
    project, keeping = make(vendor, shop(fields, swap), ITEM_ROW)
    execute(project, "UPDATE shop_item SET a = 1, b = 2")
    entry = keeping.kept("0001_initial")
    migrate(keeping.engine, "shop", "0002_step")
    done = keeping.put_back(entry)
    assert [part.match for part in done] == [0, 0]
    assert all("changed names with each other" in (part.why_not or "") for part in done)
    assert project.query("SELECT a, b FROM shop_item") == [(None, None)]
