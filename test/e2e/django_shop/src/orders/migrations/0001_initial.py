"""The tables."""

import django.db.models.deletion
from django.db import migrations, models


def number():
    return ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                      verbose_name="ID"))


def belongs_to(model, name, on_delete=django.db.models.deletion.CASCADE):
    return models.ForeignKey(on_delete=on_delete, related_name=name, to=model)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Customer", [
            number(),
            ("email", models.EmailField(max_length=254, unique=True)),
            ("name", models.CharField(max_length=100)),
        ]),
        migrations.CreateModel("Order", [
            number(),
            ("token", models.SlugField(unique=True)),
            ("placed", models.DateTimeField(auto_now_add=True)),
            ("total", models.IntegerField()),
            ("customer", belongs_to("orders.customer", "orders",
                                    django.db.models.deletion.PROTECT)),
        ]),
        migrations.CreateModel("Line", [
            number(),
            ("what", models.CharField(max_length=100)),
            ("quantity", models.IntegerField()),
            ("price", models.IntegerField()),
            ("order", belongs_to("orders.order", "lines")),
        ]),
        migrations.CreateModel("Upload", [
            number(),
            ("file", models.FileField(unique=True, upload_to="uploads/")),
            ("sha256", models.CharField(max_length=64)),
            ("bytes", models.IntegerField()),
            ("order", belongs_to("orders.order", "uploads")),
        ]),
    ]
