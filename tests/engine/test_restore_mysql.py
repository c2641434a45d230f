"""Restores on MySQL and MariaDB: all comes back, what was replaced is kept, and no kill loses either."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
from djmig_tui.databases import beside_mysql, definitions_mysql, dump_mysql, waiting_mysql, written_mysql
from djmig_tui.errors import FailedError, Refusal
from tests.conftest import need_server
from tests.engine.mysql_shop import (
    CHANGES,
    Call,
    Shop,
    copy_of,
    killed_after,
    look,
    make_shop,
    user_of,
)
from tests.servers import connect

pytestmark = pytest.mark.timeout(300)


class Before:
    """A backup, what the database held by then, and what it holds now."""

    def __init__(self, folder: Path) -> None:
        self.shop = make_shop()
        self.path = folder / "backup.sql"
        self.rows = self.shop.backup(self.path)
        self.old = self.shop.look()
        self.shop.execute(CHANGES)
        self.new = self.shop.look()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    need_server("mysql")
    made = Before(tmp_path_factory.mktemp("mysql"))
    yield made
    made.shop.drop()


@pytest.fixture
def shop(before: Before) -> Iterator[Shop]:
    """The database of `before`, changed after its backup: a copy that a test may do anything to."""
    made = copy_of(before.shop)
    yield made
    made.drop()


def test_all_comes_back_and_what_was_replaced_is_kept_until_it_is_dropped(before: Before, shop: Shop) -> None:
    assert shop.look() == before.new
    with shop.connected() as connection:
        way = dump_mysql.preview(connection)
    assert not way.in_place
    finished = shop.restore(before.path, before.rows)
    assert finished.error is None
    assert shop.look() == before.old
    assert shop.beside() == [finished.kept]
    with shop.connected() as connection:
        (kept,) = dump_mysql.kept(connection)
        assert kept.name == finished.kept
        assert kept.replaced_at.startswith("20")
        request = p.SwapKept("default", kept.name)
        swapped = dump_mysql.swap_kept(connection, kept.name, request, Call())
        assert shop.look() == before.new, "put back"
        assert shop.beside() == [swapped.kept]
        with pytest.raises(Refusal, match="is not a database that was replaced"):
            dump_mysql.drop_kept(connection, shop.name)
        dump_mysql.drop_kept(connection, str(swapped.kept))
    assert shop.beside() == []


def test_the_next_row_gets_the_next_id_and_the_triggers_hear_of_it(before: Before, shop: Shop) -> None:
    shop.restore(before.path, before.rows)
    shop.execute("INSERT INTO author (name) VALUES ('next'); INSERT INTO book (author_id) VALUES (41);")
    assert shop.query("SELECT MAX(id) FROM author") == [(41,)]
    assert shop.query("SELECT * FROM log ORDER BY 1") == [(-4,), (4,)]
    with pytest.raises(Exception, match="foreign key constraint fails"):
        shop.execute("INSERT INTO book (author_id) VALUES (99)")


def test_a_user_who_may_not_make_databases_restores_in_place(
    before: Before, shop: Shop, tmp_path: Path
) -> None:
    drops = re.compile(rb"^DROP TABLE IF EXISTS .*\n", re.MULTILINE)
    without_drops = tmp_path / "without_drops.sql"  # as of --skip-add-drop-table
    without_drops.write_bytes(drops.sub(b"", before.path.read_bytes()))
    with user_of(shop, "secret") as user:
        with user.connected() as connection:
            way = dump_mysql.preview(connection)
        finished = user.restore(without_drops, before.rows)
    assert way.in_place
    assert finished.done
    assert finished.kept is None
    assert any("are this user's now" in note for note in finished.notes)
    found = shop.look()
    assert found.keys() == before.old.keys(), "what the backup does not have is gone"
    for key in ("TRIGGER noted", "VIEW titles", "FUNCTION tax", "EVENT tidy"):
        assert user.user in repr(found[key])
    tables = [key for key in found if key.startswith(("BASE TABLE", "rows of"))]
    assert {key: found[key] for key in tables} == {key: before.old[key] for key in tables}


def test_who_holds_a_table_is_named_and_only_ended_where_that_is_allowed(
    before: Before, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_mysql, "LOCK_TIMEOUT", 1)
    with closing(connect("mysql", shop.name)) as other, closing(other.cursor()) as cursor:
        cursor.execute("SELECT connection_id()")
        (number,) = cursor.fetchone()
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM book")
        finished = shop.restore(before.path, before.rows)
        assert not finished.done
        assert str(number) in [each.id for each in finished.blocked_by]
        assert f"session {number}" in str(finished.error)
        assert shop.look() == before.new
        assert shop.beside() == []
        assert shop.restore(before.path, before.rows, end_others=True).done
    assert shop.look() == before.old


def test_a_backup_that_was_changed_is_refused_and_nothing_is_replaced(
    before: Before, shop: Shop, tmp_path: Path
) -> None:
    text = before.path.read_bytes()
    flipped = tmp_path / "flipped.sql"
    for wanted, found, tables, words in (
        (b"CREATE TABLE `book`", b"CRDATE TABLE `book`", (), "nothing was replaced. .*ERROR 1064"),
        (b"\n(2,'", b"\n(1,'", before.rows, "nothing was replaced. .*ERROR"),
        (b"INSERT INTO `plain`", b"INSERT INTO `plain'", (), "nothing was replaced. .*ERROR"),
        (b"\n(2,1),", b"\n--2,1),", before.rows, "it has 2 rows in odd"),
        (b"\n(2,1),", b"\n--2,1),", (), "nothing was replaced. .*ERROR"),
    ):
        assert wanted in text
        flipped.write_bytes(text.replace(wanted, found))
        with pytest.raises(FailedError, match=words):
            shop.restore(flipped, tables)
    assert shop.look() == before.new
    assert shop.beside() == []


def test_rows_that_the_server_would_not_take_are_named_before_anything_is_replaced(
    before: Before, shop: Shop, tmp_path: Path
) -> None:
    ((most,),) = shop.query("SELECT @@GLOBAL.max_allowed_packet")
    long = tmp_path / "long.sql"
    text = before.path.read_bytes()
    long.write_bytes(text.replace(b"0x00FF27225C0A", b"0x" + b"00" * (most // 2)))
    with pytest.raises(
        Refusal, match=r"Rows of book take \d+ bytes at once, .* SET GLOBAL max_allowed_packet"
    ):
        shop.restore(long, before.rows)
    assert shop.look() == before.new
    assert shop.beside() == []


def test_a_stop_before_the_tables_change_places_replaces_nothing(before: Before, shop: Shop) -> None:
    for moment in ("Loading the backup", "Comparing the rows"):
        finished = shop.restore(before.path, before.rows, Call(when=lambda message: message == moment))  # noqa: B023
        assert not finished.done
        assert finished.notes == ("It was stopped, and nothing was replaced.",)
    assert shop.look() == before.new
    assert shop.beside() == []


def test_tables_elsewhere_that_point_here_are_named_before_they_are_torn_away(
    before: Before, shop: Shop
) -> None:
    shop.execute(f"CREATE DATABASE {shop.name}_beside")
    shop.execute(
        f"CREATE TABLE {shop.name}_beside.far (n INTEGER, FOREIGN KEY (n) REFERENCES {shop.name}.author (id))"
    )
    with shop.connected() as connection:
        assert f"{shop.name}_beside.far" in str(dump_mysql.preview(connection).why_not)
    with pytest.raises(Refusal, match="Drop their foreign keys first"):
        shop.restore(before.path, before.rows)
    shop.execute(f"DROP DATABASE {shop.name}_beside")
    assert shop.look() == before.new


def test_an_empty_database_takes_the_place_of_a_full_one_and_of_an_empty_one(
    before: Before, shop: Shop
) -> None:
    with shop.connected() as connection:
        finished = dump_mysql.recreate(connection, False, Call())
        assert finished.done
        assert shop.look() == {}
        assert dump_mysql.recreate(connection, False, Call()).done
        assert shop.look() == {}
        request = p.SwapKept("default", str(finished.kept))
        assert dump_mysql.swap_kept(connection, str(finished.kept), request, Call()).done
    assert shop.look() == before.new


def test_names_beside_a_long_name_fit(before: Before) -> None:
    with_long = copy_of(before.shop, "djmig_test_".ljust(64, "x"))
    try:
        finished = with_long.restore(before.path, before.rows)
        assert len(str(finished.kept)) <= 64
        with with_long.connected() as connection:
            assert [each.name for each in dump_mysql.kept(connection)] == [finished.kept]
        assert with_long.look() == before.old
    finally:
        with_long.drop()


def test_only_one_restore_of_a_database_at_a_time(
    before: Before, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_mysql, "LOCK_TIMEOUT", 0)
    with (
        shop.connected() as first,
        first.cursor() as cursor,
        waiting_mysql.alone(cursor, shop.name),
        pytest.raises(Refusal, match="Another restore of"),
    ):
        shop.restore(before.path, before.rows)
    assert shop.look() == before.new


# ---------------------------------------------------------------------- kills
def killed(shop: Shop, work: Callable[[Any, Call], object], place: int) -> bool:
    """Do `work` in a process that is killed after its `place`-th statement or news; say whether it was."""

    def run(event: Callable[[str], None]) -> None:
        def execute(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            result = execute(sql, params, many, context)
            event(str(sql))
            return result

        with shop.connected() as connection, connection.execute_wrapper(execute):
            work(connection, Call(when=lambda message: bool(event(message))))

    return killed_after(run, place)


@pytest.mark.parametrize("step", [19, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_any_moment_one_of_both_is_in_place_and_the_next_start_finishes(
    before: Before, step: int
) -> None:
    """After each kill all tables are the old ones or the new ones; after the next start, all else too."""

    def work(connection: Any, call: Call) -> None:
        request = p.RestoreBackup("default", dump_mysql.FORMAT, "", "", "", before.rows)
        dump_mysql.restore(connection, str(before.path), request, call)

    assert shoot(before, step, work) == {False, True}


@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.long)])
def test_killed_while_a_kept_database_is_put_back(before: Before, step: int) -> None:
    def restored() -> Shop:
        shop = copy_of(before.shop)
        shop.restore(before.path, before.rows)
        return shop

    def work(connection: Any, call: Call) -> None:
        (kept,) = dump_mysql.kept(connection)
        dump_mysql.swap_kept(connection, kept.name, p.SwapKept("default", kept.name), call)

    assert shoot(before, step, work, restored) == {False, True}


def shoot(
    before: Before, step: int, work: Callable[[Any, Call], object], make: Callable[[], Shop] | None = None
) -> set[bool]:
    """Do `work` again and again, killed ever later; return whether it had replaced the tables, or not."""
    first, outcomes, place = make or (lambda: copy_of(before.shop)), [], step
    states = [before.old, before.new] if make else [before.new, before.old]
    shop = first()
    count = len(shop.beside())
    while True:
        was_killed = killed(shop, work, place)
        tables = [rows_of(look(each)) for each in (shop.name, *shop.beside())]
        assert tables[0] in [rows_of(each) for each in states], f"torn after {place}"
        replaced = tables[0] == rows_of(states[1])
        if replaced or make:
            assert rows_of(states[not replaced]) in tables, "both are there"
        start_anew(shop)
        assert shop.look() == states[replaced], f"not whole after {place}"
        assert len(shop.beside()) == (count or replaced), "nothing is left but what was replaced"
        outcomes.append(replaced)
        if not was_killed:
            break
        if replaced:
            shop.drop()
            shop = first()
        place += step
    shop.drop()
    assert outcomes == sorted(outcomes)
    return set(outcomes)


def test_what_was_cut_off_is_put_right_though_somebody_dropped_the_new_database(
    before: Before, shop: Shop
) -> None:
    with shop.connected() as connection, connection.cursor() as cursor:
        leaving = definitions_mysql.read(cursor, shop.name)
        kept = beside_mysql.kept_name(cursor, shop.name)
        beside_mysql.create_like(cursor, kept, shop.name)
        gone = written_mysql.Marker(beside_mysql.new_name(cursor, shop.name), empty=False)
        written_mysql.write(cursor, kept, gone, leaving, [])
        definitions_mysql.drop(cursor, leaving, shop.name)
        assert "A restore" in dump_mysql.unfinished(connection)[0]
        assert "as it was" in dump_mysql.finish(connection)[0]
        assert dump_mysql.unfinished(connection) == []
    assert shop.look() == before.new
    assert shop.beside() == []


def test_killed_while_it_restores_in_place_it_is_said_and_can_be_done_again(
    before: Before, shop: Shop
) -> None:
    with user_of(shop, "secret") as user:

        def work(connection: Any, call: Call) -> None:
            request = p.RestoreBackup("default", dump_mysql.FORMAT, "", "", "", before.rows)
            dump_mysql.restore(connection, str(before.path), request, call)

        place, said = 30, False
        while killed(user, work, place):
            with user.connected() as connection:
                if dump_mysql.unfinished(connection):
                    said = True
                else:
                    assert rows_of(shop.look()) in (rows_of(before.old), rows_of(before.new))
            place += 12
        assert said
        assert rows_of(shop.look()) == rows_of(before.old)
        with user.connected() as connection:
            assert dump_mysql.unfinished(connection) == []


def test_killed_while_it_makes_a_backup_nothing_is_left_behind(shop: Shop, tmp_path: Path) -> None:
    unchanged = shop.look()

    def work(connection: Any, call: Call) -> None:
        with (tmp_path / "half.sql").open("wb") as file:
            dump_mysql.dump(connection, file.write, call)

    assert killed(shop, work, 4)
    wait_for(
        lambda: (
            not shop.query(
                f"SELECT 1 FROM information_schema.processlist WHERE db = '{shop.name}'"
                " AND id <> connection_id()"
            )
        )
    )
    with pytest.raises(FailedError):
        dump_mysql.check(str(tmp_path / "half.sql"), None)
    assert shop.look() == unchanged
    assert shop.beside() == []


def start_anew(shop: Shop) -> None:
    """Do what the next start does, once the client of an engine that was killed has ended too."""

    def finished() -> bool:
        with shop.connected() as connection:
            dump_mysql.finish(connection)
        return not any("_new_" in name for name in shop.beside())

    wait_for(finished)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def rows_of(found: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of all tables that are not ours."""
    return {key: rows for key, rows in found.items() if key.startswith("rows of") and "_djmig_" not in key}


def test_an_empty_database_keeps_character_set_collation_and_grants(shop: Shop) -> None:
    user = f"{shop.name}_u"
    shop.execute(f"ALTER DATABASE {shop.name} CHARACTER SET latin1 COLLATE latin1_german1_ci")
    shop.execute(f"CREATE USER {user}")
    try:
        shop.execute(f"GRANT SELECT, INSERT ON {shop.name}.* TO {user}")
        shop.execute(f"GRANT UPDATE (name) ON {shop.name}.author TO {user} WITH GRANT OPTION")
        of_database = (
            "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata"
            f" WHERE schema_name = '{shop.name}'"
        )
        before = shop.query(of_database), shop.query(f"SHOW GRANTS FOR {user}")
        assert before[0] == [("latin1", "latin1_german1_ci")]
        assert len(before[1]) == 3
        with shop.connected() as connection:
            assert dump_mysql.recreate(connection, False, Call()).done
        assert (shop.query(of_database), shop.query(f"SHOW GRANTS FOR {user}")) == before
    finally:
        shop.execute(f"DROP USER {user}")
