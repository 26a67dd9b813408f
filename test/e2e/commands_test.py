"""Every command once, as people use it, and what it prints."""

import os
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

from shop import CONFIG, SALVOR, ShopTest, dump, manifest, write

STORE_KEYS = {"name", "type", "bytes_read", "bytes_stored", "entries", "duration_s"}
COMMANDS = ("init", "config", "config check", "backup", "points", "ls", "cat", "diff", "restore",
            "drill", "runbook", "verify", "status", "runs", "runs show", "keys", "keys list",
            "keys add", "keys remove", "keys rotate", "keys generate", "evidence", "evidence list",
            "evidence show", "evidence export", "evidence verify", "evidence key", "completion",
            "completion bash", "version")


class RoundTrip(ShopTest):
    def test_everything_comes_back(self):
        self.fill()
        self.run_salvor("init")
        report = self.json_of("backup")
        self.assertEqual(report["service"], "shop")
        self.assertRegex(report["point"], "^[0-9a-f]{16}$")
        self.assertEqual([store["name"] for store in report["stores"]], ["db", "media"])
        for store in report["stores"]:
            self.assertLessEqual(STORE_KEYS, set(store))
        before, rows = manifest(self.media), dump(self.database)
        shutil.rmtree(self.path("live"))
        restored = self.json_of("restore", "shop", "--into", "out")
        self.assertEqual(restored["point"], report["point"])
        self.assertEqual(manifest(self.path("out/media")), before)
        self.assertEqual(os.listdir(self.path("out/db")), ["shop.db"])
        self.assertEqual(dump(self.path("out/db/shop.db")), rows)
        self.assertEqual({store["name"] for store in restored["stores"]}, {"db", "media"})

    def test_second_backup_stores_only_what_changed(self):
        self.ready()
        write(os.path.join(self.media, "new"), b"x" * 1000)
        media = self.json_of("backup")["stores"][1]
        # What changed in the last minute is read again, as its times prove nothing yet.
        self.assertLess(media["bytes_stored"], 10_000)

    def test_an_older_point_by_id_prefix_and_time(self):
        first = self.ready()
        between = time.time() + 0.01
        time.sleep(0.05)
        write(os.path.join(self.media, "logo.png"), b"changed")
        second = self.json_of("backup")["point"]
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(between)) + \
            f".{int(between % 1 * 1e6):06d}Z"
        for number, (at, point) in enumerate(
                [(first, first), (first[:10], first), (stamp, first), ("latest", second),
                 (second[:12], second), ("2199-01-01", second)]):
            report = self.json_of("restore", "shop", "--into", f"out{number}", "--at", at,
                                  "--only", "media")
            self.assertEqual(report["point"], point, at)
            self.assertEqual([store["name"] for store in report["stores"]], ["media"])
            self.assertFalse(os.path.exists(self.path(f"out{number}/db")))
        # The time that `points` shows selects the point that it belongs to.
        for shown in self.json_of("points")["points"]:
            report = self.json_of("restore", "shop", "--into", "out-" + shown["id"], "--at",
                                  shown["time"])
            self.assertEqual(report["point"], shown["id"])

    def test_delta_writes_only_what_differs(self):
        self.ready()
        self.run_salvor("restore", "shop", "--into", "out")
        good = manifest(self.path("out/media"))
        write(self.path("out/media/logo.png"), b"damaged")
        write(self.path("out/media/intruder"), b"not ours")
        os.remove(self.path("out/media/link"))
        report = self.json_of("restore", "shop", "--into", "out", "--delta")
        self.assertEqual(manifest(self.path("out/media")), good)
        media = [store for store in report["stores"] if store["name"] == "media"][0]
        self.assertGreaterEqual(media["moved_aside"], 1)
        self.assertLess(media["bytes_written"], media["bytes"] / 10)

    def test_several_services(self):
        self.fill()
        write(self.path("live/notes/a"), b"note")
        write(self.config, CONFIG + '[service.notes.store.files]\ntype = "files"\n'
                                    'path = "live/notes"\n')
        self.run_salvor("init")
        report = self.json_of("backup")
        self.assertEqual([each["service"] for each in report["backups"]], ["shop", "notes"])
        self.assertEqual(self.json_of("backup", "notes")["service"], "notes")
        self.assertEqual(len(self.json_of("points", "notes")["points"]), 2)
        # One service fails: the other is backed up nevertheless.
        shutil.rmtree(self.path("live/media"))
        done = self.run_salvor("--json", "backup", expect=4)
        self.assertEqual([each["service"] for each in done.json()["backups"]], ["notes"])
        self.assertIn("service shop", done.json()["error"]["message"])


