"""Which recovery points are good, whose they are, and what they lack."""

import os
import shutil
import signal
import subprocess
import time
import unittest

from shop import CONFIG, WRITES, ShopTest, write

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Suspect(ShopTest):
    """A backup of ruins is not a good backup."""

    def backup(self, *arguments, expect=0):
        done = self.run_salvor("--json", "backup", *arguments, expect=expect)
        return done, done.json()

    def suspicions(self, report):
        return {store["name"]: store["suspect"] for store in report["stores"]}

    def states(self):
        return [point["state"] for point in self.json_of("points")["points"]]

    def test_a_tree_that_lost_its_files(self):
        good = self.ready()
        shutil.rmtree(self.media)
        os.mkdir(self.media)
        done, report = self.backup(expect=9)
        self.assertIn("is suspect", done.err)
        self.assertIn(f"points --accept {report['point']}", done.err)
        self.assertIn("empty", self.suspicions(report)["media"][0])
        self.assertEqual(self.suspicions(report)["db"], [])
        self.assertEqual(self.states(), ["good", "suspect"])

        # Everything goes by the good one, and says so.
        plan = self.json_of("restore", "shop", "--plan")
        self.assertEqual(plan["point"], good)
        self.assertTrue(any("1 newer recovery point is suspect" in line and
                            f"--at {report['point']}" in line for line in plan["warnings"]))
        beside = self.json_of("restore", "shop", "--into", self.path("beside"))
        self.assertEqual(beside["point"], good)
        self.assertTrue(any("suspect" in note for note in beside["notes"]))
        self.assertEqual(self.json_of("drill", "shop")["point"], good)
        status = self.json_of("status")["services"][0]
        self.assertEqual((status["state"], status["newest"]["id"]), ("critical", good))
        self.assertTrue(any(report["point"] in reason for reason in status["reasons"]))
        self.assertIn("suspect", self.run_salvor("points").out)

        # It is a point all the same, for who names it.
        named = self.json_of("restore", "shop", "--at", report["point"], "--plan")
        self.assertEqual(named["state"], "suspect")

    def test_accepting_makes_it_good_everywhere(self):
        self.ready()
        shutil.rmtree(self.media)
        os.mkdir(self.media)
        _, report = self.backup(expect=9)
        # Again: it is measured by the last good one, not by the ruins before.
        self.backup(expect=9)
        accepted = self.json_of("points", "--accept", report["point"])
        self.assertTrue(accepted["was_suspect"])
        self.assertFalse(self.json_of("points", "--accept", report["point"])["was_suspect"])
        shutil.rmtree(self.path("state"))
        self.run_salvor("verify", "--data")
        self.assertEqual(self.states(), ["good", "good", "suspect"])
        self.assertEqual(self.json_of("restore", "shop", "--plan")["point"], report["point"])
        _, again = self.backup()
        self.assertEqual(self.suspicions(again), {"db": [], "media": []})

    def test_a_fall_and_its_limit(self):
        self.ready()
        for name in ("logo.png", "logo2.png", "2026/02/big.bin", "sparse"):
            os.remove(os.path.join(self.media, name))
        _, report = self.backup(expect=9)
        self.assertIn("more than 50% less", self.suspicions(report)["media"][0])
        write(self.config, CONFIG + 'shrink = "off"\n')
        self.backup()

    def test_an_empty_database_file_is_suspect_only_where_there_was_content(self):
        for shrink in ("", 'shrink = "off"\n'):
            with self.subTest(shrink):
                for path in ("repository", "live", "state"):
                    shutil.rmtree(self.path(path), ignore_errors=True)
                write(self.config, CONFIG.replace('"live/shop.db"\n', '"live/shop.db"\n' + shrink))
                self.fill()
                kept = self.path("kept.db")
                os.rename(self.database, kept)
                write(self.database, b"")
                self.run_salvor("init")
                for _ in range(2):
                    _, report = self.backup()
                    self.assertEqual(self.suspicions(report), {"db": [], "media": []})
                self.run_salvor("drill", "shop")
                os.rename(kept, self.database)
                self.backup()
                os.truncate(self.database, 0)
                _, report = self.backup(expect=9)
                self.assertIn("has no content, and had", self.suspicions(report)["db"][0])

    def test_an_emptied_database_is_suspect_on_a_host_without_a_point(self):
        self.ready()
        write(self.config, 'host = "another"\n' + CONFIG)
        os.truncate(self.database, 0)
        _, report = self.backup(expect=9)
        self.assertIn("no earlier point of this host", self.suspicions(report)["db"][0])
        self.assertEqual(self.suspicions(report)["media"], [])

    def test_the_canary_is_no_content(self):
        write(self.config, CONFIG.replace('"live/media"\n',
                                          '"live/media"\ncanary = true\nshrink = "off"\n'))
        self.fill()
        self.run_salvor("init")
        self.backup()
        self.backup()
        for directory, _, names in os.walk(self.media):
            for name in names:
                path = os.path.join(directory, name)
                if name != ".salvor-canary" and not os.path.islink(path):
                    os.truncate(path, 0)
        _, report = self.backup(expect=9)
        self.assertIn("has no content, and had", self.suspicions(report)["media"][0])

    def test_after_a_restore_in_place_the_restored_point_is_the_measure(self):
        self.fill()
        for name in ("logo.png", "logo2.png", "2026/02/big.bin", "sparse", "2026/02/empty"):
            os.rename(os.path.join(self.media, name), self.path(os.path.basename(name)))
        self.run_salvor("init")
        small = self.json_of("backup")["point"]
        for name in ("logo.png", "big.bin", "sparse"):
            os.rename(self.path(name), os.path.join(self.media, name))
        for number in range(9):
            write(os.path.join(self.media, f"more{number}"), b"more")
        self.backup()
        self.run_salvor("restore", "shop", "--at", small, "--confirm", "shop")
        _, report = self.backup()
        self.assertEqual(self.suspicions(report), {"db": [], "media": []})

    def test_a_marker_is_not_planted_where_the_last_one_is_missing(self):
        write(self.config, CONFIG + "canary = true\n")
        self.ready()
        self.backup()
        os.rename(self.media, self.path("elsewhere"))
        os.mkdir(self.media)
        _, report = self.backup(expect=9)
        self.assertEqual(os.listdir(self.media), [])
        self.assertTrue(any("canary" in line for line in self.suspicions(report)["media"]))
        self.assertTrue(any("empty" in line for line in self.suspicions(report)["media"]))
        os.rmdir(self.media)
        os.rename(self.path("elsewhere"), self.media)
        self.backup()
        verdicts = {check["name"]: check["verdict"]
                    for check in self.json_of("drill", "shop")["checks"]}
        self.assertEqual(verdicts["canary of media"], "passed")

    def test_a_disk_that_is_not_mounted(self):
        self.fill()
        shutil.rmtree(self.media)
        where = self.small_disk("live/media", "size=1m")
        write(os.path.join(where, "file"), b"x" * 1000)
        self.run_salvor("init")
        write(self.config, CONFIG + 'shrink = "off"\n')
        self.backup()
        subprocess.run(["umount", where], check=True)
        # So that the directory below is not empty.
        write(os.path.join(where, "file"), b"x" * 1000)
        _, report = self.backup(expect=9)
        self.assertIn("nothing is mounted there", self.suspicions(report)["media"][0])
        subprocess.run(["mount", "-t", "tmpfs", "none", where], check=True)


