from django.db import models


class Product(models.Model):
    """A book on the shelf."""

    name = models.CharField(max_length=200)
    isbn = models.CharField(max_length=17, unique=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    discount = models.DecimalField(max_digits=5, decimal_places=2, default=0)

    def __str__(self):
        return self.name
