"""The addresses of the shop."""

from django.conf import settings
from django.urls import path
from django.views.static import serve

from orders import views

urlpatterns = [
    path("", views.front_page),
    path("health", views.health),
    path("orders.json", views.orders),
    path("orders/new", views.place_order),
    path("orders/<slug:token>/lines", views.add_line),
    path("orders/<slug:token>/uploads", views.upload),
    path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
]
