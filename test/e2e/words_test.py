"""The command line: empty values, words that people know, readers that go away, terminals."""

import contextlib
import fcntl
import os
import pty
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
import unittest

from shop import BY_PASSPHRASE, CONFIG, SALVOR, ShopTest, write


class EmptyValues(ShopTest):
    """Goes over every command, argument and option that --help names."""

    def help_of(self, command):
        return self.run_salvor(*command, "--help").out

    def commands(self):
        """Every command with its help, as a list of words."""
        waiting = [[]]
        while waiting:
            command = waiting.pop()
            text = self.help_of(command)
            yield command, text
            below = text.partition("Subcommands:")[2]
            for match in re.finditer(r"^  ([a-z]+)", below, re.M):
                waiting.append(command + [match.group(1)])

    def test_an_empty_value_is_a_usage_error_everywhere(self):
        self.fill()
        self.run_salvor("init")
        before = sorted(os.listdir(self.root)), self.objects("")
        tried = 0
        for command, text in self.commands():
            positionals = re.findall(r"^  ([A-Z][A-Z_]*) ", text.partition("Positionals:")[2]
                                     .partition("Options:")[0], re.M)
            # Without what is required, that is what is complained about.
            needed = [word for option in re.findall(r"(--[a-z-]+) [A-Z]+ REQUIRED", text)
                      for word in (option, "x")]
            for at, name in enumerate(positionals):
                values = ["x"] * len(positionals)
                values[at] = ""
                self.refused(command + values + needed, name)
                tried += 1
            for match in re.finditer(r"^  (?:-\w,)?(--[a-z-]+)(?:,--[a-z-]+)* ([A-Z]+)", text,
                                     re.M):
                self.refused(command + ["x"] * len(positionals) + [match.group(1), ""],
                             match.group(1))
                self.refused(command + ["x"] * len(positionals) + [match.group(1) + "="],
                             match.group(1))
                tried += 1
        self.assertGreater(tried, 40)
        self.assertEqual((sorted(os.listdir(self.root)), self.objects("")), before)

    def refused(self, arguments, name):
        done = self.run_salvor("--json", *arguments, expect=2)
        self.assertIn(name.lstrip("-"), done.json()["error"]["message"], str(done))

    def test_an_unset_variable_does_not_turn_a_restore_beside_into_one_in_place(self):
        self.ready()
        os.remove(os.path.join(self.media, "logo.png"))
        self.fails(2, "usage", "restore", "shop", "--into", "", "--confirm", "shop",
                   text="--into is empty")
        self.assertFalse(os.path.exists(os.path.join(self.media, "logo.png")))
        self.fails(2, "usage", "backup", "", text="SERVICE is empty")
        self.assertEqual(len(self.json_of("points")["points"]), 1)


class KnownWords(ShopTest):
    def test_words_of_other_programs_are_taken_and_named(self):
        self.ready()
        self.assertEqual(self.run_salvor("snapshots").out, self.run_salvor("points").out)
        self.assertTrue(self.json_of("check")["sound"])
        self.assertEqual(self.json_of("restore", "shop", "--dry-run")["service"], "shop")
        text = self.run_salvor("--help").out
        for word in ("snapshots", "check"):
            self.assertIn(f"also: {word}", text)
        self.assertIn("--dry-run", self.run_salvor("restore", "--help").out)


class Services(ShopTest):
    def test_latest_of_several_services_is_asked_for(self):
        self.ready()
        write(self.path("other/x"), "x")
        write(self.config, CONFIG + '[service.web.store.media]\ntype = "files"\npath = "other"\n')
        self.run_salvor("backup", "web")
        for command in (["ls", "latest", "media"], ["cat", "latest", "media", "x"],
                        ["diff", "latest", "latest"]):
            done = self.run_salvor(*command, expect=2)
            self.assertIn("several services: shop, web", done.err)
            self.assertIn("--service", done.err)
        shown = self.run_salvor("cat", "latest", "media", "x", "--service", "web")
        self.assertEqual(shown.out, "x")
        names = [e["path"] for e in
                 self.json_of("ls", "latest", "media", "--service", "shop")["entries"]]
        self.assertIn("logo.png", names)


