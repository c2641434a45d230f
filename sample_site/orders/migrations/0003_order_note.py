from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0002_order_placed_at_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="remark",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.RenameField(
            model_name="order",
            old_name="remark",
            new_name="note",
        ),
        migrations.AlterField(
            model_name="order",
            name="note",
            field=models.TextField(blank=True),
        ),
    ]
