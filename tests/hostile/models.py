from django.db import models


class Thing(models.Model):
    title = models.CharField(max_length=50)
    slug = models.SlugField(unique=True, null=True)  # noqa: DJ001  # unique where it is said
    count = models.SmallIntegerField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    span = models.DurationField(null=True)
    data = models.JSONField(null=True)
    weight = models.FloatField(null=True)
    reference = models.UUIDField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="+")
    friends = models.ManyToManyField("self", symmetrical=False, related_name="+")

    class Meta:
        app_label = "hostile"
        ordering = ["pk"]


class Offer(models.Model):
    """Two columns that have to agree."""

    low = models.SmallIntegerField()
    high = models.SmallIntegerField(null=True)

    class Meta:
        app_label = "hostile"
        constraints = [
            models.UniqueConstraint(fields=["low", "high"], name="offered_once"),
            models.CheckConstraint(condition=models.Q(low__lte=models.F("high")), name="low_first"),
        ]
