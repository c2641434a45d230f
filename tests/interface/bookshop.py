"""A bookshop's history, made of protocol dataclasses: every mark and every sign occurs in it."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import (
    APPLIED,
    SQUASHED,
    UNAPPLIED,
    App,
    Database,
    History,
    Migration,
    Operation,
    Project,
)

FOLDER = "/srv/bookshop"

PROJECT = Project(
    name="bookshop",
    folder=FOLDER,
    settings="bookshop.settings",
    debug=True,
    django="5.2.8",
    python="3.12.1",
    executable=f"{FOLDER}/.venv/bin/python",
    databases=(
        Database("default", "sqlite", "db.sqlite3"),
        Database("archive", "postgresql", "shop_archive", "db.example.com:5432", local=False),
    ),
)
REMOTE = replace(
    PROJECT,
    debug=False,
    databases=(
        Database("default", "postgresql", "shop", "db.example.com:5432", local=False),
        Database("archive", "sqlite", "archive.sqlite3"),
    ),
)

#: Migration → operations in words. Undoing CreateModel and AddField loses something.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "store.0001_initial": ("Create model Product",),
    "store.0002_add_price_to_product": ("Add field price to product",),
    "store.0003_change_price_field": (
        "Alter field price on product",
        "Rename field label on product to title",
    ),
    "store.0004_add_discount_field": ("Add field discount to product",),
    "catalog.0001_initial": ("Create model Author", "Create model Book"),
    "catalog.0002_book_isbn": ("Add field isbn to book",),
    "catalog.0002_book_subtitle": ("Rename field name on book to subtitle",),
    "catalog.0003_merge_isbn_subtitle": (),
    "orders.0001_initial": ("Create model Order",),
    "orders.0002_order_status": ("Add field status to order",),
    "orders.0003_order_total": ("Add field total to order",),
    "orders.0001_squashed_0003_order_total": ("Create model Order",),
    "orders.0004_backfill_totals": ("Raw Python operation",),
    "orders.0005_index_status": ("Create index order_status_idx on field(s) status of model order",),
    "reviews.0001_initial": ("Create model Review",),
    "reviews.0002_anonymise": ("Raw Python operation",),
}
DEPENDS: dict[str, tuple[str, ...]] = {
    "catalog.0002_book_isbn": ("catalog.0001_initial",),
    "catalog.0002_book_subtitle": ("catalog.0001_initial",),
    "catalog.0003_merge_isbn_subtitle": ("catalog.0002_book_isbn", "catalog.0002_book_subtitle"),
    "orders.0001_initial": ("store.0002_add_price_to_product",),
    "reviews.0001_initial": ("catalog.0002_book_isbn",),
}
IRREVERSIBLE = {"reviews.0002_anonymise"}
PYTHON = {"orders.0004_backfill_totals", "reviews.0002_anonymise"}

_APPLIED = {
    "store": ("0001_initial", "0002_add_price_to_product", "0003_change_price_field"),
    "catalog": ("0001_initial", "0002_book_isbn", "0002_book_subtitle", "0003_merge_isbn_subtitle"),
    "orders": ("0001_initial", "0002_order_status", "0003_order_total", "0004_backfill_totals"),
    "reviews": ("0001_initial", "0002_anonymise"),
}


def _migration(label: str, name: str, order: int) -> Migration:
    key = f"{label}.{name}"
    applied = name in _APPLIED[label]
    names = [one.partition(".")[2] for one in OPERATIONS if one.startswith(f"{label}.")]
    return Migration(
        name=name,
        mark=APPLIED if applied else UNAPPLIED,
        applied=applied,
        applied_at=f"2026-02-{10 + order % 18:02}T09:{order % 60:02}:00+00:00" if applied else None,
        file=f"{FOLDER}/{label}/migrations/{name}.py",
        order=order,
        reversible=key not in IRREVERSIBLE,
        runs_python=key in PYTHON,
        initial=name == "0001_initial",
        head=name == names[-1],
    )


def _app(label: str, order: int) -> App:
    names = [key.partition(".")[2] for key in OPERATIONS if key.startswith(f"{label}.")]
    migrations = tuple(_migration(label, name, order + place) for place, name in enumerate(names))
    return App(label, f"bookshop.{label}", False, migrations, path=f"{FOLDER}/{label}/migrations")


def _third_party(label: str, names: tuple[str, ...], order: int) -> App:
    path = f"{FOLDER}/.venv/lib/python3.12/site-packages/django/contrib/{label}/migrations"
    migrations = tuple(
        Migration(
            name=name,
            mark=APPLIED,
            applied=True,
            applied_at=f"2026-02-01T08:{place:02}:00+00:00",
            file=f"{path}/{name}.py",
            order=order + place,
            reversible=True,
            initial=place == 0,
            head=place == len(names) - 1,
        )
        for place, name in enumerate(names)
    )
    return App(label, f"django.contrib.{label}", True, migrations, path=path)


def _orders() -> App:
    app = _app("orders", 30)
    squash = "0001_squashed_0003_order_total"
    replaced = ("0001_initial", "0002_order_status", "0003_order_total")
    made = []
    for migration in app.migrations:
        if migration.name in replaced:
            made.append(replace(migration, replaced_by=f"orders.{squash}"))
        elif migration.name == squash:
            replaces = tuple(f"orders.{name}" for name in replaced)
            made.insert(0, replace(migration, mark=SQUASHED, applied=True, replaces=replaces, initial=True))
        else:
            made.append(migration)
    return replace(app, migrations=tuple(made))


def _shipping() -> App:
    path = f"{FOLDER}/shipping/migrations"
    migrations = (
        Migration("0001_initial", APPLIED, True, "2026-02-14T10:00:00+00:00", f"{path}/0001_initial.py",
                  order=50, reversible=True, initial=True),
        Migration("0002_carrier", APPLIED, True, "2026-02-15T16:20:00+00:00", None, ghost=True, order=51),
        Migration("0003_tracking", UNAPPLIED, False, None, f"{path}/0003_tracking.py", order=52, head=True,
                  error="SyntaxError: '(' was never closed (0003_tracking.py, line 7)"),
    )  # fmt: skip
    return App("shipping", "bookshop.shipping", False, migrations, path=path)


def bookshop() -> History:
    """Return the whole history as it is when the shop is opened."""
    apps = (
        _third_party("contenttypes", ("0001_initial", "0002_remove_content_type_name"), 1),
        _third_party("auth", ("0001_initial", "0002_alter_permission_name", "0003_alter_user_email"), 3),
        _third_party("sessions", ("0001_initial",), 7),
        _app("store", 10),
        _app("catalog", 20),
        _orders(),
        _app("reviews", 40),
        _shipping(),
        App("newsletter", "bookshop.newsletter", False, why_empty="newsletter has no migrations folder."),
    )
    own_first = tuple(sorted(apps, key=lambda app: (app.third_party, app.label)))
    return History("default", own_first, complete=True)


def large(number: int) -> History:
    """Return a history of `number` migrations in apps of fifty."""
    apps = []
    for first in range(0, number, 50):
        names = [f"{place + 1:04}_change_{first + place}" for place in range(min(50, number - first))]
        migrations = tuple(
            Migration(name, APPLIED, True, "2026-02-01T08:00:00+00:00", f"{FOLDER}/{name}.py",
                      order=first + place, reversible=True, head=name == names[-1])
            for place, name in enumerate(names)
        )  # fmt: skip
        apps.append(App(f"app{first // 50:03}", f"shop.app{first // 50:03}", False, migrations))
    return History("default", tuple(apps), complete=True)


def operations(key: str) -> tuple[Operation, ...]:
    """Return a migration's operations."""
    kinds = {
        "Create model": "CreateModel",
        "Add field": "AddField",
        "Rename field": "RenameField",
        "Raw Python": "RunPython",
        "Create index": "AddIndex",
    }
    return tuple(
        Operation(
            words,
            next((kind for start, kind in kinds.items() if words.startswith(start)), "AlterField"),
            reversible=key not in IRREVERSIBLE,
            sql="Python" not in words,
        )
        for words in OPERATIONS.get(key, ("Alter field name on thing",))
    )


