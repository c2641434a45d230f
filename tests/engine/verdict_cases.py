"""One migration a case, and what must be said of it before it is counted: backwards and forwards."""

from __future__ import annotations

from dataclasses import dataclass

from djmig_tui.protocol import BLOCKED, LOSES, SAFE, UNKNOWN

#: (verdict, what is lost as table or table.column, without the app's prefix)
Said = tuple[str, set[str]]

CLEAN: Said = (SAFE, set())
UNCLEAR: Said = (UNKNOWN, set())
STOPPED: Said = (BLOCKED, set())

BEFORE = """
from django.db.migrations.operations.base import Operation


def code(apps, schema_editor):
    pass


class Louder(migrations.RunPython):
    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        schema_editor.execute("DELETE FROM %s_item" % app_label)


class Raw(migrations.RunSQL):
    pass


class Own(Operation):
    reversible = True

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        pass

    database_backwards = database_forwards


class OneWay(Own):
    reversible = False
"""


@dataclass(frozen=True)
class Case:
    """A migration whose operations come after those of `setup`."""

    operation: str
    back: Said
    forth: Said
    setup: tuple[str, ...] = ()


def lost(*names: str) -> Said:
    return LOSES, set(names)


def field(kind: str, name: str = "a", model: str = "item", more: str = "") -> str:
    return f'migrations.AddField("{model}", "{name}", {kind}{more})'


def alter(kind: str, name: str = "a") -> str:
    return f'migrations.AlterField("item", "{name}", {kind})'


def other(*fields: str, options: str = "{}", bases: str = "(models.Model,)") -> str:
    listed = ", ".join(['("id", models.AutoField(primary_key=True))', *fields])
    return f'migrations.CreateModel("Other", [{listed}], options={options}, bases={bases})'


def separate(database: str = "", state: str = "") -> str:
    return (
        f"migrations.SeparateDatabaseAndState(database_operations=[{database}], state_operations=[{state}])"
    )


OTHER = other()
REMOVE = 'migrations.RemoveField("item", "a")'
INTEGER = "models.IntegerField()"
DEFAULT = "models.IntegerField(default=7)"
NULL = "models.IntegerField(null=True)"
LINK = 'models.ManyToManyField("{app}.other", related_name="+")'
FOREIGN = 'models.ForeignKey("{app}.other", models.CASCADE, related_name="+"%s)'
THROUGH = other(
    '("one", models.ForeignKey("{app}.item", models.CASCADE, related_name="+"))',
    '("two", models.ForeignKey("{app}.item", models.CASCADE, related_name="+"))',
)
THROUGH_FIELD = 'models.ManyToManyField("{app}.item", through="{app}.Other", through_fields=("one", "two"))'
INDEX = 'models.Index(fields=["name"], name="{app}_by_name")'
UNIQUE = 'models.UniqueConstraint(fields=["name"], name="{app}_one")'
NOOP = "migrations.RunPython.noop"

