"""Restores on PostgreSQL: all comes back, what was replaced is kept, and no kill loses either."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from djmig_tui import protocol as p
from djmig_tui.databases import dump_postgresql, in_place_postgresql
from djmig_tui.errors import FailedError, Refusal
from tests.conftest import need_server
from tests.engine.mysql_shop import Call
from tests.engine.postgresql_shop import Before, Shop, copy_of, unique, user_of, without_owners
from tests.servers import connect

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    need_server("postgresql")
    made = Before(tmp_path_factory.mktemp("postgresql"))
    yield made
    made.shop.drop()


@pytest.fixture
def shop(before: Before) -> Iterator[Shop]:
    """The database of `before`, changed after its backup: a copy that a test may do anything to."""
    made = copy_of(before.shop)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def untouched(before: Before) -> Iterator[Shop]:
    """The same, for tests after which it must be as before: they share it."""
    made = copy_of(before.shop)
    yield made
    made.drop()


def test_edge_36_all_comes_back_and_what_was_replaced_is_kept_until_it_is_dropped(
    before: Before, shop: Shop
) -> None:
    assert shop.look() == before.new
    with shop.connected() as connection:
        way = dump_postgresql.preview(connection)
    assert not way.in_place
    assert shop.look() == before.new, "looking never writes"
    finished = shop.restore(before.path, before.rows)
    assert finished.error is None
    assert shop.look() == before.old
    assert shop.beside() == [finished.kept]
    with shop.connected() as connection:
        (kept,) = dump_postgresql.kept(connection)
        assert kept.name == finished.kept
        assert kept.replaced_at.startswith("20")
        assert kept.size
    with shop.connected() as connection:
        connection.ensure_connection()
        swapped = dump_postgresql.swap_kept(connection, kept.name, p.SwapKept("default", kept.name), Call())
    assert swapped.error is None
    assert shop.look() == before.new, "put back"
    assert shop.beside() == [swapped.kept]
    with shop.connected() as connection:
        for name in (shop.name, "postgres", "template1", before.shop.name):
            with pytest.raises(Refusal):
                dump_postgresql.drop_kept(connection, name)
        dump_postgresql.drop_kept(connection, str(swapped.kept))
    assert shop.beside() == []
    assert before.shop.look() == before.new


def test_the_next_row_gets_the_next_id_and_the_triggers_hear_of_it(before: Before, shop: Shop) -> None:
    shop.restore(before.path, before.rows)
    shop.execute("INSERT INTO author (name) VALUES ('next'); INSERT INTO book (author_id) VALUES (42)")
    assert shop.query("SELECT max(id) FROM author") == [(42,)], "41 was given once already"
    assert shop.query("SELECT id, twice FROM book WHERE author_id = 42") == [(4, 84)]
    assert shop.query("SELECT * FROM log") == [(4,)]
    assert shop.query("INSERT INTO side.note (book_id) VALUES (4) RETURNING id") == [(3,)]
    assert shop.query("SELECT nextval('number')") == [(11,)]
    with pytest.raises(Exception, match="foreign key constraint"):
        shop.execute("INSERT INTO book (author_id) VALUES (99)")


def test_an_empty_database_takes_the_place_of_a_full_one(before: Before, shop: Shop) -> None:
    with shop.connected() as connection:
        connection.ensure_connection()
        finished = dump_postgresql.recreate(connection, False, Call())
    assert finished.error is None
    assert shop.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert shop.look()[0] == before.new[0], "owner, grants and settings are those of before"
    assert Shop(str(finished.kept)).look()[1:] == before.new[1:]


FRAME = """
CREATE SCHEMA tools;
CREATE EXTENSION citext WITH SCHEMA tools;
CREATE EXTENSION hstore;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO {0};
GRANT USAGE ON SCHEMA tools TO {0} WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {0};
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""
FRAMED = (
    "SELECT extname, extnamespace::regnamespace::text FROM pg_extension ORDER BY 1",
    """SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace
        WHERE nspname IN ('public', 'tools', 'side') ORDER BY 1""",
    """SELECT defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text
        FROM pg_default_acl ORDER BY 2, 3""",
)


def test_an_empty_database_has_the_extensions_the_schemas_to_work_in_and_their_grants(shop: Shop) -> None:
    with user_of(shop, "secret") as user:
        shop.execute(FRAME.format(user.user))
        before = [shop.query(each) for each in FRAMED]
        assert ("citext", "tools") in before[0]
        with shop.connected() as connection:
            connection.ensure_connection()
            assert dump_postgresql.recreate(connection, False, Call()).error is None
        assert [shop.query(each) for each in FRAMED] == before


