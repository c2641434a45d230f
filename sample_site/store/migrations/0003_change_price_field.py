"""Room for dearer books; a book without a price is sold on request.

On the way back, books without a price get the old default: they cost 0.00.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("store", "0002_add_price_to_product"),
    ]

    operations = [
        migrations.AlterField(
            model_name="product",
            name="price",
            field=models.DecimalField(
                blank=True, decimal_places=2, max_digits=8, null=True
            ),
        ),
    ]