CASES = {
    "create": Case(other(f'("links", {LINK.replace("other", "item")})'), lost("other", "other_links"), CLEAN),
    "create a proxy": Case(
        other(options='{"proxy": True}', bases='("{app}.item",)').replace(
            '("id", models.AutoField(primary_key=True))', ""
        ),
        CLEAN,
        CLEAN,
    ),
    "create unmanaged": Case(other(options='{"managed": False}'), CLEAN, CLEAN),
    "create a table name": Case(other(options='{"db_table": "{app}_mine"}'), lost("mine"), CLEAN),
    "create a swapped model": Case(other(options='{"swappable": "AUTH_USER_MODEL"}'), CLEAN, CLEAN),
    "delete": Case('migrations.DeleteModel("Other")', CLEAN, lost("other"), (OTHER,)),
    "add": Case(field(DEFAULT), lost("item.a"), CLEAN),
    "add with a one-off default": Case(
        field(DEFAULT, more=", preserve_default=False"), lost("item.a"), CLEAN
    ),
    "add null": Case(field(NULL), lost("item.a"), CLEAN),
    "add not null": Case(field(INTEGER), lost("item.a"), UNCLEAR),
    "add a column name": Case(field('models.IntegerField(db_column="b", null=True)'), lost("item.b"), CLEAN),
    "add unique": Case(field("models.IntegerField(default=1, unique=True)"), lost("item.a"), UNCLEAR),
    "add unique null": Case(field("models.IntegerField(null=True, unique=True)"), lost("item.a"), CLEAN),
    "add unique blank": Case(
        field("models.CharField(blank=True, max_length=9, unique=True)"), lost("item.a"), UNCLEAR
    ),
    "add blank": Case(field("models.CharField(blank=True, max_length=9)"), lost("item.a"), CLEAN),
    "add the moment": Case(field("models.DateTimeField(auto_now_add=True)"), lost("item.a"), CLEAN),
    "add foreign null": Case(field(FOREIGN % ", null=True"), lost("item.a_id"), CLEAN, (OTHER,)),
    "add foreign with a default": Case(field(FOREIGN % ", default=1"), lost("item.a_id"), UNCLEAR, (OTHER,)),
    "add links": Case(field(LINK), lost("item_a"), CLEAN, (OTHER,)),
    "add links through a model": Case(field(THROUGH_FIELD), CLEAN, CLEAN, (THROUGH,)),
    "remove": Case(REMOVE, CLEAN, lost("item.a"), (field(DEFAULT),)),
    "remove null": Case(REMOVE, CLEAN, lost("item.a"), (field(NULL),)),
    "remove not null": Case(REMOVE, UNCLEAR, lost("item.a"), (field(INTEGER),)),
    "remove unique": Case(
        REMOVE, UNCLEAR, lost("item.a"), (field("models.IntegerField(default=1, unique=True)"),)
    ),
    "remove unique blank": Case(
        REMOVE, UNCLEAR, lost("item.a"), (field("models.CharField(blank=True, max_length=9, unique=True)"),)
    ),
    "remove foreign with a default": Case(
        REMOVE, UNCLEAR, lost("item.a_id"), (OTHER, field(FOREIGN % ", default=1"))
    ),
    "remove the moment": Case(REMOVE, CLEAN, lost("item.a"), (field("models.DateField(auto_now=True)"),)),
    "remove links": Case(REMOVE, CLEAN, lost("item_a"), (OTHER, field(LINK))),
    "alter the type": Case(
        alter("models.CharField(max_length=9, null=True)"), lost("item.a"), lost("item.a"), (field(NULL),)
    ),
    "alter to not null": Case(alter(DEFAULT), lost("item.a"), lost("item.a"), (field(NULL),)),
    "alter to unique": Case(
        alter("models.IntegerField(null=True, unique=True)"), lost("item.a"), lost("item.a"), (field(NULL),)
    ),
    "alter words": Case(
        alter(
            'models.IntegerField("A", blank=True, choices=[(1, "x")], default=3, help_text="?", null=True)'
        ),
        CLEAN,
        CLEAN,
        (field(NULL),),
    ),
    "alter the column's name": Case(
        alter('models.IntegerField(db_column="b", null=True)'), CLEAN, CLEAN, (field(NULL),)
    ),
    "alter where links point": Case(
        alter(LINK), UNCLEAR, UNCLEAR, (OTHER, field(LINK.replace("other", "item")))
    ),
    "alter the words of links": Case(
        alter(LINK.replace(', related_name="+"', ', blank=True, help_text="?", related_name="+"')),
        CLEAN,
        CLEAN,
        (OTHER, field(LINK)),
    ),
    "alter where a key points": Case(
        alter(FOREIGN.replace("other", "item") % ", null=True"),
        lost("item.a_id"),
        lost("item.a_id"),
        (OTHER, field(FOREIGN % ", null=True")),
    ),
    "together": Case(
        'migrations.AlterUniqueTogether("item", {("name", "a")})', CLEAN, UNCLEAR, (field(DEFAULT),)
    ),
    "not together": Case(
        'migrations.AlterUniqueTogether("item", set())',
        UNCLEAR,
        CLEAN,
        (field(DEFAULT), 'migrations.AlterUniqueTogether("item", {("name", "a")})'),
    ),
    "add an index": Case(f'migrations.AddIndex("item", {INDEX})', CLEAN, CLEAN),
    "remove an index": Case(
        'migrations.RemoveIndex("item", "{app}_by_name")',
        CLEAN,
        CLEAN,
        (f'migrations.AddIndex("item", {INDEX})',),
    ),
    "rename an index": Case(
        'migrations.RenameIndex("item", new_name="{app}_new", old_name="{app}_by_name")',
        CLEAN,
        CLEAN,
        (f'migrations.AddIndex("item", {INDEX})',),
    ),
    "add a constraint": Case(f'migrations.AddConstraint("item", {UNIQUE})', CLEAN, UNCLEAR),
    "remove a constraint": Case(
        'migrations.RemoveConstraint("item", "{app}_one")',
        UNCLEAR,
        CLEAN,
        (f'migrations.AddConstraint("item", {UNIQUE})',),
    ),
    "rename a model": Case(
        'migrations.RenameModel("Item", "Thing")',
        CLEAN,
        CLEAN,
        (OTHER, 'migrations.AddField("item", "a", ' + LINK + ")"),
    ),
    "rename a field": Case('migrations.RenameField("item", "a", "b")', CLEAN, CLEAN, (field(DEFAULT),)),
    "rename links": Case('migrations.RenameField("item", "a", "b")', CLEAN, CLEAN, (OTHER, field(LINK))),
    "rename the table": Case(
        'migrations.AlterModelTable("item", "{app}_new")', CLEAN, CLEAN, (OTHER, field(LINK))
    ),
    "options": Case('migrations.AlterModelOptions("item", {"ordering": ["name"]})', CLEAN, CLEAN),
    "managers": Case('migrations.AlterModelManagers("item", [("objects", models.Manager())])', CLEAN, CLEAN),
    "order": Case(
        'migrations.AlterOrderWithRespectTo("item", "a")',
        lost("item._order"),
        CLEAN,
        (OTHER, field(FOREIGN % ", null=True")),
    ),
    "sql one way": Case('migrations.RunSQL("SELECT 1")', STOPPED, UNCLEAR),
    "sql": Case('migrations.RunSQL("SELECT 1", "SELECT 2")', UNCLEAR, UNCLEAR),
    "sql with a noop": Case('migrations.RunSQL("SELECT 1", migrations.RunSQL.noop)', CLEAN, UNCLEAR),
    "sql of their own": Case('Raw("SELECT 1", "")', UNCLEAR, UNCLEAR),
    "python one way": Case("migrations.RunPython(code)", STOPPED, UNCLEAR),
    "python": Case("migrations.RunPython(code, code)", UNCLEAR, UNCLEAR),
    "python with a noop": Case(f"migrations.RunPython(code, {NOOP})", CLEAN, UNCLEAR),
    "python of nothing": Case(f"migrations.RunPython({NOOP}, {NOOP})", CLEAN, CLEAN),
    "python of their own": Case(f"Louder({NOOP}, {NOOP})", UNCLEAR, UNCLEAR),
    "state only": Case(separate(state=field(DEFAULT)), CLEAN, CLEAN),
    "database only": Case(separate(field(DEFAULT)), lost("item.a"), CLEAN),
    "hidden python": Case(separate("migrations.RunPython(code, code)"), UNCLEAR, UNCLEAR),
    "hidden python one way": Case(separate("migrations.RunPython(code)"), STOPPED, UNCLEAR),
    "hidden deeper": Case(separate(separate('migrations.RunSQL("SELECT 1")')), STOPPED, UNCLEAR),
    "hidden removal": Case(separate(REMOVE, REMOVE), UNCLEAR, lost("item.a"), (field(INTEGER),)),
    "their own": Case("Own()", UNCLEAR, UNCLEAR),
    "their own one way": Case("OneWay()", STOPPED, UNCLEAR),
    "safe and their own": Case(f'Own(), migrations.AddIndex("item", {INDEX})', UNCLEAR, UNCLEAR),
    "nothing": Case("", CLEAN, CLEAN),
}
