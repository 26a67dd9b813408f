"""Lines are looked up by what was bought."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [
        migrations.AddIndex("line", models.Index(fields=["what"], name="orders_line_what")),
    ]
