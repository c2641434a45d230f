"""The Python is hidden: `sqlmigrate --backwards` calls take_welcome_points for real."""

from django.db import migrations


def give_welcome_points(apps, schema_editor):
    alias = schema_editor.connection.alias
    points = apps.get_model("loyalty", "Points").objects.using(alias)
    for member in apps.get_model("members", "Member").objects.using(alias):
        points.create(member=member, amount=100, reason="welcome")


def take_welcome_points(apps, schema_editor):
    points = apps.get_model("loyalty", "Points").objects
    points.using(schema_editor.connection.alias).filter(reason="welcome").delete()


class Migration(migrations.Migration):

    dependencies = [
        ("loyalty", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(give_welcome_points, take_welcome_points),
            ],
        ),
    ]
