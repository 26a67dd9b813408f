"""Runs commands of salvor in a still world, and records what they print.

Each scene is played four times, each time in a directory of its own (see MODES): on a terminal of
80 and of 120 columns, into pipes, and with --json. still_world.cc makes that nothing printed
depends on time, load or machine. The ids that are left are replaced by names of the same length
(golden_text.py), so that they can be read, and no line is broken elsewhere because of them.

In a golden file, "$" is a command, "| " a line of standard output, "! " one of standard error, "="
the exit status, and "#" what the scene did itself.
"""

import contextlib
import errno
import fcntl
import json
import os
import pty
import random
import select
import shlex
import shutil
import socket
import sqlite3
import struct
import subprocess
import termios
import time
import zlib

from golden_text import Normaliser, joined, without_progress
from shop import CONFIG, SALVOR, ShopTest, write

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden/cli")
STILL_WORLD = os.environ.get("SALVOR_STILL_WORLD", os.path.join(os.path.dirname(SALVOR),
                                                                "test/e2e/libstill_world.so"))
MODES = ("80", "120", "pipe", "json")
TEXT = ("80", "120", "pipe")
# 2026-02-03T04:05:06.789012Z; each command comes ten minutes after the one before.
BEGIN_NS = 1_770_091_506_789_012_000
EVENTS = 57  # a descriptor that nobody has otherwise
BETWEEN_S = 600
SECOND_NS = 1_000_000_000
TOUCHED_NS = 1_767_323_045 * SECOND_NS

# Lets time pass for salvor while a command of the configuration runs: sh tick SECONDS
TICK = "echo $(($(cat clock) + $1 * 1000000000)) > clock.new && mv clock.new clock\n"

# A second service, to be added to CONFIG.
BLOG = """
[service.blog]
rpo = "1d"

[service.blog.store.posts]
type = "files"
path = "live/posts"
"""


def only_one(name):
    """Waits until no other process of this machine plays the same scene: its ids are the same, also
    those of runs, whose commands salvor looks for among all processes. To be closed."""
    lock = socket.socket(socket.AF_UNIX)
    while True:
        try:
            lock.bind("\0" + name)
            return lock
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            time.sleep(0.1)


class Terminal:
    """The master of a pseudo-terminal of so many columns."""

    def __init__(self, columns):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        settings = termios.tcgetattr(self.slave)
        settings[1] &= ~termios.OPOST
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(self.slave, termios.TCSANOW, settings)

    def let_go(self):
        if self.slave is not None:
            os.close(self.slave)
        self.slave = None

    def close(self):
        self.let_go()
        os.close(self.master)


