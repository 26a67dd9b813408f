"""Rows and the files they name, backed up while both come in: they always fit together."""

import os
import sqlite3
import threading
import unittest

from shop import CONFIG, ShopTest, write

# Whether they fit is chance where the order of reading is wrong; ./dev deep tries it more often.
BACKUPS = 50 if "SALVOR_DEEP" in os.environ else 12

REFERENCE = """
[[service.shop.reference]]
name = "every upload has its file"
from = "db"
sql  = "SELECT file FROM uploads"
in   = "media"
"""


class Uploads(threading.Thread):
    """Somebody who uploads without pause: first the file, then the row."""

    def __init__(self, media, database):
        super().__init__()
        self.media = media
        self.database = database
        self.ending = threading.Event()
        self.count = 0
        self.problem = None

    def run(self):
        try:
            connection = sqlite3.connect(self.database, timeout=30)
            while not self.ending.is_set():
                name = f"{self.count % 50}/{self.count}"
                write(os.path.join(self.media, name), os.urandom(2000))
                with connection:
                    connection.execute("INSERT INTO uploads (file) VALUES (?)", (name,))
                self.count += 1
            connection.close()
        except (OSError, sqlite3.Error) as problem:
            self.problem = problem


class References(ShopTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("live"))
        # A key file costs nothing to open, and many backups shall be quick.
        write(self.config, CONFIG +
              REFERENCE)
        self.run_salvor("keys", "generate", self.path("key"))
        with sqlite3.connect(self.database) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE uploads (id INTEGER PRIMARY KEY, file TEXT)")
        connection.close()
        os.mkdir(self.media)
        self.run_salvor("init")

    def reference(self, point, expect=0):
        report = self.json_of("drill", "shop", "--at", point, expect=expect)
        return [check for check in report["checks"] if check["kind"] == "reference"][0]

    def test_backups_under_a_writer(self):
        uploads = Uploads(self.media, self.database)
        uploads.start()
        points = []
        try:
            while len(points) < BACKUPS:
                points.append((self.json_of("backup")["point"], uploads.count))
        finally:
            uploads.ending.set()
            uploads.join()
        self.assertIsNone(uploads.problem)
        orphans = 0
        for point, _ in points:
            check = self.reference(point)
            self.assertEqual(check["missing"], 0, check)
            orphans += check["orphans"]
        counts = [count for _, count in points]
        self.assertLess(counts[0], counts[-1], "nobody wrote meanwhile")
        # Without any, the writer would not have been at it while a backup was.
        self.assertGreater(orphans, 0)

    def test_what_does_not_fit_is_found(self):
        uploads = Uploads(self.media, self.database)
        uploads.start()
        while uploads.count < 20 and uploads.problem is None:
            pass
        uploads.ending.set()
        uploads.join()
        self.assertIsNone(uploads.problem)
        os.remove(os.path.join(self.media, "3/3"))
        with sqlite3.connect(self.database) as connection:
            connection.execute("INSERT INTO uploads (file) VALUES ('nowhere')")
            connection.execute("DELETE FROM uploads WHERE file = '5/5'")
        connection.close()
        check = self.reference(self.json_of("backup")["point"], expect=9)
        self.assertEqual((check["verdict"], check["missing"], check["orphans"]), ("failed", 2, 1))
        for name in ("3/3", "nowhere"):
            self.assertIn(name, check["actual"] + check["output"])


if __name__ == "__main__":
    unittest.main()
