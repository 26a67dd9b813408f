"""What was written can be read: trees at the limits of what a file system holds."""

import os
import unittest

import deep_tree
from shop import ShopTest, write

CONFIG = """\
state_dir = "state"

[repository]
url      = "repository"
key_file = "key"

[service.s.store.files]
type = "files"
path = "data"
{more}
"""


class LimitsTest(ShopTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("data"))
        # Before the directory itself goes: its paths are too long for shutil.
        self.addCleanup(deep_tree.remove, self.root)
        self.configure()
        self.run_salvor("-q", "init")

    def configure(self, more=""):
        write(self.config, CONFIG.format(more=more))

    # Keys of 32 KiB made a tree of more levels than a reader allows: the point was lost.
    def test_paths_of_any_length_come_back(self):
        names = [f"{i:03}".ljust(254, "n") for i in range(127)] + ["last".ljust(200, "-")]
        bottom = deep_tree.make_chain(self.path("data"), names)
        for i in range(60):
            deep_tree.put(bottom, f"file-{i}", os.urandom(100 + i))
        os.close(bottom)
        write(self.path("data/beside"), "the rest of the tree")
        self.run_salvor("-q", "backup")
        listing = self.run_salvor("ls", "latest", "files", "/".join(names))
        self.assertEqual(60, len(listing.out.strip().split("\n")))
        self.run_salvor("-q", "restore", "s", "--into", "out")
        self.assertEqual(deep_tree.describe(self.path("data")),
                         deep_tree.describe(self.path("out/files")))
        self.run_salvor("-q", "drill", "s")
        self.run_salvor("-q", "verify", "--data")

    # A path that no snapshot can hold costs that path, and no other.
    def test_what_is_beyond_the_limits_is_named_and_the_rest_kept(self):
        names = [f"{i:03}".ljust(254, "n") for i in range(270)]
        os.close(deep_tree.make_chain(self.path("data"), names))
        write(self.path("data/beside"), "the rest of the tree")
        refused = self.run_salvor("-q", "backup", expect=1)
        self.assertIn("its path is longer than 65536 bytes", refused.err)
        self.configure(more='on_unreadable = "warn"')
        warned = self.run_salvor("backup")
        self.assertIn("its path is longer than 65536 bytes", warned.err)
        self.run_salvor("-q", "restore", "s", "--into", "out")
        found = deep_tree.describe(self.path("out/files"))
        self.assertIn(b"beside", found)
        self.assertEqual(257, sum(1 for path in found if path.startswith(b"000n")))


if __name__ == "__main__":
    unittest.main()
