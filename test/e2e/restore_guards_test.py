"""A restore in place that is refused, and that nothing live was touched by it."""

import os
import sqlite3
import subprocess
import sys
import unittest

from shop import CONFIG, SALVOR, WRITES, ShopTest, dump, manifest, write

# Opens what it is told for writing, says so, and lets go when its input ends.
HOLD = """
import sqlite3, sys
if sys.argv[1] == "database":
    held = sqlite3.connect(sys.argv[2], isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
else:
    held = open(sys.argv[2], "r+b")
print("held", flush=True)
sys.stdin.read()
"""


HOLDERS_WAIT = 'holders_wait = "1s"\n'


class Guards(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, HOLDERS_WAIT + CONFIG + WRITES)
        self.ready()
        os.remove(os.path.join(self.media, "logo.png"))
        self.live = self.seen()

    def seen(self):
        return manifest(self.media), dump(self.database), sorted(os.listdir(self.path("live")))

    def refused(self, status, code, *arguments, text):
        before = self.json_of("points")["points"]
        self.fails(status, code, "restore", "shop", *arguments, text=text)
        self.assertEqual(self.seen(), self.live)
        self.assertFalse(os.path.exists(self.path("flag")), "writes are still locked")
        self.assertIsNone(self.json_of("restore", "shop", "--plan")["open_restore"])
        self.assertEqual(self.json_of("points")["points"], before, "a safety snapshot was taken")

    def holder(self, kind, path):
        process = subprocess.Popen([sys.executable, "-c", HOLD, kind, path],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.let_go, process)
        self.assertEqual(process.stdout.readline(), b"held\n")
        return process

    @staticmethod
    def let_go(process):
        process.communicate()

    def test_the_name_must_be_given(self):
        self.refused(6, "refused", text=["was not confirmed", "--confirm shop"])
        self.refused(6, "refused", "--confirm", "shpo", text='"shpo" was confirmed')
        self.refused(2, "usage", "--confirm", "", text="--confirm is empty")

    def test_the_hint_keeps_what_was_chosen(self):
        chosen = ("--at", "2030-01-02 03:04", "--only", "media", "--in-place-delta",
                  "--compare-content")
        words = "shop --at '2030-01-02 03:04' --only media --in-place-delta --compare-content"
        for confirm in ((), ("--confirm", "shpo")):
            self.refused(6, "refused", *chosen, *confirm,
                         text=[f"salvor restore {words} --plan;",
                               f"salvor restore {words} --confirm shop"])
        self.assertEqual([run["kind"] for run in self.json_of("runs")["runs"]], ["backup"])

    def test_a_point_that_lacks_a_pack(self):
        largest = max(self.objects("packs"), key=os.path.getsize)
        os.rename(largest, self.path("pack"))
        self.refused(6, "refused", "--confirm", "shop", text=["is damaged", "--at"])
        os.rename(self.path("pack"), largest)
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertTrue(os.path.exists(os.path.join(self.media, "logo.png")))

    def test_a_point_whose_bytes_are_wrong_never_becomes_live(self):
        largest = max(self.objects("packs"), key=os.path.getsize)
        os.chmod(largest, 0o600)
        with open(largest, "r+b") as file:
            for place in range(1000, os.path.getsize(largest), 10_000):
                file.seek(place)
                file.write(b"rot")
        # No change of what is live, so that nothing can be taken from it.
        for directory, _, files in os.walk(self.media):
            for name in files:
                os.utime(os.path.join(directory, name), follow_symlinks=False)
        self.live = self.seen()
        done = self.fails(5, "corruption", "restore", "shop", "--confirm", "shop",
                          text="can't be restored completely")
        self.assertEqual(self.seen()[:2], self.live[:2])
        self.assertTrue(os.path.exists(self.path("flag")))
        self.assertIn("--undo", done.err)
        run = self.json_of("runs")["runs"][0]["id"]
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.seen(), self.live)
        self.assertFalse(os.path.exists(self.path("flag")))

    def test_a_second_restore_at_once(self):
        os.mkfifo(self.path("go"))
        write(self.config, CONFIG + WRITES.replace("touch flag", "touch flag; cat go"))
        command = [SALVOR, "-c", self.config, "--json", "restore", "shop", "--confirm", "shop"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=self.root) as first:
            # Whoever opens the other end has the first waiting in its lock.
            with open(self.path("go"), "wb"):
                run = self.json_of("restore", "shop", "--plan", expect=7)["open_restore"]
                self.fails(7, "conflict", "restore", "shop", "--confirm", "shop", text=run)
                self.fails(7, "conflict", "restore", "--resume", run)
                self.fails(7, "conflict", "restore", "--undo", run, "--confirm", "shop")
                self.assertEqual(self.seen(), self.live)
            out, err = first.communicate(timeout=120)
        self.assertEqual(first.returncode, 0, (out + err).decode())
        self.assertTrue(os.path.exists(os.path.join(self.media, "logo.png")))

    def test_a_file_that_somebody_has_open_for_writing(self):
        process = self.holder("file", os.path.join(self.media, "2026/02/big.bin"))
        self.assertIn(process.pid, [holder["pid"] for target in
                                    self.json_of("restore", "shop", "--plan")["targets"]
                                    for holder in target["holders"] if holder["writes"]])
        self.refused(6, "refused", "--confirm", "shop",
                     text=[f"process {process.pid} ", "big.bin open for writing"])
        self.let_go(process)
        self.run_salvor("restore", "shop", "--confirm", "shop")

    def test_a_file_that_a_container_has_open_for_writing(self):
        inside = self.path("inside")
        os.mkdir(inside)
        script = ("import os, subprocess, sys\n"
                  f"subprocess.run(['mount', '--bind', {self.media!r}, {inside!r}], check=True)\n"
                  f"held = open({inside!r} + '/2026/02/big.bin', 'r+b')\n"
                  "print('held', flush=True)\nsys.stdin.read()\n")
        process = subprocess.Popen(["unshare", "-m", sys.executable, "-c", script],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(self.let_go, process)
        if process.stdout.readline() != b"held\n":
            self.skipTest("not permitted to make a mount namespace")
        self.refused(6, "refused", "--confirm", "shop",
                     text=[f"process {process.pid} ", "big.bin open for writing"])

    def test_a_database_that_somebody_writes_to(self):
        process = self.holder("database", self.database)
        self.refused(7, "conflict", "--confirm", "shop", text=str(process.pid))
        self.let_go(process)
        self.run_salvor("restore", "shop", "--confirm", "shop")
        with sqlite3.connect(self.database) as connection:
            connection.execute("DELETE FROM orders")
        connection.close()

    def test_the_plan_tells_of_the_guard_that_would_stop_it(self):
        self.small_disk("live/media/mounted", "size=1m")
        before = self.seen()
        for command in (["--plan"], ["--confirm", "shop"]):
            self.fails(6, "refused", "restore", "shop", *command, text="is a mount point")
            self.assertEqual(self.seen(), before)
        self.assertEqual(len(self.json_of("points")["points"]), 1, "a safety snapshot was taken")
        plan = self.json_of("restore", "shop", "--plan", expect=6)
        self.assertIn("cut-over", [step["name"] for step in plan["steps"]], "it is shown, too")

    def test_too_little_room(self):
        small = self.small_disk("small", "size=12m")
        subprocess.run(["cp", "-a", self.media, small], check=True)
        config = CONFIG.replace('"live/media"', '"small/media"')
        write(self.config, config + WRITES)
        with open(os.path.join(small, "filler"), "wb") as file:
            free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
            file.write(bytes(free - 200_000))
        plan = self.json_of("restore", "shop", "--plan")
        self.assertIn(False, [space["suffices"] for space in plan["space"]])
        self.refused(6, "refused", "--confirm", "shop", text=["space", "--in-place-delta"])
        self.run_salvor("restore", "shop", "--confirm", "shop", "--in-place-delta")
        self.assertTrue(os.path.exists(os.path.join(small, "media/logo.png")))


if __name__ == "__main__":
    unittest.main()
