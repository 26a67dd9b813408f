"""The application by itself: python3 src/manage.py test orders"""

import io
import json
import os
import shutil
import tempfile

from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.models import F
from django.test import TestCase, override_settings
from PIL import Image

from orders import invariants, thumbnails
from orders.models import Line, Order, Upload


def picture(side=64):
    content = io.BytesIO()
    Image.effect_noise((side, side), 50).save(content, "PNG")
    return content.getvalue()


class Shop(TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="django-shop-")
        self.addCleanup(shutil.rmtree, self.root)
        self.flag = os.path.join(self.root, "maintenance")
        settings = override_settings(MEDIA_ROOT=os.path.join(self.root, "media"),
                                     MAINTENANCE=self.flag,
                                     WRITES_LOCK=os.path.join(self.root, "writes.lock"))
        settings.enable()
        self.addCleanup(settings.disable)
        self.place("first")

    def post(self, path, content):
        body = content if isinstance(content, bytes) else json.dumps(content)
        return self.client.post(path, body, content_type="application/octet-stream")

    def place(self, token):
        return self.post("/orders/new", {
            "token": token, "customer": "ada@example.org",
            "lines": [{"what": "tea", "quantity": 2, "price": 350},
                      {"what": "jam", "quantity": 1, "price": 420}]})

    def upload(self):
        self.assertEqual(self.post("/orders/first/uploads", picture()).status_code, 201)
        return Upload.objects.latest("id")

    def check_fails(self, text):
        with self.assertRaises(SystemCheckError) as failure:
            call_command("check")
        self.assertIn(text, str(failure.exception))
        health = self.client.get("/health")
        self.assertEqual(health.status_code, 503)
        self.assertIn(text, health.content.decode())

    def test_total_is_the_sum_over_the_lines(self):
        self.post("/orders/first/lines", {"what": "bread", "quantity": 3, "price": 100})
        shown = self.client.get("/orders.json").json()["orders"][0]
        self.assertEqual(shown["total"], 2 * 350 + 420 + 3 * 100)
        self.assertEqual(len(shown["lines"]), 3)
        self.assertEqual(invariants.faults(), [])
        self.assertEqual(self.post("/orders/none/lines", {"what": "x", "quantity": 1,
                                                          "price": 1}).status_code, 404)

    def test_mass_update_is_noticed(self):
        Line.objects.update(price=0)
        self.check_fails("order first: total 1120, but its lines make 0")
        Order.objects.update(total=F("total") - 1120)
        call_command("check")

    def test_missing_upload_is_noticed(self):
        os.remove(self.upload().file.path)
        self.check_fails("bytes expected, found None")

    def test_upload_has_file_and_thumbnail(self):
        stored = self.upload()
        shown = self.client.get("/orders.json").json()["orders"][0]["uploads"][0]
        self.assertEqual(shown["bytes_found"], stored.bytes)
        self.assertTrue(shown["thumbnail_found"])
        with Image.open(thumbnails.path_of(shown["thumbnail"])) as small:
            self.assertEqual(max(small.size), thumbnails.SIDE_MAX)
        self.assertIn(shown["thumbnail"], self.client.get("/").content.decode())

    def test_what_is_no_picture_leaves_nothing(self):
        self.assertEqual(self.post("/orders/first/uploads", b"GIF? no").status_code, 400)
        self.assertEqual(Upload.objects.count(), 0)
        self.assertEqual(os.listdir(os.path.join(self.root, "media/uploads")), [])

    @staticmethod
    def written(path):
        """Which file it is, and when it was written: reading it changes the time of access."""
        status = os.stat(path)
        return status.st_ino, status.st_mtime_ns

    def test_thumbnails_are_rebuilt(self):
        kept, missing, stale = self.upload(), self.upload(), self.upload()
        path = {u: thumbnails.path_of(thumbnails.name_of(u.file.name))
                for u in (kept, missing, stale)}
        before = self.written(path[kept])
        os.remove(path[missing])
        shutil.copy(path[kept], path[stale])
        others = [path[kept].replace(".png", f"-{age}.png") for age in ("old", "new")]
        for other in others:
            shutil.copy(path[kept], other)
        os.utime(others[0], (1, 1))
        said = io.StringIO()
        call_command("rebuild_thumbnails", stdout=said)
        self.assertEqual(said.getvalue(), "3 thumbnails: 2 made, 1 removed\n")
        self.assertTrue(all(thumbnails.is_current(u.file.name, u.sha256) for u in path))
        self.assertEqual(self.written(path[kept]), before)
        self.assertEqual([os.path.exists(other) for other in others], [False, True])
        shutil.rmtree(os.path.join(self.root, "media/thumbnails"))
        os.remove(missing.file.path)
        complaints = io.StringIO()
        call_command("rebuild_thumbnails", stdout=said, stderr=complaints)
        self.assertIn(missing.file.name, complaints.getvalue())
        self.assertTrue(thumbnails.is_current(kept.file.name, kept.sha256))

    def test_maintenance_refuses_writes_and_serves_reads(self):
        self.assertEqual(self.client.get("/")["X-Writes"], "open")
        with open(self.flag, "wb"):
            pass
        line = {"what": "x", "quantity": 1, "price": 1}
        for answer in (self.place("second"), self.post("/orders/first/lines", line),
                       self.post("/orders/first/uploads", picture()),
                       self.client.delete("/"), self.client.put("/"), self.client.patch("/")):
            self.assertEqual(answer.status_code, 503)
            self.assertEqual(answer["Retry-After"], "5")
        for page in ("/", "/orders.json", "/health"):
            answer = self.client.get(page)
            self.assertEqual((answer.status_code, answer["X-Writes"]), (200, "held"))
        self.assertEqual((Order.objects.count(), Line.objects.count(), Upload.objects.count()),
                         (1, 2, 0))
        os.remove(self.flag)
        self.assertEqual(self.place("second").status_code, 201)
