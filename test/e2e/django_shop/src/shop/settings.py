"""Settings. Where things lie comes from the environment, so that a command of a restore can be
pointed at a restored copy; the default is beside manage.py."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


def place(variable, default):
    return os.environ.get(variable) or str(BASE_DIR / default)


SECRET_KEY = "of a shop that serves on loopback only, and has neither sign-in nor sign-up"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["orders.apps.Orders"]
MIDDLEWARE = ["orders.middleware.Writes"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": place("SHOP_DATABASE", "shop.db"),
    "OPTIONS": {"timeout": 10},
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = place("SHOP_MEDIA", "media")
MEDIA_URL = "/media/"
USE_TZ = True

# Set once, by migrate: a database keeps it.
JOURNAL_MODE = os.environ.get("SHOP_JOURNAL_MODE", "wal")
# Writes are refused while this file exists …
MAINTENANCE = place("SHOP_MAINTENANCE", "maintenance")
# … and each holds a shared lock on this one while it is under way, so that who has made the former
# can wait for the last of them: touch maintenance && flock writes.lock true
WRITES_LOCK = place("SHOP_WRITES_LOCK", "writes.lock")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
                "django.server": {"handlers": [], "level": "CRITICAL", "propagate": False}},
}
