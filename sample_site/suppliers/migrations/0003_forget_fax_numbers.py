"""Plain SQL without a way back."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("suppliers", "0002_country_codes"),
    ]

    operations = [
        migrations.RunSQL("UPDATE suppliers_supplier SET fax = NULL"),
    ]
