from django.db import models


class Member(models.Model):
    """A reader with a card."""

    name = models.CharField(max_length=100)
    email = models.EmailField()

    def __str__(self):
        return self.name
