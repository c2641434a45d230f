from django.conf import settings
from django.db import models

from store.models import Product


class Order(models.Model):
    """What one customer bought at once."""

    customer = models.CharField(max_length=100)
    clerk = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    placed_at = models.DateTimeField()
    note = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["placed_at"], name="orders_placed_at")]


class OrderLine(models.Model):
    """One product of an order."""

    order = models.ForeignKey(Order, models.CASCADE)
    product = models.ForeignKey(Product, models.PROTECT)
    copies = models.PositiveIntegerField(default=1)
    paid = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="orders_one_line_a_product"),
        ]
