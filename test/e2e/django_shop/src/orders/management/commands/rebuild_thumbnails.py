"""Makes the thumbnails that are missing or out of date, and removes those of no upload."""

import contextlib
import os
import time

from django.core.management.base import BaseCommand

from orders import thumbnails
from orders.models import Upload

# An upload under way has its thumbnail before its row.
UNDER_WAY_S = 60


class Command(BaseCommand):
    help = __doc__
    # This mends data: it must run when the data is not in order.
    requires_system_checks = []

    def handle(self, *args, **options):
        wanted, made = set(), 0
        for upload in Upload.objects.order_by("id").iterator():
            name = upload.file.name
            wanted.add(os.path.basename(thumbnails.name_of(name)))
            if thumbnails.is_current(name, upload.sha256):
                continue
            try:
                thumbnails.make(name, upload.sha256)
                made += 1
            except (FileNotFoundError, thumbnails.NotAPicture) as error:
                # That uploads are whole is the business of `manage.py check`.
                self.stderr.write(f"{name}: no thumbnail: {error}")
        removed = self.remove_others(wanted)
        self.stdout.write(f"{len(wanted)} thumbnails: {made} made, {removed} removed")

    @staticmethod
    def remove_others(wanted):
        folder = thumbnails.path_of(thumbnails.FOLDER)
        others = set(os.listdir(folder)) - wanted if os.path.isdir(folder) else set()
        removed = 0
        for path in (os.path.join(folder, name) for name in others):
            # What is being written gets its own name meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_mtime < time.time() - UNDER_WAY_S:
                    os.remove(path)
                    removed += 1
        return removed
