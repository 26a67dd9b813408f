"""A small service in a temporary directory, and the program that protects it."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import unittest

SALVOR = os.environ.get("SALVOR", os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                               "../../build/salvor"))
PASSPHRASE = "correct horse battery staple"
# In the content and in the names of the shop's files: must be nowhere in the repository.
MARKER = "marker-of-plain-text"

BY_PASSPHRASE = """\
state_dir = "state"

[repository]
url             = "repository"
passphrase_file = "passphrase"

[service.shop]
rpo = "1h"

[service.shop.store.db]
type = "sqlite"
path = "live/shop.db"

[service.shop.store.media]
type = "files"
path = "live/media"
"""

# A passphrase takes 0.2 s each time, on purpose; the tests run thousands of commands.
CONFIG = BY_PASSPHRASE.replace('passphrase_file = "passphrase"', 'key_file = "key"')

WRITES = """
[service.shop.writes]
lock   = "touch flag"
unlock = "rm -f flag"
locked = "test -e flag"
"""


class Finished:
    """One run of the program that has ended."""

    def __init__(self, arguments, done):
        self.arguments = arguments
        self.status = done.returncode
        self.raw = done.stdout
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return (f"{' '.join(self.arguments)}: exit status {self.status}\n"
                f"stdout: {self.out}\nstderr: {self.err}")


def write(path, content, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)


def manifest(root):
    """Everything that a tree of files is, as {relative path: what is known of it}."""
    found = {}
    names = {}
    for directory, folders, files in os.walk(os.fsencode(root)):
        for name in [b"."] + folders + files:
            path = os.path.normpath(os.path.join(directory, name))
            status = os.lstat(path)
            entry = [stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid,
                     status.st_gid, status.st_mtime_ns]
            if stat.S_ISLNK(status.st_mode):
                entry.append(os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    entry.append(hashlib.sha256(file.read()).hexdigest())
                # Names of one file: the first in the order of bytes stands for all.
                names.setdefault((status.st_dev, status.st_ino), []).append(path)
            found[os.path.relpath(path, os.fsencode(root))] = entry
    for group in names.values():
        first = os.path.relpath(min(group), os.fsencode(root))
        for path in group:
            found[os.path.relpath(path, os.fsencode(root))].append(first)
    return found


def dump(database):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return "\n".join(connection.iterdump())


class ShopTest(unittest.TestCase):
    """Each test gets a shop of its own, which is gone when it ends."""

    maxDiff = 4000
    beginning = CONFIG  # of the configuration

    def make_root(self):
        return tempfile.mkdtemp(prefix="salvor-e2e-")

    def setUp(self):
        self.root = self.make_root()
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.config = self.path("salvor.toml")
        write(self.path("passphrase"), PASSPHRASE + "\n", 0o600)
        write(self.config, self.beginning)
        self.media = self.path("live/media")
        self.database = self.path("live/shop.db")

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def run_salvor(self, *arguments, expect=0, prefix=(), env=None, config=None, cwd=None):
        """Runs the program, and checks its exit status."""
        # By name it would be in every hint: hints_test.py looks at that.
        named = ["-c", config] if config else []
        command = [*prefix, SALVOR, *named, *arguments]
        environment = {**os.environ, "SALVOR_CONFIG": self.config, **(env or {})}
        if config:
            environment.pop("SALVOR_CONFIG")
        done = Finished(command, subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment, cwd=cwd or self.root, timeout=120, check=False))
        if expect is not None:
            self.assertEqual(done.status, expect, str(done))
        return done

    def json_of(self, *arguments, expect=0, **options):
        return self.run_salvor("--json", *arguments, expect=expect, **options).json()

    def fill(self):
        """Something in every store."""
        write(os.path.join(self.media, "logo.png"), bytes(range(256)) * 40)
        write(os.path.join(self.media, f"{MARKER}.txt"), f"{MARKER}\n" * 50)
        write(os.path.join(self.media, "2026/02/big.bin"), os.urandom(3_000_000), 0o640)
        write(os.path.join(self.media, "2026/02/empty"), b"", 0o400)
        write(os.path.join(os.fsencode(self.media), b"not utf-8 \xff\n").decode(
            "utf-8", "surrogateescape"), b"odd name")
        os.symlink("2026/02/big.bin", os.path.join(self.media, "link"))
        os.link(os.path.join(self.media, "logo.png"), os.path.join(self.media, "logo2.png"))
        with open(os.path.join(self.media, "sparse"), "wb") as file:
            file.truncate(5_000_000)
            file.seek(4_000_000)
            file.write(b"end of a hole")
        os.mkdir(os.path.join(self.media, "nothing in it"), 0o755)
        for name in ("logo.png", "2026/02", "2026"):
            os.utime(os.path.join(self.media, name), ns=(1, 1_234_567_890_123_456_789))
        with sqlite3.connect(self.database) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)")
            connection.executemany("INSERT INTO orders (what) VALUES (?)",
                                   [(f"{MARKER} {i}",) for i in range(2000)])
        connection.close()

    def ready(self):
        """A filled shop with a repository and one recovery point, whose id is returned."""
        self.fill()
        self.run_salvor("init")
        return self.json_of("backup")["point"]

    def assert_error(self, finished, code, *texts):
        """With --json: the error as the document; always: error and hint on stderr."""
        self.assertIn("salvor: error: ", finished.err, str(finished))
        error = finished.json()["error"]
        self.assertEqual(error["code"], code, str(finished))
        self.assertEqual(error["exit"], finished.status, str(finished))
        self.assertIn(error["message"], finished.err)
        for text in texts:
            self.assertIn(text, error["message"] + "\n" + error["hint"])

    def fails(self, status, code, *arguments, text=(), **options):
        finished = self.run_salvor("--json", *arguments, expect=status, **options)
        self.assert_error(finished, code, *([text] if isinstance(text, str) else text))
        return finished

    def restores(self):
        """The restores that this machine has run, the newest first."""
        return [run for run in self.json_of("runs")["runs"] if run["kind"] == "restore"]

    def small_disk(self, name, options):
        """A file system in memory, of a size of its own. Yields where."""
        path = self.path(name)
        os.mkdir(path)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path],
                                 check=False, capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("not permitted to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=True)
        return path

    def objects(self, folder):
        """The files of a folder of the repository, sorted."""
        found = []
        for directory, _, files in os.walk(self.path("repository", folder)):
            found += [os.path.join(directory, name) for name in files]
        return sorted(found)
