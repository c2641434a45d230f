from django.db import models

from store.models import Product


class Item(models.Model):
    """Copies of a book on a shelf."""

    product = models.ForeignKey(Product, models.CASCADE)
    shelf = models.CharField(max_length=20)
    copies = models.PositiveIntegerField(default=0)
    room = models.CharField(max_length=1, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["room", "shelf"], name="stock_room_shelf")]
