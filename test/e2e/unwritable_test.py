"""A repository that can be read and takes nothing new: restores and drills work all the same."""

import fcntl
import os
import shlex
import shutil
import subprocess
import unittest

from shop import CONFIG, ShopTest, dump, manifest, write

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
WRITES = """
[service.shop.writes]
lock   = "touch flag; touch locked-once"
unlock = "rm -f flag"
locked = "test -e flag"
"""
BREAKABLE = """
[[service.shop.rebuild]]
name = "thumbnails"
run = "test ! -e broken"
isolated = true
"""


class Unwritable(ShopTest):
    def setUp(self):
        super().setUp()
        self.configure("")

    def configure(self, more):
        write(self.config, CONFIG + WRITES + more)

    def protect(self):
        """A point of good data, and then worse data."""
        self.ready()
        self.wreck()

    def wreck(self):
        self.good = self.seen()
        os.remove(os.path.join(self.media, "logo.png"))
        subprocess.run(["sqlite3", self.database, "DELETE FROM orders"], check=True)
        self.wrecked = self.seen()

    def seen(self):
        return manifest(self.media), dump(self.database)

    def make_read_only(self):
        repository = self.path("repository")
        mounted = subprocess.run(["mount", "--bind", repository, repository], check=False,
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("not permitted to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", repository], capture_output=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", repository], check=True)

    def make_writable(self):
        subprocess.run(["umount", self.path("repository")], check=True)

    def fill_up(self):
        subprocess.run(["dd", "if=/dev/zero", f"of={self.path('repository/filler')}", "bs=4096"],
                       check=False, capture_output=True)

    def make_room(self):
        os.remove(self.path("repository/filler"))

    def evidence(self, service="shop"):
        return self.json_of("evidence", "list", service)["evidence"]

    def status(self):
        return self.json_of("status")["services"][0]

    def in_place(self, *more, expect=0):
        return self.run_salvor("restore", "shop", "--confirm", "shop",
                               "--without-safety-snapshot", *more, expect=expect)

    def newest(self):
        return self.restores()[0]["id"]

    def confirmed(self, verb, run, expect=0):
        return self.run_salvor("restore", "--" + verb, run, "--confirm", "shop", expect=expect)

    def other_host(self):
        with open(self.config, encoding="utf-8") as file:
            text = file.read().replace('state_dir = "state"', 'state_dir = "other"')
        write(self.path("other.toml"), text)
        return self.path("other.toml")

    def assert_sound(self):
        self.assertTrue(self.json_of("verify", "--data")["sound"])
        self.run_salvor("evidence", "verify")


class Reading(Unwritable):
    def test_what_reads_works_with_one_warning(self):
        point = self.ready()
        run = self.json_of("drill", "shop")["run"]
        self.make_read_only()
        for arguments in (("points",), ("ls", point, "media"), ("cat", point, "media", "logo.png"),
                          ("diff", point, point), ("status",), ("runs", "show", run),
                          ("runbook", "shop"), ("evidence", "list"),
                          ("evidence", "show", "shop", "1"),
                          ("evidence", "export", "shop", "-o", "e.json"), ("evidence", "verify"),
                          ("verify",), ("verify", "--data"), ("drill", "shop"),
                          ("restore", "shop", "--into", "restored"),
                          ("restore", "shop", "--plan", "--without-safety-snapshot")):
            with self.subTest(" ".join(arguments)):
                done = self.run_salvor(*arguments)
                self.assertEqual(done.err.count("can't be written to"), 1, str(done))
                self.assertIn(self.path("repository"), done.err)
                self.assertIn("Read-only file system", done.err)
        self.run_salvor("runs")

    def test_what_writes_says_why_not(self):
        self.ready()
        self.make_read_only()
        self.fails(1, "failed", "backup", text=[
            f"the repository at {self.path('repository')} can't be written to",
            "Read-only file system", "mount its file system for writing"])
        self.assertEqual(self.status()["evidence_waiting"], 1, "of the backup that failed")

    def test_directories_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        self.ready()
        for directory, folders, files in os.walk(self.root):
            for path in [directory] + [os.path.join(directory, n) for n in folders + files]:
                is_repository = path.startswith(self.path("repository"))
                if os.path.isdir(path) and is_repository:
                    os.chmod(path, 0o755)
                else:
                    os.lchown(path, 65534, 65534)
        done = self.run_salvor("drill", "shop", prefix=NOBODY)
        self.assertIn("Permission denied", done.err)
        self.fails(1, "failed", "backup", text="run as a user who may do that", prefix=NOBODY)
        self.run_salvor("restore", "shop", "--into", "restored", prefix=NOBODY)

    def test_a_full_disk(self):
        self.small_disk("repository", "size=40m")
        self.ready()
        self.fill_up()
        done = self.run_salvor("drill", "shop")
        self.assertEqual(done.err.count("can't be written to"), 1, str(done))
        self.assertIn("No space left", done.err)
        self.fails(1, "no_space", "backup", text="can't be written to")
        self.fails(6, "refused", "restore", "shop", "--confirm", "shop", text="No space left")

    def test_what_is_something_else_is_no_excuse(self):
        self.ready()
        os.rename(self.path("repository/journal"), self.path("journal")) if os.path.exists(
            self.path("repository/journal")) else os.mkdir(self.path("journal"))
        os.symlink(self.path("journal"), self.path("repository/journal"))
        self.assertIn("symbolic link", self.run_salvor("drill", "shop", expect=1).err)
        os.rename(self.path("repository"), self.path("gone"))
        self.run_salvor("drill", "shop", expect=4)


class Evidence(Unwritable):
    def test_it_waits_and_is_appended(self):
        self.ready()
        self.make_read_only()
        drill = self.json_of("drill", "shop")
        self.json_of("verify")
        status = self.status()
        self.assertEqual(status["last_drill"]["run"], drill["run"])
        self.assertTrue(status["last_drill"]["evidence_waits"])
        self.assertAlmostEqual(status["proven_rto_s"], drill["recovery_s"], places=2)
        self.assertEqual(status["evidence_waiting"], 1)
        self.assertEqual(status["state"], "warning")
        self.assertIn("1 record of the evidence of shop waits", "\n".join(status["reasons"]))
        self.assertIn("evidence of the repository itself", self.run_salvor("status").out)
        self.assertIn("evidence of shop waits", self.run_salvor("runbook", "shop").out)
        waiting = [row for row in self.evidence() if row["waits"]]
        self.assertEqual([(row["kind"], row["sequence"]) for row in waiting], [("drill", None)])
        self.assertIn("waits", self.run_salvor("evidence", "list", "shop").out)
        self.make_writable()
        self.run_salvor("backup")
        rows = self.evidence()
        self.assertEqual([row["kind"] for row in rows], ["backup", "drill", "backup"])
        self.assertEqual([row["sequence"] for row in rows], [1, 2, 3])
        self.assertEqual(rows[1]["ended"], waiting[0]["ended"])
        record = self.json_of("evidence", "show", "shop", "2")["predicate"]
        self.assertIn("Read-only file system", record["deviations"][0])
        self.assertIn("written at", record["deviations"][0])
        self.assertEqual([row["kind"] for row in self.evidence("-")], ["verify"])
        status = self.status()
        self.assertEqual(status["evidence_waiting"], 0)
        self.assertFalse(status["last_drill"]["evidence_waits"])
        self.assertAlmostEqual(status["proven_rto_s"], drill["recovery_s"], places=2)
        self.assert_sound()

    def test_a_success_that_is_appended_late_hides_no_newer_failure(self):
        point = self.ready()
        self.make_read_only()
        mine = self.json_of("drill", "shop")["run"]
        self.make_writable()
        other = self.other_host()
        with open(other, "a", encoding="utf-8") as file:
            file.write("[[service.shop.check]]\nname = 'never'\nrun = 'exit 3'\n"
                       "isolated = true\n")
        theirs = self.json_of("drill", "shop", config=other, expect=9)["run"]
        self.run_salvor("backup")
        drills = [row["run"] for row in self.evidence() if row["kind"] == "drill"]
        self.assertEqual(drills, [theirs, mine])
        # A third machine knows both from the evidence alone.
        third = self.path("third.toml")
        with open(self.config, encoding="utf-8") as file:
            write(third, file.read().replace('"state"', '"third"'))
        for config in (self.config, other, third):
            status = self.json_of("status", config=config)["services"][0]
            self.assertEqual((status["last_drill"]["run"], status["last_drill"]["failed_checks"]),
                             (theirs, ["never"]))
            self.assertEqual(status["state"], "critical")
            self.assertIsNone(status["proven_rto_s"])
            plan = self.json_of("restore", "shop", "--plan", "--at", point, config=config)
            self.assertEqual(plan["last_drill"]["run"], theirs)

    def test_killed_between_append_and_forget(self):
        """The catalog of before the append, the repository of after it."""
        self.ready()
        self.make_read_only()
        self.run_salvor("drill", "shop")
        self.run_salvor("drill", "shop")
        shutil.copytree(self.path("state"), self.path("before"))
        self.make_writable()
        self.run_salvor("restore", "shop", "--into", "restored")
        kinds = [row["kind"] for row in self.evidence()]
        self.assertEqual(kinds, ["backup", "drill", "drill", "restore"])
        shutil.rmtree(self.path("state"))
        os.rename(self.path("before"), self.path("state"))
        self.assertEqual(self.status()["evidence_waiting"], 2)
        self.run_salvor("backup")
        self.assertEqual([row["kind"] for row in self.evidence()], kinds + ["backup"])
        self.assert_sound()

    def test_a_process_that_hangs_while_it_appends_keeps_nobody_waiting(self):
        self.ready()
        self.make_read_only()
        self.run_salvor("drill", "shop")
        self.make_writable()
        with open(self.path("state/waiting.lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.run_salvor("backup")
            self.assertEqual(self.status()["evidence_waiting"], 2)
        self.run_salvor("backup")
        self.assertEqual(self.status()["evidence_waiting"], 0)

    def test_it_waits_for_its_own_repository(self):
        self.ready()
        self.make_read_only()
        self.run_salvor("drill", "shop")
        with open(self.config, encoding="utf-8") as file:
            text = file.read().replace('"repository"', '"another"')
        write(self.path("another.toml"), text)
        another = self.path("another.toml")
        self.run_salvor("init", config=another)
        self.run_salvor("backup", config=another)
        rows = self.json_of("evidence", "list", "shop", config=another)["evidence"]
        self.assertEqual([row["kind"] for row in rows], ["backup"])
        self.assertEqual(self.status()["evidence_waiting"], 1)

    def test_what_was_changed_while_it_waited_is_not_signed(self):
        self.ready()
        self.make_read_only()
        self.run_salvor("drill", "shop")
        forge = """UPDATE waiting_evidence
                   SET envelope = replace(envelope, '"sig":"', '"sig":"AAAA')"""
        subprocess.run(["sqlite3", self.path("state/catalog.sqlite"), forge], check=True)
        self.assertIsNone(self.status()["proven_rto_s"])
        self.make_writable()
        done = self.run_salvor("backup")
        self.assertIn("passed over", done.err)
        self.assertEqual([row["kind"] for row in self.evidence()], ["backup", "backup"])


class InPlace(Unwritable):
    def test_without_the_option_nothing_is_touched(self):
        self.protect()
        self.make_read_only()
        done = self.fails(6, "refused", "restore", "shop", "--confirm", "shop",
                          text=["no safety snapshot can be taken", "Read-only file system"])
        self.assertFalse(os.path.exists(self.path("locked-once")))
        self.assertEqual(self.seen(), self.wrecked)
        self.assertEqual(self.restores(), [])
        plan = self.run_salvor("--json", "restore", "shop", "--plan", expect=6).json()
        self.assertEqual(plan["error"]["hint"], done.json()["error"]["hint"])
        self.assertIn("other hosts can't be kept out", "\n".join(plan["warnings"]))
        plan = self.json_of("restore", "shop", "--plan", "--without-safety-snapshot")
        self.assertIn("other hosts can't be kept out", "\n".join(plan["warnings"]))
        command = done.json()["error"]["hint"].split(": salvor ")[-1]
        self.run_salvor(*shlex.split(command))
        self.assertEqual(self.seen(), self.good)

    def test_restored_and_undone_while_read_only(self):
        self.protect()
        self.make_read_only()
        before = self.objects("")
        done = self.in_place()
        self.assertIn("other hosts can't be kept out", done.err)
        self.assertEqual(self.seen(), self.good)
        self.assertEqual(self.objects(""), before)
        run = self.newest()
        report = self.json_of("runs", "show", run)
        self.assertEqual((report["state"], report["journal"]["state"]), ("succeeded", "succeeded"))
        self.assertIsNone(self.status()["open_restore"])
        self.confirmed("undo", "latest")
        self.assertEqual(self.seen(), self.wrecked)
        self.assertEqual(self.json_of("runs", "show", run)["journal"]["state"], "undone")
        self.make_writable()
        self.run_salvor("backup")
        self.assertEqual([(row["kind"], row["result"]) for row in self.evidence()],
                         [("backup", "succeeded"), ("restore", "succeeded"),
                          ("restore", "undone"), ("backup", "succeeded")])
        # The other hosts know of it now.
        other = self.json_of("runs", "show", run, config=self.other_host())
        self.assertEqual(other["journal"]["state"], "undone")
        self.assert_sound()

    def test_undone_or_closed_once_it_is_writable(self):
        for verb, state in (("undo", "undone"), ("close", "closed")):
            with self.subTest(verb):
                self.setUp()
                self.protect()
                self.make_read_only()
                self.in_place()
                run = self.newest()
                self.make_writable()
                self.confirmed(verb, run)
                self.assertEqual(self.seen(), self.wrecked if verb == "undo" else self.good)
                other = self.json_of("runs", "show", run, config=self.other_host())
                self.assertEqual(other["journal"]["state"], state)
                self.assert_sound()
                self.run_salvor("restore", "shop", "--confirm", "shop", config=self.other_host())

    def fail_halfway(self):
        self.configure(BREAKABLE)
        write(self.path("broken"), b"")
        self.protect()
        self.make_read_only()
        self.in_place(expect=1)
        os.remove(self.path("broken"))
        self.assertTrue(os.path.exists(self.path("flag")))
        return self.newest()

    def test_what_a_lost_catalog_continues_is_not_done_twice(self):
        """The repository has the beginning, and the catalog, begun anew, only what follows."""
        self.configure(BREAKABLE)
        write(self.path("broken"), b"")
        self.protect()
        self.in_place(expect=1)
        run = self.newest()
        os.remove(self.path("broken"))
        shutil.rmtree(self.path("state"))
        self.make_read_only()
        self.confirmed("resume", run)
        subprocess.run(["sqlite3", self.database, "INSERT INTO orders (what) VALUES ('since')"],
                       check=True)
        since = self.seen()
        for writable in (False, True):
            if writable:
                self.make_writable()
            self.assertIsNone(self.status()["open_restore"])
            self.assertEqual(self.json_of("runs", "show", run)["journal"]["state"], "succeeded")
            self.confirmed("resume", run)
            self.assertEqual(self.seen(), since)
        self.run_salvor("backup")
        other = self.json_of("runs", "show", run, config=self.other_host())
        self.assertEqual(other["journal"]["state"], "succeeded")
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)

    def test_restores_of_two_hosts_are_undone_in_the_order_in_which_they_were_made(self):
        self.protect()
        self.make_read_only()
        self.in_place()
        first = self.newest()
        restored = self.seen()
        self.make_writable()
        # Another host restores before this one has told the repository of its restore.
        point = self.json_of("points")["points"][0]["id"]
        done = self.run_salvor("--json", "restore", "shop", "--at", point, "--confirm", "shop",
                               config=self.other_host())
        second = done.json()["run"]
        self.run_salvor("backup")
        self.assertIn(second, self.confirmed("undo", first, expect=6).err)
        self.confirmed("undo", second)
        self.assertEqual(self.seen(), restored)
        self.confirmed("undo", first)
        self.assertEqual(self.seen(), self.wrecked)

    def test_resumed_undone_and_abandoned(self):
        for verb in ("resume", "undo", "abandon"):
            for writable in (False, True):
                with self.subTest(verb, writable=writable):
                    self.setUp()
                    run = self.fail_halfway()
                    self.assertEqual(self.status()["open_restore"], run)
                    self.assertIn(run, self.in_place(expect=7).err)
                    if writable:
                        self.make_writable()
                    self.confirmed(verb, run)
                    self.assertEqual(self.seen(), self.good if verb == "resume" else self.wrecked)
                    self.assertIsNone(self.status()["open_restore"])
                    if not writable:
                        self.make_writable()
                        self.run_salvor("backup")
                    other = self.json_of("runs", "show", run, config=self.other_host())
                    state = {"resume": "succeeded", "undo": "undone"}.get(verb, "abandoned")
                    self.assertEqual(other["journal"]["state"], state)
                    self.assert_sound()

    def give_away_but(self, folder):
        """Everything belongs to another user, but a part of the repository."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        for directory, folders, files in os.walk(self.root):
            for path in [directory] + [os.path.join(directory, n) for n in folders + files]:
                if not path.startswith(self.path("repository", folder)):
                    os.lchown(path, 65534, 65534)
                else:
                    os.chmod(path, 0o755)

    def test_only_the_claim_can_not_be_written(self):
        """Nothing keeps other hosts out, and that is told."""
        self.protect()
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.give_away_but("claim/")
        self.run_salvor("backup", prefix=NOBODY)
        self.wreck()
        self.run_salvor("restore", "shop", "--confirm", "shop", prefix=NOBODY, expect=6)
        done = self.run_salvor("restore", "shop", "--confirm", "shop",
                               "--without-safety-snapshot", prefix=NOBODY)
        told = done.err.count("other hosts can't be kept out of service shop")
        self.assertEqual(told, 1, done.err)
        self.assertEqual(self.seen(), self.good)
        self.give_away_but("nothing")
        done = self.run_salvor("restore", "--undo", "latest", "--confirm", "shop", prefix=NOBODY)
        self.assertNotIn("can't be kept out", done.err)
        self.assertEqual(self.seen(), self.wrecked)

    def test_only_the_journal_can_not_be_written(self):
        """The claim keeps other hosts out."""
        self.configure(BREAKABLE)
        write(self.path("broken"), b"")
        with open(self.config, encoding="utf-8") as file:
            write(self.config, file.read().replace("[repository]", 'host = "shop"\n[repository]'))
        self.ready()
        os.makedirs(self.path("repository/journal"), exist_ok=True)
        self.give_away_but("journal")
        self.run_salvor("backup", prefix=NOBODY)
        self.wreck()
        self.run_salvor("restore", "shop", "--confirm", "shop", prefix=NOBODY, expect=6)
        done = self.run_salvor("restore", "shop", "--confirm", "shop",
                               "--without-safety-snapshot", prefix=NOBODY, expect=1)
        self.assertIn("stays in this machine's catalog", done.err)
        run = self.newest()
        other = self.run_salvor("restore", "shop", "--confirm", "shop", config=self.other_host(),
                                expect=7, prefix=[
                                    "unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh",
                                    "-c", 'hostname other && exec "$@"', "sh"])
        self.assertIn(run, other.err)
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)

    def test_claims_that_can_not_be_read_let_nobody_restore(self):
        self.protect()
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.give_away_but("nothing")
        self.run_salvor("backup", prefix=NOBODY)
        self.wreck()
        for directory, _, _ in os.walk(self.path("repository/claim")):
            os.chown(directory, 0, 0)
        done = self.run_salvor("restore", "shop", "--confirm", "shop",
                               "--without-safety-snapshot", prefix=NOBODY, expect=1)
        self.assertIn("Permission denied", done.err)
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))

    def test_an_open_one_keeps_other_hosts_out_once_it_can(self):
        run = self.fail_halfway()
        self.make_writable()
        self.run_salvor("backup")
        done = self.run_salvor("restore", "shop", "--confirm", "shop", config=self.other_host(),
                               expect=7)
        self.assertIn(run, done.err)
        self.run_salvor("restore", "--resume", run)
        self.assertEqual(self.seen(), self.good)

    def undo_two(self, writable):
        """The older one can't be undone before the newer one."""
        self.protect()
        self.in_place()
        first = self.newest()
        self.make_read_only()
        self.in_place()
        second = self.newest()
        self.assertIn(second, self.confirmed("undo", first, expect=6).err)
        if writable:
            self.make_writable()
            self.assertIn(second, self.confirmed("undo", first, expect=6).err)
        self.confirmed("undo", second)
        self.confirmed("undo", first)
        self.assertEqual(self.seen(), self.wrecked)

    def test_an_older_one_is_not_undone_before_a_newer_one(self):
        for writable in (False, True):
            with self.subTest(writable=writable):
                self.setUp()
                self.undo_two(writable)


class FullOnTheWay(Unwritable):
    def setUp(self):
        super().setUp()
        self.small_disk("repository", "size=60m")

    def test_after_the_safety_snapshot_it_goes_on(self):
        self.configure('[[service.shop.rebuild]]\nname = "fills"\nisolated = true\nrun = '
                       '"dd if=/dev/zero of=repository/filler bs=4096 2>/dev/null; true"\n')
        self.protect()
        done = self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertIn("No space left", done.err)
        self.assertEqual(self.seen(), self.good)
        run = self.newest()
        self.assertEqual(self.json_of("runs", "show", run)["journal"]["state"], "succeeded")
        self.make_room()
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)
        self.assert_sound()

    def test_before_it_everything_is_taken_back(self):
        write(self.config, CONFIG + WRITES.replace(
            "touch locked-once", "dd if=/dev/zero of=repository/filler bs=4096 2>/dev/null; true"))
        self.protect()
        done = self.run_salvor("--json", "restore", "shop", "--confirm", "shop", expect=None)
        self.assertIn(done.status, (1, 6), str(done))
        self.assertIn("No space left", done.err)
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))
        run = self.newest()
        self.make_room()
        self.configure("")
        self.confirmed("undo", run)
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertEqual(self.seen(), self.good)
        self.assert_sound()


if __name__ == "__main__":
    unittest.main()
