from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("reviews", "0002_review_stars"),
    ]

    operations = [
        migrations.AddField(
            model_name="review",
            name="headline",
            field=models.CharField(blank=True, default="", max_length=80),
        ),
    ]
