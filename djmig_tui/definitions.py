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


#: A name as PostgreSQL writes it, in its parts: "My ""own"" view", shop."View", shop.view
_PART = re.compile(r'"(?:[^"]|"")*"|[^".]+')
_IF = r"(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_ALTER = r"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?<t>\s.*"
#: What makes something called <n>, on a table <t>; keywords come in any case.
_MAKERS = {
    VIEW: (
        r"CREATE\b[^(]*?\bVIEW\s+" + _IF + "<n>",
        r"ALTER\s+(?:MATERIALIZED\s+)?(?:VIEW|TABLE)\s.*\bRENAME\s+TO\s+<n>\s*$",
    ),
    TRIGGER: (
        r"CREATE\b[^(]*?\bTRIGGER\s+" + _IF + r"<n>\s[^()]*?\bON\s+<t>",
        r"ALTER\s+TRIGGER\s+\S+\s+ON\s+<t>\s+RENAME\s+TO\s+<n>\s*$",
    ),
    INDEX: (
        r"CREATE\b[^(]*?\bINDEX\s+" + _IF + r"<n>\s+ON\s+(?:ONLY\s+)?<t>",
        r"ALTER\s+INDEX\s.*\bRENAME\s+TO\s+<n>\s*$",
        _ALTER + r"\bRENAME\s+(?:INDEX|KEY)\s+\S+\s+TO\s+<n>",
    ),
}
#: MySQL names the indexes of constraints as those, and of a unique column as the column.
_MAKERS_MYSQL = (
    _ALTER + r"\bADD\s+(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?(?:INDEX|KEY)\s+<n>",
    _ALTER + r"\bADD\s+CONSTRAINT\s+<n>\s+(?:UNIQUE|FOREIGN)",
    r"CREATE\s+TABLE\s+" + _IF + r"<t>\s.*\bCONSTRAINT\s+<n>\s+(?:UNIQUE|FOREIGN)",
    r"CREATE\s+TABLE\s+" + _IF + r"<t>\s.*[(,]\s*(?:UNIQUE\s+)?(?:INDEX|KEY)\s+<n>",
    r"CREATE\s+TABLE\s+" + _IF + r"<t>\s.*[(,]\s*<n>\s(?:[^,()]|\([^()]*\))*\bUNIQUE\b",
    _ALTER + r"\bADD\s+COLUMN\s+<n>\s(?:[^,()]|\([^()]*\))*\bUNIQUE\b",
)
_DROPPED = r"DROP\s+(?:MATERIALIZED\s+)?(?:VIEW|TRIGGER|INDEX)\s+" + _IF + "<n>"


def makes(sql: str, along: Along, vendor: str) -> bool:
    """Return whether the statements `sql` make it: then it comes again with its migration.

    What is dropped afterwards, renamed away or only spoken of is not made. When in doubt the answer is no:
    what is kept for nothing does no harm.
    """
    names = {"<n>": _token(along.name, vendor), "<t>": _token(along.table, vendor)}
    kind = VIEW if along.kind == MATERIALIZED_VIEW else along.kind
    makers = _MAKERS[kind] + (_MAKERS_MYSQL if kind == INDEX and vendor == "mysql" else ())
    made = False
    for statement in re.sub(r"(?ms)^\s*--[^\n]*$|/\*.*?\*/", "", sql).split(";"):
        if _says(_DROPPED, names, statement):
            made = False
        elif any(_says(each, names, statement) for each in makers):
            made = True
    return made


def _says(pattern: str, names: Dict[str, str], statement: str) -> bool:
    """Return whether a statement begins with what a pattern says; keywords in any case, names as they are."""
    parts = re.split("(<[nt]>)", pattern)
    regex = "".join(names.get(part) or ("(?i:%s)" % part if part else "") for part in parts)
    return re.match(r"(?s)\s*" + regex, statement) is not None


def _token(name: str, vendor: str) -> str:
    """Return a pattern of a whole name as a statement writes it, with its quotes and schema."""
    if vendor != "postgresql":
        return r"(?:[`\"\[]%s[`\"\]]|(?i:%s)(?![\w$.`\"]))" % (re.escape(name), re.escape(name))
    parts = [_part(part) for part in _PART.findall(name) or [name]]
    public = r"(?:\"?public\"?\.)?" if len(parts) == 1 else ""
    return public + r"\.".join(parts) + r"(?![\w$.\"])"


def _part(name: str) -> str:
    """Return a pattern of one part of a name of PostgreSQL: only a plain one may come without quotes."""
    bare = name[1:-1] if name.startswith('"') else name
    quoted = '"%s"' % re.escape(bare)
    plain = re.match(r"[a-z_][a-z0-9_$]*\Z", bare) is not None
    return r"(?:%s|(?i:%s))" % (quoted, re.escape(bare)) if plain else quoted


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
    if now.kind == kind and _maker(now.statements) == _maker(definition.statements):
        return DefinitionMatched(kind, name, there=True)
    return _why_not(
        definition, "There is another %s of that name. Its own SQL: djmig-tui kept show." % now.kind
    )


def _maker(statements: Sequence[str]) -> str:
    """Return the statement that makes it: settings may come before."""
    return next(each for each in statements if not each.startswith("SET "))


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
