from django.db import models


class Supplier(models.Model):
    """Where the books come from."""

    name = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    fax = models.CharField(max_length=30, null=True, blank=True)
