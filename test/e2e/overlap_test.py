"""Stores that lie within each other: refused, or each with its own data, in place and back."""

import contextlib
import os
import sqlite3
import unittest

import shop

CONFIG = """\
state_dir = "state"

[repository]
url      = "repository"
key_file = "key"

[service.s.store.files]
type = "files"
path = "data"
"""
DATABASE = """
[service.s.store.db]
type = "sqlite"
path = "data/app.db"
"""
EXCLUDE = "exclude = ['/app.db', '/app.db-*']\n"


class OverlapTest(shop.ShopTest):

    def setUp(self):
        super().setUp()
        self.database = self.path("data/app.db")
        shop.write(self.path("data/page.txt"), "before")
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE t (x)")
            connection.execute("INSERT INTO t VALUES ('before')")
        shop.write(self.config, CONFIG + EXCLUDE + DATABASE)
        self.run_salvor("init")
        self.run_salvor("backup")

    def rows(self):
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return [x for (x,) in connection.execute("SELECT x FROM t")]

    def page(self):
        with open(self.path("data/page.txt"), encoding="utf-8") as file:
            return file.read()

    def change(self):
        shop.write(self.path("data/page.txt"), "after")
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("INSERT INTO t VALUES ('after')")

    def test_overlapping_stores_are_refused_by_every_verb_that_acts(self):
        self.change()
        before = shop.manifest(self.path("data"))
        for text in (CONFIG + DATABASE, CONFIG.replace("[service.s.store.files]", DATABASE.lstrip()
                                                       + "\n[service.s.store.files]")):
            shop.write(self.config, text)
            for command in (["config", "check"], ["backup"], ["backup", "s"], ["drill", "s"],
                            ["restore", "s", "--plan"], ["restore", "s", "--confirm", "s"]):
                self.fails(3, "configuration", *command,
                           text="write exclude = ['/app.db', '/app.db-*'] in "
                                "[service.s.store.files]")
        self.assertEqual(shop.manifest(self.path("data")), before)

    def test_another_service_is_backed_up_all_the_same(self):
        shop.write(self.path("more/x"), "x")
        shop.write(self.config, CONFIG + DATABASE +
                   '[service.t.store.more]\ntype = "files"\npath = "more"\n')
        done = self.run_salvor("--json", "backup", expect=3)
        self.assertEqual([b["service"] for b in done.json()["backups"]], ["t"])
        self.assertEqual(done.json()["error"]["code"], "configuration")

    def test_a_database_in_a_tree_that_leaves_it_out_is_restored_and_taken_back(self):
        self.change()
        run = self.json_of("restore", "s", "--confirm", "s")["run"]
        self.assertEqual((self.page(), self.rows()), ("before", ["before"]))
        self.run_salvor("restore", "--undo", run, "--confirm", "s")
        self.assertEqual((self.page(), self.rows()), ("after", ["before", "after"]))

    def test_and_is_closed(self):
        self.change()
        run = self.json_of("restore", "s", "--confirm", "s")["run"]
        self.run_salvor("restore", "--close", run, "--confirm", "s")
        self.assertEqual((self.page(), self.rows()), ("before", ["before"]))
        self.assertEqual(sorted(os.listdir(self.path("data")))[:2], ["app.db", "page.txt"])
        self.assertEqual([name for name in os.listdir(self.path("data"))
                          if name.startswith(".salvor-")], [])


if __name__ == "__main__":
    unittest.main()
