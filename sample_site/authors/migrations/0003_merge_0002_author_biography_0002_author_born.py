from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("authors", "0002_author_biography"),
        ("authors", "0002_author_born"),
    ]

    operations = []
