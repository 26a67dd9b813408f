"""An older copy of the repository, in the place of one that is lost: refused until accepted."""

import os
import re
import shutil
import subprocess
import unittest

from shop import CONFIG, WRITES, ShopTest, dump, manifest, write

# Ends a restore in place before its cut-over, once.
KILLER = ("[[service.shop.rebuild]]\nname = \"thumbnails\"\n"
          "run = 'test -e again || { touch again; kill -9 $PPID; }'\n"
          "isolated = true\n")


class OlderCopy(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, CONFIG + WRITES)
        self.first = self.ready()
        self.good = self.seen()
        self.id = self.json_of("verify")["repository"]

    def seen(self):
        return manifest(self.media), dump(self.database)

    def change(self, name):
        """Content that is new to the repository."""
        write(os.path.join(self.media, name), os.urandom(200_000))
        subprocess.run(["sqlite3", self.database,
                        f"INSERT INTO orders (what) VALUES ('{name}')"], check=True)

    def keep_copy(self):
        shutil.copytree(self.path("repository"), self.path("copy"))

    def lose_newest(self):
        shutil.rmtree(self.path("repository"))
        os.rename(self.path("copy"), self.path("repository"))

    def older(self):
        """A newer point is lost, and with it the chunks of what it had."""
        self.keep_copy()
        self.change("lost")
        self.run_salvor("backup")
        self.change("more")
        self.run_salvor("backup")
        self.lose_newest()

    def accept(self, *more):
        return self.json_of("verify", "--accept-older-repository", self.id, *more)

    def everything(self):
        found = {}
        for folder in os.listdir(self.path("repository")):
            for path in self.objects(folder):
                with open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def assert_works(self):
        self.run_salvor("backup")
        self.run_salvor("verify", "--data")
        self.run_salvor("verify", "--repair")
        self.assertEqual(self.json_of("evidence", "verify")["sound"], True)
        shutil.rmtree(self.path("out"), ignore_errors=True)
        self.run_salvor("restore", "shop", "--into", "out")
        self.assertEqual(manifest(self.path("out/media")), manifest(self.media))
        self.assertEqual(dump(self.path("out/db/shop.db")), dump(self.database))
        self.run_salvor("drill", "shop")
        self.run_salvor("keys", "rotate")

    def test_it_is_refused_and_the_hint_is_the_command(self):
        self.older()
        command = f"salvor verify --accept-older-repository {self.id}"
        self.fails(5, "corruption", "backup", text=["this machine has seen it at", command])
        self.fails(5, "corruption", "keys", "rotate", text=command)
        self.assertIn(command, self.run_salvor("verify", expect=5).out)
        self.run_salvor("verify", "--repair", expect=5)
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["state"], "critical")
        self.assertTrue(any(command in reason for reason in status["reasons"]), status["reasons"])
        self.assertIn("OLDER COPY", self.run_salvor("status", "--check", expect=9).out)

    def test_it_is_refused_for_every_service_of_one_backup(self):
        with open(self.config, "a", encoding="utf-8") as file:
            file.write('\n[service.wiki.store.pages]\ntype = "files"\npath = "live/pages"\n')
        write(self.path("live/pages/start"), "welcome")
        self.run_salvor("backup")
        self.older()
        before = self.json_of("points")["points"]
        self.fails(5, "corruption", "backup", text="this machine has seen it at")
        self.assertEqual(self.json_of("points")["points"], before)

    def test_a_refused_repair_leaves_evidence(self):
        self.older()
        self.run_salvor("verify", "--repair", expect=5)
        self.accept()
        evidence = self.json_of("evidence", "list", "-")["evidence"]
        refused = [each for each in evidence if each["result"] == "failed"]
        self.assertEqual([each["kind"] for each in refused], ["verify"], evidence)

    def test_a_restore_in_place_does_not_make_it_look_newer(self):
        self.older()
        os.remove(os.path.join(self.media, "logo.png"))
        command = f"salvor verify --accept-older-repository {self.id}"
        plan = self.run_salvor("restore", "shop", "--plan", expect=6)
        self.assertIn(command, plan.out + plan.err)
        self.fails(6, "refused", "restore", "shop", "--confirm", "shop",
                   text=["no safety snapshot can be taken", command, "--without-safety-snapshot"])
        self.assertFalse(os.path.exists(self.path("flag")))
        self.run_salvor("drill", "shop")
        self.run_salvor("restore", "shop", "--confirm", "shop", "--without-safety-snapshot")
        self.assertTrue(os.path.exists(os.path.join(self.media, "logo.png")))
        self.run_salvor("restore", "--undo", "latest", "--confirm", "shop")
        self.fails(5, "corruption", "backup", text=command)
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["state"], "critical")
        self.assertGreaterEqual(status["evidence_waiting"], 3)  # a drill, a restore, its undo
        self.accept()
        self.assertEqual(self.json_of("status")["services"][0]["evidence_waiting"], 0)
        self.assert_works()

    def test_a_repair_of_its_log_does_not_hide_that_it_is_older(self):
        self.keep_copy()
        self.run_salvor("keys", "rotate")
        self.lose_newest()
        log = self.objects("log")
        with open(log[1], "r+b") as file:
            file.seek(40)
            file.write(b"rotten")
        self.run_salvor("verify", "--repair", expect=5)
        self.run_salvor("backup", expect=5)
        self.assertIsNotNone(self.accept("--repair")["accepted"])
        self.assert_works()

    def test_another_repository_is_not_accepted(self):
        self.older()
        before = self.everything()
        for wrong in (self.id[:-1], "0" * len(self.id), "shop"):
            self.fails(4, "not_found", "verify", "--accept-older-repository", wrong, text=self.id)
        self.fails(2, "usage", "verify", "--accept-older-repository", "")
        self.assertEqual(self.everything(), before)
        self.run_salvor("backup", expect=5)

    def test_without_an_older_copy_there_is_nothing_to_accept(self):
        done = self.run_salvor("verify", "--accept-older-repository", self.id)
        self.assertIn("nothing to accept", done.out)
        self.assertIsNone(self.accept()["accepted"])
        kinds = [row["kind"] for row in self.json_of("evidence", "list")["evidence"]]
        self.assertNotIn("accept", kinds)

    def test_accepted_it_works(self):
        self.older()
        accepted = self.accept()["accepted"]
        self.assertGreater(accepted["seen"], accepted["found"])
        self.assertEqual(len(accepted["lost"]), 1, accepted)
        self.assertNotIn("OLDER COPY", self.run_salvor("status").out)
        # What the newer copy had of it is stored again.
        self.assert_works()
        self.assertIsNone(self.accept()["accepted"])

    def test_it_is_in_the_evidence_of_the_repository_and_of_the_service(self):
        self.older()
        self.accept()
        for service in ("-", "shop"):
            rows = self.json_of("evidence", "list", service)["evidence"]
            row = next(row for row in rows if row["kind"] == "accept")
            record = self.json_of("evidence", "show", service, str(row["sequence"]))["predicate"]
            self.assertRegex(record["deviations"][0],
                             r"its log ends at \d+, and this machine had seen it at \d+")
            self.assertIn(
                "the evidence of shop ends at record 1, and this machine had seen it at 3: at "
                "least 2 records are lost",
                record["deviations"])
            self.assertTrue(record["confirmed_by"])
        self.assertEqual(self.json_of("evidence", "verify")["sound"], True)

    def accepts(self):
        """How many records say that it was accepted, of the repository and of the shop."""
        return [len([row for row in self.json_of("evidence", "list", of)["evidence"]
                     if row["kind"] == "accept"]) for of in ("-", "shop")]

    def test_one_chain_that_can_not_be_read_now_is_accepted_later(self):
        self.older()
        rows = self.json_of("evidence", "list", "shop")["evidence"]
        self.assertEqual([row["kind"] for row in rows], ["backup"])
        for path in self.objects("evidence"):
            fails = ("strace", "-f", "-o", "/dev/null", "-P", path,
                     "-e", "inject=read,pread64:error=EIO")
            done = self.run_salvor("--json", "evidence", "show", "shop", "1", prefix=fails,
                                   expect=None)
            if done.status != 0:
                break
        arguments = ("verify", "--accept-older-repository", self.id)
        for _ in range(2):
            accepted = self.json_of(*arguments, prefix=fails, expect=5)["accepted"]
            self.assertEqual(len(accepted["refused"]), 1, accepted)
            self.assertIn("the evidence of shop can't be continued", accepted["refused"][0])
            self.assertEqual(self.accepts(), [1, 0])
        done = self.run_salvor(*arguments, prefix=fails, expect=5)
        self.assertIn("not accepted yet, and to be accepted again: the evidence of shop", done.out)
        self.assertNotIn("OLDER COPY", self.run_salvor("status").out)
        self.assertEqual(self.accept()["accepted"]["refused"], [])
        self.assertEqual(self.accepts(), [1, 1])
        self.assertIsNone(self.accept()["accepted"])
        self.assert_works()

    def test_with_repair_and_data(self):
        self.keep_copy()
        self.change("lost")
        self.run_salvor("backup")
        self.lose_newest()
        for path in self.objects("index") + self.objects("evidence")[:1]:
            with open(path, "r+b") as file:
                file.seek(40)
                file.write(b"rotten")
        report = self.accept("--repair", "--data")
        self.assertTrue(report["sound"])
        self.assertTrue(report["accepted"])
        self.assertTrue(report["repaired"])
        self.assert_works()

    def test_a_repair_alone_does_not_count_the_newer_evidence_as_lost(self):
        self.older()
        self.run_salvor("verify", "--repair", expect=5)
        self.accept()
        self.assertNotIn("lost", [row["kind"] for row
                                  in self.json_of("evidence", "list", "shop")["evidence"]])

    def test_each_machine_accepts_for_itself(self):
        self.keep_copy()
        with open(self.config, encoding="utf-8") as file:
            write(self.path("other.toml"), file.read().replace('"state"', '"other state"'))
        self.change("lost")
        self.run_salvor("backup")
        self.run_salvor("backup", config=self.path("other.toml"))
        self.lose_newest()
        self.accept()
        self.fails(5, "corruption", "backup", config=self.path("other.toml"))
        self.run_salvor("verify", "--accept-older-repository", self.id,
                        config=self.path("other.toml"))
        self.run_salvor("backup", config=self.path("other.toml"))

    def test_the_newer_copy_may_come_back(self):
        self.keep_copy()
        self.change("back")
        newer = self.json_of("backup")["point"]
        shutil.copytree(self.path("repository"), self.path("newer"))
        self.lose_newest()
        self.accept()
        shutil.rmtree(self.path("repository"))
        os.rename(self.path("newer"), self.path("repository"))
        # It lacks the evidence of the acceptance.
        self.run_salvor("verify", expect=5)
        self.assertEqual(len(self.accept()["accepted"]["lost"]), 1)
        self.assert_works()
        self.assertIn(newer, [point["id"] for point in self.json_of("points")["points"]])

    def killed_restore(self, point):
        """A restore in place that was killed before its cut-over."""
        write(self.config, CONFIG + WRITES + KILLER)
        self.run_salvor("restore", "shop", "--at", point, "--confirm", "shop", expect=-9)
        return self.restores()[0]["id"]

    def open_across(self):
        """Its run, which began after the copy was made."""
        self.keep_copy()
        os.remove(os.path.join(self.media, "logo.png"))
        self.wrecked = self.seen()
        run = self.killed_restore(self.first)
        self.lose_newest()
        self.assertEqual(self.accept()["accepted"]["resumed"], [run])
        self.assertIn(run, self.json_of("status")["services"][0]["open_restore"])
        self.fails(7, "conflict", "restore", "shop", "--confirm", "shop", text=run)
        return run

    def test_a_restore_that_was_open_is_in_the_repository_again(self):
        run = self.open_across()
        with open(self.config, encoding="utf-8") as file:
            text = file.read().replace('state_dir = "state"', 'state_dir = "other"')
        write(self.path("other.toml"), text)
        other = self.path("other.toml")
        journal = self.json_of("runs", "show", run, config=other)["journal"]
        self.assertEqual(journal["state"], "interrupted")
        self.assertIn(run, self.run_salvor("restore", "shop", "--confirm", "shop", config=other,
                                           expect=7).err)

    def test_a_restore_that_was_open_is_resumed(self):
        run = self.open_across()
        self.assertEqual(self.json_of("restore", "--resume", run)["state"], "succeeded")
        self.assertEqual(self.seen(), self.good)
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.assert_works()

    def test_a_restore_that_was_open_is_undone(self):
        run = self.open_across()
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))
        self.assert_works()

    def test_a_restore_that_was_open_is_abandoned(self):
        run = self.open_across()
        self.run_salvor("restore", "--abandon", run, "--confirm", "shop")
        self.assertEqual(self.seen(), self.wrecked)
        self.assertIsNone(self.json_of("status")["services"][0]["open_restore"])

    def killed_over_live_data(self):
        """A restore that writes over the live data, killed when it has."""
        self.change("since")
        os.remove(os.path.join(self.media, "logo.png"))
        self.wrecked = self.seen()
        write(self.config, CONFIG + WRITES + KILLER)
        self.run_salvor("restore", "shop", "--at", self.first, "--confirm", "shop",
                        "--in-place-delta", expect=-9)
        self.assertNotEqual(self.seen(), self.wrecked)
        return self.restores()[0]["id"]

    def test_one_over_live_data_is_resumed_without_its_safety_snapshot(self):
        self.keep_copy()
        run = self.killed_over_live_data()
        self.lose_newest()
        self.assertEqual(self.accept()["accepted"]["resumed"], [run])
        before = self.seen()
        undo = ["restore", "--undo", run, "--confirm", "shop"]
        self.fails(6, "refused", *undo, text=["no safety snapshot", f"--resume {run}"])
        self.assertEqual(self.seen(), before)
        self.assertEqual(self.json_of("restore", "--resume", run)["state"], "succeeded")
        self.assertEqual(self.seen(), self.good)
        self.assertFalse(os.path.exists(self.path("flag")))
        self.fails(6, "refused", *undo, text="no safety snapshot")
        self.assertEqual(self.seen(), self.good)
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.assert_works()

    def copied_after_the_kill(self):
        """Its run; the copy has the safety snapshot. What comes after it is to be lost."""
        run = self.killed_over_live_data()
        self.keep_copy()
        self.run_salvor("backup", "--store", "media", expect=None)
        return run

    def test_one_over_live_data_is_resumed_with_its_safety_snapshot(self):
        run = self.copied_after_the_kill()
        self.run_salvor("restore", "--resume", run)
        self.lose_newest()
        self.accept()
        self.assertEqual(self.seen(), self.good)
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.seen(), self.wrecked)
        self.assert_works()

    def test_one_over_live_data_is_resumed_in_the_older_copy(self):
        run = self.copied_after_the_kill()
        self.lose_newest()
        self.accept()
        self.run_salvor("restore", "--resume", run)
        self.assertEqual(self.seen(), self.good)
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.seen(), self.wrecked)
        self.assert_works()

    def test_one_over_live_data_is_undone_with_its_safety_snapshot(self):
        run = self.copied_after_the_kill()
        self.lose_newest()
        self.accept()
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.seen(), self.wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))
        self.assert_works()

    def test_one_over_live_data_that_was_undone_since_stays_undone(self):
        run = self.copied_after_the_kill()
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.lose_newest()
        self.accept()
        self.assertEqual(self.seen(), self.wrecked)
        self.assertIsNone(self.json_of("status")["services"][0]["open_restore"])
        self.fails(6, "refused", "restore", "--resume", run)
        self.assertEqual(self.seen(), self.wrecked)
        self.assert_works()

    def test_a_restore_whose_point_is_lost_is_undone(self):
        self.keep_copy()
        self.change("lost")
        newer = self.json_of("backup")["point"]
        os.remove(os.path.join(self.media, "logo.png"))
        wrecked = self.seen()
        run = self.killed_restore(newer)
        self.lose_newest()
        self.accept()
        self.fails(4, "not_found", "restore", "--resume", run, text=[newer, f"--undo {run}"])
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.seen(), wrecked)
        self.assertFalse(os.path.exists(self.path("flag")))
        self.assert_works()

    def test_what_a_later_restore_has_replaced_is_not_exchanged_back(self):
        self.keep_copy()
        runs = []
        for _ in range(2):
            os.remove(os.path.join(self.media, "logo.png"))
            runs.append(self.json_of("restore", "shop", "--confirm", "shop")["run"])
        self.lose_newest()
        self.assertEqual(self.accept()["accepted"]["resumed"], runs)
        self.fails(6, "refused", "restore", "--undo", runs[0], "--confirm", "shop", text=runs[1])
        self.assertEqual(self.seen(), self.good)
        self.run_salvor("restore", "--undo", runs[1], "--confirm", "shop")
        self.run_salvor("restore", "--undo", runs[0], "--confirm", "shop")

    def test_a_restore_that_has_ended_since_is_not_open(self):
        """The copy was made while it was under way."""
        os.remove(os.path.join(self.media, "logo.png"))
        run = self.killed_restore(self.first)
        self.keep_copy()
        self.run_salvor("restore", "--resume", run)
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.lose_newest()
        self.accept()
        self.assertIsNone(self.json_of("status")["services"][0]["open_restore"])
        self.fails(6, "refused", "restore", "--undo", run, "--confirm", "shop", text="closed")
        self.assertEqual(self.seen(), self.good)
        self.assert_works()

    def test_canaries_of_the_newer_copy_do_not_stand_for_those_of_the_older(self):
        with open(self.config, encoding="utf-8") as file:
            write(self.config, re.sub(r'(type = "(?:sqlite|files)")', r"\1\ncanary = true",
                                      file.read()))
        self.run_salvor("backup")
        self.older()
        self.accept()
        self.run_salvor("backup")
        self.run_salvor("drill", "shop")


if __name__ == "__main__":
    unittest.main()
