"""What people are told to type next: whether it is there, whole, and right."""

import os
import shutil
import unittest

from shop import ShopTest


class Unmounted(ShopTest):
    """A repository that this host's catalog knows, and that is not there."""

    COMMANDS = (["backup"], ["points"], ["status"], ["verify"], ["drill", "shop"],
                ["ls", "latest", "media"], ["restore", "shop", "--plan"], ["keys", "list"],
                ["restore", "shop", "--into", "x"], ["evidence", "list", "shop"])

    def known(self):
        return self.json_of("verify")["repository"]

    def put_away(self, mount_point):
        shutil.move(self.path("repository"), self.path("away"))
        if mount_point:
            os.mkdir(self.path("repository"))

    def test_what_is_not_mounted_is_not_made_anew(self):
        self.ready()
        known = self.known()
        for mount_point in (False, True):
            self.put_away(mount_point)
            for command in self.COMMANDS:
                with self.subTest(command, mount_point=mount_point):
                    self.fails(4, "not_found", *command,
                               text=[f"knows repository {known} at this URL", "may not be mounted",
                                     "salvor init --replace-known"])
            self.fails(6, "refused", "init", text=[known, "may not be mounted"])
            report = self.json_of("config", "check", expect=8)
            self.assertIn("may not be mounted", report["repository"]["problem"])
            self.assertFalse(os.path.exists(self.path("repository/salvor.json")))
            shutil.rmtree(self.path("repository"), ignore_errors=True)
            shutil.move(self.path("away"), self.path("repository"))
        self.run_salvor("backup")

    def test_it_is_known_from_its_beginning(self):
        self.fill()
        made = self.json_of("init")["repository"]
        self.put_away(True)
        self.fails(6, "refused", "init", text=made)
        again = self.json_of("init", "--replace-known")["repository"]
        self.assertNotEqual(made, again)
        self.run_salvor("backup")

    def test_where_none_was_known_init_is_named(self):
        self.fails(4, "not_found", "backup", text="create it with `salvor init`")
        self.run_salvor("init")
        self.fails(7, "conflict", "init")


if __name__ == "__main__":
    unittest.main()
