"""Mounts that do not answer: each command ends in time, and says which path it is."""

import concurrent.futures
import os
import signal
import subprocess
import time
import unittest

from dead_mount import DeadMount
from shop import BY_PASSPHRASE, CONFIG, SALVOR, ShopTest, write

WAIT = 'answers_wait = "1s"\n'
ENOUGH_S = 8


@unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/dev/fuse"),
                     "only root can mount, and only where there is /dev/fuse")
class Dead(ShopTest):
    def dead(self, name="dead", root_answers=False):
        """A mount point in the test's directory; its path."""
        path = self.path(name)
        os.mkdir(path)
        try:
            mount = DeadMount(path, root_answers)
        except OSError as error:
            self.skipTest(str(error))
        self.addCleanup(mount.give_up)
        self.mounts = [*getattr(self, "mounts", []), mount]
        return path

    def configure(self, text):
        write(self.config, WAIT + text)

    def quick(self, *arguments, expect, **options):
        began = time.monotonic()
        done = self.run_salvor("--json", *arguments, expect=expect, **options)
        self.assertLess(time.monotonic() - began, ENOUGH_S, str(done))
        return done

    def says(self, *arguments, text, **options):
        """Ends with 8, and names the path."""
        done = self.quick(*arguments, expect=8, **options)
        self.assert_error(done, "unreachable", "not answer", "umount -l", text)

    def all_say(self, commands, text):
        """They wait most of the time, so several at once do."""
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            for done in [pool.submit(self.says, *command, text=text) for command in commands]:
                done.result()


    def left_behind(self):
        """How many processes still hang that commands in this directory have begun."""
        count = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                # Their paths have no name here when they are in another mount namespace.
                count += (os.path.samefile(f"/proc/{pid}/exe", SALVOR)
                          and os.path.samefile(f"/proc/{pid}/cwd", self.root))
            except OSError:
                pass
        return count

    def becomes(self, count):
        """Those that were killed need a moment to go."""
        for _ in range(100):
            if self.left_behind() == count:
                return
            time.sleep(0.05)
        self.assertEqual(self.left_behind(), count)

    def leaves(self, count, *command, expect, **options):
        """However often a command runs, so many processes hang, until the mount goes."""
        for _ in range(3):
            self.quick(*command, expect=expect, **options)
            self.becomes(count)
        self.mounts[-1].give_up()
        self.becomes(0)


class Repository(Dead):
    def test_each_command_says_so(self):
        self.ready()
        dead = self.dead()
        self.configure(CONFIG.replace('"repository"', '"dead"'))
        check = self.quick("config", "check", expect=8).json()
        self.assertIn("does not answer", check["repository"]["problem"])
        commands = (["backup"], ["points"], ["ls", "latest", "media"],
                    ["diff", "latest", "latest"], ["verify"], ["drill", "shop"],
                    ["restore", "shop", "--plan"], ["restore", "shop", "--into", "into"],
                    ["restore", "shop", "--confirm", "shop"],
                    ["restore", "--resume", "latest"], ["keys", "list"], ["init"],
                    ["evidence", "list"], ["evidence", "export", "shop", "-o", "e.json"])
        self.all_say(commands, text=dead)
        self.quick("runs", expect=0)

    def test_the_status_is_not_known(self):
        self.ready()
        dead = self.dead()
        self.configure(CONFIG.replace('"repository"', '"dead"'))
        done = self.quick("status", expect=8)
        self.assertIn(dead, done.err)
        reasons = done.json()["services"][0]["reasons"]
        self.assertIn("not known: the repository can't be opened", reasons[0])
        self.assertIn("not known", self.run_salvor("runbook", "shop").out)

    def test_one_whose_root_is_there_and_no_more(self):
        self.ready()
        dead = self.dead(root_answers=True)
        self.configure(CONFIG.replace('"repository"', '"dead"'))
        self.says("points", text=dead)


