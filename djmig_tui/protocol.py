"""Everything that crosses the pipe: method names, error codes and one frozen dataclass per message.

Shared by both sides and importing nothing of ours. A request, the method of the engine that answers
it and the method of the client that sends it share one stem: ``PreviewPlan`` is sent by
``Engine.preview_plan`` and answered by ``preview_plan`` with a `Plan`.

Times are ISO 8601 with an offset, durations are seconds, file contents are base64, paths are
absolute paths on the engine's machine. Written in Python 3.8 syntax: it is shipped to the project.
"""

import dataclasses
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Mapping,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    get_type_hints,
)

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(frozen: bool) -> Callable[[type], type]:
        """Make a frozen dataclass as the real decorator does, whose `__init__` is compiled when it is needed.

        The real one compiles six methods for each class, half of which are never made in a session:
        30 ms on each side of the pipe before anything can be shown.
        """

        def decorate(cls: type) -> type:
            for name, method in _METHODS.items():
                setattr(cls, name, method)
            cls = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
            cls.__match_args__ = tuple(cls.__dataclass_fields__)
            return cls

        return decorate


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Compile the class's own `__init__` at its first use, and go on with it."""
    cls = self.__class__
    defaults, parameters, lines = {}, ["self"], []
    for name, default in _members(cls):
        parameters.append(name if default is MISSING else "%s=defaults[%r]" % (name, name))
        lines.append("put(self, %r, %s)" % (name, name))
        defaults[name] = default
    source = "def __init__(%s):\n    %s" % (", ".join(parameters), "\n    ".join(lines) or "pass")
    made: Dict[str, Any] = {"defaults": defaults, "put": object.__setattr__}
    exec(source, made)  # noqa: S102 -- as dataclasses do
    cls.__init__ = made["__init__"]
    cls.__init__(self, *args, **kwargs)


def _values(self: Any) -> Tuple[Any, ...]:
    # Not __dict__: to be asked for it makes an object twice as large.
    return tuple(getattr(self, name) for name, _ in _members(self.__class__))


def _repr(self: Any) -> str:
    members = ", ".join("%s=%r" % (name, getattr(self, name)) for name, _ in _members(self.__class__))
    return "%s(%s)" % (type(self).__qualname__, members)


def _eq(self: Any, other: Any) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _frozen(self: Any, name: str, value: Any = None) -> None:
    raise dataclasses.FrozenInstanceError("cannot change %r of a message" % name)


_METHODS = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
}

# ---------------------------------------------------------------- error codes
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
#: The request was cancelled (the code that the Language Server Protocol uses).
CANCELLED = -32800
#: We will not do it; the message is a sentence that ends with the next step.
REFUSED = 1
#: What was shown is not how things are any more: look again, then decide again.
STALE = 2
#: Django or the database failed; the message is its first error, `ErrorData.detail` the traceback.
FAILED = 3

# ------------------------------------------------------------- notifications
PROGRESS = "$/progress"
CANCEL = "$/cancelRequest"
CHANGED = "changed"
#: Part of a request's answer that is too long for one line: {"id", "data": base64}, in order, all of
#: them before the answer itself.
CHUNK = "$/chunk"
#: Rows that a step of a run is about to drop: {"id", "rows": `KeepRows`}. The step waits for the answers.
KEEP = "$/keep"
#: The interface's answer to one of them: {"id", "number", "error": why it is not kept, "" if it is}.
KEPT = "$/kept"
#: How many bytes a chunk carries at most, in either direction.
CHUNK_SIZE = 256 * 1024

#: Value of a request's "priority" member for work that nobody is waiting for.
PREFETCH = "prefetch"

# ------------------------------------------------------------------- intents
BACK_TO = "back"  # here stays applied; the app's later migrations and what needs them are undone
UNDO = "undo"  # this one and its applied dependents are undone
ZERO = "zero"  # the whole app, and what needs it
FORWARD = "forward"  # migrate to here; an app's latest; everything
UNDO_THESE = "undo these"  # all of `keys`, and their applied dependents, are undone
APPLY_THESE = "apply these"  # all of `keys`, and what they need, are applied
INTENTS = (BACK_TO, UNDO, ZERO, FORWARD, UNDO_THESE, APPLY_THESE)
#: Those that apply; the others undo.
FORWARDS = (FORWARD, APPLY_THESE)
#: Not for `preview_plan`: the plan of putting a backup in the place of a database.
RESTORE = "restore"

# ------------------------------------------------------------------ verdicts
SAFE = "safe"
LOSES = "loses"
FAILS = "fails"
BLOCKED = "blocked"
UNKNOWN = "unknown"

# --------------------------------------------------------------------- marks
APPLIED = "applied"  # [X]
UNAPPLIED = "unapplied"  # [ ]
SQUASHED = "squashed"  # [-] all that it replaces is applied, itself not yet recorded


@dataclass(frozen=True)
class ErrorData:
    """What travels beside an error's code and message."""

    detail: str = ""  # the traceback, to be shown folded
    kind: str = ""  # the class name of the first error, for tests and logs


