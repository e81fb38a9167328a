from django.db import models
from django.db.models.functions import Lower

try:
    from django.contrib.postgres import fields as postgres
    from django.contrib.postgres import search as postgres_search
except ImportError:  # without psycopg
    postgres = None  # type: ignore[assignment]


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


class Record(models.Model):
    """A column of every common type."""

    text = models.TextField(blank=True)
    char = models.CharField(max_length=20, blank=True)
    slug = models.SlugField(blank=True)
    email = models.EmailField(blank=True)
    url = models.URLField(blank=True)
    choice = models.CharField(max_length=5, choices=[("a", "A"), ("b", "B")], blank=True)
    level = models.IntegerField(choices=[(1, "one"), (2, "two")], default=1)
    flag = models.BooleanField(default=False)
    maybe = models.BooleanField(null=True)
    small = models.SmallIntegerField(null=True)
    integer = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    decimal = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    weight = models.FloatField(null=True)
    date = models.DateField(null=True)
    time = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    span = models.DurationField(null=True)
    reference = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    data = models.JSONField(null=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="+")
    friends = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="+")

    class Meta:
        app_label = "hostile"


class Stock(models.Model):
    """Defaults of another type than their columns, columns that are reckoned, and a key of both."""

    name = models.CharField(max_length=20, default="")
    quantity = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    reserved = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    span = models.DurationField(null=True)
    places = models.PositiveSmallIntegerField(default=1)
    free = models.GeneratedField(
        expression=models.F("quantity") - models.F("reserved"),
        output_field=models.DecimalField(max_digits=8, decimal_places=2),
        db_persist=True,
    )

    class Meta:
        app_label = "hostile"
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="none_missing"),
            models.CheckConstraint(condition=models.Q(free__gte=0), name="none_reserved_twice"),
            models.UniqueConstraint(Lower("name"), name="named_once", condition=~models.Q(name="")),
        ]


class Leaf(models.Model):
    """Names that are unique for a time, of a row that may have none, and bytes."""

    moment = models.DateTimeField(null=True)
    a_day = models.SlugField(unique_for_date="moment", default="")
    a_month = models.SlugField(unique_for_month="moment", default="")
    a_year = models.SlugField(unique_for_year="moment", default="")
    content = models.BinaryField(null=True, editable=True)

    class Meta:
        app_label = "hostile"


if postgres is not None:

    class Shelf(models.Model):
        """The columns that only PostgreSQL has."""

        tags = postgres.ArrayField(models.CharField(max_length=5), null=True)
        grid = postgres.ArrayField(
            postgres.ArrayField(models.CharField(max_length=5)), default=list, blank=True
        )
        numbers = postgres.IntegerRangeField(null=True)
        large = postgres.BigIntegerRangeField(null=True)
        prices = postgres.DecimalRangeField(null=True)
        days = postgres.DateRangeField(null=True)
        moments = postgres.DateTimeRangeField(null=True)
        address = models.GenericIPAddressField(null=True)
        content = models.BinaryField(null=True, editable=True)
        words = postgres_search.SearchVectorField(null=True)

        class Meta:
            app_label = "hostile"
            required_db_vendor = "postgresql"
