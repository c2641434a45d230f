"""Turns the effects of a plan into questions: how many rows go, change, or stand in the way."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from django.apps.registry import Apps
from django.db import models
from django.db.models import NOT_PROVIDED

from .alterations import (
    FAILS,
    KEEPS,
    LOSES,
    UNKNOWN,
    bound,
    consequences,
    database_default,
    effective_default,
    null_fill,
    prepared,
)
from .changes import (
    ADD_COLUMN,
    ADD_CONSTRAINT,
    ALTER_COLUMN,
    DROP_COLUMN,
    DROP_TABLE,
    Effect,
    column_name,
)
from .comparing import differs, plain_default, typed
from .protocol import Failure, Loss
from .world import Expression, World, quoted

ROWS = "rows"  # all rows of the table
WHERE = "where"  # rows for which a condition holds
DUPLICATES = "duplicates"  # rows that share their values of some columns with another row


@dataclass
class Question:
    """One number that is wanted, of one table as it is now."""

    effect: Effect
    what: str  # ROWS, WHERE or DUPLICATES
    table: Optional[str]  # None: the table will be made by the plan, and is empty
    fails: bool  # otherwise it is lost
    certain: bool  # no earlier step can change the answer
    sentence: str = ""
    condition: str = ""
    params: Tuple[Any, ...] = ()
    columns: Dict[str, Expression] = field(default_factory=dict)
    at_least: int = 1  # so many rows are needed for it to happen

    def loss(self, rows: Optional[int], exact: bool) -> Loss:
        """Return the answer as a loss."""
        effect = self.effect
        return Loss(effect.app, effect.table, effect.column, rows, exact, effect.kind)

    def failure(self, rows: Optional[int]) -> Failure:
        """Return the answer as a failure."""
        column = self.effect.column or ", ".join(self.effect.columns)
        return Failure(self.effect.table, column, rows, self.sentence)


@dataclass
class Asked:
    """All questions of a plan, and what cannot be asked."""

    questions: List[Question] = field(default_factory=list)
    unknown: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)  # worth knowing, harms nothing


def ask(effects: Sequence[Effect], connection: Any) -> Asked:
    """Return the questions for `effects`, given in the order in which they will happen."""
    world, asked = World(quoted(connection)), Asked()
    for effect in effects:
        _ASKERS.get(effect.kind, _nothing)(effect, world, asked, connection)
        if effect.kind not in {ALTER_COLUMN, ADD_COLUMN}:
            world.happen(effect)
    return asked


def _nothing(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    return


def _drop_table(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    table = world.table(effect.table)
    asked.questions.append(Question(effect, ROWS, table.now, False, world.certain))


def _drop_column(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    """Count what is not NULL and not the default of that moment: that much does not come back."""
    table = world.table(effect.table)
    column = str(effect.column)
    expression = table.expression(column, world.quote)
    if expression is None or getattr(effect.old, "generated", False):
        return
    condition, params = "{c} IS NOT NULL", ()  # type: Tuple[str, Tuple[Any, ...]]
    if effect.old is None:  # _order comes again as 0 for every row, whatever order they were put in
        condition = "{c} IS NOT NULL AND {c} <> 0"
    else:
        default = plain_default(effect.old, connection)
        if default is not None:
            condition, params = "{c} IS NOT NULL AND " + differs(effect.old, connection), (default,)
    _where(effect, world, asked, condition, params, fails=False)


def _where(
    effect: Effect,
    world: World,
    asked: Asked,
    condition: str,
    params: Tuple[Any, ...],
    *,
    fails: bool,
    sentence: str = "",
) -> None:
    table, column = world.table(effect.table), str(effect.column)
    expression = table.expression(column, world.quote)
    if expression is None:
        return
    asked.questions.append(
        Question(
            effect,
            WHERE,
            table.now,
            fails,
            world.certain and expression.certain,
            sentence,
            condition.replace("{c}", world.quote(column)),
            params,
            {column: expression},
        )
    )


def _add_column(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    table, new, column = world.table(effect.table), effect.new, str(effect.column)
    where = "%s.%s" % (effect.table, column)
    if database_default(new):
        world.fill(effect.table, column, Expression("NULL", certain=False))
        if getattr(new, "generated", False) or new.unique or isinstance(new, models.ForeignKey):
            asked.unknown.append("%s is filled by the database, with what may not fit" % where)
        return
    value = effective_default(new)
    if value is not None:
        value = prepared(new, value, connection)
    filled = Expression("NULL") if value is None else Expression(typed("%s", new, connection), (value,))
    world.fill(effect.table, column, filled)
    if new.primary_key:
        asked.unknown.append("%s is a primary key that comes back" % where)
    elif value is None and not new.null:
        _not_null_comes(effect, world, asked, connection)
    elif value is not None and new.unique:
        sentence = "%s is unique, and every row would get the same value" % where
        asked.questions.append(Question(effect, ROWS, table.now, True, world.certain, sentence, at_least=2))
    elif value is not None and isinstance(new, models.ForeignKey):
        asked.unknown.append("%s gets a default that may point nowhere" % where)


def _not_null_comes(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    where = "%s.%s" % (effect.table, effect.column)
    table = world.table(effect.table)
    implicit = connection.vendor == "mysql" and not isinstance(effect.new, models.ForeignKey)
    if implicit and table.now is not None:
        # MySQL and MariaDB fill in the type's implicit value, if it has one that is legal.
        asked.unknown.append("%s comes back NOT NULL, filled with the type's implicit value" % where)
        return
    sentence = "%s comes back NOT NULL without a default: no row may be there" % where
    asked.questions.append(Question(effect, ROWS, table.now, True, world.certain, sentence))


def _alter_column(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    column, new = str(effect.column), effect.new
    where = "%s.%s" % (effect.table, column)
    found = consequences(effect.old, new, _field_name(effect), connection)
    for each in found:
        if each.what == KEEPS:
            asked.notes.append("%s: %s." % (where, each.sentence))
            continue
        if each.what == UNKNOWN:
            asked.unknown.append("%s: %s" % (where, each.sentence))
            continue
        fails = each.what == FAILS
        sentence = "%s: %s" % (where, each.sentence)
        if not fails and not each.becomes:
            asked.notes.append("%s. What was there is not kept, even where what is dropped is." % sentence)
        _where(effect, world, asked, each.condition, each.params, fails=fails, sentence=sentence)
    filled, value = null_fill(new, connection)
    expression = world.table(effect.table).expression(column, world.quote)
    if effect.old.null and not new.null and filled and expression is not None:
        if value is NOT_PROVIDED:
            world.blur(effect.table, column)
        else:
            sql = typed("COALESCE(%s, %%s)" % expression.sql, new, connection)
            filled_in = Expression(sql, (*expression.params, value), expression.certain)
            world.fill(effect.table, column, filled_in)
    cut = any(each.what == LOSES and each.condition != "{c} IS NULL" for each in found)
    if new.unique and effect.old.unique and cut:
        asked.unknown.append("%s is unique, and values that are cut may become the same" % where)
    if new.unique and not effect.old.unique and not new.primary_key:
        _duplicates(effect, (column,), world, asked, "%s must be unique again" % where)
    if new.primary_key != effect.old.primary_key:
        asked.unknown.append("%s: the primary key changes" % where)
    if any(each.condition.replace("{c} IS NULL", "") for each in found) or _retyped(effect, connection):
        world.blur(effect.table, column)


def _field_name(effect: Effect) -> str:
    return str(effect.column)


def _retyped(effect: Effect, connection: Any) -> bool:
    if isinstance(effect.old, models.ForeignKey) or isinstance(effect.new, models.ForeignKey):
        return True
    old, new = (bound(each, _field_name(effect)) for each in (effect.old, effect.new))
    return bool(old.db_type(connection) != new.db_type(connection))


def _add_constraint(effect: Effect, world: World, asked: Asked, connection: Any) -> None:
    constraint = effect.constraint
    if effect.columns and (constraint is None or _plain_unique(constraint)):
        _duplicates(effect, effect.columns, world, asked, effect.sentence)
        return
    if isinstance(constraint, models.CheckConstraint):
        check = _check_sql(effect, connection)
        if check is not None:
            _check(effect, check, world, asked)
            return
    asked.unknown.append(effect.sentence)


def _plain_unique(constraint: Any) -> bool:
    return (
        isinstance(constraint, models.UniqueConstraint)
        and bool(constraint.fields)
        and not constraint.expressions
        and constraint.condition is None
        and getattr(constraint, "nulls_distinct", None) is None
    )


def _duplicates(effect: Effect, columns: Sequence[str], world: World, asked: Asked, sentence: str) -> None:
    table = world.table(effect.table)
    expressions = {column: table.expression(column, world.quote) for column in columns}
    known = {column: each for column, each in expressions.items() if each is not None}
    if len(known) < len(expressions):
        asked.unknown.append(sentence)
        return
    certain = world.certain and all(each.certain for each in known.values())
    asked.questions.append(Question(effect, DUPLICATES, table.now, True, certain, sentence, columns=known))


def _check(effect: Effect, check: Tuple[str, List[str]], world: World, asked: Asked) -> None:
    sql, columns = check
    table = world.table(effect.table)
    expressions = {column: table.expression(column, world.quote) for column in columns}
    known = {column: each for column, each in expressions.items() if each is not None}
    certain = world.certain and all(each.certain for each in known.values())
    if len(known) < len(expressions):
        asked.unknown.append(effect.sentence)
        return
    condition = "NOT (%s)" % sql.replace("%", "%%")
    asked.questions.append(
        Question(effect, WHERE, table.now, True, certain, effect.sentence, condition, (), known)
    )


def _check_sql(effect: Effect, connection: Any) -> Optional[Tuple[str, List[str]]]:
    """Return the check as Django writes it, and the columns of its table; None if it cannot be written.

    The model is made up of the columns alone, in a registry of its own: rendering the project's
    models for one check would take seconds in a large project.
    """
    fields: Dict[str, Any] = {}
    for name, each in effect.model.fields.items():
        if isinstance(each, models.ForeignKey):
            fields[each.name or name] = models.BigIntegerField(db_column=column_name(name, each))
        elif not each.is_relation:
            fields[name] = each.clone()
    meta = type("Meta", (), {"app_label": "djmig_tui_checks", "apps": Apps(), "db_table": effect.table})
    try:
        model: Any = type("Checked", (models.Model,), dict(fields, Meta=meta, __module__="djmig_tui_checks"))
        editor = connection.SchemaEditorClass(connection, collect_sql=True)
        if hasattr(effect.constraint, "_get_check_sql"):
            sql = str(effect.constraint._get_check_sql(model, editor))
        else:
            return None
    except Exception:  # noqa: BLE001 -- expressions of the project; the caller says that it is unknown
        return None
    columns = [column_name(name, each) for name, each in effect.model.fields.items() if _has_column(each)]
    used = [column for column in columns if connection.ops.quote_name(column) in sql]
    return sql, used


def _has_column(each: Any) -> bool:
    return not isinstance(each, models.ManyToManyField)


_ASKERS = {
    DROP_TABLE: _drop_table,
    DROP_COLUMN: _drop_column,
    ADD_COLUMN: _add_column,
    ALTER_COLUMN: _alter_column,
    ADD_CONSTRAINT: _add_constraint,
}
