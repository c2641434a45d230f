"""The plan with its rows counted: what it loses, where it will fail, and the verdict that follows."""

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import databases
from .counting import LIMIT, Answer, count
from .errors import StaleError
from .impact import Impact
from .objects import companions, lock_of, names_now, rewritten, touched
from .plan import weigh
from .protocol import (
    BLOCKED,
    FAILS,
    LOSES,
    SAFE,
    UNKNOWN,
    Failure,
    Loss,
    MeasurePlan,
    Plan,
    RenderSql,
    Sql,
)
from .questions import Question, ask
from .sql import render_sql

#: No more broken foreign keys are looked for than this: one is enough to fail.
BROKEN_KEYS = 1000


def measure_plan(session: Any, request: MeasurePlan, call: Any) -> Plan:
    """Answer with the plan and the rows in it. Changes nothing; each answer is told as it comes.

    Raises `StaleError` if the plan is not any more the one that was shown.
    """
    plan, impact = weigh(session, request)
    if plan.fingerprint != request.fingerprint:
        raise StaleError("The history or a file changed since the plan was shown: look again.")
    connection = databases.looking(request.database)

    def sql(app: str, name: str, backwards: bool) -> Sql:
        return render_sql(session, RenderSql(request.database, app, name, backwards), call)

    return measured(plan, impact, connection, call, sql)


def measured(plan: Plan, impact: Impact, connection: Any, call: Any = None, sql: Any = None) -> Plan:
    """Return `plan` with the answers of the database behind `connection`.

    `sql` renders a step, given app, name and direction; without it objects and locks are left out.
    """
    asked = ask(impact.effects, connection)
    answers: Dict[int, Answer] = {}

    def told(question: Question, answer: Answer) -> None:
        answers[id(question)] = answer
        if call is not None:
            partial = _judged(plan, impact, _pairs(asked.questions, answers), asked.unknown)
            call.progress(
                len(answers), len(asked.questions), "Counting rows", replace(partial, counted=False)
            )

    found = count(asked, connection, told)
    obstacles = _broken_keys(connection) if plan.steps else []
    rendered = [sql(step.app, step.name, step.backwards) for step in plan.steps] if sql is not None else []
    touches = [touched(each, names_now(impact.effects)) for each in rendered]
    along = companions(touches, connection)
    obstacles.extend(along.failures)
    steps = tuple(
        replace(step, lock=lock_of(each, connection.vendor), rewrites=rewritten(touch, connection))
        for step, each, touch in zip(plan.steps, rendered, touches)
    )
    judged = _judged(plan, impact, found, asked.unknown, obstacles)
    return replace(
        judged,
        steps=steps or plan.steps,
        objects=tuple(along.sentences),
        notes=plan.notes + tuple(asked.notes),
    )


def _pairs(questions: List[Question], answers: Dict[int, Answer]) -> List[Tuple[Question, Answer]]:
    return [(each, answers.get(id(each), (None, False))) for each in questions]


def _judged(
    plan: Plan,
    impact: Impact,
    answers: List[Tuple[Question, Answer]],
    unknown: List[str],
    broken: Optional[List[Failure]] = None,
) -> Plan:
    loss: List[Loss] = []
    failures: List[Failure] = list(broken or [])
    unchecked = [each.message + "." for each in failures if each.rows is None]
    reasons: List[str] = []
    doubts = ["%s." % sentence for sentence in unknown] + unchecked
    for question, (rows, exact) in answers:
        if not question.fails:
            if not (rows == 0 and exact):
                loss.append(question.loss(rows, exact))
        elif rows is None or (rows < question.at_least and not exact):
            failures.append(question.failure(rows))
            doubts.append("%s; %s." % (question.sentence, _rows(rows, exact)))
        elif rows >= question.at_least:
            failures.append(question.failure(rows))
    loss = _without_columns_of_lost_tables(loss)
    certain = [failure for failure in failures if failure.rows]
    reasons.extend("It will fail: %s (%s)." % (each.message, _rows(each.rows, True)) for each in certain)
    reasons.extend(_loss_sentence(each, answers) for each in loss)
    doubts.extend(sentence + "; only its source tells what it does." for sentence in impact.code)
    verdict = _verdict(plan, certain, loss, doubts)
    why = plan.blockers + tuple(reasons) + tuple(doubts)
    return replace(
        plan,
        verdict=verdict,
        why=why or (("There is nothing to do.",) if not plan.steps else _SAFE),
        loss=tuple(loss),
        failures=tuple(failures),
        counted=True,
    )


