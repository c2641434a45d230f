"""Made on one branch, while another colleague made 0002_author_biography."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("authors", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="author",
            name="born",
            field=models.DateField(blank=True, null=True),
        ),
    ]
