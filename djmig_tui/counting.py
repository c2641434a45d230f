"""Puts the questions of a plan to the database: one aggregate a table, each with a time limit."""

import re
from typing import Any, Callable, Container, Dict, List, Optional, Sequence, Tuple

from django.db import OperationalError, ProgrammingError

from . import databases
from .catalogue import TableNames
from .changes import DROP_COLUMN
from .questions import DUPLICATES, ROWS, Asked, Question
from .world import quoted

#: Seconds that one query may take; after that there is an estimate, or none.
LIMIT = 2.0
#: Rows from which on an estimate is worth telling before the count.
LARGE = 100_000

Answer = Tuple[Optional[int], bool]  # rows, and whether the count is exact


def count(
    asked: Asked, connection: Any, told: Optional[Callable[[Question, Answer], None]] = None
) -> List[Tuple[Question, Answer]]:
    """Return each question with its answer. `told` hears of each as it comes.

    An answer is exact if the count ran to its end and no earlier step of the plan can change it;
    None stands for a question that could not be answered in time.
    """
    answers: List[Tuple[Question, Answer]] = []

    def answered(question: Question, rows: Optional[int], counted: bool) -> None:
        answer = (rows, counted and question.certain)
        answers.append((question, answer))
        if told is not None:
            told(question, answer)

    by_table: Dict[str, List[Question]] = {}
    for question in asked.questions:
        if question.table is None:  # made by the plan itself
            answered(question, 0, question.certain)
        else:
            by_table.setdefault(question.table, []).append(question)
    existing: Container[str] = TableNames(connection) if by_table else ()
    if told is not None:
        _tell_estimates({name: by_table[name] for name in by_table if name in existing}, connection, told)
    for table, questions in by_table.items():
        if table not in existing:
            for question in questions:
                answered(question, None, False)
            continue
        _ask_table(table, questions, connection, answered)
    order = {id(question): place for place, question in enumerate(asked.questions)}
    return sorted(answers, key=lambda each: order[id(each[0])])


def _tell_estimates(
    by_table: Dict[str, List[Question]], connection: Any, told: Callable[[Question, Answer], None]
) -> None:
    """Tell at once what the database thinks of large tables; the counts come later, or never in time."""
    vendor = databases.vendor(connection)
    for table, questions in by_table.items():
        if (vendor.estimate(connection, table) or 0) < LARGE:
            continue
        for question in questions:
            told(question, (_estimated(question, connection), False))


def _estimated(question: Question, connection: Any) -> Optional[int]:
    """Return the database's own idea of an answer, None where it has none."""
    vendor = databases.vendor(connection)
    if question.what == ROWS:
        rows: Optional[int] = vendor.estimate(connection, question.table)
        return rows
    if question.effect.kind != DROP_COLUMN or len(question.columns) != 1:
        return None
    (expression,) = question.columns.values()
    quote = quoted(connection)
    for column in question.columns:
        if expression.sql == "%s.%s" % (quote(str(question.table)), quote(column)):
            values: Optional[int] = vendor.estimate_values(connection, question.table, column)
            return values
    return None


def _ask_table(
    table: str,
    questions: Sequence[Question],
    connection: Any,
    answered: Callable[[Question, Optional[int], bool], None],
) -> None:
    plain = [question for question in questions if question.what != DUPLICATES]
    rows: Optional[Sequence[Any]] = []
    if plain:
        rows = _query(connection, *_aggregate(table, plain, connection))
    if rows is None:
        for question in plain:
            answered(question, _estimated(question, connection), False)
    for place, question in enumerate(plain if rows is not None else []):
        answered(question, _number(rows[place]) if rows else None, True)
    for question in questions:
        if question.what == DUPLICATES:
            found = _query(connection, *_duplicates(table, question, connection))
            answered(question, None if found is None else _number(found[0]), found is not None)


def _number(value: Any) -> int:
    return int(value or 0)


def _aggregate(table: str, questions: Sequence[Question], connection: Any) -> Tuple[str, List[Any]]:
    """Return one SELECT that answers all of `questions`."""
    quote = quoted(connection)
    selected: List[str] = []
    params: List[Any] = []
    for question in questions:
        if question.what == ROWS:
            selected.append("COUNT(*)")
        else:
            condition, more = _inlined(question, quote)
            selected.append("SUM(CASE WHEN %s THEN 1 ELSE 0 END)" % condition)
            params.extend(more)
    return "SELECT %s FROM %s" % (", ".join(selected), quote(table)), params


def _inlined(question: Question, quote: Any) -> Tuple[str, List[Any]]:
    """Return the condition with each column of the later moment replaced by what stands for it now.

    In one pass: a column that is there now may have the name that another will have.
    """
    names = {quote(column): expression for column, expression in question.columns.items()}
    pattern = re.compile("(%s)" % "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    rest = list(question.params)
    pieces: List[str] = []
    params: List[Any] = []
    for place, piece in enumerate(pattern.split(question.condition)):
        if place % 2:
            expression = names[piece]
            pieces.append("(%s)" % expression.sql)
            params.extend(expression.params)
        else:
            taken = piece.replace("%%", "").count("%s")
            pieces.append(piece)
            params.extend(rest[:taken])
            del rest[:taken]
    return "".join(pieces), params


def _duplicates(table: str, question: Question, connection: Any) -> Tuple[str, List[Any]]:
    quote = quoted(connection)
    selected, params = [], []  # type: Tuple[List[str], List[Any]]
    names = ["c%d" % place for place in range(len(question.columns))]
    for name, expression in zip(names, question.columns.values()):
        selected.append("%s AS %s" % (expression.sql, name))
        params.extend(expression.params)
    where = " AND ".join("%s IS NOT NULL" % name for name in names)
    inner = "SELECT %s FROM %s" % (", ".join(selected), quote(table))
    groups = "SELECT COUNT(*) AS n FROM (%s) w WHERE %s GROUP BY %s HAVING COUNT(*) > 1"
    grouped = groups % (inner, where, ", ".join(names))
    return "SELECT SUM(n) FROM (%s) d" % grouped, params


def _query(connection: Any, sql: str, params: List[Any]) -> Optional[Tuple[Any, ...]]:
    """Return the one row of `sql`, None if it took too long or the schema is not what the records claim."""

    def work(cursor: Any) -> Tuple[Any, ...]:
        cursor.execute(sql, params)
        row: Tuple[Any, ...] = cursor.fetchone()
        return row

    try:
        answer: Optional[Tuple[Any, ...]] = databases.vendor(connection).limited(connection, LIMIT, work)
    except ProgrammingError:  # a column that is not there: verify (V) tells more
        return None
    except OperationalError as error:
        if "no such column" in str(error) or error.args[:1] == (1054,):  # SQLite's words, MySQL's number
            return None
        raise
    return answer