class Errors(ShopTest):
    def test_times_are_shown_in_the_zone_that_was_given(self):
        self.ready()
        environment = {"TZ": "Asia/Kolkata"}
        done = self.run_salvor("restore", "shop", "--into", "x", "--at", "2001-02-03 04:05",
                               expect=4, env=environment)
        self.assertIn("at or before 2001-02-03T04:05:00+05:30", done.err)
        self.assertRegex(done.err, r"there are points from \S+\+05:30 to \S+\+05:30")
        done = self.run_salvor("restore", "shop", "--into", "x", "--at",
                               "2001-02-03T04:05:00-02:00", expect=4, env=environment)
        self.assertIn("at or before 2001-02-03T04:05:00-02:00", done.err)
        self.assertRegex(done.err, r"there are points from \S+-02:00 to ")

    def test_a_check_that_asks_two_things_is_explained(self):
        write(self.config, CONFIG + '[[service.shop.check]]\nname = "a"\nstore = "db"\n'
              'sql = "SELECT 1"\npath = "x"\n')
        done = self.run_salvor("config", "check", expect=3)
        self.assertIn("write [[service.shop.check]] twice, one with sql and one with path",
                      done.err)


class Sections(ShopTest):
    IDLE = ('[service.shop.schedule]\nbackup = "0 * * * *"\n[service.shop.retention]\n'
            'within = "30d"\nwindow = "14d"\n[serve]\nlisten = "127.0.0.1:1"\n')

    def test_what_nothing_acts_on_yet_is_said_each_time(self):
        self.ready()
        write(self.config, CONFIG + self.IDLE)
        for command, where in ((["config", "check"], "out"), (["backup"], "err"),
                               (["status"], "out")):
            done = self.run_salvor(*command)
            for section in ("[service.shop.schedule]", "[service.shop.retention]", "[serve]"):
                self.assertEqual(
                    getattr(done, where).count(f"nothing acts on {section} yet"), 1, done)
            self.assertEqual(len(self.json_of(*command)["warnings"]), 3)
        write(self.config, CONFIG)
        self.assertEqual(self.json_of("backup")["warnings"], [])

    def test_a_missing_passphrase_file_fails_the_check(self):
        write(self.config, BY_PASSPHRASE)
        self.fill()
        os.remove(self.path("passphrase"))
        done = self.run_salvor("config", "check", expect=3)
        self.assertIn("passphrase", done.out)
        self.assertFalse(self.json_of("config", "check", expect=3)["good"])

    def test_a_place_on_another_host_is_no_local_path(self):
        for url in ("user@host:/srv/repo", "host:repo"):
            write(self.config, CONFIG.replace('"repository"', f'"{url}"'))
            self.fails(3, "configuration", "config", "check", text="another host")
        self.assertFalse(os.path.exists(self.path("user@host:")))


class Readers(ShopTest):
    def first_lines(self, *arguments):
        """What the program says to a reader that closes after the first line, and its status."""
        with subprocess.Popen([SALVOR, "-c", self.config, *arguments], cwd=self.root,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()
            error = process.stderr.read().decode()
        return process.returncode, error

    def test_a_reader_that_goes_away_is_no_error(self):
        self.ready()
        for command in (["runbook", "shop"], ["ls", "-R", "latest", "media"], ["points"],
                        ["cat", "latest", "media", "2026/02/big.bin"], ["--json", "status"]):
            self.assertEqual(self.first_lines(*command), (0, ""), command)

    def test_but_a_full_disk_is_one(self):
        self.ready()
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SALVOR, "-c", self.config, "points"], cwd=self.root, stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)


