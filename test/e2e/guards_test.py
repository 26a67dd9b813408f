"""What is refused, with which exit status, and that nothing was touched."""

import json
import os
import subprocess
import unittest

from shop import BY_PASSPHRASE, CONFIG, SALVOR, ShopTest, manifest, write

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Configuration(ShopTest):
    def test_init_twice(self):
        self.fill()
        self.run_salvor("init")
        before = manifest(self.path("repository"))
        self.fails(7, "conflict", "init", text="already")
        self.assertEqual(manifest(self.path("repository")), before)

    def test_wrong_passphrase(self):
        write(self.config, BY_PASSPHRASE)
        self.ready()
        write(self.path("passphrase"), "wrong\n", 0o600)
        self.fails(3, "configuration", "points", text="wrong passphrase")

    def test_unknown_key_is_located(self):
        write(self.config, CONFIG + "\n[serve]\nlisten_on = 1\n")
        lines = CONFIG.count("\n") + 3
        self.fails(3, "configuration", "points", text=f"salvor.toml:{lines}:1: ")

    def test_missing_configuration(self):
        self.fails(3, "configuration", "points", config=self.path("nowhere.toml"),
                   text="nowhere.toml")

    def test_repository_inside_a_store(self):
        self.fill()
        write(self.config, CONFIG.replace('"repository"', '"live/media/repository"'))
        for command in ("init", "backup", "config check"):
            self.fails(3, "configuration", *command.split(), text="inside store media")
        self.assertFalse(os.path.exists(self.path("live/media/repository")))

    def test_newer_format(self):
        self.ready()
        path = self.path("repository/salvor.json")
        with open(path, encoding="utf-8") as file:
            description = file.read()
        os.chmod(path, 0o600)
        with open(path, "w", encoding="utf-8") as file:
            file.write(description.replace('"format": 1', '"format": 2'))
        for command in ("points", "backup", "restore shop --into out"):
            self.fails(3, "configuration", *command.split(), text="format 2")
        # Nobody but a holder of the keys can raise the format: verify knows that it is damage.
        self.assertFalse(self.json_of("verify", expect=5)["sound"])
        self.assertTrue(self.json_of("verify", "--repair")["sound"])
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), description)

    def test_no_repository(self):
        self.fill()
        self.fails(4, "not_found", "backup", text="salvor init")

    def test_store_that_is_not_there(self):
        self.fill()
        self.run_salvor("init")
        os.rename(self.media, self.media + "-away")
        self.fails(4, "not_found", "backup", text=["store media", "does not exist"])
        self.assertEqual(self.json_of("runs")["runs"][0]["state"], "failed")

    def test_unknown_names(self):
        self.ready()
        self.fails(4, "not_found", "backup", "shpo", text='did you mean "shop"')
        self.fails(4, "not_found", "backup", "shop", "--store", "medai", text='"media"')
        self.fails(4, "not_found", "ls", "0123456789abcdef", "media", text="0123456789abcdef")
        self.fails(4, "not_found", "ls", "latest", "nowhere")
        self.fails(4, "not_found", "restore", "shpo", "--into", "x", text='"shop"')
        self.fails(4, "not_found", "restore", "shop", "--into", "x", "--at", "2001-01-01",
                   text="there are points from ")
        self.fails(4, "not_found", "restore", "shop", "--into", "x", "--only", "nowhere")
        self.assertFalse(os.path.exists(self.path("x")))


