"""Views, triggers and hand-made indexes as SQL: which go with a step, and how they are made again."""

import re
from typing import Any, Callable, Container, Dict, List, NamedTuple, Optional, Sequence, Tuple

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
    oid: int = 0  # PostgreSQL's, which stays whatever it is called


# ------------------------------------------------------------------------------ a step
def before_step(connection: Any, effects: Sequence[Effect]) -> List[Along]:
    """Return what may go along with a step, as it is now; nothing on a database that is not known."""
    module, tables = of_vendor("along", connection), sorted({each.table for each in effects if each.table})
    return module.read(connection, tables) if module is not None and tables else []


def gone(connection: Any, before: Sequence[Along], effects: Sequence[Effect]) -> List[Along]:
    """Return which of `before` the step took along, or left as less than they were."""
    renamed: Dict[str, str] = {}
    for effect in effects:
        if effect.kind == RENAME_TABLE:
            first = next((old for old, new in renamed.items() if new == effect.table), effect.table)
            renamed[first] = effect.to
    found: List[Along] = of_vendor("along", connection).gone(connection, before, renamed)
    return found


#: The last part of a name as PostgreSQL writes it: "My ""own"" view", shop."View", shop.view
_LAST = re.compile(r'(?:"(?:[^"]|"")*"|[^".]+)\Z')
_IF = r"(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?"
#: What makes, at the start of a statement, something called {n}.
_CREATED = r"CREATE\b[^(]*?\b%s\s+" + _IF + "{n}"
_MAKERS = {
    VIEW: (_CREATED % "VIEW", r"ALTER\s.*\bRENAME\s+TO\s+{n}"),
    TRIGGER: (_CREATED % "TRIGGER", r"ALTER\s+TRIGGER\s.*\bRENAME\s+TO\s+{n}"),
    INDEX: (
        _CREATED % "INDEX",
        r"ALTER\s+INDEX\s.*\bRENAME\s+TO\s+{n}",
        r"ALTER\s+TABLE\s.*\bRENAME\s+(?:INDEX|KEY)\s+\S+\s+TO\s+{n}",
        r"(?:CREATE|ALTER)\s+TABLE\s.*(?<!\bDROP\s)(?<!\bFOREIGN\s)\b(?:CONSTRAINT|KEY|INDEX)\s+{n}",
        # MySQL names the index of a unique column as the column.
        r"(?:CREATE|ALTER)\s+TABLE\s.*[`\"]{bare}[`\"](?:[^,()]|\([^()]*\))*\bUNIQUE\b",
    ),
}


def makes(sql: str, along: Along) -> bool:
    """Return whether the statements `sql` make it: then it comes again with its migration.

    What is dropped, renamed away or only spoken of is not made. When in doubt the answer is no: what is
    kept for nothing does no harm.
    """
    bare = _bare(along.name)
    names = {"bare": bare, "n": r"(?:[\w\"`]+\.)?[`\"]?%s(?![\w$])" % bare}
    makers = [
        re.compile(r"(?is)\s*" + each.format(**names)) for each in _MAKERS.get(along.kind, _MAKERS[VIEW])
    ]
    on = re.compile(r"(?is)\s*ALTER\s+INDEX\b|.*(?<![\w$])%s(?![\w$])" % _bare(along.table))
    for statement in re.sub(r"(?ms)^\s*--[^\n]*$|/\*.*?\*/", "", sql).split(";"):
        if (not along.table or on.match(statement)) and any(each.match(statement) for each in makers):
            return True
    return False


def _bare(name: str) -> str:
    """Return a pattern of the last part of a name, without its quotes."""
    last = _LAST.search(name)
    return re.escape(last[0].strip('"') if last else name)


# -------------------------------------------------------------------------- back again
def match(
    connection: Any, definitions: Sequence[KeptDefinition], is_applied: Callable[[str], bool]
) -> Dict[KeptDefinition, DefinitionMatched]:
    """Return of each whether it can be made again. `is_applied` tells of a step whether its migration is."""
    names = {each.name for each in definitions}
    return {each: _match_one(connection, each, names, is_applied(each.step)) for each in definitions}


def _match_one(
    connection: Any, definition: KeptDefinition, names: Container[str], applied: bool
) -> DefinitionMatched:
    kind, name, table = definition.kind, definition.name, definition.table
    if not applied:
        return _why_not(definition, "%s is not applied. Migrate forward first." % definition.step)
    module = of_vendor("along", connection)
    if module is None:
        return _why_not(definition, "On this database it cannot be made.")
    if table and table not in names and not module.has(connection, table):  # else it is made as well
        return _why_not(
            definition, "Its table %s is not there under that name. Its own SQL: djmig-tui kept show." % table
        )
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
