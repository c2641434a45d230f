"""Backups of MySQL and MariaDB: what is in them, what they take, and when they are refused."""

from __future__ import annotations

import os
import re
import shutil
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from djmig_tui.databases import dump_mysql, mysql_text
from djmig_tui.errors import FailedError
from tests.conftest import need_server
from tests.engine.mysql_shop import ROWS, Call, Shop, make_shop, stub, user_of
from tests.protocol.waiting import alive
from tests.servers import connect

pytestmark = pytest.mark.timeout(120)

WHOLE = """-- MySQL dump 10.13
CREATE TABLE `t` (
INSERT INTO `t` (`a`, `b(`) VALUES (1,'it\\'s),(\\\\'),(2,NULL),(-3.5e10,_binary 'x''y'),(0x00FF,'');
-- Dump completed
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    need_server("mysql")
    made = make_shop()
    yield made
    made.drop()


@pytest.fixture(scope="module")
def backup(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mysql") / "backup.sql"
    rows = shop.backup(path)
    assert {each.table: each.rows for each in rows} == ROWS
    assert all(each.exact for each in rows)
    return path


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
def test_rows_are_counted_however_the_dump_is_cut_into_blocks(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_text, "LONG", max(100, size))
    text = WHOLE.replace("0x00FF", "0x" + "00" * 300).replace(",'')", ",'" + "\\'),(" * 60 + "')").encode()
    contents = mysql_text.Contents()
    blocks = (text[at : at + size] for at in range(0, len(text), size))
    for piece, begins in mysql_text.pieces(blocks):
        contents.take(piece, begins)
    contents.finish()
    assert contents.rows == {"t": 4}


def test_a_dump_of_any_length_takes_the_same_memory() -> None:
    def blocks() -> Iterator[bytes]:
        yield WHOLE.partition("VALUES ")[0].encode() + b"VALUES "
        yield from [b"(1,'some text that is it\\'s ),( own',NULL)," * 1500] * 50
        yield b"(1,'"
        yield from [b"\\'),(" * 12_000] * 100
        yield b"',0x"
        yield from [b"00FF" * 16_000] * 100
        yield b",NULL);\n-- Dump completed\n"

    contents = mysql_text.Contents()
    tracemalloc.start()
    try:
        for piece, begins in mysql_text.pieces(blocks()):
            contents.take(piece, begins)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    contents.finish()
    assert contents.rows == {"t": 75_001}
    assert peak < 8_000_000, "of 15 MB"


def test_a_backup_is_of_one_moment_while_others_write(shop: Shop, tmp_path: Path) -> None:
    """Each transaction writes as many rows to one table as to the other, before and after."""
    shop.execute("CREATE TABLE one (n INTEGER); CREATE TABLE two (n INTEGER);")
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        with closing(connect("mysql", shop.name)) as connection, closing(connection.cursor()) as cursor:
            while not over.is_set():
                for statement in (
                    "BEGIN",
                    "INSERT INTO one VALUES (1)",
                    "INSERT INTO two VALUES (1)",
                    "COMMIT",
                ):
                    cursor.execute(statement)
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(20)
        rows = {each.table: each.rows for each in shop.backup(tmp_path / "backup.sql")}
    finally:
        over.set()
        writer.join()
        shop.execute("DROP TABLE one; DROP TABLE two;")
    assert rows["one"] == rows["two"] > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("SQLite format 3", "does not begin as mysqldump's do"),
        (WHOLE[:-20], "not whole"),
        (WHOLE + "INSERT INTO `t` VALUES (9);\n", "not whole"),
        ("-- MariaDB dump 10.19\n-- Dump completed\n", "no table"),
        (WHOLE.replace("CREATE", "USE `elsewhere`;\nCREATE"), "would change another one than this"),
    ],
)
def test_what_is_no_whole_backup_of_one_database_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "backup.sql"
    path.write_text(text)
    with pytest.raises(FailedError, match=words):
        dump_mysql.check(str(path), None)


def test_a_backup_cut_off_anywhere_is_refused(backup: Path, tmp_path: Path) -> None:
    text = backup.read_bytes()
    dump_mysql.check(str(backup), None)
    cut = tmp_path / "cut.sql"
    for place in (len(text) // 3, len(text) // 2, len(text) - 25):
        cut.write_bytes(text[:place])
        with pytest.raises(FailedError, match="not whole"):
            dump_mysql.check(str(cut), None)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (None, "There is no mariadb-dump and no mysqldump where the engine runs"),
        ("mysqldump  Ver 10.19 Distrib 5.1.2-MariaDB, for debian-linux-gnu", "is older than the server"),
        ("mysqldump  Ver 8.4.1 for Linux on x86_64 (MySQL Community Server)", "is MySQL's, which does not"),
    ],
)
def test_a_tool_that_is_missing_or_does_not_fit_is_said_with_its_package(
    shop: Shop, says: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if says:
        stub(tmp_path / "bin", "mysqldump", f"echo '{says}'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with shop.connected() as connection:
        if not connection.mysql_is_mariadb:
            pytest.skip("These are MariaDB's sentences.")
        means = dump_mysql.means(connection)
    assert means.missing
    assert means.why_not is not None
    assert words in means.why_not
    assert "mariadb-client" in means.why_not


def test_a_tool_that_fails_half_way_is_quoted(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = "echo '-- MariaDB dump 10.19'; echo 'mariadb-dump: Error 2013: Lost connection' >&2; exit 3"
    pretend(tmp_path, monkeypatch, says)
    with pytest.raises(FailedError, match=r"^mariadb-dump: Error 2013: Lost connection\.$"):
        shop.backup(tmp_path / "backup.sql")


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a tool that says the newest version, and else does what `script` says, before the real one."""
    version = '[ "$1" = --version ] && echo "mysqldump Ver 10.19 Distrib 99.1.1-MariaDB" && exit'
    for name in ("mariadb-dump", "mysqldump"):
        stub(tmp_path / "bin", name, f"{version}\n{script}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


def test_a_cancelled_backup_ends_its_tool(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; echo '-- MariaDB dump'; exec yes '-- more'")

    def write(data: bytes) -> None:
        raise KeyboardInterrupt

    with shop.connected() as connection, pytest.raises(KeyboardInterrupt):
        dump_mysql.dump(connection, write, Call())
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_password_is_in_no_argument_and_no_line_of_the_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_server("mysql")
    password = "pass-word '\"$\\ x"
    bin_, said = tmp_path / "bin", tmp_path / "said"
    for name in ("mariadb-dump", "mariadb", "mysqldump", "mysql"):
        real = shutil.which(name)
        if real is not None:
            stub(bin_, name, f'cat /proc/$$/cmdline >> {said}\nexec {real} "$@"')
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    shop = make_shop()
    try:
        with user_of(shop, password) as user:
            # Only who made a routine may read it.
            shop.execute("DROP PROCEDURE hello; DROP FUNCTION tax; DROP VIEW titles;")
            user.backup(tmp_path / "backup.sql")
            assert user.restore(tmp_path / "backup.sql").done
    finally:
        shop.drop()
    words = said.read_bytes().decode("utf-8").split("\0")
    assert any(re.match(r"--user=djmig_", word) for word in words)
    assert "--single-transaction" in words
    assert "--binary-mode" in words, "the restore too"
    assert not [word for word in words if "pass-word" in word]
    assert "pass-word" not in (tmp_path / "backup.sql").read_text()


def test_tables_without_transactions_are_named(shop: Shop) -> None:
    with shop.connected() as connection:
        notes = dump_mysql.means(connection).notes
    assert [each.partition(",")[0] for each in notes] == ["plain is a table of MyISAM"]
