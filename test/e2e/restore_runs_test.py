"""Runs that are resumed, undone, closed and given up: where the data is, where it is not, with
commands that were wrong, and with records that have rotten."""

import os
import pty
import select
import shutil
import sqlite3
import subprocess
import unittest

from shop import CONFIG, MARKER, SALVOR, WRITES, ShopTest, dump, manifest, write

MEDIA_ONLY = """\
state_dir = "state"
[repository]
url      = "repository"
key_file = "key"
[service.shop.store.media]
type = "files"
path = "live/media"
"""


class RunsTest(ShopTest):
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
        return manifest(self.media), dump(self.database)

    def configure(self, more, writes=WRITES):
        write(self.config, CONFIG + writes + more)

    def confirmed(self, verb, run, *more, expect=0):
        return self.run_salvor("restore", "--" + verb, run, "--confirm", "shop", *more,
                               expect=expect)

    def newest(self):
        return self.restores()[0]["id"]

    def restore(self, *more, expect=0):
        self.run_salvor("restore", "shop", "--confirm", "shop", *more, expect=expect)
        return self.newest()

    def records(self, *folders):
        """What the repository has beside the points, to the byte."""
        found = {}
        for folder in folders:
            for path in self.objects(folder):
                with open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def fails_to_restore(self, more="[service.shop.migrate]\nrun = 'exit 3'\nisolated = true\n"):
        self.configure(more)
        return self.restore(expect=1)

    def rot(self, path, place=40):
        os.chmod(path, 0o600)
        with open(path, "r+b") as file:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))