class Hosts(ShopTest):
    """Two hosts, one service name."""

    def on(self, host, more=""):
        write(self.config, f'host = "{host}"\n' + CONFIG.replace(
            'state_dir = "state"', f'state_dir = "state-{host}"').replace(
                'rpo = "1h"', 'rpo = "1h"\n' + more))

    def test_each_restores_and_is_judged_by_its_own(self):
        self.on("web-1")
        first = self.ready()
        self.on("web-2")
        refused = self.fails(6, "refused", "restore", "shop", "--plan",
                             text=["web-1", f"salvor restore shop --at {first}"])
        self.assertIn("web-2", refused.err)
        self.fails(6, "refused", "restore", "shop", "--into", "out", "--only", "db", "--delta",
                   text=f"salvor restore shop --at {first} --into out --only db --delta;")
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["state"], "critical")
        self.assertFalse(status["rpo_met"])
        self.assertIn("web-1", "".join(status["reasons"]))
        self.assertIn("web-1", self.run_salvor("config", "check").out)
        named = self.json_of("restore", "shop", "--at", first, "--plan")
        self.assertEqual(named["host"], "web-1")
        self.assertTrue(any("host web-1" in line for line in named["warnings"]))

        second = self.json_of("backup")["point"]
        self.assertEqual(self.json_of("restore", "shop", "--plan")["point"], second)
        self.on("web-1")
        self.assertEqual(self.json_of("restore", "shop", "--plan")["point"], first)
        hosts = [point["host"] for point in self.json_of("points")["points"]]
        self.assertEqual(hosts, ["web-1", "web-2"])

    def test_a_shared_service_is_everybodys(self):
        self.on("web-1")
        first = self.ready()
        self.on("web-2", "shared = true")
        self.assertEqual(self.json_of("restore", "shop", "--plan")["point"], first)
        self.assertTrue(self.json_of("status")["services"][0]["rpo_met"])

    def test_a_name_for_a_host(self):
        self.fill()
        self.on("two words")
        done = self.run_salvor("config", "check", expect=3)
        self.assertIn("host", done.err)


