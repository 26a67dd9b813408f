"""A Django application that people use all the time, as a service of salvor's."""

import os
import random
import sqlite3
import subprocess
import time
import unittest

from django_site import Site
from django_visitors import Visitors, broken_promises
from shop import ShopTest, dump, manifest, write


class DjangoTest(ShopTest):
    """Each test gets a site of its own, with some orders, and visitors that are not there yet."""

    journal_mode = "wal"

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        print(f"seed {self.seed}")
        self.site = Site(self.root, self.journal_mode)
        self.site.manage("migrate", "orders", "0001")
        write(os.path.join(self.site.media, "logo.png"), bytes(range(256)) * 4)
        self.addCleanup(self.site.stop)
        self.site.start()
        self.visitors = Visitors(self.site, self.seed)
        self.addCleanup(self.visitors.stop)

    def sql(self, statements):
        """What somebody does to the database past the application."""
        connection = sqlite3.connect(self.site.database, timeout=30)
        connection.executescript(statements)
        connection.close()

    def faulty_visits(self, excused=()):
        """Visits that went wrong, but for those that touch one of the spans of time `excused`."""
        return [visit for visit in list(self.visitors.visits)
                if (visit.fault or visit.status != (201 if visit.method == "POST" else 200))
                and not visit.held
                and not any(visit.began <= end and visit.ended >= begin for begin, end in excused)]


class Application(DjangoTest):
    """The shop and its visitors are what the other tests take them for."""

    def test_its_own_tests(self):
        done = self.site.manage("test", "orders", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"Ran [1-9][0-9]* tests")

    def test_a_quiet_day(self):
        self.visitors.start()
        self.visitors.until_promises(60)
        self.visitors.stop()
        self.assertEqual(self.faulty_visits(), [])
        self.assertEqual({visit.status for visit in self.visitors.visits}, {200, 201})
        self.assertEqual({promise.part for promise in self.visitors.promises},
                         {"order", "lines", "uploads"})
        orders = self.site.orders()
        self.assertEqual(list(broken_promises(self.visitors.promises, orders, self.media)), [])
        self.assertNotEqual(list(broken_promises(self.visitors.promises, {}, self.media)), [])
        self.assertNotEqual(list(broken_promises(self.visitors.promises, orders, "/dev")), [])
        self.site.wait_until_healthy()
        self.assertNotEqual(self.site.manage("migrate", "--check", check=False).returncode, 0)
        self.site.manage("migrate")
        self.site.manage("migrate", "--check")
        self.site.manage("check")

    def test_nothing_is_written_once_the_lock_is_had(self):
        self.visitors.start()
        for _ in range(4):
            self.visitors.until_promises(10)
            self.site.shell(self.site.lock)
            rows, files = dump(self.site.database), manifest(self.site.media)
            count = len(self.visitors.visits)
            while len(self.visitors.visits) < count + 60:
                time.sleep(0.01)
            during = [visit for visit in self.visitors.visits[count + 10:] if visit.held]
            self.assertEqual(dump(self.site.database), rows)
            self.assertEqual(manifest(self.site.media), files)
            self.assertEqual({(visit.method, visit.status, visit.retry_after) for visit in during},
                             {("GET", 200, False), ("POST", 503, True)})
            self.site.shell(self.site.locked)
            self.site.shell(self.site.unlock)
            self.assertFalse(os.path.exists(self.site.flag))
        self.visitors.until_promises(10)
        self.assertEqual(self.faulty_visits(), [])
        self.assertEqual(len(self.site.times("held")), 4)
        self.assertEqual(len(self.site.times("released")), 4)

    def test_visitors_notice(self):
        self.site.manage("migrate")
        self.visitors.start()
        for harm, noticed in (
                (lambda: self.sql("UPDATE orders_line SET price = 0"), "its lines make 0"),
                (lambda: self.site.shell(f"rm {self.media}/uploads/*"), "None of "),
                (lambda: self.site.shell(f"rm -r {self.media}/thumbnails"), "missing"),
                (lambda: self.sql("DROP TABLE orders_upload"), "status 500")):
            self.visitors.until_promises(10)
            begin = time.time()
            harm()
            deadline = time.monotonic() + 10
            while not any(noticed in str(visit) for visit in self.faulty_visits([(0, begin)])):
                self.assertLess(time.monotonic(), deadline, f"nobody noticed: {noticed}")
                time.sleep(0.01)
        self.assertNotEqual(self.site.manage("check", check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