_SAFE = ("Every operation is understood, and no row is lost or in the way.",)


def _verdict(plan: Plan, failures: List[Failure], loss: List[Loss], doubts: List[str]) -> str:
    if plan.verdict == BLOCKED:
        return BLOCKED
    if failures:
        return FAILS
    if any(each.rows != 0 for each in loss):
        return LOSES
    return UNKNOWN if doubts or loss else SAFE


def _without_columns_of_lost_tables(loss: List[Loss]) -> List[Loss]:
    gone = {each.table for each in loss if each.column is None}
    return [each for each in loss if each.column is None or each.table not in gone]


def _rows(rows: Optional[int], exact: bool) -> str:
    if rows is None:
        return "the rows could not be counted in time"
    return "%d row%s%s" % (rows, "" if rows == 1 else "s", "" if exact else " as of now")


def _loss_sentence(loss: Loss, answers: List[Tuple[Question, Answer]]) -> str:
    rows = _rows(loss.rows, loss.exact)
    if loss.kind == "drop table":
        return "The table %s goes: %s." % (loss.table, rows)
    if loss.kind == "drop column":
        return "The column %s.%s goes: %s with a value." % (loss.table, loss.column, rows)
    for question, (counted, exact) in answers:
        if not question.fails and question.loss(counted, exact) == loss:
            return "%s: %s." % (question.sentence, rows)
    return "Values of %s.%s change: %s." % (loss.table, loss.column, rows)


def _broken_keys(connection: Any) -> List[Failure]:
    """Return the foreign keys that point nowhere on SQLite: its check at the end of a step fails on any."""
    if connection.vendor != "sqlite":
        return []

    def work(cursor: Any) -> List[Any]:
        cursor.execute("PRAGMA foreign_key_check")
        rows: List[Any] = cursor.fetchmany(BROKEN_KEYS)
        return rows

    found = databases.vendor(connection).limited(connection, LIMIT, work)
    if found is None:
        words = "SQLite checks every foreign key at the end of a step, and there was no time to do it now"
        return [Failure("", "", None, words)]
    tables = sorted({row[0] for row in found})
    return [
        Failure(
            table,
            "",
            sum(row[0] == table for row in found),
            "rows of %s point to rows that are not there, and SQLite checks every foreign key" % table,
        )
        for table in tables
    ]


def grown(shown: Tuple[Loss, ...], fresh: Plan) -> List[str]:
    """Return what `fresh` loses beyond `shown`, as sentences: a run stops for any."""
    known, now = _together(shown), _together(fresh.loss)
    sentences = []
    for (table, column, kind), rows in now.items():
        before = known.get((table, column, kind), 0)
        where = table if column is None else "%s.%s" % (table, column)
        if before is not None and rows is None:
            sentences.append("%s: it could not be counted again in time" % where)
        elif before is not None and rows is not None and rows > before:
            sentences.append("%s: %s rows instead of %d" % (where, rows, before))
    return sentences


def _together(losses: Sequence[Loss]) -> Dict[Any, Optional[int]]:
    """Return the rows by where they are: one column may lose in two ways; None if any is unknown."""
    rows: Dict[Any, Optional[int]] = {}
    for loss in losses:
        key = (loss.table, loss.column, loss.kind)
        before = rows.get(key, 0)
        rows[key] = None if before is None or loss.rows is None else before + loss.rows
    return rows
