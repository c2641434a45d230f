from django.db import models


class Entry(models.Model):
    """A year's line in the books of the bookshop."""

    year = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=100)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    checked = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "entries"