class Stores(Dead):
    CONFIG = CONFIG + """
[service.blog.store.pages]
type = "files"
path = "pages"
"""

    def setUp(self):
        super().setUp()
        write(self.path("pages/index.html"), "hello")
        write(self.config, self.CONFIG)
        self.fill()
        self.run_salvor("init")
        self.run_salvor("backup")

    def lose(self, kept, lost):
        self.configure(self.CONFIG.replace(kept, lost))

    def reasons(self, done):
        return {each["service"]: each["reasons"]
                for each in done.json()["services"]}

    def test_the_other_services_are_backed_up_and_shown(self):
        dead = self.dead()
        self.lose("live/media", "dead")
        done = self.quick("status", expect=0)
        self.assertIn(f"store media of service shop does not answer: {dead}",
                      self.reasons(done)["shop"][0])
        self.assertFalse([text for text in self.reasons(done)["blog"] if "answer" in text])
        self.assertEqual([each["state"] for each in done.json()["services"]],
                         ["critical", "warning"])
        self.assertIn("NO ANSWER", self.run_salvor("status").out)
        self.quick("status", "--check", expect=9)
        done = self.quick("config", "check", expect=8)
        problems = {each["name"]: each["problem"] for each in done.json()["stores"]}
        self.assertIn(dead, problems["media"])
        self.assertEqual([problems["db"], problems["pages"]], ["", ""])
        before = len(self.json_of("points")["points"])
        done = self.quick("backup", expect=8)
        self.assertIn(f"store media of service shop does not answer: {dead}", done.err)
        points = self.json_of("points")["points"]
        self.assertEqual([point["service"] for point in points[before:]], ["blog"])
        self.assertIn("the last backup failed", self.run_salvor("status").out)

    def test_what_needs_the_store_says_so(self):
        dead = self.dead()
        self.lose("live/media", "dead")
        commands = (["backup", "shop"], ["restore", "shop", "--plan"],
                    ["restore", "shop", "--confirm", "shop"])
        self.all_say(commands, text=dead)
        self.quick("backup", "blog", expect=0)
        self.quick("backup", "shop", "--store", "db", expect=0)

    def test_what_does_not_need_the_store_goes_on(self):
        self.dead()
        self.lose("live/media", "dead")
        for command in (["points"], ["runs"], ["verify"], ["keys", "list"], ["evidence", "list"],
                        ["ls", "latest", "media", "--service", "shop"], ["runbook", "shop"],
                        ["restore", "shop", "--into", "into"], ["drill", "shop"]):
            with self.subTest(command):
                self.quick(*command, expect=0)
        self.assertTrue(os.path.exists(self.path("into/media/logo.png")))

    def test_a_database(self):
        dead = self.dead()
        self.lose("live/shop.db", "dead/shop.db")
        self.says("backup", "shop", text=f"{dead}/shop.db")
        self.assertIn("does not answer", self.reasons(self.quick("status", expect=0))["shop"][0])

    def test_a_mount_in_a_store(self):
        dead = self.dead("live/media/nfs")
        self.lose("nothing", "else")
        self.says("backup", "shop", text=dead)
        self.assertIn(dead, self.reasons(self.quick("status", expect=0))["shop"][0])
        self.lose('path = "live/media"\n', 'path = "live/media"\nexclude = ["/nfs/"]\n')
        self.quick("backup", "shop", expect=0)

    def test_a_mount_under_protect(self):
        dead = self.dead("live/other")
        self.lose('rpo = "1h"\n', 'rpo = "1h"\nprotect = ["live"]\n')
        done = self.quick("status", "shop", expect=0)
        self.assertIn(dead, str(done.json()["services"][0]["not_covered"]))
        self.quick("backup", "shop", expect=0)

    def test_a_link_that_leads_there(self):
        dead = self.dead()
        os.symlink(dead, self.path("link"))
        self.lose("live/media", "link")
        self.says("backup", "shop", text=self.path("link"))

    def test_a_run_that_is_open(self):
        self.run_salvor("restore", "shop", "--confirm", "shop")
        run = self.restores()[0]["id"]
        os.rename(self.media, self.path("kept"))
        dead = self.dead("live/media")
        self.lose("nothing", "else")
        for verb in ("undo", "close", "abandon"):
            with self.subTest(verb):
                self.says("restore", f"--{verb}", run, "--confirm", "shop", text=dead)
        self.says("restore", "--resume", run, text=dead)
        self.quick("runs", "show", run, expect=0)

    def test_ten_of_them(self):
        more = ""
        for number in range(10):
            self.dead(f"dead{number}")
            more += (f'[service.s{number}.store.files]\ntype = "files"\n'
                     f'path = "dead{number}"\n')
        self.configure(self.CONFIG + more)
        done = self.quick("backup", expect=8)
        for number in range(10):
            self.assertIn(self.path(f"dead{number}"), done.err)
        self.assertIn("shop", done.out)

    def test_staging(self):
        dead = self.dead()
        self.lose('rpo = "1h"\n', 'rpo = "1h"\nstaging = "dead"\n')
        self.says("drill", "shop", text=dead)
        self.assertIn(dead, str(self.quick("status", "shop", expect=0).json()))
        self.quick("backup", "shop", expect=0)


