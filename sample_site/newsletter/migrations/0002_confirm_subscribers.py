"""Talks on its way back: prints, then asks; without an answer it goes on."""

from django.db import migrations


def confirm(apps, schema_editor):
    subscribers = apps.get_model("newsletter", "Subscriber").objects
    subscribers.using(schema_editor.connection.alias).update(confirmed=True)


def withdraw(apps, schema_editor):
    subscribers = apps.get_model("newsletter", "Subscriber").objects.using(schema_editor.connection.alias)
    print("About to withdraw %d confirmations." % subscribers.filter(confirmed=True).count())
    try:
        answer = input("Type 'keep' to keep them: ")
    except EOFError:
        answer = ""
        print("Nobody there to ask; withdrawing them.")
    if answer != "keep":
        subscribers.update(confirmed=False)


class Migration(migrations.Migration):

    dependencies = [
        ("newsletter", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(confirm, withdraw),
    ]
