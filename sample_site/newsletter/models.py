from django.db import models


class Subscriber(models.Model):
    """Who gets the newsletter."""

    email = models.EmailField(unique=True)
    confirmed = models.BooleanField(default=False)
