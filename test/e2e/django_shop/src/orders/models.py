"""What the shop keeps. Money is in pence."""

from django.db import models


class Customer(models.Model):
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)


class Order(models.Model):
    """`total` is the sum over its lines, always: who changes a line changes it at once."""

    token = models.SlugField(unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    placed = models.DateTimeField(auto_now_add=True)
    total = models.IntegerField()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    what = models.CharField(max_length=100)
    quantity = models.IntegerField()
    price = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["what"], name="orders_line_what")]


class Upload(models.Model):
    """A picture that belongs to an order. Its file is there before its row."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="uploads")
    file = models.FileField(upload_to="uploads/", unique=True)
    sha256 = models.CharField(max_length=64)
    bytes = models.IntegerField()
