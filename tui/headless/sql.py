"""`djmig-tui sql`: what sqlmigrate prints, no more, for one migration, an app's, or all."""

from __future__ import annotations

from djmig_tui.protocol import History, Progress, RenderSql, Sql

from ..engine.errors import EngineEnded, EngineError
from .answer import DONE, FAILED, Answer, CommandError
from .names import find_app, find_migration
from .session import Session, database_problem


async def print_sql(session: Session) -> Answer:
    """Answer with the SQL of what was named, errors of single migrations among it."""
    await session.project()
    history = await session.history()
    problem = database_problem(history)
    if problem:
        raise CommandError(problem)
    wanted = _wanted(session, history)
    rendered = []
    for done, (app, name) in enumerate(wanted):
        session.on_progress(Progress(done, len(wanted), f"{app}.{name}"))
        rendered.append(await _render(session, app, name))
    errors = [f"{sql.app}.{sql.name}: {sql.error}" for sql in rendered if sql.error]
    # Over many, an irreversible migration is what was asked to be shown; alone, it is a failure.
    failed = bool(errors) and len(wanted) == 1
    return Answer(
        [{"app": sql.app, "name": sql.name, "sql": sql.sql, "error": sql.error} for sql in rendered],
        "".join(_as_printed(sql.sql) for sql in rendered),
        "\n".join(errors) or None,
        code=FAILED if failed else DONE,
    )


def _wanted(session: Session, history: History) -> list[tuple[str, str]]:
    options = session.options
    apps = [find_app(history, options.app)] if options.app is not None else list(history.apps)
    if options.name is not None:
        return [(apps[0].label, find_migration(apps[0], options.name).name)]
    found = [(migration.order, app.label, migration.name) for app in apps for migration in app.migrations]
    return [(label, name) for _, label, name in sorted(found)]


async def _render(session: Session, app: str, name: str) -> Sql:
    backwards = not session.options.forward
    try:
        return await session.engine.render_sql(RenderSql(session.options.database, app, name, backwards))
    except EngineEnded:
        raise
    except EngineError as error:
        return Sql(app, name, backwards, sql=None, error=str(error))


def _as_printed(sql: str | None) -> str:
    """Return `sql` as Django's OutputWrapper writes it: with a newline, and nothing for nothing."""
    if not sql:
        return ""
    return sql if sql.endswith("\n") else sql + "\n"
