"""Fills the plan screen's SQL pane, step by step as the SQL comes."""

from __future__ import annotations

from time import monotonic

from djmig_tui.protocol import Plan, Sql

from ..script import as_script, gather
from ..session import Session
from ..widgets.code_view import CodeView

#: Seconds between two drawings of SQL that is still coming in.
_REDRAW = 0.2


async def show_sql(view: CodeView, session: Session, plan: Plan) -> list[Sql]:
    """Show the SQL of all steps of `plan`, and return it when it is whole."""
    done: list[Sql] = []
    shown_at = 0.0
    async for sql in gather(session, plan):
        done.append(sql)
        view.border_title = f"SQL, {len(done)} of {len(plan.steps)} steps"
        if monotonic() - shown_at > _REDRAW:
            view.show_code(as_script(plan, done, for_eyes=True), "sql", keep_place=True)
            shown_at = monotonic()
    view.show_code(as_script(plan, done, for_eyes=True), "sql", keep_place=True)
    view.border_title = "SQL of all steps" if plan.steps else "SQL: nothing to do"
    return done
