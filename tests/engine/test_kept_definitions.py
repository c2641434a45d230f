"""Views, triggers and hand-made indexes that a rollback takes along are kept as SQL, and made again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from djmig_tui.definitions import Along, makes
from tests.conftest import need_server
from tests.driver import driving
from tests.engine.keeping import Keeping, Make, making
from tests.engine.small import execute, project_of, python, shop
from tests.servers import server
from tui import describe_kept, kept_rows

SHELF = (
    'migrations.CreateModel("Shelf", [("id", models.AutoField(primary_key=True)),'
    ' ("room", models.CharField(max_length=20, db_index=True)), ("place", models.IntegerField(unique=True)),'
    ' ("item", models.ForeignKey("shop.Item", models.CASCADE))])'
)
WIDEN = 'migrations.AlterField("item", "name", models.TextField(null=True))'
TRIGGERS = {
    "sqlite": "CREATE TRIGGER noted AFTER INSERT ON shop_shelf BEGIN UPDATE shop_item SET name = 'x'; END",
    "mysql": "CREATE TRIGGER noted AFTER INSERT ON shop_shelf FOR EACH ROW UPDATE shop_item SET name = 'x'",
    "postgresql": "CREATE TRIGGER noted AFTER INSERT ON shop_shelf FOR EACH ROW EXECUTE FUNCTION note()",
}
NOTE = (
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN UPDATE shop_item SET name = ''x''; RETURN NULL; END'"
)
ITEM_ROW = "INSERT INTO shop_item (id, name) VALUES (1, 'one')"
PRICE = 'migrations.AddField("item", "price", models.IntegerField(null=True))'
SHELF_ROW = "INSERT INTO shop_shelf (id, room, place, item_id) VALUES (1, 'attic', 7, 1)"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project with rows, and what keeps its rows."""
    with making(tmp_path) as make:
        yield make


@pytest.fixture
def mariadb() -> str:
    """Skip where MariaDB does not run."""
    need_server("mysql")
    return "mysql"


def told(found: tuple[p.DefinitionMatched, ...]) -> dict[str, str]:
    """Return what is said of each definition, by its name."""
    words = ("match", "there")
    return {one.name: next((w for w in words if getattr(one, w)), one.why_not or "") for one in found}


def triggers(vendor: str, table: str) -> list[str]:
    """Return what makes the trigger on another table, and what it needs."""
    needs = [NOTE] if vendor == "postgresql" else []
    return [*needs, TRIGGERS[vendor].replace("ON shop_shelf", f"ON {table}")]


def test_a_trigger_and_an_index_of_a_table_come_back_after_its_rows(make: Make, vendor: str) -> None:
    by_hand = "CREATE INDEX by_hand ON shop_shelf (room, place)"
    rows = [ITEM_ROW, SHELF_ROW, by_hand, *([NOTE] if vendor == "postgresql" else []), TRIGGERS[vendor]]
    project, keeping = make(vendor, shop(SHELF), *rows)
    entry = keeping.kept("0001_initial")
    # The table's own indexes, its unique one and that of its foreign key are made by the migration.
    assert [(each.kind, each.name, each.table) for each in entry.definitions] == [
        ("index", "by_hand", "shop_shelf"),
        ("trigger", "noted", "shop_shelf"),
    ]
    assert told(keeping.matched(entry).definitions)["noted"].startswith("shop.0002_step is not applied")
    keeping.forward()
    assert told(keeping.matched(entry).definitions) == {"by_hand": "match", "noted": "match"}
    assert told(keeping.returned(entry).definitions) == {"by_hand": "match", "noted": "match"}
    assert project.query("SELECT name FROM shop_item") == [("one",)]  # no trigger saw the rows come back
    assert project.query("SELECT room, place FROM shop_shelf") == [("attic", 7)]
    execute(project, "INSERT INTO shop_shelf (id, room, place, item_id) VALUES (2, 'cellar', 8, 1)")
    assert project.query("SELECT name FROM shop_item") == [("x",)]
    assert told(keeping.matched(entry).definitions) == {"by_hand": "there", "noted": "there"}


