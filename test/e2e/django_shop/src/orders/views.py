"""The pages. Each shows one moment of the database."""

import hashlib
import json
import os
import uuid

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from orders import invariants, thumbnails
from orders.models import Customer, Line, Order, Upload

NEWEST = 20


def as_shown(order):
    """One order, with everything that belongs to it and whether the files are there."""
    return {
        "token": order.token,
        "customer": order.customer.email,
        "total": order.total,
        "lines": [{"what": line.what, "quantity": line.quantity, "price": line.price}
                  for line in order.lines.all()],
        "uploads": [{"file": upload.file.name, "bytes": upload.bytes, "sha256": upload.sha256,
                     "bytes_found": invariants.size_of(upload.file.name),
                     "thumbnail": thumbnails.name_of(upload.file.name),
                     "thumbnail_found":
                         invariants.size_of(thumbnails.name_of(upload.file.name)) is not None}
                    for upload in order.uploads.all()],
    }


def newest_orders(count):
    with transaction.atomic():
        found = Order.objects.select_related("customer").prefetch_related("lines", "uploads")
        return [as_shown(order) for order in found.order_by("-id")[:count]]


@require_GET
def front_page(request):
    return render(request, "orders/front_page.html", {"orders": newest_orders(NEWEST)})


@require_GET
def orders(request):
    """All orders, or ?newest=N of them."""
    newest = request.GET.get("newest")
    return JsonResponse({"orders": newest_orders(int(newest) if newest else None)})


@require_GET
def health(request):
    faults = invariants.faults(NEWEST)
    text = "\n".join(faults) if faults else "healthy"
    return HttpResponse(text + "\n", content_type="text/plain", status=503 if faults else 200)


@require_POST
def place_order(request):
    wanted = json.loads(request.body)
    lines = [Line(what=line["what"], quantity=line["quantity"], price=line["price"])
             for line in wanted["lines"]]
    customer, _ = Customer.objects.get_or_create(
        email=wanted["customer"], defaults={"name": wanted["customer"].split("@")[0]})
    with transaction.atomic():
        order = Order.objects.create(token=wanted["token"], customer=customer,
                                     total=sum(line.quantity * line.price for line in lines))
        for line in lines:
            line.order = order
        Line.objects.bulk_create(lines)
    return JsonResponse({"token": order.token}, status=201)


@require_POST
def add_line(request, token):
    wanted = json.loads(request.body)
    with transaction.atomic():
        # A write comes first: SQLite lets nobody go from reading to writing once another has
        # written, and does not wait then.
        found = Order.objects.filter(token=token)
        if not found.update(total=F("total") + wanted["quantity"] * wanted["price"]):
            raise Http404
        Line.objects.create(order=found.get(), **wanted)
    return JsonResponse({"token": token}, status=201)


@require_POST
def upload(request, token):
    """The body is a picture. First its file, then its thumbnail, then its row."""
    order = get_object_or_404(Order, token=token)
    stored = Upload(order=order, sha256=hashlib.sha256(request.body).hexdigest(),
                    bytes=len(request.body))
    stored.file.save(f"{uuid.uuid4().hex}.png", ContentFile(request.body), save=False)
    try:
        thumbnails.make(stored.file.name, stored.sha256)
    except thumbnails.NotAPicture as error:
        os.remove(stored.file.path)
        return HttpResponse(f"not a picture: {error}\n", status=400, content_type="text/plain")
    stored.save()
    return JsonResponse({"file": stored.file.name, "sha256": stored.sha256}, status=201)