@dataclass(frozen=True)
class Progress:
    """How far a request is: `done` of `total` (0: not known), the words for it, and what is known so far."""

    done: int = 0
    total: int = 0
    message: str = ""
    plan: Optional["Plan"] = None  # of measure_plan: the plan with what was counted until now
    note: str = ""  # of rehearse_plan: where it is done and why


@dataclass(frozen=True)
class Changed:
    """Told by the engine, unasked: what it loaded is not what is there now."""

    what: str  # "files" (fresh engine needed), "git" (the same), "records" (look at the database again)


# ------------------------------------------------------------------- project
@dataclass(frozen=True)
class OpenProject:
    """Ask what project this is. Answered without touching a database."""

    read_only: bool = False  # never write, for the whole life of the engine
    local_hosts: Tuple[str, ...] = ()  # database hosts that the user calls local


@dataclass(frozen=True)
class Database:
    """One alias of DATABASES."""

    alias: str
    vendor: str  # "sqlite", "postgresql", "mysql", or what another backend calls itself
    name: str
    host: str = ""  # "host:port", a socket's path, or "" for a file
    local: bool = True  # see the README: what counts as local


@dataclass(frozen=True)
class Project:
    """The project as its own Python sees it."""

    name: str
    folder: str  # the engine's working directory
    settings: str  # DJANGO_SETTINGS_MODULE
    debug: bool
    django: str  # version
    python: str  # version
    executable: str
    databases: Tuple[Database, ...]
    #: The module that replaces Django's `migrate` command, or None.
    migrate_override: Optional[str] = None


# ------------------------------------------------------------------- history
@dataclass(frozen=True)
class ScanHistory:
    """Ask for files and records joined, without importing a single migration."""

    database: str = "default"


@dataclass(frozen=True)
class LoadHistory:
    """Ask for the whole history, by way of Django's graph. Imports every migration."""

    database: str = "default"


@dataclass(frozen=True)
class Migration:
    """One migration of an app: a file, a record, or both."""

    name: str
    mark: str  # APPLIED, UNAPPLIED or SQUASHED
    applied: bool  # has a record, or counts as applied to Django
    applied_at: Optional[str] = None
    file: Optional[str] = None
    ghost: bool = False  # recorded as applied, but there is no file
    error: Optional[str] = None  # why this file cannot be imported
    order: int = 0  # place in the plan of the whole project; file order before the graph is known
    #: The following need the graph; None or empty before it is loaded.
    reversible: Optional[bool] = None
    runs_python: bool = False
    initial: bool = False
    head: bool = False  # a leaf of its app
    replaces: Tuple[str, ...] = ()  # "app.name" of what this squash replaces
    replaced_by: Optional[str] = None  # "app.name" of the squash