class Targets(ShopTest):
    def test_target_with_content(self):
        self.ready()
        write(self.path("out/media/precious"), b"keep me")
        self.fails(6, "refused", "restore", "shop", "--into", "out", text="not empty")
        self.assertEqual(os.listdir(self.path("out")), ["media"])
        self.assertEqual(os.listdir(self.path("out/media")), ["precious"])

    def test_live_data_and_the_repository(self):
        self.ready()
        before, repository = manifest(self.path("live")), manifest(self.path("repository"))
        os.symlink("live", self.path("alias"))
        for arguments in (["--into", "live"], ["--into", "live", "--delta"],
                          ["--into", "alias", "--delta"], ["--into", "repository/x"]):
            self.fails(6, "refused", "restore", "shop", *arguments)
        os.symlink("../live/media", self.path("alias-media"))
        self.assertEqual(manifest(self.path("live")), before)
        self.assertEqual(manifest(self.path("repository")), repository)

    def test_full_disk(self):
        self.ready()
        self.small_disk("small", "size=1m")
        self.fails(6, "refused", "restore", "shop", "--into", "small/out", text="too little space")
        self.assertEqual(os.listdir(self.path("small")), [])

    def test_a_disk_that_fills_up_on_the_way(self):
        self.ready()
        # Bytes enough, so that nothing is refused, but no more files.
        self.small_disk("small", "size=100m,nr_inodes=8")
        self.fails(1, "no_space", "restore", "shop", "--into", "small/out", text="small/out")
        self.run_salvor("restore", "shop", "--into", "out")

    def test_full_repository(self):
        self.fill()
        self.small_disk("repository", "size=2m")
        self.run_salvor("init")
        self.fails(1, "no_space", "backup")
        self.assertEqual(self.json_of("points")["points"], [])


class Unreadable(ShopTest):
    def setUp(self):
        super().setUp()
        self.prefix = ()
        self.fill()
        for name in ("secret1", "secret2"):
            write(os.path.join(self.media, name), b"x", 0)
        if os.geteuid() == 0:
            # Root reads everything: the program runs as nobody, who owns all but these two.
            self.prefix = NOBODY
            for directory, folders, files in os.walk(self.root):
                for path in [directory] + [os.path.join(directory, n) for n in folders + files]:
                    if not os.path.basename(path).startswith("secret"):
                        os.lchown(path, 65534, 65534)

    def test_all_are_listed_and_there_is_no_point(self):
        self.run_salvor("init", prefix=self.prefix)
        self.fails(1, "failed", "backup", prefix=self.prefix,
                   text=["2 paths could not be read", "secret1", "secret2", "on_unreadable"])
        self.assertEqual(self.json_of("points", prefix=self.prefix)["points"], [])

    def test_tolerated_when_the_configuration_says_so(self):
        write(self.config, CONFIG + 'on_unreadable = "warn"\n')
        self.run_salvor("init", prefix=self.prefix)
        done = self.run_salvor("--json", "backup", prefix=self.prefix)
        self.assertIn("secret1", done.err)
        point = self.json_of("points", prefix=self.prefix)["points"][0]
        missing = [m["path"] for m in point["snapshots"][1]["missing"]]
        self.assertEqual(sorted(missing), ["secret1", "secret2"])
        text = self.run_salvor("points", prefix=self.prefix).out
        self.assertIn("2 missing", text)
        self.assertIn("media: secret1: ", text)


class Owners(ShopTest):
    def test_the_plan_says_that_an_ordinary_user_can_not_restore_owners(self):
        if os.geteuid() != 0:
            self.skipTest("files of two users are needed")
        self.ready()
        told = str(self.json_of("restore", "shop", "--plan")["warnings"])
        self.assertNotIn("belong to other users", told)
        for directory, folders, files in os.walk(self.root):
            for path in [directory] + [os.path.join(directory, n) for n in folders + files]:
                os.lchown(path, 65534, 65534)
        plan = self.json_of("restore", "shop", "--plan", prefix=NOBODY)
        self.assertTrue(any("belong to other users in the point" in line
                            for line in plan["warnings"]), plan["warnings"])


class Interruption(ShopTest):
    def test_a_signal_ends_the_run_in_order(self):
        self.fill()
        for number in range(60):
            write(os.path.join(self.media, f"more/{number}"), os.urandom(2_000_000))
        self.run_salvor("init")
        process = subprocess.Popen([SALVOR, "-c", self.config, "--json", "backup"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Stopped as soon as it has begun to upload.
        while not self.objects("tmp") and not self.objects("packs") and process.poll() is None:
            pass
        process.terminate()
        out, err = process.communicate(timeout=60)
        if process.returncode == 0:
            self.skipTest("the machine was faster than the signal")
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(json.loads(out)["error"]["code"], "cancelled", err)
        self.assertEqual(self.json_of("runs")["runs"][0]["state"], "failed")
        self.assertEqual(self.json_of("points")["points"], [])
        self.run_salvor("backup")
        self.run_salvor("verify", "--data")


if __name__ == "__main__":
    unittest.main()