def reverse_sql(key: str) -> str:
    """Return SQL of the length and shape that SQLite gets."""
    label, _, name = key.partition(".")
    if key == "store.0003_change_price_field":
        return _REMAKE
    lines = ["BEGIN;"]
    for words in OPERATIONS.get(key, ("Alter field name on thing",)):
        lines += ["--", f"-- {words}", "--"]
        model = words.split()[-1].lower()
        if "Python" in words:
            lines.append("-- THIS OPERATION CANNOT BE WRITTEN AS SQL")
        elif words.startswith("Create model"):
            lines.append(f'DROP TABLE "{label}_{model}";')
        elif words.startswith("Add field"):
            lines.append(f'ALTER TABLE "{label}_{model}" DROP COLUMN "{words.split()[2]}";')
        elif words.startswith("Create index"):
            lines.append(f'DROP INDEX IF EXISTS "{words.split()[2]}";')
        else:
            lines.append(f'ALTER TABLE "{label}_{model}" RENAME COLUMN "name_{name[:4]}" TO "name";')
    return "\n".join([*lines, "COMMIT;"])


_REMAKE = """BEGIN;
--
-- Rename field label on product to title
--
ALTER TABLE "store_product" RENAME COLUMN "title" TO "label";
--
-- Alter field price on product
--
CREATE TABLE "new__store_product" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "label" varchar(200) NOT NULL, "price" decimal NOT NULL);
INSERT INTO "new__store_product" ("id", "label", "price") SELECT "id", "label", coalesce("price", '0') FROM "store_product";
DROP TABLE "store_product";
ALTER TABLE "new__store_product" RENAME TO "store_product";
COMMIT;"""  # noqa: E501

SOURCE = """from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("{label}", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="discount",
            field=models.DecimalField(decimal_places=2, default="0.00", max_digits=6),
        ),
    ]
"""