def test_who_is_connected_is_named_and_only_ended_where_that_is_allowed(before: Before, shop: Shop) -> None:
    with closing(connect("postgresql", shop.name)) as other:
        number = str(other.info.backend_pid)
        finished = shop.restore(before.path, before.rows)
        assert not finished.done
        assert number in [each.id for each in finished.blocked_by]
        assert f"session {number}" in str(finished.error)
        assert other.execute("SELECT 1").fetchone() == (1,), "it goes on"
        assert shop.look() == before.new
        assert shop.beside() == []
        finished = shop.restore(before.path, before.rows, end_others=True)
        assert finished.error is None
        assert shop.look() == before.old


def test_who_connects_again_and_again_cannot_keep_it_from_being_replaced(before: Before, shop: Shop) -> None:
    begun, over = threading.Event(), threading.Event()

    def connect_again() -> None:
        while not over.is_set():
            # Ended, or too late, as it is meant to be: what counts is that it is tried.
            with (
                contextlib.suppress(psycopg.OperationalError),
                closing(connect("postgresql", shop.name)) as one,
            ):
                begun.set()
                one.execute("SELECT pg_sleep(60)")

    threads = [threading.Thread(target=connect_again) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert begun.wait(20)
        finished = shop.restore(before.path, before.rows, end_others=True)
    finally:
        over.set()
        while any(thread.is_alive() for thread in threads):
            shop.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            threads[0].join(0.1)
    assert finished.error is None
    assert shop.look() == before.old, "new connections are let in again, too"


def test_a_user_who_may_not_make_databases_restores_in_place(before: Before, shop: Shop) -> None:
    with user_of(shop, "secret") as user:
        with user.connected() as connection:
            way = dump_postgresql.preview(connection)
        assert way.in_place
        finished = user.restore(before.path, before.rows)
        assert finished.error is None
        assert finished.done
        assert finished.kept is None
        assert without_owners(shop.look()) == without_owners(before.old), "what the backup has not is gone"
        assert f"ALTER TABLE public.book OWNER TO {user.user};" in shop.look()
    assert shop.beside() == []
    assert any("owner" in note.lower() for note in (*way.notes, *finished.notes))


def test_sessions_of_another_user_keep_it_from_being_replaced_by_one_who_is_no_superuser(
    before: Before, shop: Shop
) -> None:
    with user_of(shop, "secret", creates=True) as user, closing(connect("postgresql", shop.name)) as other:
        finished = user.restore(before.path, before.rows)
        assert not finished.done
        assert [each.id for each in finished.blocked_by] == [str(other.info.backend_pid)]


def test_who_holds_a_lock_is_named_where_it_is_restored_in_place(
    before: Before, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_place_postgresql, "LOCK_TIMEOUT", 300)
    with user_of(shop, "secret") as user:
        as_it_was = shop.look()
        with closing(connect("postgresql", shop.name)) as other:
            number = str(other.info.backend_pid)
            other.execute("BEGIN; SELECT * FROM book")
            finished = user.restore(before.path, before.rows)
        assert not finished.done
        assert number in [each.id for each in finished.blocked_by]
        assert shop.look() == as_it_was, "also what the backup does not have"


def test_what_does_not_hold_what_it_claims_is_thrown_away(before: Before, untouched: Shop) -> None:
    claims = tuple(
        p.TableRows(each.table, each.rows + (each.table == "side.note"), each.exact) for each in before.rows
    )
    with pytest.raises(FailedError, match=r"side\.note has 2 rows where the backup claims 3"):
        untouched.restore(before.path, claims)
    assert untouched.look() == before.new
    assert untouched.beside() == []


def test_edge_36_a_damaged_backup_replaces_nothing(before: Before, untouched: Shop, tmp_path: Path) -> None:
    content = before.path.read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) - 400])
    with pytest.raises(FailedError):
        untouched.restore(tmp_path / "cut", before.rows)
    assert untouched.look() == before.new
    assert untouched.beside() == []


def test_a_restore_that_is_stopped_replaces_nothing(before: Before, untouched: Shop) -> None:
    finished = untouched.restore(before.path, before.rows, Call(when=lambda message: True))
    assert not finished.done
    assert untouched.look() == before.new
    assert untouched.beside() == []


def test_names_beside_a_long_name_fit(before: Before) -> None:
    with_long = copy_of(before.shop, unique().ljust(60, "x") + "LÄ")
    try:
        finished = with_long.restore(before.path, before.rows)
        assert finished.error is None
        assert len(str(finished.kept).encode()) <= 63
        with with_long.connected() as connection:
            assert [each.name for each in dump_postgresql.kept(connection)] == [finished.kept]
        assert with_long.look() == before.old
    finally:
        with_long.drop()


def test_only_one_djmig_tui_replaces_a_database_at_a_time(before: Before, untouched: Shop) -> None:
    from djmig_tui.databases import peers_postgresql

    with untouched.connected() as first:
        first.ensure_connection()
        assert peers_postgresql.claim(first)
        with pytest.raises(Refusal, match="Another djmig-tui is at work"):
            untouched.restore(before.path, before.rows, end_others=True)
    assert untouched.look() == before.new
    assert untouched.beside() == []
