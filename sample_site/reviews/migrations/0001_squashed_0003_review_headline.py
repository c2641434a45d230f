import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [
        ("reviews", "0001_initial"),
        ("reviews", "0002_review_stars"),
        ("reviews", "0003_review_headline"),
    ]

    initial = True

    dependencies = [
        ("store", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("text", models.TextField()),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="store.product"
                    ),
                ),
                ("stars", models.PositiveSmallIntegerField(default=3)),
                (
                    "headline",
                    models.CharField(blank=True, default="", max_length=80),
                ),
            ],
        ),
    ]