class WhereItRan(RunsTest):
    """A run is resumed, undone and closed where its workplaces are, and nowhere else."""

    def away(self):
        """Another host: the same repository and configuration, none of the data."""
        os.rename(self.path("live"), self.path("away-live"))
        os.rename(self.path("state"), self.path("away-state"))

    def back(self):
        for name in ("live", "state"):
            shutil.rmtree(self.path(name), ignore_errors=True)
            os.rename(self.path("away-" + name), self.path(name))

    def test_another_host_can_neither_undo_nor_close(self):
        run = self.restore()
        before = self.records("journal", "claim", "evidence")
        self.away()
        for verb in ("undo", "close"):
            done = self.fails(6, "refused", "restore", "--" + verb, run, "--confirm", "shop",
                              text=[f".salvor-{run}-db", f".salvor-{run}-media",
                                    os.uname().nodename, "--abandon"])
            self.assertIn("store media", done.err)
        # Neither is it with directories that look the same.
        os.makedirs(self.path("live/media"))
        self.fails(6, "refused", "restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.records("journal", "claim", "evidence"), before)
        self.back()
        self.assertEqual(self.seen(), self.good)
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)
        self.confirmed("close", run)

    def test_another_host_can_not_resume(self):
        run = self.fails_to_restore()
        before = self.records("journal", "claim", "evidence")
        self.away()
        self.fails(6, "refused", "restore", "--resume", run, text=f".salvor-{run}-media")
        self.assertEqual(self.records("journal", "claim", "evidence"), before)
        self.back()
        self.configure("")
        self.run_salvor("restore", "--resume", run, "--current-commands")
        self.assertEqual(self.seen(), self.good)

    def test_another_workplace_of_the_same_name_is_another(self):
        run = self.restore()
        for store in ("db", "media"):
            token = self.path(f"live/.salvor-{run}-{store}/token")
            self.assertEqual(os.stat(token).st_mode & 0o777, 0o600)
        write(token, "0" * 32)
        self.fails(6, "refused", "restore", "--undo", run, "--confirm", "shop", text="store media")
        self.assertEqual(self.seen(), self.good)

    def test_an_unmounted_volume(self):
        disk = self.small_disk("disk", "size=40m")
        subprocess.run(["cp", "-a", self.media, disk], check=True)
        write(self.config, MEDIA_ONLY.replace("live/media", "disk/media"))
        self.run_salvor("backup")
        os.remove(os.path.join(disk, "media/link"))
        wrecked = manifest(os.path.join(disk, "media"))
        run = self.restore()
        aside = self.path("aside")
        os.mkdir(aside)
        subprocess.run(["mount", "--move", disk, aside], check=False, capture_output=True)
        if os.path.ismount(disk):
            subprocess.run(["mount", "--bind", disk, aside], check=True)
            subprocess.run(["umount", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", aside], capture_output=True)
        for verb in ("undo", "close"):
            self.fails(6, "refused", "restore", "--" + verb, run, "--confirm", "shop",
                       text=["store media", "mount the volume"])
        # Mounted again, its device may have another number.
        subprocess.run(["mount", "--bind", aside, disk], check=True)
        self.confirmed("undo", run)
        self.assertEqual(manifest(os.path.join(disk, "media")), wrecked)

    def test_a_volume_that_was_written_over_in_place(self):
        disk = self.small_disk("disk", "size=40m")
        subprocess.run(["cp", "-aT", self.media, disk], check=True)
        write(self.config, MEDIA_ONLY.replace("live/media", "disk"))
        self.run_salvor("backup")
        os.remove(os.path.join(disk, "link"))
        run = self.restore("--in-place-delta")
        self.assertTrue(os.path.lexists(os.path.join(disk, "link")))
        # No backup takes what marks it.
        point = self.json_of("backup")["point"]
        self.assertNotIn(".salvor-", self.run_salvor("ls", "-R", point, "media").out)
        aside = self.path("aside")
        os.mkdir(aside)
        subprocess.run(["mount", "--bind", disk, aside], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", aside], capture_output=True)
        subprocess.run(["umount", disk], check=True)
        self.fails(6, "refused", "restore", "--undo", run, "--confirm", "shop", text="store media")
        self.assertEqual(os.listdir(disk), [])
        subprocess.run(["mount", "--bind", aside, disk], check=True)
        self.confirmed("undo", run)
        self.assertFalse(os.path.lexists(os.path.join(disk, "link")))
        self.assertNotIn(".salvor-aside-" + run, os.listdir(disk))

    def test_a_machine_that_was_made_anew_from_a_copy(self):
        """Other inodes, another device, no catalog: the token is what counts."""
        run = self.restore()
        os.rename(self.path("live"), self.path("old"))
        subprocess.run(["cp", "-a", self.path("old"), self.path("live")], check=True)
        shutil.rmtree(self.path("state"))
        done = self.run_salvor("restore", "--close", run, "--confirm", "shop", expect=None)
        # Which of two copies was live is known by inodes; that the run was here is not in doubt.
        self.assertNotIn("has its workplaces on host", done.err)

    def test_an_undo_or_close_that_was_done_may_be_repeated(self):
        run = self.restore()
        self.confirmed("undo", run)
        self.confirmed("undo", run)
        self.confirmed("close", run)
        self.confirmed("close", run)
        self.assertEqual(self.seen(), self.wrecked)
        run = self.restore()
        self.confirmed("close", run)
        self.assertIn("no workplace of the run is on this host", self.confirmed("close", run).err)
        self.assertEqual(self.seen(), self.good)


class Asking(RunsTest):
    """What takes back, deletes or gives up says so first, and asks for the service's name."""

    def test_undo_and_close_are_not_done_without_a_name(self):
        run = self.restore()
        write(os.path.join(self.media, "new"), b"x" * 5000)
        for verb, words in (("undo", ["1 file ", "sets aside", f".salvor-{run}-media"]),
                            ("close", ["deletes", "for good", f".salvor-{run}-media"])):
            done = self.run_salvor("restore", "--" + verb, run, expect=6)
            self.assertIn(f"hint: confirm it: salvor restore --{verb} {run} --confirm shop",
                          done.err)
            for word in words:
                self.assertIn(word, done.err)
            self.fails(6, "refused", "restore", "--" + verb, run, "--confirm", "blog",
                       text='"blog" was confirmed, expected "shop"')
        self.fails(6, "refused", "restore", "--abandon", run,
                   text=f"--abandon {run} --confirm shop")
        self.assertTrue(os.path.exists(os.path.join(self.media, "new")))
        # Said also when it was confirmed.
        self.assertIn("sets aside", self.confirmed("undo", run).err)
        self.assertIn("for good", self.confirmed("close", run).err)
        self.assertEqual(self.seen(), self.wrecked)

    def test_on_a_terminal_the_name_is_asked_for(self):
        run = self.restore()
        for typed, status in (("shup", 6), ("shop", 0)):
            master, slave = pty.openpty()
            process = subprocess.Popen([SALVOR, "-c", self.config, "restore", "--undo", run],
                                       cwd=self.root, stdin=slave, stdout=slave, stderr=slave)
            os.close(slave)
            words = b""
            while not words.endswith(f"to undo run {run}: ".encode()):
                words += os.read(master, 4096)
            # No progress is drawn over the question: it would come five times a second.
            self.assertEqual(select.select([master], [], [], 0.6)[0], [])
            os.write(master, typed.encode() + b"\n")
            while True:
                try:
                    part = os.read(master, 4096)
                except OSError:
                    break
                if not part:
                    break
                words += part
            os.close(master)
            self.assertEqual(process.wait(timeout=60), status, words)
            self.assertIn(b"sets aside", words)
            self.assertIn(b"Type the name of the service", words)
        self.assertEqual(self.seen(), self.wrecked)

    def test_the_newest_run_is_called_latest(self):
        self.restore()
        self.confirmed("undo", "latest")
        self.assertEqual(self.seen(), self.wrecked)
        shutil.rmtree(self.path("state"))
        self.confirmed("close", "latest")
        self.fails(6, "refused", "restore", "--resume", "latest", text="undone")

    def test_an_undo_in_the_background(self):
        run = self.restore()
        report = self.json_of("restore", "--undo", run, "--confirm", "shop", "--detach")
        self.assertEqual(report["run"], run)
        for verb in ("close", "abandon"):
            self.fails(2, "usage", "restore", "--" + verb, run, "--confirm", "shop", "--detach")
        while self.json_of("runs", "show", run)["state"] == "running":
            pass
        self.assertEqual(self.json_of("runs", "show", run)["state"], "undone")
        self.assertEqual(self.seen(), self.wrecked)

    def test_undo_of_a_run_that_was_refused_is_one_sentence(self):
        self.configure("", WRITES.replace("touch flag", "exit 3"))
        run = self.restore(expect=1)
        done = self.run_salvor("restore", "--undo", run)
        self.assertEqual(len(done.out.splitlines()), 1, done.out)
        self.assertIn("nothing to undo", done.out)
        # Who says "latest" may mean the one before, which is live.
        for verb in ("undo", "close", "abandon"):
            self.fails(6, "refused", "restore", "--" + verb, "latest", "--confirm", "shop",
                       text="nothing of it is left")

    def test_each_step_is_printed_once(self):
        done = self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertEqual((done.out + done.err).count("restore-media"), 1, str(done))
        done = self.run_salvor("drill", "shop")
        self.assertEqual((done.out + done.err).count("restore-media"), 1, str(done))

    def test_what_was_asked_wrongly_is_no_run(self):
        for arguments in (["restore", "shop", "--at", "1234", "--confirm", "shop"],
                          ["restore", "shop", "--at", "1234", "--into", "out"],
                          ["restore", "shup", "--into", "out"],
                          ["restore", "shop", "--into", "live"],
                          ["drill", "shop", "--at", "1234"]):
            self.assertNotEqual(self.run_salvor(*arguments, expect=None).status, 0)
        self.assertEqual([run["kind"] for run in self.json_of("runs")["runs"]], ["backup"])


TYPO = """
[service.shop.writes]
lock   = "sytemctl stop shop"
unlock = "sytemctl start shop"
"""


class WrongCommands(RunsTest):
    """No run is a dead end, whatever its commands are."""

    def state(self, run):
        return self.json_of("runs", "show", run)["journal"]["state"]

    def test_a_typo_in_the_commands_that_hold_writes(self):
        self.configure("", TYPO)
        warnings = self.json_of("config", "check")["warnings"]
        self.assertEqual(len(warnings), 2, warnings)
        self.assertIn("writes.lock", warnings[0])
        self.assertIn("sytemctl", self.run_salvor("config", "check").out)
        run = self.restore(expect=1)
        self.configure("")
        self.assertEqual(self.json_of("config", "check")["warnings"], [])
        self.confirmed("undo", run, expect=1)
        done = self.confirmed("undo", run, "--current-commands")
        self.assertIn("undone", done.out)
        self.assertEqual(self.seen(), self.wrecked)
        evidence = self.json_of("evidence", "list", "shop")["evidence"][-1]
        shown = self.run_salvor("evidence", "show", "shop", str(evidence["sequence"])).out
        self.assertIn("--current-commands", shown)
        self.assertIn("writes.lock", shown)
        self.restore()
        self.assertEqual(self.seen(), self.good)

    def test_a_check_that_was_corrected(self):
        check = "[[service.shop.check]]\nname = \"rows\"\nrun = 'exit 1'\n"
        self.configure(check)
        run = self.restore(expect=9)
        self.configure(check.replace("exit 1", "true"))
        done = self.run_salvor("restore", "--resume", run, expect=9)
        self.assertIn("check rows", done.err)
        self.assertIn("--current-commands", done.err)
        self.run_salvor("restore", "--resume", run, "--current-commands")
        self.assertEqual(self.seen(), self.good)
        self.confirmed("close", run)

    def test_the_commands_of_now_are_not_added_to_those_of_the_plan(self):
        rebuild = ("[[service.shop.rebuild]]\nname = \"lists\"\nisolated = true\n"
                   "run = 'echo lists >> rebuilt'\n")
        reference = ("[[service.shop.reference]]\nname = \"uploads\"\nfrom = \"db\"\n"
                     "sql = \"SELECT 'logo.png'\"\nin = \"media\"\n")
        check = "[[service.shop.check]]\nname = \"rows\"\nrun = 'exit 1'\nisolated = true\n"
        self.configure(rebuild + reference + check)
        run = self.restore(expect=9)
        self.configure(rebuild + reference + check.replace("exit 1", "true"))
        self.run_salvor("restore", "--resume", run, "--current-commands")
        journal = self.json_of("runs", "show", run)["journal"]
        steps = [step["name"] for step in journal["steps"]]
        self.assertEqual(len(steps), len(set(steps)), steps)
        checks = [outcome["name"] for outcome in journal["checks"]]
        self.assertEqual(len(checks), len(set(checks)), checks)
        with open(self.path("rebuilt"), encoding="ascii") as file:
            self.assertEqual(file.read(), "lists\n")

    def test_a_migration_that_was_removed_is_still_taken_back(self):
        """What it wrote through files that the live store shares is given back."""
        for is_resumed in (False, True):
            with self.subTest(is_resumed=is_resumed):
                self.configure("[service.shop.migrate]\nrun = 'echo migrated >> "
                               f"$SALVOR_STORE_MEDIA/{MARKER}.txt; kill -9 $PPID'\n")
                run = self.restore(expect=-9)
                self.configure("[[service.shop.check]]\nname = \"no\"\nrun = 'exit 1'\n")
                if is_resumed:
                    self.run_salvor("restore", "--resume", run, "--current-commands", expect=9)
                self.confirmed("undo", run, "--current-commands")
                self.assertEqual(self.seen(), self.wrecked)

    def test_a_run_is_given_up(self):
        run = self.fails_to_restore()
        before = self.seen()
        done = self.confirmed("abandon", run)
        self.assertIn(f"live/.salvor-{run}-media", done.out)
        self.assertIn("rm -f flag", done.out)
        self.assertEqual(self.seen(), before)
        self.assertTrue(os.path.exists(self.path("flag")))
        self.assertEqual(self.state(run), "abandoned")
        self.assertIsNone(self.json_of("status")["services"][0]["open_restore"])
        for verb in ("resume", "undo", "close"):
            self.fails(6, "refused", "restore", "--" + verb, run, "--confirm", "shop",
                       text="abandoned")
        evidence = self.json_of("evidence", "list", "shop")["evidence"][-1]
        self.assertEqual(evidence["result"], "abandoned")
        self.configure("")
        self.restore()
        self.assertEqual(self.seen(), self.good)

    def test_a_run_whose_workplaces_are_gone_is_given_up(self):
        run = self.restore()
        shutil.rmtree(self.path(f"live/.salvor-{run}-media"))
        self.fails(6, "refused", "restore", "--undo", run, "--confirm", "shop", text="--abandon")
        self.assertIn("is not on this host", self.confirmed("abandon", run).out)
        self.assertEqual(self.seen(), self.good)

    def test_the_application_is_gone(self):
        self.configure("", WRITES.replace("touch flag", "cd /nowhere/app && touch flag")
                       .replace("rm -f flag", "cd /nowhere/app && rm -f flag"))
        plan = self.run_salvor("restore", "shop", "--plan").out
        self.assertIn("--without-lock", plan.replace("\n", " "))
        done = self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        self.assertIn("--without-lock", done.err)
        run = self.newest()
        self.confirmed("abandon", run)
        report = self.json_of("restore", "shop", "--confirm", "shop", "--without-lock")
        self.assertEqual(report["state"], "succeeded")
        self.assertTrue(any("--without-lock" in line for line in report["deviations"]))
        self.assertEqual(self.seen(), self.good)


class RottenRecords(RunsTest):
    """A record that has rotten is reported and ignored: it blocks nobody."""

    def newest_claim(self):
        return self.objects("claim")[-1]

    def test_the_newest_claim(self):
        run = self.restore()
        self.confirmed("close", run)
        self.rot(self.newest_claim())
        self.wreck()
        done = self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertIn("ignored", done.err)
        self.assertEqual(self.seen(), self.good)
        self.assertIn("DAMAGED", self.run_salvor("verify", expect=5).out)

    def test_a_claim_of_an_open_run_still_keeps_others_out(self):
        run = self.fails_to_restore()
        self.rot(self.newest_claim())
        self.assertEqual(self.json_of("status")["services"][0]["open_restore"], run)
        # Journals have no order: that of the new run may be the first to be looked at.
        for _ in range(4):
            self.fails(7, "conflict", "restore", "shop", "--confirm", "shop", text=run)
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)

    def test_a_journal(self):
        run = self.fails_to_restore()
        self.rot(self.objects("journal")[2])
        shutil.rmtree(self.path("state"))
        self.fails(5, "corruption", "restore", "--undo", run, "--confirm", "shop", text="--abandon")
        self.assertIn("RESTORE OPEN", self.run_salvor("status").out)
        self.configure("")
        done = self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertIn("ignored", done.err)
        self.assertEqual(self.seen(), self.good)

    def test_the_plan_of_a_journal_and_nothing_else_to_tell_whose_it_is(self):
        run = self.fails_to_restore()
        self.rot(self.objects("journal")[0])
        shutil.rmtree(self.path("state"))
        self.fails(6, "refused", "restore", "--abandon", run, text="--confirm SERVICE")
        self.fails(6, "refused", "restore", "--abandon", run, "--confirm", "blog")
        self.assertIn("can't be read", self.confirmed("abandon", run).out)
        self.assertIsNone(self.json_of("status")["services"][0]["open_restore"])
        self.configure("")
        self.restore()
        self.assertEqual(self.seen(), self.good)

    def test_backups_that_hold_writes_go_on(self):
        run = self.fails_to_restore()
        write(self.config, (CONFIG + WRITES).replace('rpo = "1h"', 'rpo = "1h"\nquiesce = true'))
        self.fails(7, "conflict", "backup", text=run)
        self.rot(self.objects("journal")[2])
        shutil.rmtree(self.path("state"))
        self.assertIn("the backup continues", self.run_salvor("backup").err)

    def test_repair_puts_them_aside(self):
        run = self.fails_to_restore()
        self.rot(self.objects("journal")[2])
        self.rot(self.newest_claim())
        os.remove(self.objects("journal")[3])
        os.rename(self.path("state"), self.path("kept"))
        self.run_salvor("verify", expect=5)
        report = self.json_of("verify", "--repair")
        self.assertTrue(report["sound"], report["findings"])
        self.assertEqual(len(self.objects("damaged")), 2)
        self.assertEqual(len(report["repaired"]), 3, report["repaired"])
        self.assertTrue(self.json_of("verify")["sound"])
        self.fails(5, "corruption", "restore", "--undo", run, "--confirm", "shop",
                   text="set it aside")
        # The machine that wrote it has what is lost.
        shutil.rmtree(self.path("state"))
        os.rename(self.path("kept"), self.path("state"))
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)

    def test_the_catalog_decides_nothing(self):
        old = self.restore()
        self.confirmed("close", old)
        with sqlite3.connect(self.path("state/catalog.sqlite")) as catalog:
            rows = catalog.execute("UPDATE journals SET record = replace(record, '\"began\"', "
                                   "'\"paused\"') WHERE run = ?", (old,)).rowcount
        catalog.close()
        self.assertGreater(rows, 3)
        self.wreck()
        run = self.restore()
        self.assertEqual(self.seen(), self.good)
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)


