"""A plan's SQL as one text: rendered step by step, each under its heading, ready to be saved."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from djmig_tui.protocol import Plan, Sql

from .engine.errors import Cancelled, EngineError
from .session import Session
from .text import one_line


async def gather(session: Session, plan: Plan) -> AsyncIterator[Sql]:
    """Yield the SQL of each step in the order of running; why there is none stands in its `error`."""
    for step in plan.steps:
        try:
            yield await session.answers.sql(
                step.app, step.name, backwards=step.backwards, database=plan.database
            )
        except Cancelled:
            yield Sql(step.app, step.name, step.backwards, None, "It was not rendered; look again with r.")
        except EngineError as error:
            yield Sql(step.app, step.name, step.backwards, None, str(error))


def as_script(plan: Plan, sql: Sequence[Sql], *, for_eyes: bool = False) -> str:
    """Return the SQL of the steps under headings; `for_eyes` puts in what a database does not understand."""
    parts = []
    if not for_eyes:
        parts = [f"-- {one_line(plan.title, 500)}", f"-- database: {one_line(plan.database)}"]
        parts += [f"-- by hand: {one_line(command, 500)}" for command in plan.commands]
    for number, (step, one) in enumerate(zip(plan.steps, sql, strict=False), 1):
        verb = "undo" if step.backwards else "apply"
        heading = f"{number} of {len(plan.steps)}: {verb} {step.app}.{step.name}"
        parts += ["", f"-- {one_line(heading)}", _text(one, for_eyes).strip("\n")]
    return "\n".join(parts).lstrip("\n") + "\n"


def _text(sql: Sql, for_eyes: bool) -> str:
    shown = (sql.shown or sql.sql) if for_eyes else sql.sql
    if sql.sql is None and not for_eyes:  # what is shown instead may be Python
        shown = "\n".join(f"-- {line}" for line in sql.shown.splitlines())
    error = f"-- {one_line(sql.error, 500)}\n" if sql.error and sql.error not in sql.shown else ""
    return error + (shown or ("" if error else "-- Nothing to do on this database."))


def suggest_path(plan: Plan) -> Path:
    """Return a path in the home folder: the project's own gets nothing unasked."""
    words = re.sub(r"[^\w.-]+", "-", f"{plan.intent}-{plan.target}").strip("-.")[:80]
    return Path.home() / f"{words}.sql"
