from django.db import models

from members.models import Member


class Points(models.Model):
    """Points that a member was given."""

    member = models.ForeignKey(Member, models.CASCADE)
    amount = models.IntegerField()
    reason = models.CharField(max_length=40)

    class Meta:
        verbose_name_plural = "points"
