"""A healthy database has no differences, whatever kind of model it holds and however it came to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.breaking import execute
from tests.projects import SampleProject, make_project, migration_source

FIELDS = (
    "BigIntegerField()",
    "BinaryField(null=True)",
    "BooleanField(default=True)",
    "BooleanField(null=True)",
    'CharField(max_length=20, db_column="Odd Name")',
    "CharField(max_length=255, db_index=True)",
    "DateField(db_index=True)",
    "DateTimeField(auto_now=True)",
    "DecimalField(max_digits=12, decimal_places=4)",
    "DurationField(null=True)",
    "EmailField(unique=True)",
    "FileField()",
    "FloatField()",
    "GenericIPAddressField(null=True)",
    "IntegerField(unique=True)",
    "JSONField(default=dict)",
    "PositiveBigIntegerField()",
    "PositiveIntegerField(db_index=True)",
    "PositiveSmallIntegerField()",
    "SlugField()",
    "SmallIntegerField(null=True)",
    "TextField(db_index=True)",
    "TimeField()",
    "URLField()",
    "UUIDField(unique=True)",
)
HELPERS = """
import uuid

import django
from django.conf import settings
from django.db.models.functions import Lower, Upper
import django.db.models.functions


def check(name, **lookup):
    where = "condition" if django.VERSION >= (5, 1) else "check"
    return models.CheckConstraint(name=name, **{where: models.Q(**lookup)})


