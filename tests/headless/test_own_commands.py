"""Backups by the project's own command, played by a small script: no tool where the engine is."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.interface.fake_engine import FakeEngine
from tests.servers import query, server
from tui import backups, own_commands, own_process, restores
from tui import source as sources
from tui.backup_settings import BackupSettings
from tui.engine.errors import EngineError, Failed, Refused, Stale
from tui.keeping import Keeping
from tui.state import State
from tui.store import ASKED_FOR, BackupEntry

SHOP = p.Database("default", "postgresql", "shop", "db:5432")
NO_TOOL = p.BackupMeans("pg_dump", "There is no pg_dump. Install postgresql-client.", missing=True)

#: Plays `docker compose exec -T db COMMAND`: pg_dump, pg_restore -f, pg_restore -d, and what goes wrong.
DOCKER = """\
import os, sys, time
name, *words = sys.argv[5:]
here = os.path.dirname(os.path.abspath(__file__))
if name == "pg_dump":
    sys.stdout.buffer.write(b"PGDMP" + words[-1].encode() + bytes(100_000) + b"END")
elif name == "pg_restore":
    content = sys.stdin.buffer.read()
    sys.exit("pg_restore: error: could not read" if not content.endswith(b"END") else 0)
elif name == "into":
    open(os.path.join(here, "restored"), "wb").write(sys.stdin.buffer.read())
elif name == "truncated":
    sys.stdout.buffer.write(b"PGDMP" + bytes(100))
elif name == "mysqldump":
    sys.stdout.buffer.write(b"-- MariaDB dump 10.19\\n" + b"\\n" * 500 + words[-1].encode() + b"\\n")
elif name == "breaks":
    sys.stdout.buffer.write(b"PGDMP" + bytes(100_000))
    sys.exit("Warning: slow\\nError: no such service: db")
elif name == "hangs":
    open(os.path.join(here, "pid"), "w").write(str(os.getpid()))
    sys.stdout.buffer.write(b"PGDMP")
    sys.stdout.flush()
    time.sleep(600)
