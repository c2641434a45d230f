"""Plain SQL that says how to go back."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("suppliers", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql="UPDATE suppliers_supplier SET country = 'GB' WHERE country = 'UK'",
            reverse_sql="UPDATE suppliers_supplier SET country = 'UK' WHERE country = 'GB'",
        ),
    ]