class Lacking(ShopTest):
    """What a point lacks is never deleted."""

    def ready_with_holes(self):
        """A point without what `salvor` could not read."""
        self.fill()
        write(os.path.join(self.media, "secret"), b"the only copy", 0)
        write(os.path.join(self.media, "closed/inner/file"), b"another only copy")
        os.chmod(os.path.join(self.media, "closed"), 0)
        write(self.config, CONFIG + 'on_unreadable = "warn"\n')
        prefix = ()
        if os.geteuid() == 0:
            prefix = NOBODY
            for directory, folders, files in os.walk(self.root):
                for path in [directory] + [os.path.join(directory, n) for n in folders + files]:
                    if os.path.basename(path) not in ("secret", "closed"):
                        os.lchown(path, 65534, 65534)
        self.run_salvor("init", prefix=prefix)
        return self.json_of("backup", prefix=prefix)["point"]

    def files(self):
        found = {}
        for name in ("secret", "closed/inner/file"):
            with open(os.path.join(self.media, name), "rb") as file:
                found[name] = file.read()
        return found

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("needs root")

    def test_it_is_named_and_stays_through_a_restore_in_place(self):
        self.ready_with_holes()
        before = self.files()
        plan = self.json_of("restore", "shop", "--plan")
        self.assertTrue(any("secret" in line and "could not be read" in line
                            for line in plan["warnings"]), plan["warnings"])
        drill = self.json_of("drill", "shop")
        self.assertTrue(any("secret" in line for line in drill["not_covered"]))
        status = self.json_of("status")["services"][0]
        self.assertIn("secret", "".join(status["reasons"]))
        self.assertIn("secret", self.run_salvor("runbook", "shop").out)

        write(os.path.join(self.media, "made later"), b"not in the point")
        done = self.json_of("restore", "shop", "--confirm", "shop")
        self.assertIn("secret", "".join(done["notes"]))
        self.assertEqual(self.files(), before)
        self.assertFalse(os.path.exists(os.path.join(self.media, "made later")))
        self.assertEqual(os.stat(os.path.join(self.media, "closed")).st_mode & 0o777, 0)
        self.run_salvor("restore", "--undo", done["run"], "--confirm", "shop")
        self.assertEqual(self.files(), before)
        self.assertTrue(os.path.exists(os.path.join(self.media, "made later")))

        again = self.json_of("restore", "shop", "--confirm", "shop")
        self.run_salvor("restore", "--close", again["run"], "--confirm", "shop")
        self.assertEqual(self.files(), before)

    def test_it_stays_where_the_live_tree_is_written_over(self):
        self.ready_with_holes()
        before = self.files()
        done = self.json_of("restore", "shop", "--confirm", "shop", "--in-place-delta")
        self.assertEqual(self.files(), before)
        self.run_salvor("restore", "--close", done["run"], "--confirm", "shop")
        self.assertEqual(self.files(), before)


