"""What stands between R and a run: whether to ask again, and when the database's name must be typed."""

from __future__ import annotations

from djmig_tui.protocol import FAILS, LOSES, UNKNOWN, Database, Plan, Project

#: More rows to lose than this, and the database's name must be typed.
MANY_ROWS = 1_000


def rows_at_stake(plan: Plan) -> int | None:
    """Return how many rows a plan loses; None if some were not counted."""
    rows = [loss.rows for loss in plan.loss]
    return None if None in rows else sum(number for number in rows if number is not None)


def why_with_care(project: Project | None, database: Database | None) -> list[str]:
    """Return why this is no playground, as sentences; empty if it is one."""
    reasons = []
    if database is None or not database.local:
        reasons.append("The database is not on this machine: others may be using it.")
    if project is None or not project.debug:
        reasons.append("DEBUG is off: these settings are those of a real site.")
    return reasons


def why_type_the_name(plan: Plan, project: Project | None, database: Database | None) -> list[str]:
    """Return why the database's name must be typed before this runs, as sentences; empty if it need not."""
    reasons = why_with_care(project, database)
    rows = rows_at_stake(plan)
    if rows is None:
        reasons.append("What is lost was not counted, so it may be more than 1,000 rows.")
    elif rows > MANY_ROWS:
        reasons.append(f"{rows:,} rows are lost, which is more than {MANY_ROWS:,}.")
    return reasons


def name_to_type(alias: str, database: Database | None) -> str:
    """Return what is to be typed: the database's name; of a file only its own name."""
    if database is None:
        return alias
    return database.name if database.host else database.name.rsplit("/", 1)[-1]


def needs_second_yes(plan: Plan) -> bool:
    """Say whether a plan that may be run is asked about again."""
    return plan.verdict in (LOSES, UNKNOWN, FAILS) or bool(plan.loss)
