"""A restore in place that was cut off on one host, and another host with the same repository."""

import os
import shutil
import subprocess
import unittest

from restore_runs_test import RunsTest
from shop import WRITES, manifest, write


@unittest.skipUnless(os.geteuid() == 0, "only root can be another host")
class OtherHost(RunsTest):
    """A run that was cut off before it had a workplace, and so has a token nowhere."""

    KILLS = WRITES.replace("touch flag", "touch flag; test -e again || { touch again; "
                                         "kill -9 $PPID; }")

    def setUp(self):
        super().setUp()
        done = subprocess.run(["unshare", "--uts", "--mount", "true"], check=False)
        if done.returncode != 0:
            self.skipTest("not permitted to be another host")
        shutil.copytree(self.path("live"), self.path("elsewhere"), symlinks=True)

    def cut_off(self):
        self.configure("", self.KILLS)
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=-9)
        self.configure("")
        return self.newest()

    def on_other_host(self, *arguments, expect, shares=False):
        """With data of its own in the same places, unless it shares the medium."""
        with open(self.config, encoding="utf-8") as file:
            write(self.path("other.toml"), file.read().replace('"state"', '"other state"'))
        mount = "" if shares else f"mount --bind {self.path('elsewhere')} {self.path('live')} && "
        host = ["unshare", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c",
                mount + 'hostname other && exec "$@"', "sh"]
        return self.run_salvor(*arguments, expect=expect, config=self.path("other.toml"),
                               prefix=host)

    def test_another_host_with_other_data_neither_undoes_nor_resumes_it(self):
        run = self.cut_off()
        before = self.records("journal", "claim")
        undo = ["restore", "--undo", run, "--confirm", "shop"]
        resume = ["restore", "--resume", run]
        for command in (undo, resume):
            self.on_other_host(*command, expect=7)
            done = self.on_other_host(*command, "--takeover", expect=6)
            self.assertIn("this is host other, which has other stores", done.err)
            self.assertIn(self.media, done.err)
            self.assertIn("--abandon", done.err)
        self.assertEqual(self.records("journal", "claim"), before)
        self.assertEqual(manifest(self.path("elsewhere/media")), self.wrecked[0])
        self.assertTrue(os.path.exists(self.path("flag")))
        self.confirmed("undo", run)
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))

    def lose_stores(self):
        for name in os.listdir(self.path("live")):
            lost = self.path("live", name)
            (shutil.rmtree if os.path.isdir(lost) else os.remove)(lost)

    def is_refused_elsewhere(self, run, text):
        before = self.records("journal", "claim")
        data = manifest(self.path("elsewhere"))
        for command in (["--undo", run, "--confirm", "shop"], ["--resume", run]):
            done = self.on_other_host("restore", *command, "--takeover", expect=6)
            self.assertIn("this is host other, which has other stores", done.err)
            for store in (self.media, self.database):
                self.assertIn(f"{store} {text}", done.err)
            self.assertIn(f"--abandon {run} --confirm shop", done.err)
        self.assertEqual(self.records("journal", "claim"), before)
        self.assertEqual(manifest(self.path("elsewhere")), data)
        self.assertTrue(os.path.exists(self.path("flag")))

    def test_stores_that_were_missing_are_not_those_of_another_host(self):
        self.lose_stores()
        run = self.cut_off()
        self.is_refused_elsewhere(run, "is here, and was missing there")
        self.run_salvor("restore", "--resume", run)
        self.assertEqual(self.seen(), self.good)

    def test_stores_that_are_missing_on_both_hosts_tell_nothing(self):
        self.lose_stores()
        for path in (self.path("elsewhere/media"), self.path("elsewhere/shop.db")):
            (shutil.rmtree if os.path.isdir(path) else os.remove)(path)
        run = self.cut_off()
        self.is_refused_elsewhere(run, "was missing there, and nothing tells")
        self.on_other_host("restore", "--abandon", run, "--confirm", "shop", "--takeover", expect=0)

    def test_missing_stores_are_known_by_the_medium_that_is_shared(self):
        os.rename(self.path("live"), self.path("away-live"))
        disk = self.small_disk("live", "size=64m")
        if subprocess.check_output(["stat", "-c", "%W", disk]).strip() in (b"0", b"-"):
            self.skipTest("a file system in memory does not know when it came into being")
        run = self.cut_off()
        self.on_other_host("restore", "--resume", run, "--takeover", expect=0, shares=True)
        self.assertEqual(self.seen(), self.good)

    def test_another_host_that_shares_the_medium_undoes_it(self):
        run = self.cut_off()
        undo = ["restore", "--undo", run, "--confirm", "shop"]
        self.on_other_host(*undo, expect=7, shares=True)
        self.on_other_host(*undo, "--takeover", expect=0, shares=True)
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))

    def test_another_host_that_shares_the_medium_resumes_it(self):
        run = self.cut_off()
        self.on_other_host("restore", "--resume", run, "--takeover", expect=0, shares=True)
        self.assertEqual(self.seen(), self.good)

    def test_another_host_abandons_it(self):
        run = self.cut_off()
        self.on_other_host("restore", "--abandon", run, "--confirm", "shop", "--takeover", expect=0)
        self.restore()
        self.assertEqual(self.seen(), self.good)


if __name__ == "__main__":
    unittest.main()