class LookInside(ShopTest):
    def test_ls(self):
        point = self.ready()
        entries = self.json_of("ls", point, "media")["entries"]
        self.assertEqual([e["path"] for e in entries],
                         ["2026", "link", "logo.png", "logo2.png", "marker-of-plain-text.txt",
                          "not utf-8 \\xff\\x0a", "nothing in it", "sparse"])
        by_path = {e["path"]: e for e in entries}
        self.assertEqual(by_path["link"]["target"], "2026/02/big.bin")
        self.assertEqual(by_path["logo2.png"]["kind"], "hard link")
        self.assertEqual(by_path["logo2.png"]["target"], "logo.png")
        self.assertEqual(by_path["not utf-8 \\xff\\x0a"]["path_hex"],
                         b"not utf-8 \xff\n".hex())
        self.assertEqual(by_path["sparse"]["size"], 5_000_000)
        below = self.json_of("ls", "latest", "media", "2026", "-R")["entries"]
        self.assertEqual([e["path"] for e in below],
                         ["2026/02", "2026/02/big.bin", "2026/02/empty"])
        one = self.json_of("ls", "latest", "media", "/2026/02/big.bin")["entries"]
        self.assertEqual([(e["path"], e["mode"], e["size"]) for e in one],
                         [("2026/02/big.bin", "0640", 3_000_000)])
        text = self.run_salvor("ls", "latest", "media", "2026/02").out
        self.assertRegex(text, r"^-rw-r----- .* 3000000 \d{4}-\d\d-\d\dT\S+ 2026/02/big.bin\n")

    def test_cat(self):
        self.ready()
        for name in ("2026/02/big.bin", "logo2.png", "sparse", "2026/02/empty"):
            with open(os.path.join(self.media, name), "rb") as file:
                self.assertEqual(self.run_salvor("cat", "latest", "media", name).raw, file.read())
        self.fails(4, "not_found", "ls", "latest", "media", "nowhere", text="nowhere")
        self.run_salvor("cat", "latest", "media", "2026", expect=2)

    def test_diff(self):
        first = self.ready()
        write(os.path.join(self.media, "added"), b"1")
        write(os.path.join(self.media, "logo.png"), b"22")
        os.remove(os.path.join(self.media, "sparse"))
        os.chmod(os.path.join(self.media, "2026/02/big.bin"), 0o600)
        second = self.json_of("backup")["point"]
        entries = self.json_of("diff", first, second)["entries"]
        changes = {e["path"]: e["change"] for e in entries if e["store"] == "media"}
        self.assertEqual(changes.pop(""), "metadata")  # the directory's time
        changes.pop("logo2.png", None)
        self.assertEqual(changes, {"added": "added", "logo.png": "modified", "sparse": "removed",
                                   "2026/02/big.bin": "metadata"})
        text = self.run_salvor("diff", first, second).out
        self.assertIn("+ media: added\n", text)
        self.assertIn("- media: sparse\n", text)
        self.assertIn("M media: logo.png (10240 -> 2 bytes)\n", text)
        self.assertIn("m media: 2026/02/big.bin\n", text)
        self.assertEqual(self.json_of("diff", second, second)["entries"], [])