@dataclass(frozen=True)
class App:
    """One app: in INSTALLED_APPS, or known only from the records."""

    label: str
    name: str  # dotted, "" for an orphan
    third_party: bool
    migrations: Tuple[Migration, ...] = ()
    path: Optional[str] = None  # its migrations folder
    why_empty: Optional[str] = None  # why there are no migrations, as a sentence
    orphan: bool = False  # not in INSTALLED_APPS, yet with records


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with the history as a whole."""

    #: "database" (cannot be asked), "fresh" (is not there yet, nothing is applied), "heads",
    #: "inconsistent", "missing", "import", "graph", "ghost".
    kind: str
    message: str


@dataclass(frozen=True)
class History:
    """All apps with their migrations and marks on one database."""

    database: str
    apps: Tuple[App, ...]
    problems: Tuple[Problem, ...] = ()
    complete: bool = False  # True once the graph has been read


# ----------------------------------------------------------------------- sql
@dataclass(frozen=True)
class RenderSql:
    """Ask for the SQL of one migration, as `sqlmigrate [--backwards]` prints it."""

    database: str
    app: str
    name: str
    backwards: bool = True


@dataclass(frozen=True)
class SqlPart:
    """One operation that SQL does not show: its source, or why nothing can be done."""

    operation: str  # Django's description of it
    kind: str  # "python", "noop", "irreversible", "code"
    text: str
    file: Optional[str] = None
    line: Optional[int] = None


@dataclass(frozen=True)
class Sql:
    """The SQL of one migration on one database, as it is now."""

    app: str
    name: str
    backwards: bool
    #: Byte for byte what sqlmigrate prints; None where it raises or would execute code.
    sql: Optional[str]
    error: Optional[str] = None
    #: For the eyes: `sql` with the source of Python operations put in; never None.
    shown: str = ""
    parts: Tuple[SqlPart, ...] = ()


# ----------------------------------------------------------------- migration
@dataclass(frozen=True)
class ShowMigration:
    """Ask for what the detail tabs show of one migration."""

    database: str
    app: str
    name: str


@dataclass(frozen=True)
class Operation:
    """One operation in words."""

    description: str  # operation.describe()
    kind: str  # class name, "CreateModel"
    reversible: bool  # asked recursively
    sql: bool  # can be written as SQL
    inner: Tuple["Operation", ...] = ()  # of SeparateDatabaseAndState: database_operations


@dataclass(frozen=True)
class MigrationDetail:
    """Operations, source and dependencies of one migration."""

    app: str
    name: str
    file: Optional[str]
    source: str
    atomic: bool
    operations: Tuple[Operation, ...]
    depends_on: Tuple[str, ...]  # "app.name"
    needed_by: Tuple[str, ...]
    loss: Tuple["Loss", ...] = ()  # what undoing it destroys
    verdict: str = UNKNOWN
    why: Tuple[str, ...] = ()
    run_before: Tuple[str, ...] = ()


# ---------------------------------------------------------------------- plan
@dataclass(frozen=True)
class PreviewPlan:
    """Ask what an intent would do. Changes nothing."""

    database: str
    intent: str  # one of INTENTS
    app: Optional[str] = None  # None for FORWARD of everything, and where `keys` says which
    name: Optional[str] = None  # None for ZERO and for an app's latest
    keys: Tuple[str, ...] = ()  # "app.name" of UNDO_THESE and APPLY_THESE


@dataclass(frozen=True)
class Step:
    """One migration to apply or unapply."""

    app: str
    name: str
    backwards: bool
    operations: Tuple[str, ...]  # the words of `migrate --plan`
    reversible: bool
    because: Optional[str]  # the dependency that pulls it in, as a sentence
    atomic: bool = True
    third_party: bool = False
    runs_python: bool = False
    file: Optional[str] = None
    lock: str = ""  # the strongest lock it takes, in the database's words
    rewrites: Tuple[str, ...] = ()  # tables that are written anew, with their size
    applied_at: Optional[str] = None  # of its record, if it has one


@dataclass(frozen=True)
class MarkChange:
    """A mark before and after the plan."""

    app: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Loss:
    """A table (column None) or a column that goes, with the rows in it where they were counted."""

    app: str
    table: str
    column: Optional[str]
    rows: Optional[int] = None
    exact: bool = False
    kind: str = "drop column"  # "drop table", "drop column", or "alter column": values that change


@dataclass(frozen=True)
class Failure:
    """Rows that will make a step fail."""

    table: str
    column: str
    rows: Optional[int]
    message: str


@dataclass(frozen=True)
class Plan:
    """What an intent would do, in order, and what speaks against it."""

    database: str
    intent: str
    app: Optional[str]
    name: Optional[str]
    target: str  # "store.0002_add_price", "store zero", "all"
    title: str  # words that cannot be misread
    verdict: str
    why: Tuple[str, ...]  # the reasons for the verdict, the worst first
    steps: Tuple[Step, ...]
    blockers: Tuple[str, ...]
    loss: Tuple[Loss, ...]
    failures: Tuple[Failure, ...]
    commands: Tuple[str, ...]  # exact manage.py equivalents; empty if there is none
    fingerprint: str
    marks: Tuple[MarkChange, ...] = ()
    one_transaction: bool = False
    transaction_why: str = ""  # one transaction or step by step, and why, as a sentence
    notes: Tuple[str, ...] = ()  # worth knowing, blocks nothing
    ways_out: Tuple[str, ...] = ()  # what to do about the blockers
    counted: bool = False  # rows were counted, not only named
    objects: Tuple[str, ...] = ()  # views, triggers and hand-made indexes that go along, as sentences
    code: Tuple[SqlPart, ...] = ()  # what runs code: no count tells what it does
    keys: Tuple[str, ...] = ()  # of the intent, if it has any


@dataclass(frozen=True)
class MeasurePlan:
    """Ask for the plan with its rows counted. Answered by the same `Plan`, better informed.

    Streams by `Progress.plan`. Changes nothing; STALE if `fingerprint` is not any more the plan's.
    """

    database: str
    intent: str
    app: Optional[str]
    name: Optional[str]
    fingerprint: str
    keys: Tuple[str, ...] = ()


@dataclass(frozen=True)
class DatabaseSession:
    """Another session on the same database."""

    id: str  # process id on the server
    user: str
    program: str  # what it calls itself, or where it comes from
    state: str
    query: str = ""
    since: Optional[str] = None  # ISO 8601: when its transaction or query began


@dataclass(frozen=True)
class ListSessions:
    """Ask who else is connected. SQLite cannot tell; it names processes that hold the file open, if any."""

    database: str


@dataclass(frozen=True)
class Sessions:
    """The others, the longest transaction first; `why_not` says why they cannot be told."""

    sessions: Tuple[DatabaseSession, ...] = ()
    why_not: Optional[str] = None


#: Where a rehearsal may be wanted.
ON_COPY, ON_TRANSACTION = "copy", "transaction"


@dataclass(frozen=True)
class RehearsePlan:
    """Run the plan for real and take it back. `consent` is the own yes for a plan that runs code."""

    database: str
    intent: str
    app: Optional[str]
    name: Optional[str]
    fingerprint: str
    consent: bool = False
    keys: Tuple[str, ...] = ()
    on: Optional[str] = None  # ON_COPY or ON_TRANSACTION; None: as it fits, and Rehearsal says why


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found. Nothing is changed afterwards."""

    works: bool
    cannot: Optional[str] = None  # "cannot be rehearsed: step k, because …"
    failed_step: Optional["StepDone"] = None
    failed_operation: Optional[str] = None  # operation.describe()
    error: Optional[str] = None  # the database's own message
    detail: str = ""  # the traceback
    seconds: float = 0.0
    schema_diff: str = ""  # unified diff of the schema before and after
    where: str = ""  # "on a copy", "in one transaction that was rolled back"
    sources: Tuple[SqlPart, ...] = ()  # what needs consent, when it was not given
    blocked_by: Tuple[DatabaseSession, ...] = ()  # who held the lock that was waited for
    left_out: Tuple[str, ...] = ()  # the project's own handlers that a run calls after its commit
    why_there: str = ""  # the sentence why it was done where it was
    notes: Tuple[str, ...] = ()  # what this cannot show, and what is left to do
    copy_instead: bool = False  # on a copy of the database it could be rehearsed


