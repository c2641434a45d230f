from django.db import models

from store.models import Product


class Author(models.Model):
    """Who wrote the books."""

    name = models.CharField(max_length=120)
    books = models.ManyToManyField(Product, blank=True)
    biography = models.TextField(blank=True, default="")
    born = models.DateField(null=True, blank=True)

    def __str__(self):
        return self.name
