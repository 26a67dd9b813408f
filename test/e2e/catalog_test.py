"""The catalog of runs survives what else happens on its machine."""

import collections
import glob
import itertools
import os
import subprocess
import time

from shop import BY_PASSPHRASE, CONFIG, SALVOR, WRITES, ShopTest, write

# Commands next to a run, as a person or cron would begin them; the last one looks at the locks.
NEXT_TO_IT = """
[service.shop.return]
run = '''test -e let-it && {{
  for command in runs backup status runs "points shop" backup; do
    {salvor} -q -c {config} $command > /dev/null || exit 1
  done
  {salvor} -c {config} runs > runs-next-to-it
}}'''
"""


# A command that waits until there is something to wait for no longer, and a slow unlock for undo.
SLOW = """
[service.shop.writes]
lock   = "touch flag"
unlock = "sleep 1; rm -f flag"
locked = "test -e flag"
[service.shop.return]
run = "test -e let-it && sleep 3"
"""
# What people and timers begin meanwhile; what leaves a run is named with its kind.
VERBS = (("runs",), ("status",), ("backup",), ("verify",), ("drill", "shop"))
AT_ONCE = 4


class Catalog(ShopTest):
    def configure(self, more=""):
        write(self.config, CONFIG + WRITES + more)

    def wreck(self):
        subprocess.run(["sqlite3", self.database, "DELETE FROM orders"], check=True)

    def runs(self):
        return [run["id"] for run in self.json_of("runs", "--limit", "10000")["runs"]]

    def assert_whole(self, *runs, root=None):
        """Nothing was set aside, and all these runs are known."""
        root = root or self.path("state")
        self.assertEqual(glob.glob(os.path.join(root, "*damaged*")), [])
        known = self.runs()
        for run in runs:
            self.assertIn(run, known)
        checked = subprocess.run(
            ["sqlite3", os.path.join(root, "catalog.sqlite"), "PRAGMA integrity_check"],
            capture_output=True, check=True, text=True)
        self.assertEqual(checked.stdout.strip(), "ok")

    def test_commands_next_to_a_resume_an_undo_and_a_close(self):
        self.configure(NEXT_TO_IT.format(salvor=SALVOR, config=self.config))
        self.ready()
        before = self.runs()
        self.wreck()
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        run = self.restores()[0]["id"]
        write(self.path("let-it"), "")
        self.run_salvor("restore", "--resume", run)
        known = self.runs()
        self.assert_whole(run, *before)
        self.assertEqual(len(known), len(before) + 3, "the restore, and two backups next to it")
        os.remove(self.path("let-it"))
        # An undo asks the application to unlock, and a command next to it runs there.
        self.configure(f"""
[service.shop.return]
run = "{SALVOR} -q -c {self.config} backup"
""")
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.run_salvor("backup")
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.assert_whole(*known)

    def with_others(self, *arguments):
        """Runs salvor, and every 100 ms another command beside it. {verb: [exit status...]}"""
        begun, running = [], []
        with subprocess.Popen([SALVOR, "-q", "-c", self.config, *arguments], cwd=self.root,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            for verb in itertools.cycle(VERBS):
                running = [other for other in running if other.poll() is None]
                if process.poll() is not None:
                    break
                if len(running) < AT_ONCE:
                    # Their output goes to a file: nobody reads a pipe meanwhile.
                    with open(self.path(f"other-{len(begun)}"), "wb") as output:
                        running.append(subprocess.Popen(
                            [SALVOR, "-q", "-c", self.config, *verb], cwd=self.root,
                            stdout=subprocess.DEVNULL, stderr=output))
                    begun.append((verb[0], running[-1]))
                time.sleep(0.1)
            self.assertEqual(process.returncode, 0, process.stderr.read().decode())
        statuses = collections.defaultdict(list)
        for number, (verb, other) in enumerate(begun):
            statuses[verb].append(other.wait(timeout=60))
            with open(self.path(f"other-{number}"), encoding="utf-8") as output:
                # 7: somebody else changes the service now. 9: less is in it than before.
                allowed = (0, 7, 9) if verb in ("backup", "drill") else (0,)
                self.assertIn(statuses[verb][-1], allowed,
                              f"{verb}: {output.read()}")
        return statuses

    def test_every_verb_next_to_a_resume_an_undo_and_a_close(self):
        write(self.config, CONFIG + SLOW)
        self.ready()
        self.wreck()
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        run = self.restores()[0]["id"]
        before = self.runs()
        write(self.path("let-it"), "")
        left = collections.Counter()
        for arguments in (["--resume", run], ["--undo", run, "--confirm", "shop"],
                          ["--close", run, "--confirm", "shop"]):
            statuses = self.with_others("restore", *arguments)
            for verb in ("backup", "verify", "drill"):
                left[verb] += sum(status in (0, 9) for status in statuses[verb])
        self.assert_whole(run, *before)
        runs = self.json_of("runs", "--limit", "10000")["runs"]
        self.assertEqual([each for each in runs if each["state"] == "running"], [])
        found = collections.Counter(each["kind"] for each in runs if each["id"] not in before and
                                    each["state"] in ("succeeded", "failed"))
        for verb, number in left.items():
            self.assertGreaterEqual(found[verb], number, verb)
        self.assertGreater(min(left.values()), 0, left)
        self.run_salvor("verify")

    def test_a_store_that_contains_the_state_directory(self):
        text = CONFIG.replace('state_dir = "state"', 'state_dir = "live/media/var [1]"')
        write(self.config, text + WRITES)
        self.ready()
        state = os.path.join(self.media, "var [1]")
        self.assertNotIn("var [1]", self.run_salvor("ls", "latest", "media").out)
        os.remove(os.path.join(self.media, "logo.png"))
        known = self.runs()
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assert_whole(*known, root=state)
        run = self.restores()[0]["id"]
        self.assertTrue(os.path.exists(os.path.join(self.media, "logo.png")))
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assert_whole(run, *known, root=state)
        self.assertFalse(os.path.exists(os.path.join(self.media, "logo.png")))
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.run_salvor("restore", "shop", "--confirm", "shop")
        newest = self.restores()[0]["id"]
        self.run_salvor("restore", "--close", newest, "--confirm", "shop")
        self.assert_whole(run, newest, *known, root=state)

    def test_a_store_that_is_the_state_directory(self):
        write(self.config, CONFIG.replace('state_dir = "state"', 'state_dir = "live/media"'))
        self.fill()
        self.fails(3, "configuration", "config", "check", text="salvor's own")

    def test_a_secret_in_a_store_is_told_each_time(self):
        secret = os.path.join(self.media, "a [secret]")
        text = BY_PASSPHRASE.replace('= "passphrase"', '= "live/media/a [secret]"')
        write(self.config, text)
        self.fill()
        os.rename(self.path("passphrase"), secret)
        self.run_salvor("init")
        for command in (["backup"], ["config", "check"], ["backup"]):
            told = self.run_salvor(*command).err
            self.assertIn("a [secret] lies in store media", told)
            self.assertIn(r"'/a \[secret\]'", told)
        write(self.config, text + "exclude = ['/a \\[secret\\]']\n")
        for command in (["backup"], ["config", "check"]):
            self.assertNotIn("secret", self.run_salvor(*command).err)
