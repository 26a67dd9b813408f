"""Databases that are broken, judged, linked; and restores without a state directory."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys

from shop import CONFIG, WRITES, ShopTest, dump, write

WRITER = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA wal_autocheckpoint = 0")
database.execute("CREATE TABLE IF NOT EXISTS log (i INTEGER, text TEXT)")
database.executemany("INSERT INTO log VALUES (?, ?)", [(i, "x" * 200) for i in range(50)])
os.kill(os.getpid(), signal.SIGKILL)
"""


class Sqlite(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, CONFIG + WRITES)

    def leave_log(self):
        """A writer is killed: what it wrote is in the log only."""
        done = subprocess.run([sys.executable, "-c", WRITER, self.database], check=False)
        self.assertEqual(done.returncode, -signal.SIGKILL)

    def files(self):
        found = {}
        for suffix in ("", "-wal", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                with open(self.database + suffix, "rb") as file:
                    found[suffix] = file.read()
        return found

    def truncate(self):
        os.truncate(self.database, 0)

    def overwrite(self):
        with open(self.database, "r+b") as file:
            file.write(b"0123456789abcdef")

    def test_what_looks_at_a_broken_database_leaves_its_log(self):
        for break_it in (self.truncate, self.overwrite):
            with self.subTest(break_it.__name__):
                for gone in ("live", "repository", "state"):
                    shutil.rmtree(self.path(gone), ignore_errors=True)
                self.ready()
                good = dump(self.database)
                self.leave_log()
                break_it()
                before = self.files()
                self.assertGreater(len(before["-wal"]), 10_000)
                for command, status in ((["backup"], 9), (["status"], None),
                                        (["config", "check"], None),
                                        (["restore", "shop", "--plan"], None)):
                    self.run_salvor(*command, expect=status)
                    self.assertEqual(self.files(), before, command)
                self.run_salvor("restore", "shop", "--into", "out", "--only", "db", "--at",
                                self.json_of("points")["points"][-1]["id"])
                for suffix, content in before.items():
                    with open(self.path("out/db/shop.db") + suffix, "rb") as file:
                        self.assertEqual(file.read(), content)
                shutil.rmtree(self.path("out"))
                # A restore in place over it goes on, and its safety snapshot has the bytes.
                point = self.json_of("points")["points"][0]["id"]
                report = self.json_of("restore", "shop", "--at", point, "--confirm", "shop")
                self.assertEqual(report["state"], "succeeded")
                self.assertEqual(dump(self.database), good)
                safety = report["safety_points"][0]
                self.assertEqual(self.run_salvor("cat", safety, "db", "shop.db-wal").raw,
                                 before["-wal"])
                self.run_salvor("restore", "--undo", report["run"], "--confirm", "shop")
                self.assertEqual(self.files(), before)

    def test_a_canary_does_not_make_a_database_of_an_empty_file(self):
        write(self.config, CONFIG.replace('"live/shop.db"', '"live/shop.db"\ncanary = true'))
        self.ready()
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.database + suffix)
        self.truncate()
        done = self.run_salvor("backup", expect=9)
        self.assertIn("no canary could be planted", done.err)
        self.assertEqual(os.path.getsize(self.database), 0)

    def test_a_log_beside_a_header_of_rollback_mode_is_read(self):
        self.fill()
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        shutil.copy(self.database, self.path("copy"))
        self.leave_log()
        with open(self.path("copy"), "rb") as copy, open(self.database, "r+b") as file:
            file.write(copy.read())
        before = self.files()
        self.run_salvor("init")
        self.run_salvor("backup")
        self.assertEqual(self.files(), before)
        self.run_salvor("restore", "shop", "--into", "out")
        with contextlib.closing(sqlite3.connect(self.path("out/db/shop.db"))) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM log").fetchone(), (50,))

    def test_a_second_name_of_a_database_keeps_its_content(self):
        self.ready()
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        other = self.path("live/copy.db")
        os.link(self.database, other)
        content = self.files()[""]
        for command in (["backup"], ["restore", "shop", "--confirm", "shop"]):
            self.fails(6, "refused", *command, text="2 names")
        with open(other, "rb") as file:
            self.assertEqual(file.read(), content)
        self.assertIn("2 names", self.run_salvor("config", "check", expect=None).out)

    def test_a_copy_is_as_good_as_its_source(self):
        self.fill()
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            database.create_collation("theirs", lambda a, b: (a > b) - (a < b))
            database.executescript("""
                CREATE TABLE parent (id INTEGER PRIMARY KEY);
                CREATE TABLE child (parent REFERENCES parent, name TEXT COLLATE theirs);
                CREATE INDEX by_name ON child (name);
                INSERT INTO child VALUES (7, 'b'), (8, 'a');""")
        self.run_salvor("init")
        self.run_salvor("backup")
        report = self.json_of("drill", "shop")
        found = {check["name"]: check for check in report["checks"]}
        self.assertEqual(found["integrity_check of db"]["verdict"], "not_run")
        self.assertIn("theirs", found["integrity_check of db"]["actual"])
        self.assertEqual(found["foreign_key_check of db"]["verdict"], "passed")
        self.assertIn("2 rows break a foreign key", found["foreign_key_check of db"]["actual"])
        self.assertTrue(any("theirs" in line for line in report["not_covered"]))
        done = self.run_salvor("restore", "shop", "--into", "out")
        self.assertIn("2 rows break a foreign key", done.err)
        self.assertEqual(self.json_of("restore", "shop", "--confirm", "shop")["state"], "succeeded")

    def test_restores_and_drills_without_a_state_directory(self):
        self.ready()
        good = dump(self.database)
        spare = self.path("spare")
        os.mkdir(spare, 0o700)
        env = {"TMPDIR": spare}
        for how in ("full", "read-only"):
            with self.subTest(how):
                disk = self.small_disk(f"state-{how}", "size=64k,mode=700")
                write(self.config, (CONFIG + WRITES).replace('"state"', f'"state-{how}"'))
                if how == "full":
                    with contextlib.suppress(OSError), open(disk + "/fill", "wb") as file:
                        file.write(b"x" * 100_000)
                else:
                    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
                subprocess.run(["sqlite3", self.database, "DELETE FROM orders"], check=True)
                done = self.run_salvor("drill", "shop", env=env)
                self.assertIn("state_dir can't be used", done.err)
                done = self.run_salvor("restore", "shop", "--confirm", "shop", env=env)
                self.assertIn("state_dir can't be used", done.err)
                self.assertEqual(dump(self.database), good)
                failed = self.run_salvor("backup", env=env, expect=1)
                self.assertIn("state_dir", failed.err)
                self.assertEqual(os.listdir(os.path.join(spare, f"salvor-{os.geteuid()}/drills")),
                                 [])

    def test_without_proc(self):
        self.fill()
        self.run_salvor("init")
        prefix = ["unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
        if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
            self.skipTest("not permitted to unmount /proc")
        os.remove(os.path.join(self.media, "link"))
        self.run_salvor("backup", prefix=prefix)
        self.run_salvor("restore", "shop", "--into", "out", prefix=prefix)
        self.assertEqual(dump(self.path("out/db/shop.db")), dump(self.database))
        os.symlink("logo.png", os.path.join(self.media, "link"))
        self.assertIn("there is no /proc", self.run_salvor("backup", prefix=prefix,
                                                              expect=None).err)