class OtherPlaces(Dead):
    def test_the_state_directory(self):
        self.ready()
        dead = self.dead()
        self.configure(CONFIG.replace('"state"', '"dead"'))
        self.says("status", text=dead)
        self.says("runs", text=dead)
        self.says("config", "check", text=dead)
        commands = (["backup"], ["points"], ["verify"], ["drill", "shop"],
                    ["restore", "shop", "--into", "into"], ["restore", "shop", "--plan"],
                    ["restore", "shop", "--confirm", "shop", "--detach"], ["runbook", "shop"],
                    ["evidence", "list"])
        self.all_say(commands, text=dead)

    def test_what_opens_the_repository(self):
        self.ready()
        dead = self.dead()
        self.configure(BY_PASSPHRASE.replace('"passphrase"', '"dead/passphrase"'))
        self.says("points", text=f"passphrase_file does not answer: {dead}")
        self.says("init", text=dead)
        self.configure(CONFIG.replace('"key"', '"dead/key"'))
        self.says("keys", "list", text=f"key_file does not answer: {dead}")

    def test_a_command_each_minute(self):
        """None leaves a process more behind than the first one did."""
        self.ready()
        self.dead("repo")
        self.configure(CONFIG.replace('"repository"', '"repo"'))
        self.leaves(2, "status", expect=8)
        self.dead("store")
        self.configure(CONFIG.replace("live/media", "store"))
        self.leaves(1, "status", expect=0)
        self.quick("status", expect=0)
        self.dead("live/media/nfs")
        self.configure(CONFIG)
        self.leaves(1, "backup", "shop", expect=8)
        self.quick("backup", "shop", expect=0)
        self.dead("local")
        self.configure(CONFIG.replace('"state"', '"local"'))
        self.leaves(1, "status", expect=8)

    def test_without_a_directory_for_locks_the_state_directory_has_them(self):
        self.ready()
        self.dead()
        self.configure(CONFIG.replace("live/media", "dead"))
        self.leaves(1, "status", expect=0, prefix=[
            "unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro none /run && exec "$@"', "sh"])
        self.assertTrue(os.path.exists(self.path("state/asking")))

    def test_what_the_command_line_names(self):
        self.ready()
        self.dead()
        self.configure(CONFIG)
        self.says("restore", "shop", "--into", "dead/into", text="dead/into")
        self.says("runbook", "shop", "-o", "dead/runbook.md", text="dead/runbook.md")
        self.says("evidence", "export", "shop", "-o", "dead/all.json", text="dead/all.json")
        self.says("evidence", "verify", "--key", "dead/key.pem", text="dead/key.pem")
        self.says("keys", "add", "--passphrase-file", "dead/new", text="dead/new")

    def test_without_a_configuration_it_takes_twenty_seconds(self):
        dead = self.dead()
        began = time.monotonic()
        commands = (["-c", f"{dead}/salvor.toml", "status"], ["keys", "generate", f"{dead}/key"],
                    ["evidence", "verify", f"{dead}/evidence.json"])
        running = [subprocess.Popen([SALVOR, *command], cwd=self.root, stderr=subprocess.PIPE,
                                    stdout=subprocess.DEVNULL) for command in commands]
        for process in running:
            err = process.communicate()[1].decode()
            self.assertEqual(process.returncode, 8, err)
            self.assertIn(dead, err)
        self.assertLess(time.monotonic() - began, 30)

    def test_nobody_waits_for_who_hangs(self):
        """A pipe from the program ends with it, though what it has left behind still hangs."""
        self.ready()
        self.dead()
        self.configure(CONFIG.replace("live/media", "dead"))
        began = time.monotonic()
        subprocess.run(f"{SALVOR} -c {self.config} backup 2>&1 | cat", shell=True, check=True,
                       stdout=subprocess.DEVNULL)
        self.assertLess(time.monotonic() - began, ENOUGH_S)


class Commands(Dead):
    def test_a_command_that_nothing_ends(self):
        """It is given up ten seconds after it was killed."""
        self.ready()
        self.dead()
        self.configure(CONFIG + """[service.shop.writes]
lock    = "test -e dead/x"
unlock  = "true"
timeout = "1s"
""")
        began = time.monotonic()
        done = self.run_salvor("--json", "restore", "shop", "--confirm", "shop", expect=8)
        self.assertLess(time.monotonic() - began, 30)
        self.assertIn("was killed, and has not ended", done.err)
        self.assertIn("umount -l", done.err)
        undo = ["restore", "--undo", done.json()["run"], "--confirm", "shop"]
        for name in (undo[2], "latest"):
            undo[2] = name
            self.assertIn("still runs a command", self.run_salvor(*undo, expect=7).err)
        undo[2] = done.json()["run"]
        self.mounts[0].give_up()
        for _ in range(100):
            if self.run_salvor(*undo, expect=None).status == 0:
                return
        self.fail("the command did not end with its mount")


class Signals(ShopTest):
    def test_the_second_one_ends_it_at_once(self):
        write(self.config, BY_PASSPHRASE.replace(
            'passphrase_file = "passphrase"',
            "passphrase_command = \"trap '' TERM; touch began; sleep 4\""))
        with subprocess.Popen([SALVOR, "-c", self.config, "init"], cwd=self.root,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            while not os.path.exists(self.path("began")):
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            process.stderr.readline()
            self.assertIn(b"stopping", process.stderr.readline())
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            self.assertEqual(process.wait(timeout=20), 130)
            self.assertLess(time.monotonic() - began, 1)


if __name__ == "__main__":
    unittest.main()
