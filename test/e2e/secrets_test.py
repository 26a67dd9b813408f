"""Keys and passphrases: what opens the repository, and that nothing leaks."""

import os
import resource
import stat
import subprocess
import unittest

from shop import BY_PASSPHRASE, MARKER, PASSPHRASE, SALVOR, ShopTest, write


class Keys(ShopTest):
    beginning = BY_PASSPHRASE

    def config_with(self, *lines):
        path = self.path("other.toml")
        write(path, BY_PASSPHRASE.replace('passphrase_file = "passphrase"', "\n".join(lines)))
        return path

    def test_add_use_and_remove(self):
        self.ready()
        write(self.path("second"), "another passphrase", 0o600)
        other = self.config_with('passphrase_file = "second"')
        self.fails(3, "configuration", "points", config=other)
        added = self.json_of("keys", "add", "--passphrase-file", self.path("second"), "--label",
                             "on paper")["key"]
        keys = self.json_of("keys", "list")["keys"]
        self.assertEqual([key["label"] for key in keys if key["id"] == added], ["on paper"])
        self.assertEqual(len(self.json_of("points", config=other)["points"]), 1)
        first = [key["id"] for key in keys if key["id"] != added][0]
        self.run_salvor("keys", "remove", first, config=other)
        self.fails(3, "configuration", "points", text="wrong passphrase")
        self.run_salvor("points", config=other)
        self.fails(6, "refused", "keys", "remove", added, config=other, text="last")
        self.fails(4, "not_found", "keys", "remove", "0123456789abcdef", config=other)

    def test_what_opens_already_is_not_added_again(self):
        self.ready()
        recipient = self.json_of("keys", "generate", "key")["recipient"]
        added = self.json_of("keys", "add", "--recipient", recipient)["key"]
        keys = self.json_of("keys", "list")["keys"]
        self.fails(2, "usage", "keys", "add", "--recipient", recipient,
                   text=f"this key file opens the repository already, as key {added}")
        self.fails(2, "usage", "keys", "add", "--passphrase-file", self.path("passphrase"),
                   text="this passphrase opens the repository already, as key ")
        self.assertEqual(self.json_of("keys", "list")["keys"], keys)
        # What was removed, and what is in the repository since a rotation, are told apart.
        self.run_salvor("keys", "rotate")
        self.fails(2, "usage", "keys", "add", "--recipient", recipient)
        added = [key["id"] for key in self.json_of("keys", "list")["keys"]
                 if key["kind"] == "recipient"]
        self.run_salvor("keys", "remove", *added)
        self.run_salvor("keys", "add", "--recipient", recipient)

    def test_key_file(self):
        self.ready()
        recipient = self.json_of("keys", "generate", "key")["recipient"]
        self.assertEqual(stat.S_IMODE(os.stat(self.path("key")).st_mode), 0o600)
        self.fails(6, "refused", "keys", "generate", "key")
        other = self.config_with('key_file = "key"')
        self.fails(3, "configuration", "points", config=other)
        self.run_salvor("keys", "add", "--recipient", recipient)
        self.assertEqual(len(self.json_of("points", config=other)["points"]), 1)
        self.run_salvor("backup", config=other)
        self.fails(2, "usage", "keys", "add", "--recipient", "abc")
        self.fails(2, "usage", "keys", "add")

    def test_init_with_both(self):
        self.fill()
        both = self.config_with('passphrase_file = "passphrase"', 'key_file = "key"')
        report = self.json_of("init", config=both)
        self.assertEqual(report["new_key_file"], self.path("key"))
        self.assertEqual(sorted(key["kind"] for key in report["keys"]),
                         ["passphrase", "recipient"])
        self.run_salvor("backup", config=both)
        self.run_salvor("points")
        os.remove(self.path("key"))
        done = self.run_salvor("points", config=both)
        self.assertIn("passphrase instead", done.err)

    def test_init_with_a_key_file_only(self):
        self.fill()
        only = self.config_with('key_file = "key"')
        self.run_salvor("init", config=only)
        self.run_salvor("backup", config=only)

    def test_rotate(self):
        point = self.ready()
        self.run_salvor("keys", "rotate")
        write(os.path.join(self.media, "after"), b"rotation")
        self.run_salvor("backup")
        self.assertTrue(self.json_of("verify", "--data")["sound"])
        self.run_salvor("restore", "shop", "--into", "out", "--at", point)
        self.run_salvor("restore", "shop", "--into", "out2")

    def test_passphrase_by_environment_and_command(self):
        self.ready()
        by_env = self.config_with('passphrase_env = "SHOP_PASSPHRASE"')
        self.run_salvor("points", config=by_env, env={"SHOP_PASSPHRASE": PASSPHRASE})
        self.fails(3, "configuration", "points", config=by_env)
        by_command = self.config_with('passphrase_command = "cat passphrase"')
        self.run_salvor("points", config=by_command)