@dataclass(frozen=True)
class VerifySchema:
    """Ask whether the real schema agrees with the records. `app` None: all apps."""

    database: str
    app: Optional[str] = None
    assume: Tuple[str, ...] = ()  # "app.name" of what is looked at as if it were recorded too


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the records claim."""

    app: str
    model: str
    table: str
    kind: str  # "missing table", "extra column", "null", "type", "missing index", …
    name: str  # the column, index or constraint; "" for a table
    expected: str = ""
    found: str = ""
    message: str = ""  # the sentence


@dataclass(frozen=True)
class OperationPlace:
    """Whether one operation of a half-done migration is in the schema."""

    description: str
    done: Optional[bool]  # None: it leaves no trace that could be looked at
    note: str = ""  # what of it is missing, or there, all the same


@dataclass(frozen=True)
class HalfDone:
    """A migration whose operations are partly in the schema, against its record."""

    app: str
    name: str
    recorded: bool
    operations: Tuple[OperationPlace, ...]
    message: str  # the sentence
    finish: str = ""  # SQL to run by hand, and the command that then sets the record right
    undo: str = ""


@dataclass(frozen=True)
class Verification:
    """Where schema and records disagree."""

    database: str
    checked: int  # tables looked at
    differences: Tuple[Difference, ...] = ()
    half_done: Tuple[HalfDone, ...] = ()
    not_checked: Tuple[str, ...] = ()  # what could not be looked at, as sentences


@dataclass(frozen=True)
class RunPlan:
    """Run the plan that was shown. STALE if anything changed since `fingerprint` was made."""

    database: str
    intent: str
    app: Optional[str]
    name: Optional[str]
    fingerprint: str
    #: Losses that were shown and accepted: the run stops if they grew since.
    accepted: Tuple["Loss", ...] = ()
    counted: bool = (
        False  # `accepted` was counted, so what it does not name was no loss: the run counts again
    )
    keys: Tuple[str, ...] = ()
    keep: int = 0  # keep the rows that are dropped, up to so many bytes; more fails the run; 0: keep none


@dataclass(frozen=True)
class StepDone:
    """A step whose effect stands."""

    app: str
    name: str


@dataclass(frozen=True)
class RunFinished:
    """How a run ended. `done` holds what stands in the database now, not what was tried."""

    done: Tuple[StepDone, ...]
    error: Optional[str] = None  # the first error, as a sentence
    detail: str = ""  # its traceback
    failed_step: Optional[StepDone] = None
    failed_operation: Optional[str] = None  # operation.describe()
    half_done: bool = False  # what the failed step did before it failed stays done
    stopped: bool = False  # on request, or because the interface went away
    taken_back: bool = False  # everything that had been done was rolled back
    untold: bool = False  # the records could not be read afterwards: nobody knows what stands
    #: What stood when the run ended, though another program may have undone it since.
    reached: Tuple[StepDone, ...] = ()
    post_migrate_error: Optional[str] = None  # the plan ran; a signal handler failed afterwards
    next_steps: Tuple[str, ...] = ()
    seconds: float = 0.0
    blocked_by: Tuple[DatabaseSession, ...] = ()  # who held the lock that was waited for


# ----------------------------------------------------------------- kept rows
@dataclass(frozen=True)
class KeptColumn:
    """A column of kept rows, as the database has it."""

    name: str
    type: str
    earlier: str = ""  # its name when the run began, where a step of the run renamed it


@dataclass(frozen=True)
class KeptPart:
    """Values of one column by primary key, or whole rows of a table, that one step dropped or changed."""

    step: str  # "app.name"
    table: str  # its name just before the step
    column: Optional[str]  # None: whole rows
    columns: Tuple[KeptColumn, ...]  # of each line, the primary key first
    key: int  # how many of them are the primary key
    rows: int
    size: int  # bytes
    sha256: str
    earlier: str = ""  # the table's name when the run began, where a step of the run renamed it
    became: bool = False  # the step changed the values: what it made of each is the last of its line


@dataclass(frozen=True)
class KeptDefinition:
    """A view, trigger or hand-made index that goes along with what one step drops, as SQL."""

    step: str  # "app.name"
    kind: str  # "view", "materialized view", "trigger", "index"
    name: str  # as the database writes it
    table: str  # that it is on, as the database writes it; "" for a view
    statements: Tuple[str, ...]  # the first makes it, the others give it rights, a comment, a state


@dataclass(frozen=True)
class StepDefinitions:
    """The definitions that go along with one step, instead of those that were told of it before."""

    step: str
    definitions: Tuple[KeptDefinition, ...]


@dataclass(frozen=True)
class KeepRows:
    """Lines to be kept; with the last of a part, which may have none, comes what the part is."""

    number: int
    data: str  # base64
    part: Optional[KeptPart] = None
    definitions: Optional[StepDefinitions] = None


@dataclass(frozen=True)
class MatchRows:
    """Ask how many kept rows could be put back. Changes nothing. `uploads` hold the lines of `parts`."""

    database: str
    parts: Tuple[KeptPart, ...]  # in the order in which they were kept
    uploads: Tuple[str, ...]
    definitions: Tuple[KeptDefinition, ...] = ()


@dataclass(frozen=True)
class PutRowsBack:
    """Put kept rows back, in one transaction, wherever nothing else has taken their place.

    The definitions come after them: in the same transaction where the database has that for them.
    """

    database: str
    parts: Tuple[KeptPart, ...]
    uploads: Tuple[str, ...]
    definitions: Tuple[KeptDefinition, ...] = ()


@dataclass(frozen=True)
class PartMatched:
    """What is there now in the place of each row of a part: the counts add up to its rows."""

    table: str
    column: Optional[str]
    rows: int
    match: int = 0  # to be put back, or put back
    there: int = 0  # the kept value is there already
    gone: int = 0  # the row that the value belongs to is not there any more
    changed: int = 0  # another value than the default is there, or another row with this primary key
    unfit: int = 0  # the column's type does not take it any more, or the database refuses it
    taken: int = 0  # it is unique, and another row has it
    dangling: int = 0  # it points at a row that is not there
    why_not: Optional[str] = None  # nothing of it can be put back, as a sentence
    error: str = ""  # the database's words for the first that it refused


@dataclass(frozen=True)
class DefinitionMatched:
    """Whether a definition can be made again, or was."""

    kind: str
    name: str
    match: bool = False  # to be made, or made
    there: bool = False  # one of that kind and name is there, as it was or otherwise
    why_not: Optional[str] = None  # it cannot be made, as a sentence
    error: str = ""  # it was made, but for this


@dataclass(frozen=True)
class RowsMatched:
    """The answer for each part, and for each definition."""

    parts: Tuple[PartMatched, ...]
    definitions: Tuple[DefinitionMatched, ...] = ()


# --------------------------------------------------------------------- files
@dataclass(frozen=True)
class ReadFile:
    """Ask for a migration's file and whether it may be removed."""

    database: str
    app: str
    name: str


