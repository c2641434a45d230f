from django.db import models

from store.models import Product


class Review(models.Model):
    """What a reader thought of a book."""

    product = models.ForeignKey(Product, models.CASCADE)
    text = models.TextField()
    stars = models.PositiveSmallIntegerField(default=3)
    headline = models.CharField(max_length=80, blank=True, default="")
