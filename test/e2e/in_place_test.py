"""A restore in place as people carry it out: cut off and gone on with, in the background, heard by
nobody, of a database that has another name by now."""

import os
import shutil
import subprocess
import time
import unittest

from shop import CONFIG, SALVOR, WRITES, ShopTest, dump, manifest, write


class InPlace(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, CONFIG + WRITES)
        self.ready()
        self.good = self.seen()
        self.wreck()

    def wreck(self):
        os.remove(os.path.join(self.media, "logo.png"))
        subprocess.run(["sqlite3", self.database, "DELETE FROM orders"], check=True)
        self.wrecked = self.seen()

    def seen(self):
        # Making a workplace beside a tree does not change the tree.
        return manifest(self.media), dump(self.database)

    def configure(self, more):
        write(self.config, CONFIG + WRITES + more)

    def assert_restored(self):
        self.assertEqual(self.seen(), self.good)
        self.assertFalse(os.path.exists(self.path("flag")))

    def test_killed_and_gone_on_with(self):
        self.configure("[[service.shop.rebuild]]\nname = \"thumbnails\"\n"
                       "run = 'test -e again || { touch again; kill -9 $PPID; }'\n"
                       "isolated = true\n")
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=-9)
        self.assertEqual(self.seen()[0], self.wrecked[0])
        self.assertTrue(os.path.exists(self.path("flag")))
        run = self.restores()[0]["id"]
        self.assertIn(run, self.run_salvor("status").out)
        report = self.json_of("restore", "--resume", run)
        self.assertEqual(report["state"], "succeeded")
        # What was checked before the kill is checked for good.
        self.assertIn("copy of db equals the point", [check["name"] for check in report["checks"]])
        self.assert_restored()
        self.run_salvor("restore", "--close", run, "--confirm", "shop")

    def in_container(self):
        """A prefix: processes have other numbers there, in a namespace of their own."""
        prefix = ("unshare", "--pid", "--fork", "sh", "-c", '"$@"; exit $?', "sh")
        if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
            self.skipTest("not permitted to make a pid namespace")
        return prefix

    def test_killed_in_another_container(self):
        """Nobody sees its process: its lock tells that it is dead."""
        self.configure("[[service.shop.rebuild]]\nname = \"thumbnails\"\n"
                       "run = 'test -e again || { touch again; kill -9 $PPID; }'\n"
                       "isolated = true\n")
        self.run_salvor("restore", "shop", "--confirm", "shop", prefix=self.in_container(),
                        expect=128 + 9)
        run = self.restores()[0]
        self.assertEqual(run["state"], "interrupted")
        self.assertEqual(self.json_of("restore", "--resume", run["id"])["state"], "succeeded")
        self.assert_restored()
        self.assertEqual(os.listdir(self.path("state/runs")), [])

    def test_alive_in_another_container(self):
        for name in ("begun", "go"):
            os.mkfifo(self.path(name))
        self.configure("[[service.shop.rebuild]]\nname = \"thumbnails\"\n"
                       "run = 'echo > begun; cat go'\nisolated = true\n")
        command = [*self.in_container(), SALVOR, "-c", self.config, "restore", "shop",
                   "--confirm", "shop"]
        with subprocess.Popen(command, cwd=self.root, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            with open(self.path("begun"), "rb") as begun:
                begun.read()
            run = self.restores()[0]
            self.assertEqual(run["state"], "running")
            self.fails(7, "conflict", "restore", "--resume", run["id"])
            self.fails(7, "conflict", "restore", "--resume", run["id"], "--takeover")
            with open(self.path("go"), "wb"):
                pass
        self.assertEqual(process.returncode, 0)
        self.assert_restored()

    def test_in_the_background(self):
        report = self.json_of("restore", "shop", "--confirm", "shop", "--detach")
        deadline = time.monotonic() + 60
        while self.json_of("runs", "show", report["run"])["state"] == "running":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(self.json_of("runs", "show", report["run"])["state"], "succeeded")
        self.assert_restored()
        with open(report["log"], encoding="utf-8") as file:
            self.assertIn("succeeded", file.read())

    def test_what_can_not_begin_in_the_background_says_so(self):
        done = self.fails(6, "refused", "restore", "shop", "--detach", text="was not confirmed")
        self.assertEqual(done.json()["error"]["exit"], 6)
        self.assertEqual(self.seen(), self.wrecked)

    def test_nobody_hears_it(self):
        """A terminal that hangs up, and a full disk under its log, stop no restore."""
        for number, stderr in enumerate(("/dev/full", "pipe")):
            with self.subTest(stderr):
                if number:
                    self.wreck()
                command = [SALVOR, "-c", self.config, "restore", "shop", "--confirm", "shop"]
                if stderr == "pipe":
                    read, write_end = os.pipe()
                    os.close(read)
                    process = subprocess.run(command, cwd=self.root, stderr=write_end,
                                             stdout=subprocess.DEVNULL, check=False)
                    os.close(write_end)
                else:
                    with open(stderr, "wb") as full:
                        process = subprocess.run(command, cwd=self.root, stderr=full,
                                                 stdout=subprocess.DEVNULL, check=False)
                self.assertEqual(process.returncode, 0)
                self.assert_restored()
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SALVOR, "-c", self.config, "cat", "nothing", "db", "x"],
                                  cwd=self.root, stderr=full, check=False)
        self.assertEqual(done.returncode, 2)

    def test_a_database_that_was_renamed_since(self):
        os.rename(self.database, self.path("live/store.db"))
        write(self.config, (CONFIG + WRITES).replace("shop.db", "store.db"))
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertEqual(dump(self.path("live/store.db")), self.good[1])
        self.assertFalse(os.path.exists(self.database))

    def test_a_database_that_is_no_database_is_kept_as_bytes_first(self):
        wreck = b"no database any more"
        with open(self.database, "r+b") as file:
            file.write(wreck)
        report = self.json_of("restore", "shop", "--confirm", "shop")
        self.assertEqual(report["state"], "succeeded")
        self.assert_restored()
        points = {point["id"]: point for point in self.json_of("points")["points"]}
        kept = {points[point]["stores"][0]: point for point in report["safety_points"]}
        self.assertEqual(set(kept), {"db", "media"})
        self.assertTrue(self.run_salvor("cat", kept["db"], "db", "shop.db").raw.startswith(wreck))

    def test_a_database_that_can_not_be_backed_up_first(self):
        os.link(self.database, self.path("live/other.db"))
        self.fails(6, "refused", "restore", "shop", "--confirm", "shop", text=["2 names"])
        with open(self.path("live/other.db"), "rb") as other, open(self.database, "rb") as file:
            self.assertEqual(other.read(), file.read())

    def test_no_safety_snapshot_of_a_store_is_wanted(self):
        report = self.json_of("restore", "shop", "--confirm", "shop",
                              "--without-safety-snapshot-of", "db")
        self.assertEqual(len(report["safety_points"]), 1)
        points = {point["id"]: point for point in self.json_of("points")["points"]}
        self.assertEqual(points[report["safety_points"][0]]["stores"], ["media"])
        self.assertIn("store db: no safety snapshot was taken, as the options say",
                      report["deviations"])
        self.assert_restored()

    def test_somebody_lets_writes_in_before_the_exchange(self):
        self.configure("[[service.shop.rebuild]]\nname = \"thumbnails\"\nrun = 'rm -f flag'\n"
                       "isolated = true\n")
        self.fails(6, "refused", "restore", "shop", "--confirm", "shop",
                   text=["not locked any more", "--undo"])
        self.assertEqual(self.seen()[0], self.wrecked[0])
        run = self.restores()[0]["id"]
        self.assertEqual(self.json_of("restore", "--resume", run)["state"], "succeeded")
        self.assert_restored()

    def test_an_unhealthy_service_is_taken_back(self):
        self.configure("[service.shop.watch]\nduration = \"1s\"\nevery = \"1s\"\n"
                       "[[service.shop.watch.probe]]\nname = \"well\"\nrun = \"exit 1\"\n")
        done = self.run_salvor("restore", "shop", "--confirm", "shop", expect=9)
        self.assertIn("not healthy", done.err)
        run = self.restores()[0]["id"]
        done = self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertNotIn("not healthy", done.err)
        self.assertEqual(self.seen(), self.wrecked)
        gaps = self.json_of("status")["services"][0]["not_covered"]
        self.assertTrue(any("no restore in place" in gap for gap in gaps), gaps)

    def test_a_restore_in_place_is_remembered(self):
        def is_missed():
            gaps = self.json_of("status")["services"][0]["not_covered"]
            return any("no restore in place" in gap for gap in gaps)
        self.run_salvor("restore", "shop", "--into", "out")
        self.assertTrue(is_missed())
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertFalse(is_missed())
        self.run_salvor("restore", "--close", self.restores()[0]["id"], "--confirm", "shop")
        self.assertFalse(is_missed())

    def test_the_end_of_a_journal_is_lost(self):
        self.configure("[service.shop.migrate]\nrun = 'exit 3'\nisolated = true\n")
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        for record in self.objects("journal")[-2:]:
            os.remove(record)
        done = self.run_salvor("restore", "--undo", self.restores()[0]["id"], "--confirm", "shop")
        self.assertIn("this machine's catalog", done.err)
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))
        # It is whole again, for everybody.
        self.assertTrue(self.json_of("verify")["sound"])

    def test_a_journal_that_rots_is_read_from_the_catalog(self):
        self.configure("[service.shop.migrate]\nrun = 'exit 3'\nisolated = true\n")
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        run = self.restores()[0]["id"]
        for record in self.objects("journal")[1:3]:
            os.chmod(record, 0o600)
            with open(record, "r+b") as file:
                file.seek(40)
                file.write(b"rot")
        without = self.path("away")
        shutil.copytree(self.path("state"), without)
        shutil.rmtree(self.path("state"))
        self.fails(5, "corruption", "restore", "--undo", run, "--confirm", "shop")
        shutil.rmtree(self.path("state"))
        os.rename(without, self.path("state"))
        done = self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertIn("this machine's catalog", done.err)
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))


if __name__ == "__main__":
    unittest.main()