@dataclass(frozen=True)
class MigrationFile:
    """A migration's file with all that is needed to put it back."""

    app: str
    name: str
    path: str
    content: str  # base64
    mode: int  # permission bits
    sha256: str
    refusals: Tuple[str, ...] = ()  # why it cannot be removed, with the way out
    applied_on: Tuple[str, ...] = ()  # aliases
    needed_by: Tuple[str, ...] = ()  # "app.name", in the order in which to remove them
    first: bool = False  # the app's first migration: its name must be typed
    warnings: Tuple[str, ...] = ()  # tracked by git, on a remote branch…
    #: All of max_migration.txt beside it, now and after the removal; None if it stays as it is.
    max_migration: Optional[str] = None
    max_migration_after: Optional[str] = None


@dataclass(frozen=True)
class PreviewRemoval:
    """Ask what removing several files in one step means."""

    database: str
    keys: Tuple[str, ...]  # "app.name"
    dependents: bool = True  # what needs them goes with them


@dataclass(frozen=True)
class Remaining:
    """What the removal leaves of an app's files."""

    app: str
    heads: Tuple[str, ...]  # what nothing of the app needs; of several, makemigrations wants a merge
    next_number: str  # the name of the next migration begins with it: "0004"
    max_migration: Optional[str] = None  # what max_migration.txt will say; None: there is none


@dataclass(frozen=True)
class Removal:
    """The files that can go, each as it is once those before it are gone, and those that stay."""

    files: Tuple[MigrationFile, ...]
    stay: Tuple[MigrationFile, ...]  # with the reasons; in order, too
    remaining: Tuple[Remaining, ...]


@dataclass(frozen=True)
class DeleteFile:
    """Delete a migration's file if it still has this hash. Refused as `ReadFile` says."""

    database: str
    app: str
    name: str
    sha256: str
    first: bool = False  # the user meant the first migration


@dataclass(frozen=True)
class FileDeleted:
    """The file, and stale byte code of it, that were deleted."""

    path: str
    also: Tuple[str, ...] = ()
    max_migration: Optional[str] = None  # path of the max_migration.txt that was rewritten


@dataclass(frozen=True)
class RestoreFile:
    """Put a migration's file back, byte for byte with its mode. Never over another file."""

    app: str
    name: str
    path: str
    content: str  # base64
    mode: int
    max_migration: Optional[str] = None  # all of max_migration.txt as it was
    max_migration_after: Optional[str] = None  # what the removal made of it; else it is left alone


@dataclass(frozen=True)
class FileRestored:
    """The path that was written."""

    path: str
    max_migration: Optional[str] = None  # path of the max_migration.txt that was put back too
    note: str = ""  # why it was not, as a sentence


