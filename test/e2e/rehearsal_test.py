"""Commands that do not know of the copy: in no drill, and in place only once it is live."""

import os
import unittest

from shop import CONFIG, WRITES, ShopTest, dump, write

LIVE = """
[service.shop.migrate]
needed = "echo needed >> log; exit 0"
run = "echo migrate >> log; test -e flag && cat live/media/page >> log && python3 migrate.py"
[[service.shop.rebuild]]
name = "thumbnails"
run = "echo rebuild >> log"
[[service.shop.check]]
name = "the application's own"
run = "echo check >> log"
[[service.shop.check]]
name = "page"
store = "media"
path = "page"
[service.shop.return]
run = "echo return >> log"
"""
KNOWS = """
[service.shop.migrate]
run = "echo migrate >> $SALVOR_STORE_MEDIA/log"
[[service.shop.rebuild]]
name = "thumbnails"
run = "echo rebuild-$SALVOR_MODE >> log"
[[service.shop.check]]
name = "the application's own"
run = "echo check >> log"
isolated = true
"""


class RehearsalTest(ShopTest):
    def setUp(self):
        super().setUp()
        self.fill()
        write(os.path.join(self.media, "page"), "restored\n")
        write(self.path("migrate.py"), "import sqlite3\n"
              "connection = sqlite3.connect('live/shop.db', timeout=1)\n"
              "connection.execute('CREATE TABLE migrated (x)')\nconnection.commit()\n")
        self.run_salvor("init")
        self.run_salvor("backup")
        write(os.path.join(self.media, "page"), "live\n")

    def log(self):
        if not os.path.exists(self.path("log")):
            return []
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read().split()

    def test_a_drill_does_not_run_what_would_act_on_the_live_service(self):
        write(self.config, CONFIG + WRITES + LIVE)
        report = self.json_of("drill", "shop")
        self.assertEqual(self.log(), [])
        results = {phase["name"]: phase["result"] for phase in report["phases"]}
        self.assertEqual(results["migrate"], "not_run")
        self.assertEqual(results["rebuild-thumbnails"], "not_run")
        verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
        self.assertEqual(verdicts["the application's own"], "not_run")
        self.assertEqual(verdicts["page"], "passed")
        for named in ("step migrate: not run", "step rebuild-thumbnails: not run",
                      "check the application's own: not run"):
            self.assertTrue(any(line.startswith(named) for line in report["not_covered"]),
                            report["not_covered"])
        text = self.run_salvor("drill", "shop").out
        self.assertIn("not covered: 2 steps were not run, the first: step migrate", text)
        self.assertRegex(text, r"checks passed, \d+ not run\n")
        self.assertNotIn("not_run", text)

    def test_in_place_it_runs_between_the_cut_over_and_the_return(self):
        write(self.config, CONFIG + WRITES + LIVE)
        plan = self.json_of("restore", "shop", "--plan")
        names = [step["name"] for step in plan["steps"]]
        self.assertEqual(names[names.index("cut-over"):],
                         ["cut-over", "migrate", "rebuild-thumbnails", "validate-in-place",
                          "return-to-service"])
        self.assertIn("on the live service, since it does not know of the copy",
                      self.run_salvor("restore", "shop", "--plan").out)
        run = self.json_of("restore", "shop", "--confirm", "shop")
        self.assertEqual(self.log(), ["needed", "migrate", "restored", "needed", "rebuild", "check",
                                      "return"])
        verdicts = {check["name"]: check["verdict"] for check in run["checks"]}
        self.assertEqual(verdicts["the application's own"], "passed")
        self.assertIn("CREATE TABLE migrated", dump(self.database), "the live database was locked")

    def test_what_fails_then_is_taken_back(self):
        write(self.config, CONFIG + WRITES + LIVE.replace("echo check >> log", "exit 3"))
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=9)
        with open(os.path.join(self.media, "page"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "restored\n")
        self.assertNotIn("return", self.log())
        self.undo(self.restores()[0]["id"])
        with open(os.path.join(self.media, "page"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "live\n")

    def undo(self, run):
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")

    def test_what_knows_of_the_copy_runs_in_a_drill(self):
        write(self.config, CONFIG + KNOWS)
        report = self.json_of("drill", "shop")
        self.assertEqual(self.log(), ["rebuild-drill", "check"])
        self.assertFalse(os.path.exists(os.path.join(self.media, "log")))
        results = {phase["name"]: phase["result"] for phase in report["phases"]}
        self.assertEqual(results["migrate"], "done")
        verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
        self.assertEqual(verdicts["the application's own"], "passed")

    def test_a_migration_that_is_asked_for_of_the_live_service_does_not_run_on_the_copy(self):
        write(self.config, CONFIG + "[service.shop.migrate]\nneeded = 'echo needed >> log'\n"
              "run = 'echo migrate >> log; test -e $SALVOR_STORE_DB'\n")
        self.assertEqual(self.json_of("drill", "shop")["state"], "succeeded")
        self.assertEqual(self.log(), [])


if __name__ == "__main__":
    unittest.main()