def test_what_a_remade_table_loses_comes_back(make: Make) -> None:
    by_hand = 'CREATE UNIQUE INDEX "by hand; DROP" ON shop_item (id, name) WHERE id > 0'
    project, keeping = make("sqlite", shop(WIDEN), by_hand)
    entry = keeping.kept("0001_initial")
    assert not entry.parts
    assert [each.statements for each in entry.definitions] == [(by_hand,)]
    keeping.forward()
    assert kept_rows.matching(keeping.returned(entry)) == 1
    assert project.query("SELECT sql FROM sqlite_master WHERE name = 'by hand; DROP'") == [(by_hand,)]


def test_views_on_views_come_back_with_their_rights(make: Make, postgresql: str) -> None:
    barrier = (
        'CREATE VIEW "Cheap ""ones""" WITH (security_barrier=true) AS SELECT id, price FROM shop_item'
        " WHERE price < 10 WITH LOCAL CHECK OPTION"
    )
    statements = [
        ITEM_ROW,
        barrier,
        'CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS number FROM "Cheap ""ones"""',
        "CREATE UNIQUE INDEX on_counted ON counted (number)",
        'COMMENT ON VIEW "Cheap ""ones""" IS \'it\'\'s cheap: 100%\'',
        'GRANT SELECT ON "Cheap ""ones""" TO PUBLIC',
        "CREATE VIEW elsewhere AS SELECT id FROM shop_item",
    ]
    project, keeping = make(postgresql, shop(PRICE), *statements)
    execute(project, "UPDATE shop_item SET price = 5")
    seen = (
        "SELECT c.oid::regclass::text, pg_get_viewdef(c.oid), array_to_string(c.reloptions, ' '),"
        " obj_description(c.oid), array_to_string(c.relacl, ' ') FROM pg_class c"
        " WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    before = project.query(seen)
    entry = keeping.kept("0001_initial")
    assert [each.kind for each in entry.definitions] == ["view", "materialized view", "index"]
    assert len(project.query(seen)) == 1
    keeping.forward()
    done = keeping.returned(entry)
    assert all(each.match and not each.error for each in done.definitions), done
    assert project.query(seen) == before
    assert project.query("SELECT number FROM counted") == [(1,)]


def test_a_view_keeps_its_owner_and_users_have_any_name(
    make: Make, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, user = f"Djmig-owner-{os.getpid()}", f"Djmig-user-{os.getpid()}"
    project, _keeping = make(postgresql, shop(PRICE), "CREATE VIEW cheap AS SELECT price FROM shop_item")
    execute(project, f'CREATE ROLE "{owner}" IN ROLE postgres', f'CREATE ROLE "{user}" SUPERUSER')
    try:
        execute(project, f'ALTER VIEW cheap OWNER TO "{owner}"')
        monkeypatch.setenv("PGOPTIONS", f"-c role={user}")
        with driving(project) as engine:
            keeping = Keeping(engine, tmp_path)
            entry = keeping.kept("0001_initial")
            keeping.forward()
            (made,) = keeping.returned(entry).definitions
        assert (made.match, made.error) == (True, "")
        owners = "SELECT viewowner FROM pg_views WHERE viewname = 'cheap'"
        assert project.query(owners) == [(owner,)]
    finally:
        monkeypatch.delenv("PGOPTIONS", raising=False)
        execute(project, *[f'DROP OWNED BY "{role}"; DROP ROLE "{role}"' for role in (owner, user)])


def test_a_view_whose_name_is_taken_stays_kept(make: Make, postgresql: str) -> None:
    view = "CREATE VIEW cheap AS SELECT id, price FROM shop_item"
    project, keeping = make(postgresql, shop(PRICE), ITEM_ROW, view)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    execute(project, "CREATE VIEW cheap AS SELECT 1 AS one")
    (found,) = keeping.returned(entry).definitions
    assert not found.match
    assert "another view of that name" in (found.why_not or "")
    assert project.query("SELECT one FROM cheap") == [(1,)]
    assert [each.id for each in keeping.state.kept()] == [entry.id]


def test_what_the_database_refuses_leaves_the_others(make: Make, postgresql: str) -> None:
    views = [
        "CREATE VIEW a AS SELECT price FROM shop_item JOIN notes ON true",
        "CREATE VIEW b AS SELECT price FROM shop_item",
    ]
    project, keeping = make(postgresql, shop(PRICE), "CREATE TABLE notes (id int)", *views)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    execute(project, "DROP TABLE notes")
    a, b = keeping.returned(entry).definitions
    assert (b.match, b.there) == (True, False)
    assert 'relation "notes" does not exist' in (a.why_not or "")


def test_an_index_that_loses_a_column_is_kept_whole(make: Make, mariadb: str) -> None:
    project, keeping = make(mariadb, shop(PRICE), "CREATE INDEX wide ON shop_item (name(3), price DESC)")
    entry = keeping.kept("0001_initial")
    assert [each.name for each in entry.definitions] == ["wide"]
    keeping.forward()
    (found,) = keeping.matched(entry).definitions
    assert "another index of that name" in (found.why_not or "")
    execute(project, "DROP INDEX wide ON shop_item")
    assert told(keeping.returned(entry).definitions) == {"wide": "match"}
    assert "`wide` (`name`(3),`price`" in project.query("SHOW CREATE TABLE shop_item")[0][1]


def test_a_trigger_keeps_the_sql_mode_that_it_was_written_in(make: Make, mariadb: str) -> None:
    trigger = "CREATE TRIGGER noted BEFORE INSERT ON shop_shelf FOR EACH ROW SET NEW.\"room\" = 'x'"
    make_it = ["SET SESSION sql_mode = 'ANSI_QUOTES'", trigger]
    project, keeping = make(mariadb, shop(SHELF), *make_it)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    assert told(keeping.returned(entry).definitions) == {"noted": "match"}
    assert project.query(
        "SELECT sql_mode FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
    ) == [("ANSI_QUOTES",)]


def test_the_client_takes_the_script_of_a_trigger_of_several_statements(make: Make, mariadb: str) -> None:
    body = "BEGIN SET NEW.room = 'x//'; SET NEW.place = 2; END"
    trigger = f"CREATE TRIGGER noted BEFORE INSERT ON shop_shelf FOR EACH ROW {body}"
    project, keeping = make(mariadb, shop(SHELF), trigger)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    at = server(mariadb)
    client = ["mysql", "-h", at.host, "-P", str(at.port), "-u", at.user, project.databases["default"]]
    env = {**os.environ, "MYSQL_PWD": at.password}
    subprocess.run(client, input=describe_kept.script(entry), text=True, env=env, check=True)
    assert told(keeping.matched(entry).definitions) == {"noted": "there"}


def test_a_run_that_fails_keeps_no_definition(make: Make, postgresql: str) -> None:
    files = shop(python(), PRICE, before="def back(apps, editor):\n    raise ValueError('no way')\n")
    project, keeping = make(postgresql, files, "CREATE VIEW cheap AS SELECT price FROM shop_item")
    finished, entry = keeping.roll_back("0001_initial")
    assert finished.error is not None
    assert (entry, keeping.state.kept()) == (None, [])
    assert project.query("SELECT count(*) FROM cheap") == [(0,)]


def test_what_a_step_dropped_before_it_failed_half_way_stays_kept(
    make: Make, mariadb: str, tmp_path: Path
) -> None:
    files = shop([python(), SHELF], before="def back(apps, editor):\n    raise ValueError('no way')\n\n\n")
    project, keeping = make(mariadb, files, ITEM_ROW, SHELF_ROW, TRIGGERS["mysql"])
    finished, entry = keeping.roll_back("0001_initial")
    assert finished.half_done
    assert entry is not None
    assert (entry.certain, entry.rows) == (False, 1)
    assert "noted" in [each.name for each in entry.definitions]
    table = project.manage("sqlmigrate", "shop", "0002_step").stdout
    execute(project, *[each for each in table.split(";") if "shop_shelf" in each])
    with driving(project) as engine:  # the first one ended: it may have been left in any state
        keeping = Keeping(engine, tmp_path)
        keeping.state.settle_kept(engine.ask(p.OpenProject()).databases[0], engine.history())
        assert [each.id for each in keeping.state.kept()] == [entry.id]  # the records cannot tell
        done = keeping.returned(entry)
    assert [part.match for part in done.parts] == [1]
    assert told(done.definitions)["noted"] == "match"
    assert project.query("SELECT room FROM shop_shelf") == [("attic",)]


def test_a_step_that_stands_does_not_fail_for_what_is_asked_after_it(make: Make, mariadb: str) -> None:
    code = (
        "def back(apps, editor):\n"
        "    known = editor.connection.introspection\n"
        "    names = known.table_names\n\n"
        "    def once(cursor=None):\n"
        "        known.table_names = names\n"
        "        raise ValueError('no answer')\n\n"
        "    known.table_names = once\n\n\n"
    )
    rows = [ITEM_ROW, SHELF_ROW, TRIGGERS[mariadb]]
    _project, keeping = make(mariadb, shop([SHELF, python()], before=code), *rows)
    finished, entry = keeping.roll_back("0001_initial")
    assert (finished.error, [step.name for step in finished.done]) == (None, ["0002_step"])
    assert entry is not None
    # Nobody knows which of them the migration makes again: all of them stay.
    assert {"noted", "place"} <= {each.name for each in entry.definitions}


def test_what_the_migrations_make_themselves_is_not_kept(make: Make, vendor: str) -> None:
    view = 'migrations.RunSQL("CREATE VIEW shop_names AS SELECT name FROM shop_item", "DROP VIEW shop_names")'
    index = 'migrations.AddIndex("item", models.Index(fields=["name"], name="by_name"))'
    rename = 'migrations.RenameIndex("item", new_name="by_its_name", old_name="by_name")'
    _project, keeping = make(vendor, shop(SHELF, index, rename, view), ITEM_ROW, SHELF_ROW)
    entry = keeping.kept()
    assert [part.table for part in entry.parts] == ["shop_shelf", "shop_item"]
    assert entry.definitions == ()


def test_going_back_runs_no_forward_code_of_an_operation_that_is_not_djangos(make: Make) -> None:
    before = """class Custom(migrations.operations.base.Operation):
    reversible = True
    def state_forwards(self, app_label, state): pass
    def database_forwards(self, app_label, editor, before, after):
        editor.connection.cursor().execute("CREATE TABLE side (id int)")
    def database_backwards(self, app_label, editor, before, after):
        editor.connection.cursor().execute("DROP TABLE side")


"""
    indexed = 'migrations.AddField("item", "code", models.IntegerField(db_index=True, null=True))'
    project, keeping = make("sqlite", shop(["Custom()", indexed], before=before), ITEM_ROW)
    finished, _entry = keeping.roll_back("0001_initial")
    assert finished.error is None, finished.detail
    assert project.query("SELECT name FROM sqlite_master WHERE name = 'side'") == []


def test_what_a_renamed_table_takes_with_it_is_not_gone(make: Make, vendor: str) -> None:
    # Its name has capitals: PostgreSQL writes such a one in quotes.
    table = 'migrations.AlterModelTable("item", "Shop Items")'
    quote = "`{}`".format if vendor == "mysql" else '"{}"'.format
    shelf = f"ON {quote('Shop Items')}"
    noted = triggers(vendor, quote("Shop Items"))
    if vendor == "sqlite":  # which looks into triggers when it renames a table
        noted = [noted[0].replace("UPDATE shop_item SET name = 'x'", "SELECT 1")]
    project, keeping = make(vendor, shop(table), f"CREATE INDEX by_hand {shelf} (name)", *noted)
    finished, entry = keeping.roll_back("0001_initial")
    assert finished.error is None, finished.detail
    assert entry is None
    assert project.query("SELECT count(*) FROM shop_item") == [(0,)]


def test_a_view_that_the_step_itself_makes_another_way_is_not_gone(make: Make, postgresql: str) -> None:
    forwards = "CREATE OR REPLACE VIEW names AS SELECT name, id, 1 AS one FROM shop_item"
    back = "DROP VIEW names; CREATE VIEW names AS SELECT name FROM shop_item"
    step = [f"migrations.RunSQL({forwards!r}, {back!r})", PRICE]
    project, keeping = make(postgresql, shop(step), ITEM_ROW)
    finished, entry = keeping.roll_back("0001_initial")
    assert finished.error is None, finished.detail
    assert entry is None or not entry.definitions
    assert project.query("SELECT * FROM names") == [("one",)]


def test_a_table_whose_rule_names_another_is_no_view_of_it(make: Make, postgresql: str) -> None:
    rule = "CREATE RULE counted AS ON INSERT TO notes DO ALSO UPDATE shop_item SET price = 1"
    notes = ["CREATE TABLE notes (id int)", "CREATE INDEX on_notes ON notes (id)", rule]
    project, keeping = make(postgresql, shop(PRICE), ITEM_ROW, *notes)
    plan = keeping.engine.plan(p.BACK_TO, "shop", "0001_initial")
    asked = p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
    plan = keeping.engine.ask(asked)
    assert "The rule counted of notes goes with shop_item.price." in plan.objects
    _finished, entry = keeping.roll_back("0001_initial")
    assert entry is None or not entry.definitions
    assert project.query("SELECT count(*) FROM notes") == [(0,)]


def test_reading_a_view_locks_nothing_that_the_step_does_not_need(make: Make, postgresql: str) -> None:
    view = "CREATE VIEW both_of_them AS SELECT price FROM shop_item, notes"
    code = (
        "def back(apps, editor):\n"
        "    cursor = editor.connection.cursor()\n"
        "    cursor.execute(\"SELECT count(*) FROM pg_locks WHERE relation = 'notes'::regclass\")\n"
        "    (number,) = cursor.fetchone()\n"
        "    cursor.execute('INSERT INTO counted VALUES (%s)', [number])\n\n\n"
    )
    tables = ["CREATE TABLE notes (id int)", "CREATE TABLE counted (number int)"]
    project, keeping = make(postgresql, shop([PRICE, python()], before=code), *tables, view)
    keeping.kept("0001_initial")
    assert project.query("SELECT number FROM counted") == [(0,)]


def test_what_hangs_on_a_table_of_another_name_says_so(make: Make, vendor: str) -> None:
    project, keeping = make(vendor, shop(SHELF), "CREATE INDEX by_hand ON shop_shelf (room, place)")
    entry = keeping.kept("0001_initial")
    keeping.forward()
    execute(project, "ALTER TABLE shop_shelf RENAME TO shop_rack")
    (found,) = keeping.matched(entry).definitions
    assert "Its table shop_shelf is not there under that name" in (found.why_not or "")


def test_another_thing_of_that_name_is_not_taken_for_it(make: Make, vendor: str) -> None:
    by_hand = "CREATE INDEX by_hand ON shop_shelf (room, place)"
    project, keeping = make(vendor, shop(SHELF), ITEM_ROW, by_hand, *triggers(vendor, "shop_shelf"))
    entry = keeping.kept("0001_initial")
    keeping.forward()
    execute(project, *triggers(vendor, "shop_item")[-1:])
    found = told(keeping.matched(entry).definitions)
    # PostgreSQL names triggers within their table.
    expected = "match" if vendor == "postgresql" else "There is another trigger of that name."
    assert found["noted"].startswith(expected)
    if vendor == "mysql":
        return  # indexes are named within their table
    execute(project, "CREATE INDEX by_hand ON shop_item (name)")
    assert told(keeping.matched(entry).definitions)["by_hand"].startswith("There is another index")


def test_names_come_in_any_quotes(mariadb: str, tmp_path: Path) -> None:
    by_hand = 'CREATE UNIQUE INDEX `by "hand` ON shop_shelf (room, place)'
    with project_of(tmp_path, shop(SHELF), mariadb) as project:
        with (project.folder / "config" / "settings.py").open("a") as settings:
            settings.write("DATABASES['default']['OPTIONS'] = {'sql_mode': 'ANSI_QUOTES'}\n")
        project.migrate_all()
        execute(project, by_hand, TRIGGERS[mariadb])
        with driving(project) as engine:
            keeping = Keeping(engine, tmp_path)
            entry = keeping.kept("0001_initial")
            assert [each.name for each in entry.definitions] == ['by "hand', "noted"]
            keeping.forward()
            done = told(keeping.returned(entry).definitions)
            assert done == {'by "hand': "match", "noted": "match"}


VIEW = Along("view", "cheap", "", ("CREATE VIEW cheap AS SELECT 1",))
NAMED = Along("view", '"Cheap"', "", ("CREATE …",))
REPORT = Along("view", "reports.cheap", "", ("CREATE …",))
ROWS = Along("materialized view", 'shop."Cheap ones"', "", ("CREATE …",))
ON_SHELF = Along("index", "by_hand", "shop_shelf", ("CREATE INDEX …",))
NOTED = Along("trigger", "noted", "shop_shelf", ("CREATE TRIGGER …",))
PG, MY, LITE = "postgresql", "mysql", "sqlite"


@pytest.mark.parametrize(
    ("vendor", "along", "sql"),
    [
        (PG, VIEW, "DROP VIEW IF EXISTS cheap;\nCREATE OR REPLACE VIEW cheap AS SELECT 1;"),
        (PG, VIEW, "/* anew */ CREATE RECURSIVE VIEW public.cheap (n) AS SELECT 1"),
        (PG, VIEW, "create view CHEAP as select 1"),
        (PG, VIEW, "ALTER VIEW dear RENAME TO cheap"),
        (PG, NAMED, 'CREATE VIEW "Cheap" AS SELECT 1'),
        (PG, REPORT, "CREATE VIEW reports.cheap AS SELECT 1"),
        (PG, ROWS, 'CREATE MATERIALIZED VIEW IF NOT EXISTS shop."Cheap ones" AS SELECT 1'),
        (PG, ON_SHELF, 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "by_hand" ON "shop_shelf" ("a")'),
        (PG, ON_SHELF, 'ALTER INDEX "other" RENAME TO "by_hand"'),
        (LITE, ON_SHELF, 'CREATE INDEX "by_hand" ON "shop_shelf" ("a")'),
        (MY, ON_SHELF, "CREATE INDEX `by_hand` ON `shop_shelf` (`a`)"),
        (MY, ON_SHELF, "ALTER TABLE `shop_shelf` RENAME INDEX `a` TO `by_hand`"),
        (MY, ON_SHELF, "ALTER TABLE `shop_shelf` DROP INDEX `by_hand`, ADD INDEX `by_hand` (`a`)"),
        (MY, ON_SHELF, "ALTER TABLE `shop_shelf` ADD CONSTRAINT `by_hand` UNIQUE (`a`)"),
        (MY, ON_SHELF, "CREATE TABLE `shop_shelf` (`id` int, `by_hand` numeric(10, 2) NOT NULL UNIQUE)"),
        (MY, ON_SHELF, "ALTER TABLE `shop_shelf` ADD COLUMN `by_hand` int NOT NULL UNIQUE"),
        (LITE, NOTED, "CREATE TRIGGER noted AFTER INSERT ON shop_shelf BEGIN SELECT 1; END"),
        (
            MY,
            NOTED,
            "CREATE DEFINER=`me`@`%` TRIGGER `noted` BEFORE UPDATE ON `shop_shelf` FOR EACH ROW SET @a = 1",
        ),
    ],
)
def test_what_a_statement_makes_comes_with_it(vendor: str, along: Along, sql: str) -> None:
    assert makes(sql, along, vendor)


@pytest.mark.parametrize(
    ("vendor", "along", "sql"),
    [
        (PG, VIEW, "DROP VIEW IF EXISTS cheap;\n-- CREATE VIEW cheap\nCOMMENT ON VIEW cheap IS 1;"),
        (PG, VIEW, 'ALTER TABLE "a" RENAME COLUMN "x" TO "cheap";'),
        (PG, VIEW, "ALTER VIEW cheap SET (security_barrier = true)"),
        (PG, VIEW, "CREATE TRIGGER cheap INSTEAD OF INSERT ON cheap FOR EACH ROW EXECUTE FUNCTION f()"),
        (PG, VIEW, "CREATE VIEW cheaper AS SELECT 1"),
        (PG, VIEW, 'CREATE VIEW "cheap ones" AS SELECT 1'),
        (PG, VIEW, 'CREATE VIEW "Cheap" AS SELECT 1'),
        (PG, VIEW, "CREATE VIEW reports.cheap AS SELECT 1"),
        (PG, VIEW, "CREATE VIEW cheap.other AS SELECT 1"),
        (PG, VIEW, "CREATE VIEW cheap AS SELECT 1; DROP VIEW cheap"),
        (PG, NAMED, "CREATE VIEW cheap AS SELECT 1; CREATE VIEW Cheap AS SELECT 2"),
        (PG, REPORT, "CREATE VIEW cheap AS SELECT 1"),
        (PG, ON_SHELF, "CREATE INDEX by_hand ON shop_item (name)"),
        (PG, ON_SHELF, 'CREATE INDEX "by_hand-2" ON shop_shelf (name)'),
        (PG, ON_SHELF, "ALTER TABLE shop_shelf ADD CONSTRAINT by_hand CHECK (a > 0)"),
        (MY, ON_SHELF, "ALTER TABLE shop_shelf DROP  INDEX by_hand"),
        (MY, ON_SHELF, "ALTER TABLE shop_shelf RENAME INDEX by_hand TO other"),
        (MY, ON_SHELF, "ALTER TABLE shop_shelf DROP FOREIGN KEY by_hand"),
        (MY, ON_SHELF, "ALTER TABLE shop_shelf ADD CONSTRAINT by_hand CHECK (a > 0)"),
        (MY, ON_SHELF, "CREATE TABLE shop_shelf (by_hand integer, other integer UNIQUE)"),
        (LITE, ON_SHELF, 'CREATE TABLE "shop_shelf" ("by_hand" integer NOT NULL UNIQUE)'),
        (LITE, NOTED, "CREATE TRIGGER noted AFTER INSERT ON shop_item BEGIN SELECT 1; END"),
        (PG, NOTED, "CREATE TRIGGER noted AFTER INSERT ON shop_item EXECUTE FUNCTION note('shop_shelf')"),
        (PG, NOTED, "CREATE INDEX noted ON shop_shelf (room)"),
        (PG, NOTED, "ALTER TABLE shop_shelf ENABLE TRIGGER noted"),
    ],
)
def test_what_a_statement_only_speaks_of_is_not_made(vendor: str, along: Along, sql: str) -> None:
    assert not makes(sql, along, vendor)