# ------------------------------------------------------------------- backups
@dataclass(frozen=True)
class TableRows:
    """How many rows a table has."""

    table: str  # as in the database; with its schema where that is not the usual one
    rows: int
    exact: bool = True  # of the very moment of the backup


@dataclass(frozen=True)
class CheckBackup:
    """Ask whether a database can be backed up from where the engine is."""

    database: str


@dataclass(frozen=True)
class BackupMeans:
    """Whether, how, and what it takes."""

    format: str  # "sqlite", "pg_dump", "mysqldump", or "" where there is no way at all
    why_not: Optional[str] = None  # a sentence that ends with the way out, such as the package to install
    missing: bool = False  # only the tool is missing: a command of the user's own could stand in for it
    tools: Tuple[str, ...] = ()  # "pg_dump 15.19"
    server: str = ""  # "PostgreSQL 15.19"
    size: Optional[int] = None  # bytes the database takes; about the most that a backup can take
    notes: Tuple[str, ...] = ()  # tables that are not of the one moment of the backup, as sentences


@dataclass(frozen=True)
class MakeBackup:
    """Ask for a backup. Its content comes in chunks; a cancel ends it and leaves nothing behind."""

    database: str


@dataclass(frozen=True)
class BackupMade:
    """What the chunks were: read to the end once more by the tool that would restore them."""

    format: str
    size: int  # bytes
    sha256: str
    tables: Tuple[TableRows, ...]
    records: Tuple[str, ...]  # "app.name" of what was applied
    tools: Tuple[str, ...]
    server: str
    seconds: float = 0.0


@dataclass(frozen=True)
class CountTables:
    """Ask how many rows every table has: what a backup that another command makes is to hold."""

    database: str


@dataclass(frozen=True)
class TablesCounted:
    """The rows of every table, and the records."""

    tables: Tuple[TableRows, ...]
    records: Tuple[str, ...]
    server: str = ""


@dataclass(frozen=True)
class BeginUpload:
    """Say that a file of so many bytes is to be sent over, chunk by chunk."""

    size: int
    sha256: str


@dataclass(frozen=True)
class SendChunk:
    """Send the next bytes of an upload."""

    upload: str
    data: str  # base64


@dataclass(frozen=True)
class DropUpload:
    """Say that an upload is not needed any more."""

    upload: str


@dataclass(frozen=True)
class Uploaded:
    """How much of it has arrived."""

    upload: str
    size: int


@dataclass(frozen=True)
class PreviewRestore:
    """Ask what putting a backup in the place of a database would replace. Changes nothing.

    `tables` empty: it is not known what the backup holds.
    """

    database: str
    format: str
    sha256: str
    tables: Tuple[TableRows, ...] = ()
    records: Tuple[str, ...] = ()
    made_at: str = ""  # ISO 8601, for the words


@dataclass(frozen=True)
class RestoreBackup:
    """Put the uploaded backup in the place of the database. STALE if `fingerprint` does not hold."""

    database: str
    format: str
    sha256: str
    upload: str
    fingerprint: str  # of the plan that `preview_restore` answered
    tables: Tuple[TableRows, ...] = ()
    records: Tuple[str, ...] = ()
    end_others: bool = (
        False  # end the other sessions on the database, which would keep it from being replaced
    )


@dataclass(frozen=True)
class RestoreFinished:
    """How a restore ended."""

    done: bool
    kept: Optional[str] = None  # the database that was replaced, under its new name
    error: Optional[str] = None
    detail: str = ""
    seconds: float = 0.0
    notes: Tuple[str, ...] = ()
    blocked_by: Tuple[DatabaseSession, ...] = ()  # who is connected and keeps it from being replaced


@dataclass(frozen=True)
class ListKept:
    """Ask which databases that were replaced are still there."""

    database: str


@dataclass(frozen=True)
class KeptDatabase:
    """A database that a restore replaced."""

    name: str
    replaced_at: str  # ISO 8601
    size: Optional[int] = None


@dataclass(frozen=True)
class Kept:
    """The newest first."""

    databases: Tuple[KeptDatabase, ...] = ()


@dataclass(frozen=True)
class DropKept:
    """Drop a database that a restore replaced. Refused for any other name."""

    database: str
    name: str


@dataclass(frozen=True)
class SwapKept:
    """Put a database that a restore replaced back in its place; the present one is kept in its stead."""

    database: str
    name: str
    end_others: bool = False


# -------------------------------------------------------------------- resets
RESET_APP = "app"  # to zero, and made anew
RESET_KEEPING = "keeping"  # made anew, and recorded as applied: the tables stay
RESET_PROJECT = "project"  # a new database, and the project's own apps made anew
RESETS = (RESET_APP, RESET_KEEPING, RESET_PROJECT)

