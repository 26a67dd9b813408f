"""Recovery points of some stores only, and recovery points that hold an application's writes while
they are marked."""

import os
import subprocess
import unittest

from shop import CONFIG, SALVOR, ShopTest, write


class Partial(ShopTest):
    """A point of the database alone, newer than one of all stores."""

    def setUp(self):
        super().setUp()
        self.whole = self.ready()
        self.partial = self.json_of("backup", "shop", "--store", "db")["point"]

    def test_nobody_is_led_to_it(self):
        points = {point["id"]: point for point in self.json_of("points")["points"]}
        self.assertTrue(points[self.partial]["partial"])
        self.assertNotIn("partial", points[self.whole])
        self.assertIn("partial", self.run_salvor("points").out)
        plan = self.json_of("restore", "shop", "--plan")
        self.assertEqual(plan["point"], self.whole)
        self.run_salvor("restore", "shop", "--into", "out")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["db", "media"])

    def test_it_counts_for_no_objective(self):
        write(self.config, CONFIG.replace('rpo = "1h"', 'rpo = "1h"\nrto = "5m"'))
        self.assertEqual(self.json_of("status", "shop")["services"][0]["newest"]["id"], self.whole)
        report = self.json_of("drill", "shop", "--at", self.partial)
        self.assertFalse(report["whole"])
        self.assertIsNone(report["rto_met"])
        status = self.json_of("status", "shop")["services"][0]
        self.assertIsNone(status["proven_rto_s"])
        self.assertTrue(status["drill_stale"])
        self.assertIn("proves no RTO", self.run_salvor("drill", "shop", "--at", self.partial).out)
        report = self.json_of("drill", "shop")
        self.assertTrue(report["whole"])
        self.assertTrue(report["rto_met"])
        self.assertFalse(self.json_of("status", "shop")["services"][0]["drill_stale"])

    def test_it_says_so_and_makes_up_for_no_failure(self):
        os.rename(self.media, self.path("away"))
        self.run_salvor("backup", expect=4)
        os.rename(self.path("away"), self.media)
        for _ in range(2):
            report = self.run_salvor("backup", "shop", "--store", "db").out
            self.assertRegex(report, "partial: .* only some of the stores .* not the latest")
            self.assertIn("BACKUP FAILED", self.run_salvor("status").out)
        self.assertNotIn("partial", self.run_salvor("backup").out)
        self.assertNotIn("BACKUP FAILED", self.run_salvor("status").out)

    def test_in_place_the_stores_must_be_named(self):
        place = ("restore", "shop", "--at", self.partial)
        self.fails(6, "refused", *place, "--confirm", "shop", text=["media", "--only db"])
        self.fails(6, "refused", *place, "--plan", text="media would stay as it is")
        self.assertEqual(self.json_of("restore", "shop", "--only", "db", "--plan")["point"],
                         self.partial)
        self.run_salvor("restore", "shop", "--only", "db", "--confirm", "shop")
        newest = self.json_of("evidence", "list", "shop")["evidence"][-1]
        self.assertEqual((newest["kind"], newest["result"]), ("restore", "succeeded"))
        record = self.json_of("evidence", "show", "shop", str(newest["sequence"]))["predicate"]
        self.assertNotIn("rto_s", record["measured"])
        self.assertIn("store media: not restored", record["not_covered"])


