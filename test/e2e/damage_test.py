"""Damage is found, named, and never restored silently."""

import os
import shutil
import unittest

from shop import ShopTest, manifest, write


def flip(path, at):
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


class Damage(ShopTest):
    def largest_pack(self):
        return max(self.objects("packs"), key=os.path.getsize)

    def test_flipped_byte(self):
        self.ready()
        pack = self.largest_pack()
        flip(pack, os.path.getsize(pack) // 2)
        report = self.json_of("verify", "--data", expect=5)
        self.assertFalse(report["sound"])
        self.assertTrue(any(os.path.basename(pack) in f["object"] for f in report["findings"]
                            if f["severity"] == "damage"), report["findings"])
        self.assertTrue(report["affected"])
        self.assertEqual({"point", "service", "store", "path"} - set(report["affected"][0]), set())
        self.assertEqual(self.json_of("runs")["runs"][0]["state"], "failed")
        self.fails(5, "corruption", "restore", "shop", "--into", "out")

    def test_missing_pack(self):
        self.ready()
        os.remove(self.largest_pack())
        report = self.json_of("verify", expect=5)
        self.assertFalse(report["sound"])
        self.assertIn("2026/02/big.bin", {each["path"] for each in report["affected"]})
        self.assertIn("DAMAGED", self.run_salvor("verify", expect=5).out)
        # What is gone is stored again by the next backup of the same content.
        write(os.path.join(self.media, "2026/02/big.bin"), os.urandom(3_000_000), 0o640)
        self.run_salvor("backup")
        self.run_salvor("restore", "shop", "--into", "out")
        self.assertEqual(manifest(self.path("out/media")), manifest(self.media))

    def test_lost_index_is_repaired(self):
        self.ready()
        for path in self.objects("index"):
            os.remove(path)
        self.run_salvor("verify", expect=5)
        report = self.json_of("verify", "--repair")
        self.assertTrue(report["sound"])
        self.assertTrue(report["repaired"])
        self.assertTrue(self.json_of("verify", "--data")["sound"])

    def test_an_older_copy_of_the_repository(self):
        self.ready()
        shutil.copytree(self.path("repository"), self.path("copy"))
        write(os.path.join(self.media, "new"), b"1")
        self.run_salvor("backup")
        shutil.rmtree(self.path("repository"))
        os.rename(self.path("copy"), self.path("repository"))
        self.fails(5, "corruption", "backup", text="this machine has seen it at")
        self.run_salvor("verify", expect=5)
        done = self.run_salvor("restore", "shop", "--into", "out")
        self.assertIn("warning", done.err)

    def test_lost_catalog_loses_no_recoverability(self):
        self.ready()
        shutil.rmtree(self.path("state"))
        self.run_salvor("restore", "shop", "--into", "out")
        self.assertEqual(manifest(self.path("out/media")), manifest(self.media))
        shutil.rmtree(self.path("state"))
        os.makedirs(self.path("state/catalog.sqlite"))
        done = self.run_salvor("backup")
        self.assertIn("catalog", done.err)


if __name__ == "__main__":
    unittest.main()
