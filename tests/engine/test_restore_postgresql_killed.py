"""Restores on PostgreSQL that are killed: one of both databases is in place, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
from djmig_tui.databases import dump_postgresql
from djmig_tui.errors import FailedError
from tests.conftest import need_server
from tests.engine.mysql_shop import Call
from tests.engine.postgresql_shop import Before, Shop, copy_of, killed, user_of, without_owners
from tests.servers import query

pytestmark = pytest.mark.timeout(600)


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


def restoring(before: Before) -> Callable[[Any, Call], object]:
    """Return what restores the backup on a connection."""
    request = p.RestoreBackup("default", dump_postgresql.FORMAT, "", "", "", before.rows)
    return lambda connection, call: dump_postgresql.restore(connection, str(before.path), request, call)


@pytest.mark.parametrize("step", [24, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_any_moment_one_of_both_is_in_place_and_the_next_restore_finishes(
    before: Before, step: int
) -> None:
    outcomes, place, shop = [], step, copy_of(before.shop)
    while True:
        was_killed = killed(shop, restoring(before), place)
        left = shop.look()
        assert left in (before.new, before.old), f"torn after {place}"
        replaced = left == before.old
        kept = [name for name in shop.beside() if "_new_" not in name]
        assert len(kept) == replaced
        if replaced:
            assert Shop(kept[0]).look()[1:] == before.new[1:], "what was replaced is all there"
        outcomes.append(replaced)
        if not was_killed:
            break
        start_anew(shop, before)
        shop.drop()
        shop = copy_of(before.shop)
        place += step
    shop.drop()
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


def start_anew(shop: Shop, before: Before) -> None:
    """Restore again, which clears up, once the tool of an engine that was killed has ended too."""
    deadline = time.monotonic() + 20
    while True:
        finished = shop.restore(before.path, before.rows)
        if finished.done or time.monotonic() > deadline:
            break
    assert finished.error is None
    assert shop.look() == before.old
    assert not [name for name in shop.beside() if "_new_" in name], "nothing is left but what was replaced"


def test_killed_while_it_restores_in_place_nothing_is_lost(before: Before, shop: Shop) -> None:
    with user_of(shop, "secret") as user:
        unchanged, place = shop.look(), 9
        while killed(user, restoring(before), place):
            assert shop.look() == unchanged or without_owners(shop.look()) == without_owners(before.old)
            place += 9
        assert without_owners(shop.look()) == without_owners(before.old)


def test_killed_while_it_makes_a_backup_nobody_stays_connected(
    shop: Shop, before: Before, tmp_path: Path
) -> None:
    def work(connection: Any, call: Call) -> None:
        with (tmp_path / "half").open("wb") as file:
            dump_postgresql.dump(connection, file.write, call)

    assert killed(shop, work, 6)
    deadline = time.monotonic() + 20
    while query("postgresql", None, f"SELECT 1 FROM pg_stat_activity WHERE datname = '{shop.name}'"):
        assert time.monotonic() < deadline
    with shop.connected() as connection, pytest.raises(FailedError):
        dump_postgresql.check(str(tmp_path / "half"), connection)
    assert shop.look() == before.new
    assert shop.beside() == []