# What a step of a reset does.
RESET_UNDO = "undo"  # `keys` are undone, by a plan of their own
RESET_DROP = "drop"  # the app's tables are dropped, and its records
RESET_RECREATE = "recreate"  # the database is dropped and made anew, empty
RESET_REMOVE = "remove"  # the files of `keys` go to the trash
RESET_FORGET = "forget"  # the records of `keys`, which no file makes sense of any more, are deleted
RESET_MAKE = "make"  # makemigrations of `apps`
RESET_MIGRATE = "migrate"  # `keys`, and all that was made for `apps`, are applied
RESET_RECORD = "record"  # what was made for `apps` is recorded as applied, if the schema agrees


@dataclass(frozen=True)
class PreviewReset:
    """Ask what starting over would do, step by step. Changes nothing."""

    database: str
    kind: str  # one of RESETS
    app: Optional[str] = None  # None for RESET_PROJECT


@dataclass(frozen=True)
class ResetStep:
    """One step, in the order in which they are taken."""

    action: str
    words: str  # the sentence
    database: str = ""  # the alias that it is done on; "" for files
    keys: Tuple[str, ...] = ()  # "app.name"
    apps: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ResetPlan:
    """What starting over would do, and what speaks against it."""

    database: str
    kind: str
    app: Optional[str]
    title: str
    steps: Tuple[ResetStep, ...]
    fingerprint: str
    blockers: Tuple[str, ...] = ()
    ways_out: Tuple[str, ...] = ()
    loss: Tuple[Loss, ...] = ()
    files: Tuple[str, ...] = ()  # paths of all that goes to the trash
    notes: Tuple[str, ...] = ()
    gate: str = ""  # why a second yes is needed: what is dropped because it cannot be undone


@dataclass(frozen=True)
class RecreateDatabase:
    """Put a new, empty database in the place of one: same owner, encoding, grants, settings."""

    database: str
    end_others: bool = False  # end the other sessions, which would keep it from being replaced


@dataclass(frozen=True)
class ReadFiles:
    """Ask for the files of many migrations at once, to be kept before a reset removes them."""

    database: str
    keys: Tuple[str, ...]  # "app.name"


@dataclass(frozen=True)
class MigrationFiles:
    """The files, without what stands against removing them: the plan of the reset says that."""

    files: Tuple[MigrationFile, ...]


@dataclass(frozen=True)
class FileHash:
    """A migration's file and what is in it."""

    app: str
    name: str
    sha256: str


@dataclass(frozen=True)
class DeleteFiles:
    """Delete the files of a reset, if every one of them still has its hash.

    Files that need them are not in the way, since they are made anew. Only RESET_KEEPING takes those
    of applied migrations.
    """

    database: str
    kind: str  # one of RESETS
    files: Tuple[FileHash, ...]


@dataclass(frozen=True)
class FilesDeleted:
    """What went. `error` says why the rest did not."""

    paths: Tuple[str, ...]
    error: Optional[str] = None


@dataclass(frozen=True)
class RestoreFiles:
    """Put many files back, each byte for byte, never over another file: all of them or none."""

    files: Tuple[RestoreFile, ...]


@dataclass(frozen=True)
class FilesRestored:
    """What was written."""

    paths: Tuple[str, ...]
    max_migration: Tuple[str, ...] = ()  # paths of each max_migration.txt that was put back too
    notes: Tuple[str, ...] = ()  # why one was not, as sentences


@dataclass(frozen=True)
class ChangeRecords:
    """Forget and add records; the schema stays as it is. STALE if `before` are not the records now."""

    database: str
    before: Tuple[str, ...]  # "app.name" of all that is recorded for the apps that this is about
    forget: Tuple[str, ...] = ()
    record: Tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordsChanged:
    """All records of the apps that this was about."""

    records: Tuple[str, ...]


@dataclass(frozen=True)
class MakeMigrations:
    """Make the migrations of apps anew by the project's own makemigrations, though their files are gone.

    Files of other apps may depend on what is about to be made.
    """

    database: str
    apps: Tuple[str, ...]


@dataclass(frozen=True)
class MigrationsMade:
    """What makemigrations wrote; read by the next engine, since this one knows the files as they were."""

    keys: Tuple[str, ...]  # "app.name"
    paths: Tuple[str, ...]
    output: str = ""


@dataclass(frozen=True)
class DropTables:
    """Drop the tables of one app, and its records. Refused where other apps' tables point at them."""

    database: str
    app: str
    fingerprint: str  # of the reset that was shown


@dataclass(frozen=True)
class TablesDropped:
    """The tables that went."""

    tables: Tuple[str, ...]


# ------------------------------------------------------------------ lifetime
@dataclass(frozen=True)
class Watch:
    """Tell the engine what to watch: records are polled only while the terminal has focus."""

    database: str
    focused: bool


@dataclass(frozen=True)
class Watching:
    """Agreed."""


