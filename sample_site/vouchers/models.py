from django.db import models


class Campaign(models.Model):
    """Why vouchers were given away."""

    name = models.CharField(max_length=60)


class Voucher(models.Model):
    """Money off the next book."""

    code = models.CharField(max_length=12, unique=True)
    value = models.DecimalField(max_digits=5, decimal_places=2)
