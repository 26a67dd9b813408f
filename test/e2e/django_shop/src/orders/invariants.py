"""What always holds of the shop's data, and how to see whether it does."""

import os

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from orders.models import Order, Upload


def size_of(name):
    """None where there is no such file."""
    try:
        return os.stat(os.path.join(settings.MEDIA_ROOT, name)).st_size
    except OSError:
        return None


def wrong_totals():
    """An order's total is the sum over its lines."""
    found = Order.objects.annotate(owed=Coalesce(Sum(F("lines__price") * F("lines__quantity")), 0))
    for order in found.exclude(total=F("owed")):
        yield f"order {order.token}: total {order.total}, but its lines make {order.owed}"


def wrong_uploads(newest=None):
    """Every upload has its file, whole."""
    for upload in Upload.objects.order_by("-id")[:newest]:
        size = size_of(upload.file.name)
        if size != upload.bytes:
            yield f"upload {upload.file.name}: {upload.bytes} bytes expected, found {size}"


def faults(newest_uploads=None):
    """A line for each thing that is wrong, of one moment; none when all is well."""
    try:
        with transaction.atomic():
            return [*wrong_totals(), *wrong_uploads(newest_uploads)]
    except DatabaseError as error:
        return [f"the database can't be read: {error}"]