class Leaks(ShopTest):
    beginning = BY_PASSPHRASE

    def test_nothing_readable_in_the_repository(self):
        self.ready()
        # Whatever leaves records: journals, claims, evidence, safety snapshots.
        os.remove(os.path.join(self.media, "logo.png"))
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.run_salvor("drill", "shop")
        # No shorter ones: among millions of encrypted bytes they would be found by chance.
        needles = [MARKER.encode(), b"logo.png", b"media", b"shop.db", PASSPHRASE.encode()]
        for directory, folders, files in os.walk(self.path("repository")):
            self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700, directory)
            for name in files:
                path = os.path.join(directory, name)
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
                with open(path, "rb") as file:
                    content = file.read()
                for needle in needles:
                    self.assertNotIn(needle, content, path)
                    self.assertNotIn(needle.decode(), name)
        for directory, folders, files in os.walk(self.path("state")):
            for name in folders:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode),
                                 0o700)
            for name in files:
                path = os.path.join(directory, name)
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
                with open(path, "rb") as file:
                    self.assertNotIn(PASSPHRASE.encode(), file.read())

    def test_the_spool_is_empty_afterwards(self):
        self.ready()
        spool = self.path("state/spool")
        self.assertEqual(os.listdir(spool) if os.path.exists(spool) else [], [])

    def test_passphrase_is_in_no_output_and_no_process(self):
        self.ready()
        for arguments in (["-v", "points"], ["-v", "backup"], ["--json", "keys", "list"],
                          ["runs"], ["-v", "config", "check"]):
            done = self.run_salvor(*arguments)
            self.assertNotIn(PASSPHRASE, done.out + done.err)
        # What a passphrase command sees of its parent, and gets itself.
        write(self.path("spy.sh"), "read -r _ _ _ salvor _ </proc/$PPID/stat\n"
              "for f in /proc/$salvor/cmdline /proc/$salvor/environ /proc/$$/environ; do\n"
              f"  tr '\\0' '\\n' <$f; done >{self.path('seen')}\ncat {self.path('passphrase')}\n")
        write(self.config, BY_PASSPHRASE.replace('passphrase_file = "passphrase"',
                                          f'passphrase_command = "sh {self.path("spy.sh")}"'))
        self.run_salvor("backup")
        with open(self.path("seen"), encoding="utf-8", errors="replace") as file:
            seen = file.read()
        self.assertTrue(seen.startswith(SALVOR + "\n"), "the spy has not seen the program")
        self.assertFalse(PASSPHRASE in seen, "the passphrase is in an environment or command line")

    def test_no_core_dumps(self):
        write(self.path("spy.sh"), f"cat /proc/$PPID/limits >{self.path('limits')}; echo x\n")
        self.ready()
        write(self.config, BY_PASSPHRASE.replace('passphrase_file = "passphrase"',
                                          f'passphrase_command = "sh {self.path("spy.sh")}"'))
        highest = resource.getrlimit(resource.RLIMIT_CORE)[1]
        subprocess.run([SALVOR, "-c", self.config, "points"], capture_output=True, check=False,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE,
                                                             (highest, highest)))
        with open(self.path("limits"), encoding="utf-8") as file:
            core = [line for line in file if line.startswith("Max core file size")][0]
        self.assertEqual(core.split()[4], "0")


if __name__ == "__main__":
    unittest.main()