NEW = [] if django.VERSION < (5, 0) else [
    ("plain", models.IntegerField(db_default=7)),
    ("made", models.GeneratedField(
        expression=models.F("plain") * 2, output_field=models.BigIntegerField(), db_persist=True)),
    ("upper", models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=60), db_persist=True)),
]
PAIR = [] if django.VERSION < (5, 2) else [migrations.CreateModel("Pair", [
    ("pk", models.CompositePrimaryKey("left", "right")),
    ("left", models.IntegerField()),
    ("right", models.ForeignKey("zoo.plain", models.CASCADE)),
])]
TOGETHER = [migrations.AlterIndexTogether("plain", {("name", "size")})] if django.VERSION < (6, 0) else []
"""


def model(name: str, *fields: str, key: str = "BigAutoField", bases: str = "", **options: str) -> str:
    given = "{" + ", ".join(f'"{each}": {value}' for each, value in options.items()) + "}"
    first = [f'("id", models.{key}(primary_key=True))'] if key else []
    listed = ", ".join([*first, *fields])
    return f"migrations.CreateModel('{name}', [{listed}], options={given}{bases and f', bases=({bases},)'})"


def link(name: str, to: str, kind: str = "ForeignKey", more: str = "") -> str:
    deleted = "" if kind == "ManyToManyField" else "models.CASCADE, "
    return f'("{name}", models.{kind}("zoo.{to}", {deleted}{more}))'


NAME = '("name", models.CharField(max_length=60))'
SIZE = '("size", models.IntegerField(null=True))'
MADE = (
    model("Plain", NAME, SIZE, key="AutoField"),
    model("Everything", *(f'("f{at}", models.{each})' for at, each in enumerate(FIELDS))),
    model("Keyed", NAME, '("key", models.UUIDField(default=uuid.uuid4, primary_key=True))', key=""),
    model("Coded", '("code", models.CharField(max_length=9, unique=True))', '("old", models.TextField())'),
    model("Links", link("plain", "plain"), link("keyed", "keyed", "OneToOneField"))[:-1] + ")",
    model(
        "Far",
        link("code", "coded", more='to_field="code"'),
        link("loose", "plain", more="db_constraint=False, null=True, related_name='+'"),
        link("unindexed", "plain", more="db_index=False, related_name='+'"),
        link("me", "self", more="null=True").replace("zoo.self", "self"),
    ),
    model(
        "Tags", NAME, link("plains", "plain", "ManyToManyField"), link("keyed", "keyed", "ManyToManyField")
    ),
    model("Own", link("us", "self", "ManyToManyField").replace("zoo.self", "self")),
    model("Through", link("plain", "plain"), link("coded", "coded")),
    model(
        "By", link("coded", "coded", "ManyToManyField", 'through="zoo.Through"'), bases='"zoo.plain"', key=""
    ).replace(
        "[(",
        '[("plain_ptr", models.OneToOneField("zoo.plain", models.CASCADE, parent_link=True,'
        " primary_key=True, serialize=False)), (",
        1,
    ),
    model("Proxy", key="", bases='"zoo.plain"', proxy="True"),
    model("Unmanaged", NAME, managed="False"),
    model("Table", NAME, db_table='"Named Table"'),
    model(
        "AVeryLongNameOfAModelThatIsLongerThanWhatServersWouldKeepOfItAtAll",
        '("andaverylongnameofafieldaswellthatmakesnamesofindexeshashed", models.DateField(db_index=True))',
    ),
    model(
        "Constrained",
        NAME,
        SIZE,
        '("day", models.DateField())',
        unique_together='{("name", "day"), ("size", "day")}',
        indexes='[models.Index(fields=["name", "-size"], name="zoo_down"),'
        ' models.Index(fields=["day"], name="zoo_some", condition=models.Q(size=1)),'
        ' models.Index(Lower("name"), "size", name="zoo_lower"),'
        ' models.Index(fields=["size"], include=["day"], name="zoo_include")]',
        constraints='[check("zoo_size", size__gt=0), check("zoo name \'quoted\'", name__contains="%"),'
        ' models.UniqueConstraint(fields=["name", "size"], name="zoo_one"),'
        ' models.UniqueConstraint(fields=["size"], name="zoo_one_if", condition=models.Q(name="a")),'
        ' models.UniqueConstraint(Lower("name"), name="zoo_one_lower"),'
        ' models.UniqueConstraint(fields=["day"], name="zoo_late",'
        " deferrable=models.Deferrable.DEFERRED)]",
    ),
    model("New", NAME, "*NEW"),
    "*PAIR",
)
CHANGED = (
    'migrations.AlterField("plain", "id", models.BigAutoField(primary_key=True))',
    'migrations.RenameModel("Tags", "Labels")',
    'migrations.RenameField("labels", "plains", "simple")',
    'migrations.RenameField("plain", "name", "title")',
    'migrations.RenameField("plain", "title", "name")',
    'migrations.AlterModelTable("labels", "zoo_other")',
    'migrations.AlterField("everything", "f5", models.TextField(null=True))',
    'migrations.AlterField("everything", "f14", models.IntegerField(db_index=True))',
    'migrations.AlterField("everything", "f19", models.CharField(max_length=80, unique=True))',
    'migrations.AlterField("everything", "f16", models.BigIntegerField())',
    'migrations.AlterField("everything", "f6", models.DateField(null=True))',
    'migrations.AlterField("coded", "code", models.CharField(max_length=30, unique=True))',
    'migrations.AddField("coded", "more", models.ManyToManyField("zoo.plain", db_table="zoo_more"))',
    'migrations.RemoveField("coded", "old")',
    'migrations.AlterUniqueTogether("constrained", {("name", "day")})',
    'migrations.RenameIndex("constrained", "zoo_up", old_name="zoo_down")',
    'migrations.AlterOrderWithRespectTo("through", "plain")',
    'migrations.RemoveConstraint("constrained", "zoo_one")',
    'migrations.AddField("own", "one", models.OneToOneField("zoo.plain", models.CASCADE, null=True))',
    'migrations.CreateModel("Gone", [("id", models.BigAutoField(primary_key=True))])',
    'migrations.DeleteModel("Gone")',
    "*TOGETHER",
)


def verified(project: SampleProject, database: str = "default") -> p.Verification:
    with driving(project) as engine:
        verification: p.Verification = engine.ask(p.VerifySchema(database))
    return verification


def test_every_kind_of_model_and_change(vendor: str, tmp_path: Path) -> None:
    files = {
        "0001_initial": migration_source(*MADE, before=HELPERS),
        "0002_changed": migration_source(
            *CHANGED, needs=[("zoo", "0001_initial")], before=HELPERS, atomic=vendor != "sqlite"
        ),
    }
    project = make_project(tmp_path, {"zoo": files}, vendor)
    try:
        project.manage("migrate", "zoo", "0001")
        first = verified(project)
        project.migrate_all()
        second = verified(project)
    finally:
        project.drop()
    assert (first.differences, first.half_done, first.not_checked) == ((), (), ())
    assert first.checked >= 16
    assert (second.differences, second.half_done, second.not_checked) == ((), (), ())


def test_the_bookshop(full_vendor_site: SampleProject) -> None:
    assert verified(full_vendor_site) == p.Verification("default", checked=20)
    assert verified(full_vendor_site, "archive") == p.Verification("archive", checked=1)


def test_a_generated_project_of_200_migrations(full_generated: SampleProject) -> None:
    verification = verified(full_generated)
    assert verification == p.Verification("default", checked=verification.checked)
    assert verification.checked > 30


POSTGRES = """
from django.contrib.postgres import constraints, fields, indexes, operations
from django.contrib.postgres.fields import RangeOperators