class Status(ShopTest):
    def test_check_ends_with_9_unless_all_are_good(self):
        self.ready()
        self.assertEqual(self.json_of("status", "--check", expect=9)["services"][0]["state"],
                         "warning")
        self.run_salvor("drill", "shop")
        good = self.json_of("status", "--check")["services"][0]
        self.assertEqual((good["state"], good["reasons"]), ("good", []))
        write(self.config, CONFIG.replace('rpo = "1h"', 'rpo = "1s"'))
        time.sleep(1.1)
        old = self.json_of("status", "--check", expect=9)["services"][0]
        self.assertEqual(old["state"], "critical")
        self.assertIn("the objective is", old["reasons"][0])
        self.json_of("status")

    def test_a_killed_quiesce_backup_leaves_writes_held_and_status_says_so(self):
        self.fill()
        write(self.config, CONFIG.replace('rpo = "1h"', 'rpo = "1h"\nquiesce = true') +
              WRITES.replace("touch flag", "touch flag; kill -9 $PPID"))
        self.run_salvor("init")
        self.run_salvor("backup", expect=-signal.SIGKILL)
        self.assertTrue(os.path.exists(self.path("flag")))
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["state"], "critical")
        self.assertIsNotNone(status["writes_held_by"])
        self.assertIn("had the writes of the service locked", "".join(status["reasons"]))
        self.assertIn("WRITES HELD", self.run_salvor("status").out)
        write(self.config, CONFIG.replace('rpo = "1h"', 'rpo = "1h"\nquiesce = true') + WRITES)
        self.run_salvor("backup")
        self.assertIsNone(self.json_of("status")["services"][0]["writes_held_by"])

    def test_a_killed_restore_holds_the_writes_and_status_says_so(self):
        self.fill()
        write(self.config, CONFIG + WRITES + '\n[[service.shop.rebuild]]\nname = "die"\n'
              'run = "kill -9 $PPID"\n')
        self.run_salvor("init")
        self.run_salvor("backup")
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=-signal.SIGKILL)
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["writes_held_by"], status["open_restore"])
        self.assertIn("still has the writes", "".join(status["reasons"]))

    def test_another_repositorys_drill_proves_nothing(self):
        self.ready()
        self.run_salvor("drill", "shop")
        shutil.rmtree(self.path("repository"))
        self.run_salvor("init", "--replace-known")
        self.run_salvor("backup")
        status = self.json_of("status")["services"][0]
        self.assertTrue(status["never_drilled"])
        self.assertIsNone(status["proven_rto_s"])
        self.assertIsNone(status["last_drill"])
        self.assertIn("no drill was ever run", self.run_salvor("runbook", "shop").out)

    def test_a_drill_is_remembered_while_its_repository_is_away(self):
        self.ready()
        self.run_salvor("drill", "shop")
        os.rename(self.path("repository"), self.path("away"))
        done = self.run_salvor("--json", "status", expect=None)
        self.assertFalse(done.json()["services"][0]["never_drilled"])

    def test_tearing_down_is_no_part_of_the_proven_time(self):
        self.ready()
        drill = self.json_of("drill", "shop")
        seconds = {phase["name"]: phase["seconds"] for phase in drill["phases"]}
        self.assertIn("tear-down", seconds)
        proven = self.json_of("status")["services"][0]["proven_rto_s"]
        self.assertAlmostEqual(proven, drill["recovery_s"], places=2)
        self.assertLess(proven, drill["seconds"])


if __name__ == "__main__":
    unittest.main()