class Terminals(ShopTest):
    def on_a_terminal(self, *arguments, env=None, expect=0, columns=80, errors=None):
        """What a terminal gets; what is written to stderr only where it fails, or with `errors`."""
        environment = {**os.environ, "TERM": "xterm", "SALVOR_CONFIG": self.config, **(env or {})}
        if "NO_COLOR" not in (env or {}):
            environment.pop("NO_COLOR", None)
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        told = child if expect or errors else subprocess.DEVNULL
        with subprocess.Popen([SALVOR, *arguments], cwd=self.root, stdout=child,
                              stdin=subprocess.DEVNULL, stderr=told,
                              env=environment) as process:
            os.close(child)
            text = b""
            try:
                while part := os.read(parent, 65536):
                    text += part
            except OSError:
                pass
        os.close(parent)
        self.assertEqual(process.returncode, expect)
        return text.decode().replace("\r\n", "\n")

    def test_text_fits_80_columns(self):
        self.ready()
        self.run_salvor("drill", "shop")
        for command in (["points"], ["status"], ["runs"], ["config", "check"],
                        ["restore", "shop", "--plan"], ["evidence", "list", "shop"],
                        ["restore", "--help"], ["keys", "add", "--help"], ["evidence", "--help"]):
            text = self.on_a_terminal(*command, env={"NO_COLOR": "1"})
            self.assertNotIn("\x1b", text)
            for line in text.splitlines():
                # A single word (an id, a path) is not broken.
                if len(line.split()) > 2:
                    self.assertLessEqual(len(line), 80, f"{command}: {line}")

    def test_the_end_of_the_help_needs_no_breaks(self):
        end = self.run_salvor("--help").out.partition("\nEvery command")[2]
        self.assertLessEqual(max(map(len, end.splitlines())), 80, end)
        self.assertIn("130 interrupted", end)

    def test_lists_have_few_lines_for_each_entry(self):
        self.ready()
        self.run_salvor("backup")
        write(self.config, CONFIG + '[service.shop.migrate]\nrun = "exit 3"\nisolated = true\n')
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        self.run_salvor("restore", "--undo", "latest", "--confirm", "shop")
        self.run_salvor("drill", "shop", expect=1)
        for columns, most in ((80, {"points": 2, "runs": 3, "keys list": 1, "evidence list": 2}),
                              (120, {"points": 2, "runs": 2, "keys list": 1, "evidence list": 1})):
            for command, lines_max in most.items():
                text = self.on_a_terminal(*command.split(), env={"NO_COLOR": "1"}, columns=columns)
                # What begins an entry begins its line, as does the first line of the head.
                lengths = [len(entry.splitlines()) for entry in re.split(r"\n(?=\S)", text.strip())]
                self.assertLessEqual(max(lengths[1:]), lines_max, f"{columns}: {text}")
                for line in text.splitlines():
                    self.assertLessEqual(len(line), columns, text)
        # The first line that lists a point has all of it, but for safety snapshots.
        lines = self.on_a_terminal("points", env={"NO_COLOR": "1"}, columns=120).splitlines()
        self.assertEqual([line[:4] == "    " for line in lines[2:4]], [False, False], lines)
        # What is shown of an id means the point.
        point = re.findall(r"^[0-9a-f]{12}(?= )", self.on_a_terminal(
            "points", env={"NO_COLOR": "1"}), re.M)
        self.assertGreaterEqual(len(point), 2)
        self.run_salvor("ls", point[0], "media")

    def test_warnings_are_laid_out_and_do_not_break_the_progress(self):
        self.ready()
        shutil.rmtree(self.path("state"))
        os.makedirs(self.path("state/catalog.sqlite"))
        text = self.on_a_terminal("backup", env={"NO_COLOR": "1"}, errors=True)
        self.assertIn("salvor: warning: ", text)
        for line in text.splitlines():
            # The line of progress is written anew with \r and cleared.
            shown = line.split("\r")[-1].removeprefix("\x1b[K")
            self.assertLessEqual(len(shown), 80, text)
            if "salvor: warning:" in line:
                self.assertTrue(shown.startswith("salvor: warning:"), text)

    def test_the_progress_says_what_is_done(self):
        waits = "until test -e go; do sleep 0.05; done"
        write(self.config, CONFIG + f"""
[service.shop.writes]
lock   = "{waits}; touch flag"
unlock = "{waits}; rm -f flag"
locked = "test -e flag"
""")
        self.ready()
        self.says_while_waiting(b"\rrestore: lock-writes\x1b", "restore", "shop")
        run = self.restores()[0]["id"]
        self.says_while_waiting(b"\rundo\x1b", "restore", "--undo", run)

    def says_while_waiting(self, text, *arguments):
        """The progress of a command one of whose hooks waits for the file `go`."""
        parent, child = pty.openpty()
        with subprocess.Popen([SALVOR, "-c", self.config, *arguments, "--confirm", "shop"],
                              cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=child) as process:
            os.close(child)
            told = b""
            while text not in told:
                told += os.read(parent, 65536)
            write(self.path("go"), "")
            with contextlib.suppress(OSError):
                while os.read(parent, 65536):
                    pass
        os.close(parent)
        self.assertEqual(process.returncode, 0)
        os.remove(self.path("go"))

    def test_errors_fit_80_columns_and_commands_in_them_are_whole(self):
        self.ready()
        write(self.config, CONFIG + '[service.shop.migrate]\nrun = "exit 3"\nisolated = true\n')
        text = self.on_a_terminal("restore", "shop", "--confirm", "shop", "-q",
                                  env={"NO_COLOR": "1"}, expect=1)
        run = self.json_of("runs", "shop")["runs"][0]["id"]
        self.assertIn(f"salvor restore --resume {run};", text)
        self.assertIn(f"salvor restore --undo {run} --confirm shop;", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, text)

    def test_colour_on_a_terminal_only(self):
        self.ready()
        self.assertIn("\x1b[", self.on_a_terminal("status"))
        self.assertNotIn("\x1b[", self.on_a_terminal("status", env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b[", self.run_salvor("status").out)


class Follow(ShopTest):
    def test_a_run_is_followed_to_its_end(self):
        write(self.config, CONFIG + '[[service.shop.check]]\nname = "waits"\nisolated = true\n'
              'run = "while ! test -e go; do sleep 0.05; done"\n')
        self.ready()
        with subprocess.Popen([SALVOR, "-q", "-c", self.config, "drill", "shop"],
                              cwd=self.root) as drill:
            run = self.wait_for_run()
            with subprocess.Popen([SALVOR, "-c", self.config, "runs", "show", "--follow", run],
                                  cwd=self.root, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as follower:
                for line in follower.stderr:
                    if line.startswith(b"validate: began"):
                        break
                self.assertIsNone(follower.poll())
                write(self.path("go"), "")
                out = follower.stdout.read().decode()
            self.assertEqual(drill.wait(), 0)
        self.assertEqual(follower.returncode, 0)
        self.assertRegex(out, r"state +succeeded")

    def test_a_run_is_followed_until_the_catalog_has_its_end(self):
        self.ready()
        run = self.json_of("drill", "shop")["run"]
        # The journal has ended, and the process is about to tell the catalog.
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
            self.make_running(run, process.pid)
            with subprocess.Popen([SALVOR, "-c", self.config, "runs", "show", "--follow", run],
                                  cwd=self.root, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as follower:
                follower.stderr.readline()
                process.stdin.close()
                process.wait()
                out = follower.stdout.read().decode()
        self.assertRegex(out, r"state +interrupted")

    def make_running(self, run, pid):
        """As if that process carried out the run."""
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            ticks = file.read().rpartition(")")[2].split()[19]
        space = os.stat("/proc/self/ns/pid").st_ino
        catalog = sqlite3.connect(self.path("state/catalog.sqlite"))
        with contextlib.closing(catalog), catalog:
            catalog.execute("UPDATE runs SET state = 'running', process = ? WHERE id = ?",
                            (f"{boot} {pid} {ticks} {space}", run))

    def wait_for_run(self):
        for _ in range(400):
            runs = [run for run in self.json_of("runs")["runs"] if run["kind"] == "drill"]
            if runs:
                return runs[0]["id"]
            time.sleep(0.05)
        self.fail("the drill did not begin")


class Interrupted(ShopTest):
    def stopped(self, process, after_s=2):
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=30)
        self.assertLess(time.monotonic() - began, after_s)
        return out.decode(), err.decode()

    def wait_for_open(self, pid, path):
        for _ in range(600):
            for link in os.listdir(f"/proc/{pid}/fd"):
                try:
                    if os.readlink(f"/proc/{pid}/fd/{link}") == os.path.realpath(path):
                        return
                except OSError:
                    pass
            time.sleep(0.02)
        self.fail(f"{path} was not opened")

    def test_a_pipe_that_nobody_writes_to_is_given_up(self):
        write(self.config, BY_PASSPHRASE)
        os.remove(self.path("passphrase"))
        os.mkfifo(self.path("passphrase"), 0o600)
        with subprocess.Popen([SALVOR, "-c", self.config, "init"], cwd=self.root,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.wait_for_open(process.pid, self.path("passphrase"))
            _, err = self.stopped(process)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("stopping", err)

    def test_a_directory_that_is_not_whole_says_so(self):
        for number in range(3000):
            write(os.path.join(self.media, f"more/{number % 50}/{number}"), b"x" * 3000)
        self.ready()
        into = self.path("into/media")
        with subprocess.Popen([SALVOR, "-c", self.config, "restore", "shop", "--into", "into"],
                              cwd=self.root, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            while not os.path.exists(os.path.join(into, "more")) and process.poll() is None:
                pass
            _, err = self.stopped(process)
        if process.returncode == 0:
            self.skipTest("the machine was faster than the signal")
        self.assertEqual(process.returncode, 130, err)
        self.assertIn(".salvor-incomplete", err)
        self.assertTrue(os.path.exists(os.path.join(into, ".salvor-incomplete")))
        self.run_salvor("restore", "shop", "--into", "into", "--delta")
        self.assertFalse(os.path.exists(os.path.join(into, ".salvor-incomplete")))

    def test_the_command_that_ran_is_named_with_its_section(self):
        write(self.config, CONFIG + '[service.shop.writes]\nlock = "touch locked; sleep 60"\n'
              'unlock = "rm -f locked"\n')
        self.ready()
        with subprocess.Popen([SALVOR, "-c", self.config, "restore", "shop", "--confirm", "shop"],
                              cwd=self.root, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            while not os.path.exists(self.path("locked")) and process.poll() is None:
                time.sleep(0.02)
            _, err = self.stopped(process, 15)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("stopped while running the command writes.lock of service shop: "
                      "`touch locked; sleep 60`", err)


if __name__ == "__main__":
    sys.exit(unittest.main())