#: Method name → (request, reply). The one list that server, client and fake are held to.
METHODS: Mapping[str, Tuple[type, type]] = {
    "open_project": (OpenProject, Project),
    "scan_history": (ScanHistory, History),
    "load_history": (LoadHistory, History),
    "render_sql": (RenderSql, Sql),
    "show_migration": (ShowMigration, MigrationDetail),
    "preview_plan": (PreviewPlan, Plan),
    "measure_plan": (MeasurePlan, Plan),
    "rehearse_plan": (RehearsePlan, Rehearsal),
    "run_plan": (RunPlan, RunFinished),
    "list_sessions": (ListSessions, Sessions),
    "verify_schema": (VerifySchema, Verification),
    "read_file": (ReadFile, MigrationFile),
    "preview_removal": (PreviewRemoval, Removal),
    "delete_file": (DeleteFile, FileDeleted),
    "restore_file": (RestoreFile, FileRestored),
    "check_backup": (CheckBackup, BackupMeans),
    "make_backup": (MakeBackup, BackupMade),
    "count_tables": (CountTables, TablesCounted),
    "begin_upload": (BeginUpload, Uploaded),
    "send_chunk": (SendChunk, Uploaded),
    "drop_upload": (DropUpload, Uploaded),
    "preview_restore": (PreviewRestore, Plan),
    "restore_backup": (RestoreBackup, RestoreFinished),
    "list_kept": (ListKept, Kept),
    "drop_kept": (DropKept, Kept),
    "swap_kept": (SwapKept, RestoreFinished),
    "preview_reset": (PreviewReset, ResetPlan),
    "recreate_database": (RecreateDatabase, RestoreFinished),
    "read_files": (ReadFiles, MigrationFiles),
    "delete_files": (DeleteFiles, FilesDeleted),
    "restore_files": (RestoreFiles, FilesRestored),
    "change_records": (ChangeRecords, RecordsChanged),
    "make_migrations": (MakeMigrations, MigrationsMade),
    "drop_tables": (DropTables, TablesDropped),
    "match_rows": (MatchRows, RowsMatched),
    "put_rows_back": (PutRowsBack, RowsMatched),
    "watch": (Watch, Watching),
}

#: Methods that may change something: never prefetched, never interrupted in mid-statement for speed.
WRITES = frozenset(
    {
        "run_plan",
        "delete_file",
        "restore_file",
        "restore_backup",
        "drop_kept",
        "swap_kept",
        "recreate_database",
        "delete_files",
        "restore_files",
        "change_records",
        "make_migrations",
        "drop_tables",
        "put_rows_back",
    }
)


# --------------------------------------------------------------------- codec
class ProtocolError(ValueError):
    """A message that does not have the shape that its dataclass asks for."""


#: What is on the wire as it is. A history of 5,000 migrations has 70,000 of these: they are looked at first.
_PLAIN = frozenset({str, bool, int, float, type(None)})


def to_wire(value: Any, brief: bool = False) -> Any:
    """Return `value`, a dataclass of this module or a plain value, as JSON-ready data.

    With `brief`, members that have their default are left out; `from_wire` puts them back.
    """
    if isinstance(value, (list, tuple)):
        return [to_wire(item, brief) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        members = {}
        for name, default in _members(type(value)):
            member = getattr(value, name)
            if not brief or member != default:
                members[name] = member if type(member) in _PLAIN else to_wire(member, brief)
        return members
    return value


def from_wire(cls: Type[T], data: Any) -> T:
    """Return `data` as an instance of `cls`. Unknown members are ignored.

    Raises `ProtocolError` when a member is missing or has another type.
    """
    hint: Any = cls
    decoded: T = _decoder(hint)(data)
    return decoded


@lru_cache(maxsize=None)
def _members(cls: Any) -> Tuple[Tuple[str, Any], ...]:
    """Return name and default, or `MISSING`, of each member."""
    return tuple((field.name, field.default) for field in fields(cls))


@lru_cache(maxsize=None)
def _decoder(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_decoder(hint)
    origin = getattr(hint, "__origin__", None)
    if origin is tuple:
        inner = hint.__args__[0]
        return lambda data: tuple(map(_decoder(inner), _expect(data, list)))
    if origin is Union:  # Optional only
        some = next(argument for argument in hint.__args__ if argument is not type(None))
        return lambda data: None if data is None else _decoder(some)(data)
    if hint is float:
        return lambda data: float(_expect(data, (int, float)))
    return lambda data: _expect(data, hint)


def _dataclass_decoder(cls: type) -> Callable[[Any], Any]:
    # Name → (decoder, what needs none, whether it must be there). Built lazily: Operation refers to itself.
    members: Dict[str, Tuple[Callable[[Any], Any], Any, bool]] = {}

    def decode(data: Any) -> Any:
        if not members:
            hints = get_type_hints(cls)
            for field in fields(cls):
                hint = hints[field.name]
                members[field.name] = (_decoder(hint), _plain(hint), field.default is MISSING)
        values = {}
        present = _expect(data, dict)
        for name, (decode_member, plain, required) in members.items():
            if name in present:
                member = present[name]
                values[name] = member if type(member) is plain else decode_member(member)
            elif required:
                raise ProtocolError("%s lacks %r." % (cls.__name__, name))
        return cls(**values)

    return decode


def _plain(hint: Any) -> Any:
    """Return the type whose values are decoded as they are, None if there is none."""
    if getattr(hint, "__origin__", None) is Union:
        hint = next(argument for argument in hint.__args__ if argument is not type(None))
    return hint if hint in _PLAIN else None


def _expect(data: Any, kind: Any) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise ProtocolError("Expected %s, got %.80r." % (getattr(kind, "__name__", kind), data))
    return data