def read_all(terminals, deadline):
    """What is written to each of them until nobody has it open any more."""
    found = {terminal.master: b"" for terminal in terminals}
    open_ones = set(found)
    while open_ones:
        ready, _, _ = select.select(list(open_ones), [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError("the command does not end")
        for master in ready:
            try:
                part = os.read(master, 65536)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                part = b""
            found[master] += part
            if not part:
                open_ones.remove(master)
    return [found[terminal.master] for terminal in terminals]


class Stage(ShopTest):
    """A shop whose content is always the same, and the record of what was run in it."""

    beginning = CONFIG
    mode = "pipe"
    limit_s = 120

    def make_root(self):
        # The length of paths is part of what is recorded: TMPDIR must not change it.
        # It is the same each time, as compressed sizes differ by some bytes with what is in it.
        number = f"{zlib.crc32(self.id().encode()):08x}"
        self.addCleanup(only_one(f"salvor-golden-{number}").close)
        root = f"/tmp/salvor-golden-{number}"
        shutil.rmtree(root, ignore_errors=True)
        os.mkdir(root, 0o700)
        return root

    def setUp(self):
        super().setUp()
        umask = os.umask(0o022)
        self.addCleanup(os.umask, umask)
        self.record = []
        self.seed = zlib.crc32(self.id().encode())
        write(self.path("tick"), TICK)
        self.set_clock(BEGIN_NS)
        version = json.loads(self.start(["--json", "version"], None)[1])["version"]
        self.normalised = Normaliser(self.root, version)

    def set_clock(self, time_ns):
        write(self.path("clock.new"), str(time_ns))
        os.rename(self.path("clock.new"), self.path("clock"))

    def clock_ns(self):
        with open(self.path("clock"), encoding="utf-8") as file:
            return int(file.read())

    def wait(self, seconds):
        self.set_clock(self.clock_ns() + seconds * SECOND_NS)

    def environment(self, more=None):
        """The same everywhere."""
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "HOME": self.root, "LANG": "C.UTF-8", "TZ": "CET-1", "TERM": "xterm",
                 "NO_COLOR": "1", "LD_PRELOAD": STILL_WORLD, "GOLDEN_CLOCK": self.path("clock"),
                 "GOLDEN_SEED": str(self.seed)}
        # No two processes draw the same numbers.
        self.seed += 1 << 32
        found.update(more or {})
        return {name: value for name, value in found.items() if value is not None}

    def start(self, arguments, columns, prefix=(), env=None, typed=None, events=None):
        """Runs it, and returns its exit status, and what it wrote to its two outputs. `events`: the
        file that its descriptor EVENTS leads to."""
        command = [*prefix, SALVOR, *arguments]
        options = {"cwd": self.root, "env": self.environment(env)}
        if events is not None:
            with open(self.path(events), "wb") as file:
                os.dup2(file.fileno(), EVENTS)
            options["pass_fds"] = (EVENTS,)
        if columns is None:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=self.limit_s, check=False,
                                  **options)
            outputs = done.stdout, done.stderr
            return (done.returncode, *(each.decode("utf-8", "replace") for each in outputs))
        with contextlib.ExitStack() as closing:
            ends = [Terminal(columns) for _ in range(3)]
            for end in ends:
                closing.callback(end.close)
            given = ends[0].slave if typed is not None else subprocess.DEVNULL
            with subprocess.Popen(command, stdin=given, stdout=ends[1].slave,
                                  stderr=ends[2].slave, **options) as process:
                for end in ends[1:]:
                    end.let_go()
                if typed is not None:
                    os.write(ends[0].master, typed.encode() + b"\n")
                outputs = read_all(ends[1:], time.monotonic() + self.limit_s)
                status = process.wait(timeout=self.limit_s)
        return (status, *(each.decode("utf-8", "replace") for each in outputs))

    def salvor(self, *arguments, expect=0, unbroken=False, **options):
        """Runs a command in the scene's mode, and records it. `unbroken`: lines that were broken
        are joined, because they hold a number whose length differs each time."""
        self.wait(BETWEEN_S)
        if self.mode == "json":
            arguments = ("--json", *arguments)
        columns = int(self.mode) if self.mode.isdigit() else None
        status, out, err = self.start(arguments, columns, **options)
        told = [f"exit status {status}", out, err]
        self.assertIn(status, [expect] if isinstance(expect, int) else expect,
                      "\n".join([shlex.join(arguments), *told]))
        err = without_progress(err)
        if unbroken and columns is not None:
            out, err = joined(out), joined(err)
        self.record += [f"$ {shlex.join(('salvor', *arguments))}", *self.lines("|", out),
                        *self.lines("!", err), f"= {status}", ""]
        return out

    def lines(self, mark, text):
        text = text.replace("\x1b", "\\e").replace("\r", "\\r")
        lines = [f"{mark} {line}".rstrip(" ") if not line.endswith(" ") else f"{mark} {line}<end>"
                 for line in text.split("\n")]
        if lines[-1] == mark:
            return lines[:-1]
        return [*lines, "~ no newline at the end"]

    def did(self, what):
        """What the scene itself does, for who reads the golden file."""
        self.record += [f"# {what}", ""]

    def show(self, name):
        """What a command has written to a file."""
        with open(self.path(name), encoding="utf-8") as file:
            self.record += [f"# the file {name}:", *self.lines("|", file.read()), ""]

    def show_events(self, name):
        """The same of events, but for progress, which comes as time goes."""
        with open(self.path(name), encoding="utf-8") as file:
            lines = [line for line in file if '"event":"progress"' not in line]
        self.record += [f"# the events in {name}:", *self.lines("|", "".join(lines)), ""]

    def answer(self, *arguments, expect=(0,)):
        """What a command says with --json, unrecorded: for ids."""
        status, out, err = self.start(["--json", *arguments], None)
        self.assertIn(status, expect, out + err)
        return json.loads(out)

    def points(self):
        return [point["id"] for point in self.answer("points")["points"]]

    def newest_run(self, kind="restore"):
        return next(run["id"] for run in self.answer("runs")["runs"] if run["kind"] == kind)

    def recorded(self):
        return self.normalised("\n".join(self.record))

    def configure(self, *parts, change=()):
        """CONFIG with what each pair of `change` says in its place, and `parts` behind it."""
        config = self.beginning
        for before, after in change:
            self.assertIn(before, config)
            config = config.replace(before, after)
        write(self.config, config + "".join(parts))

    def fill(self):
        """Content that is always the same."""
        numbers = random.Random(1)
        write(os.path.join(self.media, "logo.png"), numbers.randbytes(20_000))
        write(os.path.join(self.media, "notes/today.txt"), "remember the milk\n" * 20)
        write(os.path.join(self.media, "notes/empty"), "", 0o400)
        write(os.path.join(self.media, "2026/02/big.bin"), numbers.randbytes(300_000), 0o640)
        write(os.path.join(os.fsencode(self.media), b"not utf-8 \xff\n").decode(
            "utf-8", "surrogateescape"), "odd name")
        os.symlink("2026/02/big.bin", os.path.join(self.media, "link"))
        os.link(os.path.join(self.media, "logo.png"), os.path.join(self.media, "logo2.png"))
        write(self.path("live/posts/first.md"), "# First\n")
        write(self.path("live/posts/second.md"), "# Second\n")
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, picture TEXT)")
            connection.executemany("INSERT INTO orders (picture) VALUES (?)",
                                   [("logo.png",), ("2026/02/big.bin",), ("logo2.png",)])
        self.still()

    def sql(self, statement):
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)

    def still(self):
        """Gives everything that lives a time of its own that is always the same."""
        for directory, folders, files in os.walk(os.fsencode(self.path("live")), topdown=False):
            for name in files + folders + [b"."]:
                os.utime(os.path.join(directory, name), ns=(TOUCHED_NS, TOUCHED_NS),
                         follow_symlinks=False)

    def change(self):
        """A little of it."""
        write(os.path.join(self.media, "notes/today.txt"), "remember the bread\n" * 20)
        write(os.path.join(self.media, "notes/new.txt"), "new\n")
        os.remove(os.path.join(self.media, "notes/empty"))
        os.chmod(os.path.join(self.media, "2026/02/big.bin"), 0o600)
        self.sql("INSERT INTO orders (picture) VALUES ('logo.png')")
        self.still()

    def wreck(self):
        os.remove(os.path.join(self.media, "logo.png"))
        self.sql("DELETE FROM orders")
        self.still()

    def begin(self, *parts, **options):
        """A filled shop with a repository and a recovery point of each service."""
        self.fill()
        self.configure(*parts, **options)
        self.answer("init")
        self.wait(BETWEEN_S)
        self.answer("backup")
        self.did("a shop with a repository and one recovery point of each service")


def in_modes(*modes):
    """Marks a function of a stage as a scene, and in which modes it is played."""
    def mark(scene):
        scene.modes = modes
        return scene
    return mark


in_every_mode = in_modes(*MODES)
