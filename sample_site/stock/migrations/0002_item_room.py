"""Not atomic, so that a large table is not locked while the rooms are filled in."""

from django.db import migrations, models


def fill_room(apps, schema_editor):
    items = apps.get_model("stock", "Item").objects.using(schema_editor.connection.alias)
    for item in items.filter(room="").iterator():
        items.filter(pk=item.pk).update(room=item.shelf[:1])


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("stock", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="room",
            field=models.CharField(blank=True, default="", max_length=1),
        ),
        migrations.RunPython(fill_room, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(fields=["room", "shelf"], name="stock_room_shelf"),
        ),
    ]
