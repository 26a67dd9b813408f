"""The Django shop and its visitors, by themselves: are they what other tests take them for?"""

import os
import time
import unittest

from django_site import DjangoTest
from django_visitors import broken_promises
from shop import dump, manifest


class Application(DjangoTest):
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
        for number in range(1, 5):
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
            self.site.shell(self.site.unlock)
            self.assertFalse(os.path.exists(self.site.flag))
            self.assertEqual(self.site.seen(f"held.{number}"), self.site.seen(f"released.{number}"))
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
                # At once: visitors go on uploading meanwhile.
                (lambda: os.rename(f"{self.media}/thumbnails", f"{self.media}/gone"), "missing"),
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
