"""Texts that tests write into projects: settings, and sources of migrations."""

from __future__ import annotations

from collections.abc import Sequence

MANAGE = '''\
"""Run Django's commands."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
execute_from_command_line(sys.argv)
'''

SETTINGS = '''\
"""Settings of a project made by a test."""

{driver}
SECRET_KEY = "test"
DEBUG = True
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = {apps!r}
DATABASES = {databases!r}
'''

PYMYSQL = """\
try:
    import MySQLdb
except ImportError:
    import pymysql

    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
"""

MIGRATION = """\
from django.db import migrations, models


{before}class Migration(migrations.Migration):

    atomic = {atomic!r}

    dependencies = {dependencies!r}

    operations = [
        {operations}
    ]
"""

RECORD_ALL = """
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
recorder = MigrationRecorder(connections[{alias!r}])
recorder.ensure_schema()
nodes = MigrationLoader(None).disk_migrations
rows = [recorder.Migration(app=app, name=name) for app, name in sorted(nodes)]
recorder.migration_qs.bulk_create(rows, batch_size=500)
"""

#: Kind of a field → its variants, of which AlterField takes another one.
FIELDS = {
    "title": [
        'models.CharField(default="", max_length=40)',
        'models.CharField(default="", max_length=80)',
        "models.CharField(max_length=80, null=True)",
        "models.CharField(db_index=True, max_length=80, null=True)",
    ],
    "amount": [
        "models.IntegerField(default=0)",
        "models.BigIntegerField(default=7)",
        "models.IntegerField(null=True)",
    ],
    "price": [
        "models.DecimalField(decimal_places=2, default=0, max_digits=8)",
        "models.DecimalField(decimal_places=2, default=1, max_digits=10)",
    ],
    "day": ["models.DateField(null=True)", "models.DateField(db_index=True, null=True)"],
    "flag": ["models.BooleanField(default=False)", "models.BooleanField(null=True)"],
    "text": ['models.TextField(blank=True, default="")', "models.TextField(null=True)"],
    "code": [
        "models.CharField(max_length=20, null=True)",
        "models.CharField(max_length=20, null=True, unique=True)",
    ],
}
INDEXED = ("title", "amount", "day")

FOREIGN_KEY = (
    'models.ForeignKey(null=True, on_delete=models.deletion.SET_NULL, related_name="+", to="{app}.{model}")'
)

CREATE_MODEL = """\
migrations.CreateModel(
            name="{name}",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                {fields},
            ],
        )"""

FUNCTIONS = """\
def create_rows(apps, schema_editor):
    rows = apps.get_model("{app}", "{model}").objects.using(schema_editor.connection.alias)
    for number in range(3):
        rows.get_or_create(name="{stem}%d" % number)


def delete_rows(apps, schema_editor):
    rows = apps.get_model("{app}", "{model}").objects.using(schema_editor.connection.alias)
    # Not delete(): it asks tables that point here, which the state may know before the database does.
    rows.filter(name__startswith="{stem}")._raw_delete(rows.db)


"""

GENERATED = """\
from django.db import migrations, models


{functions}class Migration(migrations.Migration):
{atomic}
    dependencies = [
        {dependencies}
    ]

    operations = [
        {operations},
    ]
"""

#: The argument of CheckConstraint, an expression in a migration: Django 5.1 renamed it.
CHECK = "'condition' if __import__('django').VERSION >= (5, 1) else 'check'"


def migration_source(
    *operations: str,
    needs: Sequence[tuple[str, str]] = (),
    before: str = "",
    atomic: bool = True,
) -> str:
    """Return the source of a migration with `operations`, each a Python expression.

    `before` holds functions for RunPython; `migrations` and `models` are imported.
    """
    return MIGRATION.format(
        operations=",\n        ".join(operations),
        dependencies=list(needs),
        before=before.strip() + "\n\n\n" if before else "",
        atomic=atomic,
    )
