"""What the application brings into Django besides its models."""

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate


def set_journal_mode(using, **_):
    with connections[using].cursor() as cursor:
        cursor.execute(f"PRAGMA journal_mode = {settings.JOURNAL_MODE}")


def check_data(**_):
    """`manage.py check` looks at the data too: what it holds must fit together. Migrate asks the
    same before it begins, and then the tables are not those of the models."""
    from orders import invariants
    if is_behind():
        return [checks.Warning("the schema is behind: its data was not looked at",
                               hint="manage.py migrate", id="orders.W001")]
    return [checks.Error(fault, id="orders.E001") for fault in invariants.faults()]


def is_behind():
    executor = MigrationExecutor(connections["default"])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


class Orders(AppConfig):
    name = "orders"

    def ready(self):
        post_migrate.connect(set_journal_mode, sender=self)
        checks.register(check_data)