class Email(models.Field):
    def db_type(self, connection):
        return "citext"
"""


def test_what_only_postgresql_has(vendor: str, tmp_path: Path) -> None:
    if vendor != "postgresql":
        pytest.skip("Only PostgreSQL has these.")
    before = POSTGRES + "\n\n" + HELPERS
    first = migration_source(
        "operations.BtreeGistExtension()",
        "operations.HStoreExtension()",
        "operations.CITextExtension()",
        model(
            "Special",
            '("tags", fields.ArrayField(models.CharField(max_length=9), size=3))',
            '("grid", fields.ArrayField(fields.ArrayField(models.CharField(max_length=5))))',
            '("prices", fields.ArrayField(models.DecimalField(max_digits=5, decimal_places=2)))',
            '("more", fields.HStoreField(default=dict))',
            '("span", fields.DateTimeRangeField(db_index=True))',
            '("number", fields.BigIntegerRangeField(null=True))',
            '("email", Email())',
            '("unlimited", models.CharField(max_length=None))',
            indexes='[indexes.GinIndex(fields=["tags"], name="gin_tags"),'
            ' indexes.BrinIndex(fields=["span"], name="brin_span"),'
            ' models.Index(fields=["email"], name="like_email", opclasses=["citext_pattern_ops"])]',
            constraints="[constraints.ExclusionConstraint(name='no_overlap',"
            ' expressions=[("span", RangeOperators.OVERLAPS)])]',
        ),
        before=before,
    )
    second = migration_source(
        'operations.AddIndexConcurrently("special", models.Index(fields=["unlimited"], name="plain"))',
        needs=[("zoo", "0001_initial")],
        before=before,
        atomic=False,
    )
    project = make_project(tmp_path, {"zoo": {"0001_initial": first, "0002_index": second}}, vendor)
    try:
        project.migrate_all()
        healthy = verified(project)
        execute(
            project,
            "ALTER TABLE zoo_special DROP CONSTRAINT no_overlap",
            "ALTER TABLE zoo_special ALTER tags TYPE varchar(10)[]",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plain'::regclass",
        )
        broken = verified(project)
    finally:
        project.drop()
    assert healthy == p.Verification("default", checked=1)
    assert {(each.kind, each.name, each.found) for each in broken.differences} == {
        ("missing constraint", "no_overlap", ""),
        ("missing index", "plain", "invalid"),
        ("type", "tags", "character varying(10)[]"),
    }


def test_what_django_brings_along(vendor: str, tmp_path: Path) -> None:
    project = make_project(tmp_path, {}, vendor)
    names = ("admin", "auth", "contenttypes", "flatpages", "redirects", "sessions", "sites")
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write(f"INSTALLED_APPS += {[f'django.contrib.{name}' for name in names]!r}\n")
    try:
        project.migrate_all()
        verification = verified(project)
    finally:
        project.drop()
    assert verification == p.Verification("default", checked=13)


def other_pythons() -> list[str]:
    """Return the interpreters with other versions of Django that `.ci/matrix` has made."""
    root = Path(__file__).resolve().parents[2]
    return sorted(map(str, root.glob(".venv-matrix/project-*/bin/python")))


@pytest.mark.skipif(not other_pythons(), reason="No other Djangos are here: .ci/matrix makes them.")
@pytest.mark.parametrize("python", other_pythons(), ids=lambda python: Path(python).parents[1].name)
def test_the_bookshop_on_another_django(python: str, site: SampleProject) -> None:
    site.python = python
    site.migrate_all()
    assert verified(site) == p.Verification("default", checked=20)
