"""Does verify find whatever was changed behind Django's back, and nothing in a healthy database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine import breaking
from tests.projects import SampleProject, make_project, migration_source

ID = '("id", models.BigAutoField(primary_key=True, serialize=False))'
NAME = '("name", models.CharField(max_length=60))'
SIZE = '("size", models.IntegerField(null=True))'
BEFORE = """
import django

def check(name):
    where = "condition" if django.VERSION >= (5, 1) else "check"
    return models.CheckConstraint(name=name, **{where: models.Q(size__gt=0)})
"""


def model(name: str, *fields: str, **options: str) -> str:
    """Return a CreateModel with an id, a name, a size and more; options are source too."""
    given = "{" + ", ".join(f'"{key}": {value}' for key, value in options.items()) + "}"
    return f"migrations.CreateModel('{name}', [{', '.join((ID, NAME, SIZE, *fields))}], options={given})"


MODELS = (
    model("Maker"),
    model("Healthy", '("code", models.SlugField(unique=True))', '("made", models.DateTimeField())'),
    model("Lost"),
    model("Renamed"),
    model("Short"),
    model("Long"),
    model("Loose"),
    model("Tight"),
    model("Typed"),
    model("Indexed", '("day", models.DateField(db_index=True))'),
    model("Named", indexes='[models.Index(fields=["name", "size"], name="named_both")]'),
    model("Swapped", indexes='[models.Index(fields=["name", "size"], name="swapped_both")]'),
    model("Unique", '("code", models.CharField(max_length=9, unique=True))'),
    model("Together", unique_together='{("name", "size")}'),
    model("OneOf", constraints='[models.UniqueConstraint(fields=["name", "size"], name="oneof_both")]'),
    model(
        "Partial",
        constraints='[models.UniqueConstraint(fields=["name"], condition=models.Q(size=1), name="partial")]',
    ),
    model(
        "Expression",
        indexes='[models.Index(models.functions.Lower("name"), name="expression_lower")]',
    ),
    model("Checked", constraints='[check("checked_size")]'),
    model("Linked", '("maker", models.ForeignKey("shop.maker", models.CASCADE))'),
    model("Redirected", '("maker", models.ForeignKey("shop.maker", models.CASCADE))'),
    model("Tagged", '("makers", models.ManyToManyField("shop.maker"))'),
    model("Keyed"),
)
FUNCTIONS = BEFORE + "\n\nimport django.db.models.functions\n"


def break_it(project: SampleProject) -> None:
    """Change every table but those of Maker and Healthy, each in one way."""
    vendor = project.vendor
    run: Callable[..., None] = breaking.execute
    run(project, "DROP TABLE shop_lost", "ALTER TABLE shop_renamed RENAME TO shop_old")
    run(
        project,
        "ALTER TABLE shop_short DROP COLUMN name",
        "ALTER TABLE shop_long ADD COLUMN more integer NULL",
    )
    breaking.alter_column(project, "shop_loose", "name", "varchar(60) NOT NULL", "varchar(60) NULL")
    breaking.alter_column(project, "shop_tight", "size", "integer NULL", "integer NOT NULL")
    breaking.alter_column(project, "shop_typed", "name", "varchar(60) NOT NULL", "varchar(80) NOT NULL")
    breaking.drop_index(
        project, "shop_indexed", breaking.index_over(project, "shop_indexed", "day", unique=False)
    )
    breaking.drop_index(project, "shop_named", "named_both")
    breaking.drop_index(project, "shop_swapped", "swapped_both")
    run(project, "CREATE INDEX swapped_both ON shop_swapped (size, name)")
    break_constraints(project)
    if vendor != "mysql":
        breaking.drop_index(project, "shop_partial", "partial")
        breaking.drop_index(project, "shop_expression", "expression_lower")
    run(project, "DROP TABLE shop_tagged_makers")


def break_constraints(project: SampleProject) -> None:
    """Drop constraints: SQLite knows no other way than another table."""
    together = breaking.index_over(project, "shop_together", "name, size", unique=True)
    reference = ' REFERENCES "shop_maker" ("id") DEFERRABLE INITIALLY DEFERRED'
    if project.vendor == "sqlite":
        breaking.drop_index(project, "shop_together", together)
        breaking.remake(project, "shop_unique", "varchar(9) NOT NULL UNIQUE", "varchar(9) NOT NULL")
        breaking.remake(project, "shop_oneof", ', CONSTRAINT "oneof_both" UNIQUE ("name", "size")', "")
        breaking.remake(project, "shop_checked", ', CONSTRAINT "checked_size" CHECK ("size" > 0)', "")
        breaking.remake(project, "shop_linked", reference, "")
        breaking.remake(project, "shop_redirected", reference, reference.replace("maker", "healthy"))
        breaking.remake(
            project, "shop_keyed", '"id" integer NOT NULL PRIMARY KEY AUTOINCREMENT', '"id" integer'
        )
        return
    code = breaking.index_over(project, "shop_unique", "code", unique=True)
    redirected = breaking.foreign_key_of(project, "shop_redirected")
    breaking.drop_constraint(project, "shop_together", together)
    breaking.drop_constraint(project, "shop_unique", code)
    breaking.drop_constraint(project, "shop_oneof", "oneof_both")
    breaking.drop_constraint(project, "shop_checked", "checked_size")
    breaking.drop_constraint(project, "shop_linked", breaking.foreign_key_of(project, "shop_linked"))
    breaking.drop_constraint(project, "shop_redirected", redirected)
    breaking.execute(
        project,
        "ALTER TABLE shop_redirected ADD CONSTRAINT other"
        " FOREIGN KEY (maker_id) REFERENCES shop_healthy (id)",
        "ALTER TABLE shop_keyed DROP CONSTRAINT shop_keyed_pkey"
        if project.vendor == "postgresql"
        else "ALTER TABLE shop_keyed MODIFY id bigint(20) NOT NULL, DROP PRIMARY KEY",
    )


#: (model, kind, name) of all that `break_it` breaks.
BROKEN = {
    ("Lost", "missing table", ""),
    ("Renamed", "missing table", ""),
    ("Short", "missing column", "name"),
    ("Long", "extra column", "more"),
    ("Loose", "null", "name"),
    ("Tight", "null", "size"),
    ("Typed", "type", "name"),
    ("Indexed", "missing index", "day"),
    ("Named", "missing index", "named_both"),
    ("Swapped", "index", "swapped_both"),
    ("Unique", "missing unique constraint", "code"),
    ("Together", "missing unique constraint", "name, size"),
    ("OneOf", "missing unique constraint", "oneof_both"),
    ("Partial", "missing unique constraint", "partial"),
    ("Expression", "missing index", "expression_lower"),
    ("Checked", "missing constraint", "checked_size"),
    ("Linked", "missing foreign key", "maker_id"),
    ("Redirected", "foreign key", "maker_id"),
    ("Tagged", "missing table", ""),
    ("Keyed", "primary key", ""),
}
#: What MariaDB does not make.
NOT_ON_MARIADB = {"Partial", "Expression"}


def verified(project: SampleProject, app: str | None = None, database: str = "default") -> p.Verification:
    with driving(project) as engine:
        verification: p.Verification = engine.ask(p.VerifySchema(database, app))
    return verification


@pytest.fixture(scope="module")
def shop(vendor: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleProject]:
    files = {"0001_initial": migration_source(*MODELS, before=FUNCTIONS)}
    project = make_project(tmp_path_factory.mktemp(vendor), {"shop": files}, vendor)
    project.migrate_all()
    yield project
    project.drop()


@pytest.fixture(scope="module")
def healthy(shop: SampleProject) -> p.Verification:
    """What is said before anything is broken, but with much made by hand."""
    breaking.execute(
        shop,
        "CREATE TABLE handmade (id integer)",
        "CREATE TABLE shop_handmade (id integer)",
        "CREATE INDEX handmade_name ON shop_healthy (size)",
        "CREATE UNIQUE INDEX handmade_code ON shop_healthy (code, size)",
        "CREATE VIEW shop_view AS SELECT name FROM shop_healthy",
    )
    if shop.vendor == "postgresql":
        breaking.execute(shop, "CREATE EXTENSION pg_stat_statements", "CREATE SCHEMA shop_lost")
    return verified(shop)


@pytest.fixture(scope="module")
def broken(shop: SampleProject, healthy: p.Verification) -> p.Verification:
    """What is said after everything was broken."""
    break_it(shop)
    return verified(shop)


def test_a_healthy_database_has_no_differences_whatever_was_made_beside_it(healthy: p.Verification) -> None:
    assert healthy == p.Verification("default", checked=len(MODELS) + 1)


@pytest.mark.parametrize("case", sorted(BROKEN), ids=lambda case: f"{case[0]}-{case[1]}".replace(" ", "-"))
def test_what_is_broken_by_hand_is_named(
    case: tuple[str, str, str], broken: p.Verification, shop: SampleProject
) -> None:
    name, kind, thing = case
    of_model = [each for each in broken.differences if each.model == name]
    if shop.vendor == "mysql" and name in NOT_ON_MARIADB:
        assert of_model == []
        return
    (difference,) = of_model
    assert (difference.kind, difference.name, difference.app) == (kind, thing, "shop")
    assert difference.table.startswith(f"shop_{name.lower()}")
    assert difference.table in difference.message
    assert f"shop.{name}" in difference.message or "missing from" in difference.message


def test_nothing_else_is_named(broken: p.Verification, shop: SampleProject) -> None:
    assert {each.model for each in broken.differences} <= {name for name, _, _ in BROKEN}
    assert broken.not_checked == ()


def test_the_message_tells_both_sides(broken: p.Verification, shop: SampleProject) -> None:
    by_model = {each.model: each for each in broken.differences}
    typed = by_model["Typed"]
    assert ("60" in typed.expected, "80" in typed.found) == (True, True)
    assert (by_model["Loose"].expected, by_model["Loose"].found) == ("NOT NULL", "NULL")
    assert by_model["Renamed"].found == "shop_old"
    assert "may have been renamed" in by_model["Renamed"].message
    assert by_model["Swapped"].found == "size, name"
    assert "shop_healthy.id" in by_model["Redirected"].found
    assert "shop_maker.id" in by_model["Redirected"].expected


def test_looking_changes_nothing(shop: SampleProject, broken: p.Verification) -> None:
    before = shop.snapshot()
    verified(shop)
    assert shop.snapshot() == before
