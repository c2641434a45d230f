"""Over everything that only looks, the databases' own logs show no statement that writes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.projects import SampleProject
from tests.servers import query

WRITING = re.compile(
    r"^\W*(INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|TRUNCATE|RENAME|GRANT|REVOKE|VACUUM|ANALYZE"
    r"|REINDEX|CLUSTER|LOCK|COPY|CALL|DO|PRAGMA \w+\s*=\s*(?!ON|OFF|0|1))\b",
    re.IGNORECASE,
)

#: Put into the project's settings: SQLite tells every statement that it really executes.
TRACE = """

from django.db.backends.signals import connection_created


def _trace(connection, **kwargs):
    if connection.vendor == "sqlite":
        log = open({path!r}, "a", buffering=1)
        connection.connection.set_trace_callback(lambda sql: log.write(sql.replace("\\n", " ") + "\\n"))


connection_created.connect(_trace, weak=False)
"""


def look_at_everything(engine: Driver, database: str) -> int:
    """Ask everything that can be asked without changing anything; return how many questions it were."""
    asked = 2
    engine.ask(p.OpenProject())
    engine.ask(p.ScanHistory(database))
    history = engine.history(database)
    for app in history.apps:
        for migration in app.migrations:
            for backwards in (True, False):
                engine.ask(p.RenderSql(database, app.label, migration.name, backwards))
            engine.ask(p.ShowMigration(database, app.label, migration.name))
            engine.ask(p.ReadFile(database, app.label, migration.name))
            asked += 4
            if migration.applied and not app.third_party:
                for intent in (p.BACK_TO, p.UNDO):
                    measure(engine, engine.plan(intent, app.label, migration.name, database))
                    asked += 2
        if app.migrations and not app.third_party:
            measure(engine, engine.plan(p.ZERO, app.label, None, database))
    engine.ask(p.ListSessions(database))
    engine.ask(p.VerifySchema(database))
    return asked


def measure(engine: Driver, plan: p.Plan) -> None:
    engine.ask(p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint))


@contextmanager
def logged(project: SampleProject, tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """Have the database log every statement; yield what returns those of the project's database."""
    if project.vendor == "sqlite":
        path = tmp_path / "statements.log"
        path.touch()
        settings = project.folder / "bookshop" / "settings.py"
        settings.write_text(settings.read_text() + TRACE.format(path=str(path)))
        yield lambda: path.read_text().splitlines()
    elif project.vendor == "mysql":
        yield from _general_log(project)
    else:
        yield from _statement_log(project)


def _general_log(project: SampleProject) -> Iterator[Callable[[], list[str]]]:
    ours = tuple(project.databases.values())
    before = query("mysql", None, "SELECT @@GLOBAL.general_log, @@GLOBAL.log_output")[0]
    query_all(
        "mysql", "SET GLOBAL log_output = 'TABLE'", "TRUNCATE mysql.general_log", "SET GLOBAL general_log = 1"
    )

    def statements() -> list[str]:
        rows = query(
            "mysql",
            None,
            "SELECT thread_id, command_type, CONVERT(argument USING utf8mb4) FROM mysql.general_log",
        )
        # A thread is ours if it connected to one of the project's databases.
        threads = {
            row[0] for row in rows if row[1] == "Connect" and any(f" on {name} " in row[2] for name in ours)
        }
        return [row[2] for row in rows if row[0] in threads and row[1] == "Query"]

    try:
        yield statements
    finally:
        query_all(
            "mysql",
            f"SET GLOBAL general_log = {int(before[0])}",
            f"SET GLOBAL log_output = '{before[1]}'",
            "TRUNCATE mysql.general_log",
        )


def _statement_log(project: SampleProject) -> Iterator[Callable[[], list[str]]]:
    logs = sorted(Path("/var/log/postgresql").glob("*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        pytest.skip("PostgreSQL's log is not in /var/log/postgresql; the dump is compared elsewhere")
    log, start = logs[-1], logs[-1].stat().st_size
    for name in project.databases.values():
        query_all(
            "postgresql",
            f"ALTER DATABASE {name} SET log_statement = 'all'",
            f"ALTER DATABASE {name} SET application_name = 'watched-{name}'",
        )
    yield lambda: _logged_statements(log, start)


def _logged_statements(log: Path, start: int) -> list[str]:
    with log.open("rb") as source:
        source.seek(start)
        text = source.read().decode("utf-8", "replace")
    return re.findall(r"LOG:  (?:statement|execute [^:]*): (.*)", text)


def query_all(vendor: str, *statements: str) -> None:
    from tests.servers import connect

    connection = connect(vendor)
    try:
        for statement in statements:
            connection.cursor().execute(statement)
    finally:
        connection.close()


@pytest.mark.timeout(300)
def test_looking_shows_no_write_in_the_databases_own_log(
    ready_vendor_site: SampleProject, tmp_path: Path
) -> None:
    project = ready_vendor_site
    before = {alias: project.snapshot(alias) for alias in project.databases}
    with logged(project, tmp_path) as statements:
        with driving(project) as engine:
            asked = sum(look_at_everything(engine, alias) for alias in project.databases)
        assert asked > 300
        seen = settled(statements, "django_migrations")
        assert len(seen) > 100, "the log must show what was asked"
        assert writes(project, seen) == []
        assert {alias: project.snapshot(alias) for alias in project.databases} == before
        with driving(project) as engine:  # the same log does show a run
            assert engine.run(engine.plan(p.BACK_TO, "store", "0003_change_price_field")).error is None
        assert writes(project, settled(statements, "discount"))


def settled(statements: Callable[[], list[str]], word: str) -> list[str]:
    """Return the log once `word` is in it: another process writes it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        seen = statements()
        if any(word in statement for statement in seen):
            return seen
        time.sleep(0.05)
    raise AssertionError(f"the log never showed {word}")


def writes(project: SampleProject, seen: list[str]) -> list[str]:
    found = [statement for statement in seen if WRITING.match(statement)]
    if project.vendor == "postgresql":  # the one log is of the whole server: others write meanwhile
        found = [each for each in found if re.search(r"bookshop|store_|orders_|reviews_|authors_", each)]
    return found
