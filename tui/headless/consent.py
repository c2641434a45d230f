"""Which consent a plan needs on the command line, and the sentence if it was not given."""

from __future__ import annotations

import os

from djmig_tui.protocol import BLOCKED, FAILS, LOSES, RESTORE, UNKNOWN, Database, Plan, Project

from ..options import Options

#: More rows to lose than this, and the database's name must be typed.
MANY_ROWS = 1000


def why_not_run(options: Options, project: Project, plan: Plan, *, rehearsed: bool = False) -> str | None:
    """Return why the plan is not run, as a sentence with the option that is missing, or None.

    `rehearsed` says that the plan was just rehearsed and works, which answers an unknown.
    """
    if options.fingerprint is not None and options.fingerprint != plan.fingerprint:
        return (
            "Things have changed since the plan with that fingerprint was shown. "
            f"Look at the plan again; its fingerprint is {plan.fingerprint}."
        )
    if plan.verdict == BLOCKED or plan.blockers:
        return " ".join(["Blocked, so nothing was done:", *plan.blockers, *plan.ways_out])
    if not plan.steps and plan.intent != RESTORE:
        return None
    if options.read_only:
        return "Nothing was done, because --read-only was given."
    if not options.yes:
        missing = _missing(options, project, plan, rehearsed)
        return "Nothing was done. To run this plan, add " + " ".join(missing) + "."
    missing = _missing(options, project, plan, rehearsed)
    if plan.verdict == FAILS and not plan.one_transaction:
        return f"Expected to fail, and it could not be taken back, so nothing was done: {_why(plan)}"
    if missing:
        return f"{_sentence(plan)} To run it all the same, add {' '.join(missing)}."
    return None


def must_type_name(project: Project, database: Database | None, plan: Plan) -> bool:
    """Whether the database's name must be typed: not local, DEBUG off, or many rows to lose."""
    at_stake = sum(MANY_ROWS + 1 if loss.rows is None else loss.rows for loss in plan.loss)
    return database is None or not database.local or not project.debug or at_stake > MANY_ROWS


def _missing(options: Options, project: Project, plan: Plan, rehearsed: bool) -> list[str]:
    missing = [] if options.yes else ["--yes"]
    unknown = plan.verdict == UNKNOWN and not rehearsed
    loses = unknown or plan.verdict == LOSES or any(loss.rows != 0 for loss in plan.loss)
    if loses and not options.accept_loss:
        missing.append("--accept-loss")
    if plan.verdict == FAILS and not options.try_anyway:
        missing.append("--try-anyway")
    return missing + _missing_name(options, project, plan)


def is_confirmed(options: Options, database: Database) -> bool:
    """Whether the database's name was typed; of a SQLite database's path, the file's name is enough."""
    name = database.name
    accepted = {name, os.path.basename(name)} if database.vendor == "sqlite" else {name}
    return options.confirm in accepted


def _missing_name(options: Options, project: Project, plan: Plan) -> list[str]:
    database = next((each for each in project.databases if each.alias == plan.database), None)
    name = database.name if database else plan.database
    if options.confirm == name or (database and is_confirmed(options, database)):
        return []
    if options.confirm is not None or must_type_name(project, database, plan):
        return [f"--confirm {name}"]
    return []


def _sentence(plan: Plan) -> str:
    words = {
        LOSES: "Data would be lost",
        UNKNOWN: "What this does to the data is not known",
        FAILS: "Expected to fail",
    }
    start = words.get(plan.verdict, "This database is one to be careful with")
    return f"{start}, so nothing was done: {_why(plan)}" if plan.why else f"{start}, so nothing was done."


def _why(plan: Plan) -> str:
    return plan.why[0] if plan.why else "look at the plan."
