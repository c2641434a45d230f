"""Views, triggers and hand-made indexes as SQL: which go with a step, and how they are made again."""

import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from django.db import Error, transaction

from . import failures
from .catalogue import of_vendor
from .changes import RENAME_TABLE, Effect
from .protocol import DefinitionMatched, KeptDefinition

VIEW, MATERIALIZED_VIEW, TRIGGER, INDEX = "view", "materialized view", "trigger", "index"


class Along(NamedTuple):
    """One of them: the statements that make it, with names as the database writes them."""

    kind: str
    name: str
    table: str  # "" for a view
    statements: Tuple[str, ...]

    @property
    def key(self) -> Tuple[str, str, str]:
        """What tells it from all others."""
        return self.kind, self.table, self.name


# ------------------------------------------------------------------------------ a step
def before_step(connection: Any, effects: Sequence[Effect]) -> List[Along]:
    """Return what may go along with a step, as it is now; nothing on a database that is not known."""
    module, tables = of_vendor("along", connection), sorted({each.table for each in effects if each.table})
    return module.read(connection, tables) if module is not None and tables else []


def gone(connection: Any, before: Sequence[Along], effects: Sequence[Effect]) -> List[Along]:
    """Return which of `before` the step took along. An index that lost a column is not what it was."""
    later: Dict[str, str] = {}
    for effect in effects:
        if effect.kind == RENAME_TABLE:
            first = next((old for old, new in later.items() if new == effect.table), effect.table)
            later[first] = effect.to
    tables = sorted({later.get(each.table, each.table) for each in effects if each.table})
    after = {each.key: each for each in of_vendor("along", connection).read(connection, tables)}
    found = []
    for each in before:
        now = after.get((each.kind, later.get(each.table, each.table), each.name))
        if now is None or (each.kind == INDEX and _narrower(now, each)):
            found.append(each)
    return found


def _narrower(now: Along, before: Along) -> bool:
    return now.statements[0].count(",") < before.statements[0].count(",")


#: The last part of a name as PostgreSQL writes it: "My ""own"" view", shop."View", shop.view
_LAST = re.compile(r'(?:"(?:[^"]|"")*"|[^".]+)\Z')


def makes(sql: str, along: Along) -> bool:
    """Return whether the statements `sql` make something of that name: it comes again with its migration."""
    last = _LAST.search(along.name)
    name = re.escape(last[0].strip('"') if last else along.name)
    keyword = r"\b(?:INDEX|VIEW|TRIGGER|CONSTRAINT|KEY|TO|EXISTS|CONCURRENTLY)\s+"
    made = r"%s(?:[\w\"`]+\.)?[`\"]?%s(?![\w$])" % (keyword, name)
    # What is dropped, renamed in a table or only spoken of is not made.
    sql = re.sub(r"(?im)^\s*(?:--.*|(?:DROP|COMMENT|REFRESH)\b[^;]*;?)$|\bRENAME\s+COLUMN\b[^;]*", "", sql)
    in_column = r"[`\"]%s[`\"][^,;]*\bUNIQUE\b" % name  # MySQL names the index as the column
    return re.search("(?i)%s|%s" % (made, in_column), sql) is not None


# -------------------------------------------------------------------------- back again
def match(connection: Any, definition: KeptDefinition, applied: bool) -> DefinitionMatched:
    """Return whether a definition can be made again. `applied`: its migration is."""
    kind, name = definition.kind, definition.name
    if not applied:
        return _why_not(definition, "%s is not applied. Migrate forward first." % definition.step)
    module = of_vendor("along", connection)
    if module is None:
        return _why_not(definition, "On this database it cannot be made.")
    now: Optional[Along] = module.there(connection, definition)
    if now is None:
        return DefinitionMatched(kind, name, match=True)
    if now.kind == kind and now.statements[0] == definition.statements[0]:
        return DefinitionMatched(kind, name, there=True)
    return _why_not(
        definition, "There is another %s of that name. Its own SQL: djmig-tui kept show." % now.kind
    )


def _why_not(definition: KeptDefinition, sentence: str) -> DefinitionMatched:
    return DefinitionMatched(definition.kind, definition.name, why_not=sentence)


def make(connection: Any, definitions: Sequence[KeptDefinition]) -> List[DefinitionMatched]:
    """Make them where they are not; return what became of each, in their order.

    One may need another that comes later: what fails is tried again as long as others do not.
    """
    done: Dict[KeptDefinition, DefinitionMatched] = {}
    left = list(definitions)
    while left:
        failed = []
        for each in left:
            done[each] = _make_one(connection, each)
            if not done[each].match:
                failed.append(each)
        if len(failed) == len(left):
            break
        left = failed
    return [done[each] for each in definitions]


def _make_one(connection: Any, definition: KeptDefinition) -> DefinitionMatched:
    made, error = False, ""
    for sql in definition.statements:
        setting = sql.startswith("SET ")
        if error and not made and not setting:  # without it there is nothing to give rights to
            continue
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(sql)
            made = made or not setting
        except Error as raised:
            error = error or failures.sentence(raised)
    if not made:
        return _why_not(definition, "The database refused it: %s" % error)
    return DefinitionMatched(definition.kind, definition.name, match=True, error=error)