"""


class Project:
    """A project on PostgreSQL whose engine has no tools, and whose pyproject.toml names some."""

    def __init__(self, folder: Path) -> None:
        self.stub = folder / "docker.py"
        self.stub.write_text(DOCKER)
        self.folder = folder
        self.engine = FakeEngine()
        self.engine.answers["check_backup"] = NO_TOOL
        self.state = State(folder / "state")

    def command(self, *words: str) -> tuple[str, ...]:
        return (sys.executable, str(self.stub), "compose", "exec", "-T", *words)

    def keeping(self, *dump: str, check: bool = True, trusted: bool = True) -> Keeping:
        settings = BackupSettings(
            root=self.folder,
            dump=self.command(*dump),
            check=self.command("db", "pg_restore", "-f", "/dev/null") if check else (),
            restore=self.command("db", "into", "{database}"),
        )
        if trusted:
            for command in (settings.dump, settings.check, settings.restore):
                self.state.trust(command)
        return Keeping(self.engine, self.state, SHOP, settings)

    @property
    def left(self) -> list[str]:
        return os.listdir(self.state.folder / "backups")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


async def made(project: Project) -> BackupEntry:
    return await backups.make(project.keeping("db", "pg_dump", "-Fc", "{database}"), ASKED_FOR)


async def test_the_projects_own_command_stands_in_for_a_missing_tool(project: Project) -> None:
    entry = await made(project)
    content = Path(entry.path).read_bytes()
    assert content.startswith(b"PGDMPshop\0"), "the database's name is filled in"
    assert (entry.format, Path(entry.path).suffix, len(content)) == ("pg_dump", ".dump", entry.size)
    assert "pg_dump -Fc shop" in entry.tools[0]
    assert entry.tables == project.engine._tables()
    assert not any(isinstance(asked, p.MakeBackup) for asked in project.engine.asked)


async def test_counts_are_exact_only_if_they_are_the_same_afterwards(project: Project) -> None:
    counts = [
        p.TablesCounted((p.TableRows("a", 5), p.TableRows("b", 1)), ("store.0001",)),
        p.TablesCounted((p.TableRows("a", 5), p.TableRows("b", 2), p.TableRows("c", 0)), ("store.0001",)),
    ]

    async def count_tables(request: p.CountTables, on_progress: object = None) -> p.TablesCounted:
        return counts.pop(0)

    project.engine.count_tables = count_tables  # type: ignore[method-assign,assignment]
    assert (await made(project)).tables == (
        p.TableRows("a", 5),
        p.TableRows("b", 2, exact=False),
        p.TableRows("c", 0, exact=False),
    )
    counts += [p.TablesCounted((), ("store.0001",)), p.TablesCounted((), ())]
    with pytest.raises(Failed, match="Migrations were run meanwhile"):
        await made(project)


@pytest.mark.parametrize(
    ("dump", "said"),
    [
        (("db", "breaks"), r"failed \(exit code 1\): Error: no such service: db$"),
        (("db", "truncated"), r"pg_restore: error: could not read"),
        (("db", "mysqldump", "half"), "cut off"),
        (("db", "nothing"), "wrote nothing"),
    ],
)
async def test_a_dump_that_is_not_whole_is_not_kept(
    project: Project, dump: tuple[str, ...], said: str
) -> None:
    with pytest.raises(Failed, match=said):
        await backups.make(project.keeping(*dump), ASKED_FOR)
    assert project.left == []


async def test_a_dump_of_mysqldump_is_told_by_its_end(project: Project) -> None:
    keeping = project.keeping("db", "mysqldump", "-- Dump completed on 2026-03-01", check=False)
    keeping = replace(keeping, database=replace(SHOP, vendor="mysql"))
    entry = await backups.make(keeping, ASKED_FOR)
    assert (entry.format, Path(entry.path).suffix) == ("mysqldump", ".sql")


async def test_a_command_that_is_not_there_is_named(project: Project) -> None:
    keeping = project.keeping("db", "pg_dump")
    keeping = replace(keeping, settings=replace(keeping.settings, dump=("/nowhere/docker",)))
    project.state.trust(keeping.settings.dump)
    with pytest.raises(Failed, match="/nowhere/docker cannot be started: No such file"):
        await backups.make(keeping, ASKED_FOR)
    assert project.left == []


async def test_a_command_is_not_run_before_the_user_agreed_to_it(project: Project) -> None:
    keeping = project.keeping("db", "hangs", trusted=False)
    with pytest.raises(Refused, match="you were not asked about it yet") as caught:
        await backups.make(keeping, ASKED_FOR)
    assert "hangs" in str(caught.value)
    assert not (project.folder / "pid").exists()
    assert len(own_commands.untrusted(keeping, keeping.settings.dump, keeping.settings.check)) == 2


async def test_a_dump_that_nothing_can_read_back_is_refused_beforehand(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Refused, match=r"no pg_restore here .* `check`"):
        await backups.make(project.keeping("db", "pg_dump", check=False), ASKED_FOR)


async def test_where_the_engine_has_the_tool_its_own_way_is_taken(project: Project) -> None:
    project.engine.answers["check_backup"] = p.BackupMeans("sqlite")
    entry = await backups.make(project.keeping("db", "breaks"), ASKED_FOR)
    assert entry.format == "sqlite"


@pytest.mark.timeout(60)
async def test_giving_up_ends_the_command_and_leaves_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_process, "GRACE", 20.0)
    begun = asyncio.Event()

    def on_progress(progress: p.Progress) -> None:
        if progress.message == "Making the backup":
            begun.set()

    making = asyncio.create_task(backups.make(project.keeping("db", "hangs"), ASKED_FOR, on_progress))
    await asyncio.wait_for(begun.wait(), 30)
    pid = int((project.folder / "pid").read_text())
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert project.left == []
    deadline = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
        pytest.fail("the command still runs")


# -------------------------------------------------------------------- restore
async def test_the_projects_own_command_restores_what_the_engine_has_no_tool_for(project: Project) -> None:
    entry = await made(project)
    keeping = project.keeping("db", "pg_dump")
    source = await sources.from_entry(project.state, entry)
    plan = await restores.preview(keeping, source)
    assert (plan.verdict, plan.blockers, plan.loss) == (p.UNKNOWN, (), ())
    assert "does not prove that they are the same" in plan.why[0]
    assert plan.commands[0].endswith(f"into shop < {entry.path}")
    finished = await restores.restore(keeping, source, plan)
    assert finished.done, finished.error
    assert (project.folder / "restored").read_bytes() == Path(entry.path).read_bytes()
    assert not any(isinstance(asked, p.BeginUpload) for asked in project.engine.asked)
    last = project.state.entries()[-1]
    assert (last.action, last.outcome) == ("restore database", "done")


async def test_an_own_restore_says_what_is_lost_and_what_is_not_as_the_manifest_says(
    project: Project,
) -> None:
    entry = await made(project)
    keeping = project.keeping("db", "pg_dump")
    fewer = replace(entry, tables=(p.TableRows("store_product", 3),))
    source = replace(await sources.from_entry(project.state, entry), tables=fewer.tables)
    plan = await restores.preview(keeping, source)
    assert plan.verdict == p.LOSES
    assert {(loss.table, loss.rows) for loss in plan.loss} == {("store_product", 2), ("orders_order", 12)}
    finished = await restores.restore(keeping, source, plan)
    assert not finished.done
    assert "store_product has 5 rows, and the backup holds 3." in (finished.error or "")
    assert "djmig-tui verify" in (finished.error or "")


async def test_an_own_restore_is_refused_unasked_or_after_a_change(project: Project) -> None:
    entry = await made(project)
    keeping = project.keeping("db", "pg_dump")
    source = await sources.from_entry(project.state, entry)
    plan = await restores.preview(keeping, source)
    other = replace(keeping, settings=replace(keeping.settings, restore=("docker", "into")))
    assert "you were not asked about it yet" in (await restores.preview(other, source)).blockers[0]
    looking = replace(keeping, read_only=True)
    assert "read-only" in (await restores.preview(looking, source)).blockers[0]
    with pytest.raises(Refused, match="read-only"):
        await restores.restore(looking, source, plan)
    project.engine._tables = lambda: (p.TableRows("store_product", 6),)  # type: ignore[method-assign]
    with pytest.raises(Stale):
        await restores.restore(keeping, source, plan)
    assert not (project.folder / "restored").exists()


# --------------------------------------------------------------- the real tool
async def test_a_real_dump_is_read_back_by_the_pg_restore_of_this_machine(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_server("postgresql")
    if not shutil.which("pg_dump") or not shutil.which("pg_restore"):
        pytest.skip("no pg_dump here")
    name, at = f"djmig_test_own_{os.getpid()}", server("postgresql")
    monkeypatch.setenv("PGPASSWORD", at.password)
    dump = ("pg_dump", "-h", at.host, "-p", str(at.port), "-U", at.user, "-Fc", "{database}")
    query("postgresql", None, f"CREATE DATABASE {name}")
    try:
        query("postgresql", name, "CREATE TABLE book AS SELECT generate_series(1, 5000) AS id")
        settings = BackupSettings(root=project.folder, dump=dump)
        project.state.trust(dump)
        keeping = Keeping(project.engine, project.state, replace(SHOP, name=name), settings)
        entry = await backups.make(keeping, ASKED_FOR)
        assert entry.format == "pg_dump"
        cut = ("sh", "-c", f"{' '.join(dump[:-1])} {name} | head -c {entry.size - 200}")
        project.state.trust(cut)
        with pytest.raises(EngineError, match="pg_restore"):
            await backups.make(replace(keeping, settings=replace(settings, dump=cut)), ASKED_FOR)
        assert project.state.backups() == [entry]
    finally:
        query("postgresql", None, f"DROP DATABASE {name}")
