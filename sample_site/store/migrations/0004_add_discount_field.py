from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("store", "0003_change_price_field"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="discount",
            field=models.DecimalField(decimal_places=2, default=0, max_digits=5),
        ),
    ]