class Reports(ShopTest):
    def test_points_runs_and_verify(self):
        point = self.ready()
        report = self.json_of("points")
        self.assertEqual(report["windows"], [])
        shown = report["points"][0]
        self.assertEqual((shown["id"], shown["service"], shown["stores"]),
                         (point, "shop", ["db", "media"]))
        verified = self.json_of("verify", "--data")
        self.assertTrue(verified["sound"])
        self.assertEqual(verified["affected"], [])
        runs = self.json_of("runs")["runs"]
        self.assertEqual([(r["kind"], r["state"]) for r in runs],
                         [("verify", "succeeded"), ("backup", "succeeded")])
        self.assertEqual(self.json_of("runs", "shop")["runs"][0]["service"], "shop")
        one = self.json_of("runs", "show", runs[1]["id"])
        self.assertEqual(one["summary"]["point"], point)
        self.fails(4, "not_found", "runs", "show", "20260101t000000-00000000")
        self.assertIn(point, self.run_salvor("points").out)
        self.assertRegex(self.run_salvor("verify").out, r"\nsound, as far as .* no data was read")
        self.assertRegex(self.run_salvor("verify", "--data").out, r"\nsound\n$")

    def test_status(self):
        self.fill()
        write(self.config, CONFIG.replace('rpo = "1h"', 'rpo = "1h"\nprotect = ["live"]'))
        write(self.path("live/other/sub/x"), b"forgotten")
        sqlite3.connect(self.path("live/other/sub/y.db")).execute("CREATE TABLE t (a)").close()
        self.run_salvor("init")
        first = self.json_of("status")["services"][0]
        self.assertIsNone(first["newest"])
        self.assertFalse(first["rpo_met"])
        self.assertIn("NO BACKUP", self.run_salvor("status").out)
        point = self.json_of("backup")["point"]
        status = self.json_of("status", "shop")["services"][0]
        self.assertEqual(status["newest"]["id"], point)
        self.assertTrue(status["rpo_met"])
        self.assertEqual(status["last_backup"]["state"], "succeeded")
        self.assertEqual([(u["path"], u["sqlite"]) for u in status["uncovered"]],
                         [(self.path("live/other"), False),
                          (self.path("live/other/sub/y.db"), True)])
        shutil.rmtree(self.path("live/other"))
        self.assertIn(" unproven ", self.run_salvor("status").out)
        self.run_salvor("drill", "shop")
        self.assertIn(" good ", self.run_salvor("status").out)

    def test_status_without_repository(self):
        self.fill()
        done = self.run_salvor("--json", "status", expect=4)
        self.assertEqual(done.json()["services"][0]["service"], "shop")
        self.assertEqual(done.json()["error"]["code"], "not_found")

    def test_config_check(self):
        self.fill()
        report = self.json_of("config", "check")
        self.assertTrue(report["good"])
        self.assertTrue(report["repository"]["absent"])
        self.run_salvor("init")
        self.assertFalse(self.json_of("config", "check")["repository"]["absent"])
        os.rename(self.media, self.media + "-away")
        report = self.json_of("config", "check", expect=3)
        problems = {store["name"]: store["problem"] for store in report["stores"]}
        self.assertEqual(problems, {"db": "", "media": "No such file or directory"})

    def test_quiet_says_nothing_but_answers(self):
        self.fill()
        self.assertEqual(self.run_salvor("init", "-q").out, "")
        self.assertEqual(self.run_salvor("-q", "backup").out, "")
        self.assertNotEqual(self.run_salvor("points", "-q").out, "")


class CommandLine(ShopTest):
    def test_help_of_every_command(self):
        for command in COMMANDS:
            done = self.run_salvor(*command.split(), "--help")
            self.assertIn("Example: ", done.out, command)
            self.assertEqual(done.err, "")
        self.assertIn("Exit status", self.run_salvor("--help").out)

    def test_version(self):
        for arguments in (["version"], ["--version"]):
            done = subprocess.run([SALVOR, *arguments], capture_output=True, text=True, check=True)
            self.assertRegex(done.stdout, r"^salvor \d+\.\d+\.\d+ \(repository format 1\)\n$")
        self.assertEqual(set(self.json_of("version")), {"version", "format"})

    def test_usage_errors(self):
        for arguments in (["frobnicate"], [], ["keys"], ["keys", "frobnicate"], ["ls"],
                          ["backup", "--frobnicate"], ["restore"], ["ls", "abc", "media"],
                          ["restore", "shop", "--into", "x", "--at", "someday"]):
            if arguments and arguments[0] in ("restore", "ls") and len(arguments) > 2:
                if not os.path.exists(self.path("repository")):
                    self.ready()
            self.fails(2, "usage", *arguments)
        self.fails(2, "usage", "bakcup", text='did you mean "backup"')
        self.fails(6, "refused", "restore", "shop", text="--confirm shop")
        self.fails(2, "usage", "restore", "shop", "--into", "x", "--at", "lsn:0/1",
                   text="PostgreSQL")

    def test_global_options_before_and_after(self):
        self.fill()
        for arguments in (["init", "--json", "-c", self.config], ["-c", self.config, "points"],
                          ["points", "-q", "--config", self.config]):
            done = subprocess.run([SALVOR, *arguments], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run([SALVOR, "points"], capture_output=True, check=False, cwd=self.root)
        self.assertEqual(done.returncode, 0, "salvor.toml here is found")

    def test_output_that_cannot_be_written(self):
        self.ready()
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SALVOR, "-c", self.config, "points"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)

    def test_completion(self):
        script = self.run_salvor("completion", "bash").out
        done = subprocess.run(
            ["bash", "-c", script + """
complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _salvor; echo "${COMPREPLY[@]}"; }
complete_words salvor ver
complete_words salvor keys ro
complete_words salvor -c x restore shop --de
complete_words salvor keys add --recip
"""], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.splitlines(),
                         ["verify version", "rotate", "--delta --detach", "--recipient"])

    def test_progress_is_not_in_the_way(self):
        self.fill()
        self.run_salvor("init")
        done = self.run_salvor("backup")
        self.assertEqual(done.err, "")
        self.assertTrue(re.match(r"service shop: recovery point [0-9a-f]{16} of ", done.out))


if __name__ == "__main__":
    unittest.main()
