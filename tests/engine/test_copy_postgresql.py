"""The copy that a rehearsal on PostgreSQL works on: all of the database, and nothing of it is left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from djmig_tui.databases import copy_postgresql
from djmig_tui.databases.copy_postgresql import copied, sweep, why_not
from tests.conftest import need_server
from tests.engine.mysql_shop import Call
from tests.engine.postgresql_shop import Shop, contents, killed, make_shop
from tests.servers import connect, query

pytestmark = pytest.mark.timeout(600)

COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{}'"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    need_server("postgresql")
    made = make_shop()
    yield made
    made.drop()


@pytest.mark.parametrize("connected", [False, True], ids=["by the server", "by a dump"])
def test_a_copy_holds_all_that_the_database_holds_and_is_dropped(shop: Shop, connected: bool) -> None:
    call, before = Call(), shop.look()
    other: Any = closing(connect("postgresql", shop.name)) if connected else nullcontext()
    with other, shop.connected() as connection:
        with copied(connection, call, []) as name:
            assert contents(name) == contents(shop.name)
            assert shop.beside() == [name]
            ((comment,),) = query("postgresql", None, COMMENT.format(name))
            assert comment.startswith(f"{copy_postgresql.MARK} of {shop.name}")
        dumped = any("of about" in message for message in call.messages)
    assert dumped == connected
    assert shop.beside() == []
    assert shop.look() == before


def test_a_database_that_is_too_large_or_reaches_elsewhere_is_not_copied(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.connected() as connection:
        assert why_not(connection, True) is None
        shop.execute("CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER far FOREIGN DATA WRAPPER wrapper")
        assert "its foreign tables (far)" in str(why_not(connection, False))
        shop.execute("DROP FOREIGN DATA WRAPPER wrapper CASCADE")
        monkeypatch.setattr(copy_postgresql, "LARGEST", 1 << 20)
        assert "no more than 1 MB are copied" in str(why_not(connection, False))
        monkeypatch.setattr(copy_postgresql, "LARGEST", 2 << 30)
        monkeypatch.setattr(copy_postgresql, "ROOM", 10**9)
        if Path(query("postgresql", None, "SHOW data_directory")[0][0]).is_dir():
            assert "the server's disk has only" in str(why_not(connection, False))


@pytest.mark.parametrize("connected", [False, True], ids=["by the server", "by a dump"])
def test_killed_at_any_moment_the_next_one_drops_what_is_left(shop: Shop, connected: bool) -> None:
    before, place, left = shop.look(), 0, 0
    other: Any = closing(connect("postgresql", shop.name)) if connected else nullcontext()
    with other:
        while True:
            place += 3
            was_killed = killed(shop, _copying, place)
            left += bool(shop.beside())
            _swept(shop)
            if not was_killed:
                break
    assert left, "in some places a copy was left"
    assert shop.look() == before


def _copying(connection: Any, call: Call) -> None:
    with copied(connection, call, []):
        pass


def _swept(shop: Shop) -> None:
    """Sweep until nothing is left: the server takes a moment to see that somebody was killed."""
    deadline = time.monotonic() + 30
    with shop.connected() as connection:
        while shop.beside():
            assert time.monotonic() < deadline, shop.beside()
            unmarked = [note for note in sweep(connection) if shop.name in note]
            for name in shop.beside() if unmarked else []:
                query("postgresql", None, f'DROP DATABASE IF EXISTS "{name}"')  # as the note says
