"""Backups of PostgreSQL: what is in them, what they take, and when they are refused."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from djmig_tui.databases import dump_postgresql
from djmig_tui.errors import FailedError
from tests.conftest import need_server
from tests.engine.mysql_shop import Call, stub
from tests.engine.postgresql_shop import ROWS, Shop, connection_to, make_shop, user_of
from tests.protocol.waiting import alive
from tests.servers import connect

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    need_server("postgresql")
    made = make_shop()
    yield made
    made.drop()


@pytest.fixture(scope="module")
def backup(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("postgresql") / "backup"
    before = shop.look()
    call = Call()
    rows = shop.backup(path, call)
    assert {each.table: each.rows for each in rows} == ROWS
    assert all(each.exact for each in rows)
    assert call.messages, "it tells how far it is"
    assert shop.look() == before, "looking never writes"
    return path


def test_what_it_takes_is_said_before(shop: Shop) -> None:
    with shop.connected() as connection:
        means = dump_postgresql.means(connection)
    assert means.why_not is None
    assert means.format == "pg_dump"
    assert [tool.split()[0] for tool in means.tools] == ["pg_dump", "pg_restore"]
    assert means.server.startswith("PostgreSQL ")
    assert means.size is not None
    assert means.size > 1_000_000


def test_a_backup_is_of_one_moment_while_others_write(shop: Shop, tmp_path: Path) -> None:
    """Each transaction writes as many rows to one table as to the other, before and after."""
    shop.execute("CREATE TABLE one (n integer); CREATE TABLE two (n integer)")
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        with closing(connect("postgresql", shop.name)) as connection:
            while not over.is_set():
                connection.execute("BEGIN; INSERT INTO one VALUES (1); INSERT INTO two VALUES (1); COMMIT")
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    restored = Shop(f"{shop.name}_one_moment")
    try:
        assert begun.wait(20)
        claimed = {each.table: each.rows for each in shop.backup(tmp_path / "backup")}
    finally:
        over.set()
        writer.join()
        shop.execute("DROP TABLE one; DROP TABLE two")
    assert claimed["one"] == claimed["two"] > 0
    shop_restored(restored, tmp_path / "backup")
    assert restored.query("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)") == [
        (claimed["one"], claimed["two"])
    ]
    restored.drop()


def shop_restored(into: Shop, backup: Path) -> None:
    """Restore by the tool itself, which knows nothing of ours."""
    import subprocess

    from tests.servers import create_database, server

    create_database("postgresql", into.name)
    at = server("postgresql")
    command = ["pg_restore", "-h", at.host, "-p", str(at.port), "-U", at.user, "-d", into.name, str(backup)]
    subprocess.run(command, env={**os.environ, "PGPASSWORD": at.password}, check=True)


def test_edge_36_a_backup_cut_off_anywhere_is_refused(backup: Path, tmp_path: Path, shop: Shop) -> None:
    content, cut = backup.read_bytes(), tmp_path / "cut"
    with shop.connected() as connection:
        dump_postgresql.check(str(backup), connection)
        for place in (0, 3, 60, len(content) // 2, len(content) - 400, len(content) - 1):
            cut.write_bytes(content[:place])
            with pytest.raises(FailedError) as refused:
                dump_postgresql.check(str(cut), connection)
            assert str(refused.value).endswith("."), "a sentence"


def test_edge_36_a_bit_that_flipped_in_its_rows_is_found(backup: Path, tmp_path: Path, shop: Shop) -> None:
    content, bad = backup.read_bytes(), tmp_path / "bad"
    block = content.rindex(b"\x78", 0, len(content) - 300) + 8  # inside what zlib wrote of a table
    bad.write_bytes(content[:block] + bytes([content[block] ^ 64]) + content[block + 1 :])
    with shop.connected() as connection, pytest.raises(FailedError):
        dump_postgresql.check(str(bad), connection)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (None, "There is no pg_dump where the engine runs"),
        ("pg_dump (PostgreSQL) 9.6.3", "is older than the server"),
    ],
)
def test_edge_36_a_tool_that_is_missing_or_too_old_is_said_with_its_package(
    shop: Shop, says: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if says:
        stub(tmp_path / "bin", "pg_dump", f"echo '{says}'")
        stub(tmp_path / "bin", "pg_restore", f"echo '{says.replace('dump', 'restore')}'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with shop.connected() as connection:
        means = dump_postgresql.means(connection)
    assert means.missing
    assert means.why_not is not None
    assert words in means.why_not
    assert "postgresql-client" in means.why_not
    assert "Homebrew" in means.why_not


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a pg_dump that says the newest version, and else does what `script` says, before the real one."""
    stub(
        tmp_path / "bin",
        "pg_dump",
        f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit\n{script}',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


def test_a_tool_that_fails_half_way_is_quoted(
    shop: Shop, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = f"head -c 2000 {backup}; echo 'pg_dump: error: connection to server was lost' >&2; exit 1"
    pretend(tmp_path, monkeypatch, fails)
    with pytest.raises(FailedError, match="connection to server was lost"):
        shop.backup(tmp_path / "backup")


def test_edge_36_what_the_tool_cut_off_without_a_word_is_found(
    shop: Shop, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch, f"head -c {backup.stat().st_size - 400} {backup}")
    with pytest.raises(FailedError, match="pg_restore"):
        shop.backup(tmp_path / "backup")


def test_a_cancelled_backup_ends_its_tool(
    shop: Shop, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; cat {backup}; exec cat /dev/zero")

    def write(data: bytes) -> None:
        raise KeyboardInterrupt

    with shop.connected() as connection, pytest.raises(KeyboardInterrupt):
        dump_postgresql.dump(connection, write, Call())
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_password_is_in_no_argument_and_not_in_the_dump(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tools note the arguments of every process there is, at the moment that they begin."""
    password = "pass-word '\"$\\ x"
    said = tmp_path / "said"
    for name in ("pg_dump", "pg_restore"):
        script = f'echo "{name} ${{PGPASSWORD}}" >> {tmp_path}/environment\n'
        stub(
            tmp_path / "bin",
            name,
            f'{script}cat /proc/[0-9]*/cmdline >> {said}\nexec {shutil.which(name)} "$@"',
        )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    fresh = make_shop()
    try:
        with user_of(fresh, password, creates=True) as user:
            rows = user.backup(tmp_path / "backup")
            finished = user.restore(tmp_path / "backup", rows)
            assert finished.error is None
    finally:
        fresh.drop()
    assert b"pass-word" not in said.read_bytes()
    assert user.user.encode() in said.read_bytes()
    assert b"pass-word" not in (tmp_path / "backup").read_bytes()
    given = (tmp_path / "environment").read_text().splitlines()
    assert f"pg_dump {password}" in given
    assert f"pg_restore {password}" in given, "the restore too"


def test_a_service_file_is_read_as_django_reads_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = connection_to(shop.name).settings_dict
    (tmp_path / "services").write_text(
        f"[books]\nhost={at['HOST']}\nport={at['PORT']}\nuser={at['USER']}\ndbname={shop.name}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    connection = connection_to("")
    connection.settings_dict.update(HOST="", PORT="", USER="", PASSWORD="", OPTIONS={"service": "books"})
    try:
        with (tmp_path / "backup").open("wb") as file:
            rows = dump_postgresql.dump(connection, file.write, Call())
    finally:
        connection.close()
    assert {each.table: each.rows for each in rows} == ROWS