class LongOutput(RunsTest):
    def own_checks(self, run):
        """What the journal has of the service's own checks."""
        checks = self.json_of("runs", "show", run)["journal"]["checks"]
        return [check for check in checks if check["name"].startswith("own ")]

    def test_checks_that_print_a_lot_fit_the_journal(self):
        self.configure("".join(
            f"[[service.shop.check]]\nname = \"own {i}\"\n"
            "run = 'head -c 65536 /dev/urandom; head -c 65536 /dev/urandom >&2'\n"
            for i in range(25)))
        run = self.restore()
        self.assertEqual(self.seen(), self.good)
        largest = max(self.objects("journal"), key=os.path.getsize)
        self.assertLess(os.path.getsize(largest), 2_000_000)
        checks = self.own_checks(run)
        self.assertEqual(len(checks), 25)
        self.assertTrue(all(len(check["output"]) < 5000 for check in checks))
        self.assertEqual(self.json_of("drill", "shop")["state"], "succeeded")

    def test_checks_that_fail_keep_more_of_what_they_print(self):
        checks = ("[[service.shop.check]]\nname = \"own {}\"\nisolated = true\n"
                  "run = 'head -c 65536 /dev/zero; exit 1'\n")
        self.configure(checks.format(0))
        run = self.json_of("drill", "shop", expect=9)["run"]
        self.assertEqual([len(check["output"]) for check in self.own_checks(run)], [65536])
        # Where all of them together are too long, each gets less.
        self.configure("".join(checks.format(i) for i in range(12)))
        run = self.json_of("drill", "shop", expect=9)["run"]
        self.assertEqual(len(self.own_checks(run)), 12)


if __name__ == "__main__":
    unittest.main()
