"""Irreversible: nobody knows any more how the addresses were written."""

from django.db import migrations
from django.db.models.functions import Lower


def lower_case_emails(apps, schema_editor):
    members = apps.get_model("members", "Member").objects
    members.using(schema_editor.connection.alias).update(email=Lower("email"))


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(lower_case_emails),
    ]
