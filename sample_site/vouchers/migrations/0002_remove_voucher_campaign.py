"""The way back adds a NOT NULL column without a default: it fails as long as there are vouchers."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("vouchers", "0001_initial"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="voucher",
            name="campaign",
        ),
    ]
