"""What people are shown: runs that ended badly, plans, damage, and options that are wrong."""

import os
import re
import shutil
import unittest

from shop import CONFIG, WRITES, ShopTest, write

TOO_BIG = """
[[service.shop.check]]
name = "the logo is large"
store = "media"
path = "logo.png"
min_bytes = 999999999
"""
COUNTS = re.compile(r"^(\d+) of (\d+) checks passed(?:, (\d+) failed)?(?:, (\d+) not run)?$", re.M)


class Shown(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, CONFIG + WRITES)
        self.point = self.ready()

    def configure(self, more=""):
        write(self.config, CONFIG + WRITES + more)

    def drill_fails(self):
        self.configure(TOO_BIG)
        return self.json_of("drill", "shop", expect=9)["run"]


class Counts(Shown):
    def test_checks_are_counted_one_way_everywhere(self):
        run = self.drill_fails()
        text = self.run_salvor("runs", "show", run).out
        drilled = self.run_salvor("drill", "shop", expect=9).out
        found = {COUNTS.search(each).groups() for each in (text, drilled)}
        self.assertEqual(len(found), 1, found)
        passed, every, failed, not_run = map(int, found.pop())
        self.assertEqual(every, passed + failed + not_run)
        self.assertEqual(every, len(self.json_of("runs", "show", run)["journal"]["checks"]))
        self.run_salvor("evidence", "export", "shop", "-o", "evidence.json")
        with open(self.path("evidence.html"), encoding="utf-8") as page:
            self.assertIn(f"{passed} of {every} passed, {failed} failed, {not_run} not run",
                          page.read())


if __name__ == "__main__":
    unittest.main()