class HeldWrites(ShopTest):
    """`quiesce = true`, with commands that write down in the database when they are called."""

    NOTE = 'sqlite3 live/shop.db "INSERT INTO notes VALUES (\'{}\')"'

    def setUp(self):
        super().setUp()
        self.ready()
        self.sql("CREATE TABLE notes (text)")
        self.configure()

    def configure(self, lock="", unlock="", locked="test -e flag", more=""):
        lines = CONFIG.replace('rpo = "1h"\n', 'rpo = "1h"\nquiesce = true\n')
        held, released = self.NOTE.format("held"), self.NOTE.format("released")
        lines += (f"[service.shop.writes]\nlock = '''{lock}touch flag; {held}'''\n"
                  f"unlock = '''{unlock}{released}; rm -f flag'''\n")
        if locked:
            lines += f"locked = '''{locked}'''\n"
        write(self.config, lines + more)

    def sql(self, statement):
        done = subprocess.run(["sqlite3", self.database, statement], check=True,
                              capture_output=True, text=True)
        return done.stdout.split()

    def notes(self):
        return self.sql("SELECT text FROM notes")

    def is_held(self):
        return os.path.exists(self.path("flag"))

    def points(self):
        return len(self.json_of("points")["points"])

    def test_the_mark_lies_between(self):
        point = self.json_of("backup", "shop")["point"]
        self.assertEqual(self.notes(), ["held", "released"])
        self.assertFalse(self.is_held())
        self.run_salvor("restore", "shop", "--into", "out", "--at", point, "--only", "db")
        held = subprocess.run(["sqlite3", self.path("out/db/shop.db"), "SELECT text FROM notes"],
                              check=True, capture_output=True, text=True).stdout.split()
        self.assertEqual(held, ["held"])

    def test_who_holds_them_already_keeps_them(self):
        write(self.path("flag"), "maintenance")
        self.run_salvor("backup", "shop")
        self.assertEqual(self.notes(), [])
        self.assertTrue(self.is_held())

    def test_a_command_that_fails(self):
        before = self.points()
        self.configure(lock="touch flag; exit 3; ")
        self.fails(1, "failed", "backup", "shop", text="writes.lock")
        self.assertFalse(self.is_held(), "what a failing command did is taken back")
        self.configure(locked="exit 1")
        self.fails(1, "failed", "backup", "shop", text="writes are not locked")
        self.configure(unlock="exit 3; ")
        self.fails(1, "failed", "backup", "shop", text="writes.unlock")
        self.assertTrue(self.is_held())
        self.assertEqual(self.points(), before)
        # It is remembered whose they are.
        self.configure()
        self.run_salvor("backup", "shop")
        self.assertFalse(self.is_held())

    def test_a_store_that_fails(self):
        os.rename(self.media, self.media + ".away")
        self.run_salvor("backup", "shop", expect=4)
        self.assertFalse(self.is_held())

    def test_killed_while_they_are_held(self):
        self.configure(lock="touch flag; kill -9 $PPID; exit; ")
        self.run_salvor("backup", "shop", expect=-9)
        self.assertTrue(self.is_held())
        self.configure()
        done = self.run_salvor("backup", "shop")
        self.assertIn("left the writes of shop locked", done.err)
        self.assertFalse(self.is_held())

    def test_a_restore_that_is_open(self):
        os.remove(os.path.join(self.media, "logo.png"))
        self.configure(more="[service.shop.migrate]\nrun = 'exit 3'\nisolated = true\n")
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        self.assertTrue(self.is_held())
        self.fails(7, "conflict", "backup", "shop", text="--undo")
        self.assertTrue(self.is_held())
        self.run_salvor("restore", "--undo", self.restores()[0]["id"], "--confirm", "shop")
        self.assertFalse(self.is_held())
        self.run_salvor("backup", "shop")

    def test_a_restore_that_begins_meanwhile(self):
        more = "[service.shop.migrate]\nrun = 'test -e mended'\nisolated = true\n"
        for way in ("--undo", "--resume"):
            with self.subTest(way):
                self.configure(more=more, lock='if test "$SALVOR_MODE" = backup; then touch flag; '
                               f'{SALVOR} -c salvor.toml restore shop --confirm shop; fi; ')
                done = self.run_salvor("backup", "shop")
                self.assertIn("stay locked for it", done.err)
                self.assertTrue(self.is_held())
                self.configure(more=more)
                write(self.path("mended"), "")
                self.run_salvor("restore", way, self.restores()[0]["id"], "--confirm", "shop")
                os.remove(self.path("mended"))
                # Taken back, they are as it found them, and the next backup lets them in. Gone on
                # with, they are let in, and who holds them then is somebody else.
                self.assertEqual(self.is_held(), way == "--undo")
                write(self.path("flag"), "")
                self.run_salvor("backup", "shop")
                self.assertEqual(self.is_held(), way == "--resume")

    def test_two_at_once_wait_for_each_other(self):
        command = [SALVOR, "-c", self.config, "backup", "shop"]
        both = [subprocess.Popen(command, cwd=self.root, stderr=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL) for _ in range(2)]
        for process in both:
            _, words = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, words)
        self.assertEqual(self.notes(), ["held", "released"] * 2)
        self.assertFalse(self.is_held())


if __name__ == "__main__":
    unittest.main()
