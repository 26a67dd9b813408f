"""Evidence: written by every run, exported, and verified by salvor and by openssl alone."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import unittest

from shop import ShopTest, write

HOSTILE = "<script>alert('x')</script>"


def statement_of(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Evidence(ShopTest):
    def exported(self, service="shop"):
        self.run_salvor("evidence", "export", service, "-o", "evidence.json")
        with open(self.path("evidence.json"), encoding="utf-8") as file:
            return json.load(file)

    def key(self):
        write(self.path("public.pem"), self.run_salvor("evidence", "key").out)
        return self.path("public.pem")

    def problems(self, *arguments, **options):
        report = self.json_of("evidence", "verify", *arguments, **options)
        self.assertEqual(report["sound"], not any(c["problems"] for c in report["chains"]))
        return [(chain["service"], problem["record"], problem["what"])
                for chain in report["chains"] for problem in chain["problems"]]

    def records(self):
        """The objects of the longest chain, in order."""
        chains = {}
        for path in self.objects("evidence"):
            chains.setdefault(os.path.dirname(path), []).append(path)
        return max(chains.values(), key=len)

    def test_every_run_leaves_a_record(self):
        point = self.ready()
        self.run_salvor("restore", "shop", "--into", "out")
        self.run_salvor("restore", "shop", "--into", "out2", "--only", "media")
        self.run_salvor("verify", "--data")
        rows = self.json_of("evidence", "list")["evidence"]
        self.assertEqual([(r["service"], r["sequence"], r["kind"], r["result"]) for r in rows],
                         [("", 1, "verify", "succeeded"), ("shop", 1, "backup", "succeeded"),
                          ("shop", 2, "restore", "succeeded"),
                          ("shop", 3, "restore", "succeeded")])
        runs = {run["id"] for run in self.json_of("runs")["runs"]}
        self.assertEqual({row["run"] for row in rows}, runs)
        backup = self.json_of("evidence", "show", "shop", "1")["predicate"]
        self.assertEqual(backup["point"]["id"], point)
        self.assertEqual({store["name"] for store in backup["point"]["stores"]}, {"db", "media"})
        self.assertEqual(backup["objectives"], {"rpo_s": 3600})
        self.assertNotIn("rpo_s", backup["measured"], "there was no point before")
        whole = self.json_of("evidence", "show", "shop", "2")["predicate"]
        self.assertGreater(whole["measured"]["rto_s"], 0)
        part = self.json_of("evidence", "show", "shop", "3")["predicate"]
        self.assertNotIn("rto_s", part["measured"], "it was not all of the service")
        self.assertIn("store db: not asked for", part["not_covered"])
        self.assertEqual(whole["policy"], backup["policy"])
        verified = self.json_of("evidence", "show", "-", "1")["predicate"]
        self.assertEqual(verified["checks"][0]["verdict"], "passed")
        self.assertEqual(self.problems(), [])
        self.assertIn(" 3  restore  succeeded", self.run_salvor("evidence", "list", "shop").out)
        self.fails(4, "not_found", "evidence", "show", "shop", "4")
        self.fails(4, "not_found", "evidence", "list", "shpo", text='did you mean "shop"')
        self.fails(2, "usage", "evidence", "show", "shop", "first")

    def test_runs_that_fail_leave_a_record(self):
        self.ready()
        write(os.path.join(self.media, "new"), b"x")
        os.rename(self.database, self.database + ".gone")
        self.run_salvor("backup", expect=None)
        last = self.json_of("evidence", "list", "shop")["evidence"][-1]
        self.assertEqual((last["kind"], last["result"], last["point"]), ("backup", "failed", None))
        shown = self.json_of("evidence", "show", "shop", str(last["sequence"]))
        self.assertIn("shop.db", shown["predicate"]["deviations"][0])
        self.assertTrue(shown["subject"][0]["name"].startswith("repository "))
        self.run_salvor("restore", "shpo", "--into", "out", expect=4)
        self.assertEqual(len(self.json_of("evidence", "list")["evidence"]), 2,
                         "a mistyped name is no service")

    def test_a_policy_that_changes_shows(self):
        self.ready()
        with open(self.config, "a", encoding="utf-8") as file:
            file.write('exclude = ["tmp/**"]\n')
        self.run_salvor("backup")
        first, second = (statement_of(each)["predicate"] for each in self.exported()["records"])
        self.assertNotEqual(first["policy"], second["policy"])
        self.assertEqual(second["not_covered"], ["store media: excluded: tmp/**"])
        self.assertGreater(second["measured"]["rpo_s"], 0)

    def test_openssl_agrees(self):
        self.ready()
        self.run_salvor("backup")
        document = self.exported()
        key = self.key()
        previous = ""
        for envelope in document["records"] + [document["head"]]:
            payload = base64.b64decode(envelope["payload"])
            write(self.path("signed"), b"DSSEv1 28 application/vnd.in-toto+json %d %s"
                  % (len(payload), payload))
            write(self.path("signature"), base64.b64decode(envelope["signatures"][0]["sig"]))
            subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin",
                            "-in", self.path("signed"), "-sigfile", self.path("signature")],
                           check=True, stdout=subprocess.DEVNULL)
            statement = json.loads(payload)
            self.assertEqual(canonical(statement), payload)
            if envelope is not document["head"]:
                self.assertEqual(statement["predicate"]["previous"], previous)
                previous = hashlib.sha256(canonical(envelope)).hexdigest()
        self.assertEqual(statement["predicate"]["digest"], previous)

    def test_a_file_is_verified_by_the_key_alone(self):
        self.ready()
        self.run_salvor("backup")
        document = self.exported()
        key = self.key()
        nowhere = {"config": self.path("no such file"), "cwd": "/"}
        file = self.path("evidence.json")
        self.assertEqual(self.problems(file, "--key", key, **nowhere), [])
        self.assertIn("compare it", self.run_salvor("evidence", "verify", file, **nowhere).out)
        changes = {
            "removed": lambda d: d["records"].pop(0),
            "reordered": lambda d: d["records"].reverse(),
            "cut off": lambda d: d["records"].pop(),
            "other service": lambda d: d.update(service="blog"),
            "other time": lambda d: d.update(exported="2020-01-01T00:00:00.000000Z"),
            "no head": lambda d: d.pop("head"),
            "payload": lambda d: d["records"][0].update(payload=d["records"][1]["payload"]),
        }
        for name, change in changes.items():
            with self.subTest(name):
                changed = json.loads(json.dumps(document))
                change(changed)
                write(self.path("changed.json"), json.dumps(changed))
                self.assertTrue(self.problems(self.path("changed.json"), "--key", key, expect=5,
                                              **nowhere))
        write(self.path("other.pem"), "-----BEGIN PUBLIC KEY-----\n"
              "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
              "-----END PUBLIC KEY-----\n")
        self.assertTrue(self.problems(file, "--key", self.path("other.pem"), expect=5, **nowhere))
        self.assertTrue(self.problems("--key", self.path("other.pem"), expect=5))
        self.fails(3, "configuration", "evidence", "verify", file, "--key", file, **nowhere)
        self.fails(4, "not_found", "evidence", "verify", "/no such file", **nowhere)

    def test_what_is_done_to_the_repository_is_found(self):
        self.ready()
        for _ in range(3):
            self.run_salvor("backup")
        records = self.records()
        self.assertEqual(len(records), 4)
        self.flip(records[1])
        self.assertEqual([(s, n) for s, n, _ in self.problems(expect=5)], [("shop", 2)])
        report = self.json_of("verify", expect=5)
        self.assertEqual([f["object"] for f in report["findings"]],
                         [os.path.relpath(records[1], self.path("repository"))])
        self.assertEqual(report["affected"], [])
        self.flip(records[1])
        self.assertEqual(self.problems(), [])
        os.rename(records[1], self.path("aside"))
        self.assertEqual([(s, n) for s, n, _ in self.problems(expect=5)], [("shop", 2)])
        os.rename(self.path("aside"), records[1])

    def flip(self, path):
        with open(path, "r+b") as file:
            file.seek(100)
            byte = file.read(1)
            file.seek(100)
            file.write(bytes([byte[0] ^ 1]))

    def rotten(self, *numbers):
        """A chain of four records, of which some have rotten."""
        self.ready()
        for _ in range(3):
            self.run_salvor("backup")
        for number in numbers:
            self.flip(self.records()[number - 1])

    def test_a_repair_says_in_the_evidence_what_is_lost(self):
        self.rotten(2)
        self.run_salvor("verify", expect=5)
        self.assertIn("can't be read", self.run_salvor("status").out)
        report = self.json_of("verify", "--repair")
        self.assertTrue(any("aside as damaged/evidence-" in line for line in report["repaired"]))
        self.assertEqual(len(os.listdir(self.path("repository/damaged"))), 1)
        notes = {f["object"]: f["what"] for f in self.json_of("verify")["findings"]
                 if f["severity"] == "note"}
        self.assertIn("1 record is lost since", notes["the evidence of shop"])
        self.assertEqual(self.json_of("verify", "--repair")["repaired"], [])
        rows = self.json_of("evidence", "list", "shop")["evidence"]
        self.assertEqual([row.get("kind") for row in rows],
                         ["backup", None, "backup", "backup", "lost"])
        self.assertEqual(rows[1]["gap"]["named_by"], 5)
        self.assertRegex(self.run_salvor("evidence", "list", "shop").out, r"shop +2 +LOST ")
        lost = self.json_of("evidence", "show", "shop", "5")["predicate"]
        third = self.json_of("evidence", "show", "shop", "3")["predicate"]
        self.assertEqual(lost["lost"], [{"record": 2, "sha256": third["previous"]}])
        self.assertTrue(lost["run"] and lost["host"] and lost["started_by"] and lost["ended"])
        self.fails(5, "corruption", "evidence", "show", "shop", "2", text="as record 5 says")
        shown = self.run_salvor("status").out
        self.assertNotIn("can't be read", shown)
        self.assertIn("lost: what they said proves nothing", shown)
        # What rots after that is damage.
        self.flip(self.records()[2])
        self.run_salvor("verify", expect=5)
        self.assertEqual([n for _, n, _ in self.problems(expect=5)], [3])
        self.run_salvor("verify", "--repair")
        self.run_salvor("backup")
        self.run_salvor("verify")

    def test_all_records_and_the_last_one(self):
        for numbers in ((4,), (1, 2, 3, 4)):
            with self.subTest(numbers):
                if os.path.exists(self.path("repository")):
                    shutil.rmtree(self.path("repository"))
                    shutil.rmtree(self.path("state"))
                    shutil.rmtree(self.path("live"))
                self.rotten(*numbers)
                self.run_salvor("verify", "--repair")
                self.run_salvor("verify")
                self.run_salvor("backup")
                self.run_salvor("verify")
                self.assertEqual(self.problems(), [])
                self.exported()

    def test_a_lost_drill_proves_nothing(self):
        self.ready()
        self.run_salvor("drill", "shop")
        self.assertIsNotNone(self.json_of("status")["services"][0]["proven_rto_s"])
        self.flip(self.records()[-1])
        for _ in range(2):
            status = self.json_of("status")["services"][0]
            self.assertIsNone(status["proven_rto_s"])
            self.assertTrue(status["drill_stale"])
            self.run_salvor("verify", "--repair")

    def test_an_export_with_gaps(self):
        self.rotten(2)
        self.fails(5, "corruption", "evidence", "export", "shop", "-o", "evidence.json",
                   text=["verify --repair", "--with-gaps"])
        self.assertFalse(os.path.exists(self.path("evidence.json")))
        done = self.json_of("evidence", "export", "shop", "-o", "evidence.json", "--with-gaps")
        self.assertEqual([(gap["record"], gap["named_by"]) for gap in done["gaps"]], [(2, None)])
        key = self.key()
        nowhere = {"config": self.path("no such file"), "cwd": "/"}
        file = self.path("evidence.json")
        found = self.problems(file, "--key", key, expect=5, **nowhere)
        self.assertEqual(found, [("shop", 2, "it is lost, and no signed record says so")])
        self.run_salvor("verify", "--repair")
        document = self.exported()
        self.assertEqual(document["gaps"], [2])
        self.assertIsNone(document["records"][1])
        self.assertEqual(self.problems(file, "--key", key, **nowhere), [])
        shown = self.run_salvor("evidence", "verify", file, "--key", key, **nowhere).out
        self.assertIn("shop record 2: lost, as record 5 says", shown)
        report = self.json_of("evidence", "verify", file, "--key", key, **nowhere)
        self.assertEqual([(gap["record"], gap["named_by"]) for gap in report["chains"][0]["gaps"]],
                         [(2, 5)])
        with open(self.path("evidence.html"), encoding="utf-8") as page:
            self.assertIn("and 1 that are lost", page.read())
        # Cut out: in the place of a gap, or as a gap of its own.
        for change in (lambda d: d["records"].pop(1),
                       lambda d: (d["records"].__setitem__(2, None), d.update(gaps=[2, 3])),
                       lambda d: (d["records"].insert(1, None), d.update(gaps=[2, 3])),
                       lambda d: d.pop("gaps")):
            changed = json.loads(json.dumps(document))
            change(changed)
            write(self.path("changed.json"), json.dumps(changed))
            self.assertTrue(self.problems(self.path("changed.json"), "--key", key, expect=5,
                                          **nowhere))

    def recipe(self, expect):
        """The lines of the documentation that verify an export with openssl and jq."""
        with open(os.path.join(os.path.dirname(__file__), "../../docs/evidence.md"),
                  encoding="utf-8") as page:
            lines = next(block for block in page.read().split("```sh\n")
                         if "openssl pkeyutl" in block).split("```")[0]
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=self.root,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode == 0, expect, done.stdout + done.stderr)
        return done.stdout

    def test_openssl_and_jq_verify_an_export_with_gaps(self):
        self.rotten(1, 3)
        self.key()
        self.run_salvor("evidence", "export", "shop", "-o", "evidence.json", "--with-gaps")
        self.recipe(False)
        self.run_salvor("verify", "--repair")
        document = self.exported()
        self.assertIn("records verified", self.recipe(True))
        document["records"][1] = None
        document["gaps"] = [1, 2, 3]
        write(self.path("evidence.json"), json.dumps(document))
        self.recipe(False)

    def test_a_cut_off_end_is_found(self):
        self.ready()
        self.run_salvor("backup")
        last = self.records()[-1]
        self.assertTrue(last.endswith("2"))
        os.remove(last)
        self.assertIn("this machine knows 2", self.problems(expect=5)[0][2])
        self.assertIn("cut off", self.run_salvor("verify", expect=5).out)
        # Another machine knows it from the recovery points, once there is a later one.
        self.run_salvor("backup")
        self.assertIn("the end of the evidence is lost", self.json_of(
            "evidence", "show", "shop", "2")["predicate"]["deviations"][0])
        self.run_salvor("backup")
        os.remove(self.records()[-1])
        os.remove(self.records()[-1])
        os.rename(self.path("state"), self.path("lost state"))
        found = self.problems(expect=5)
        self.assertEqual(len(found), 1, found)
        self.assertIn("the end is cut off: found 1 record, but recovery point", found[0][2])

    def test_a_cut_off_end_is_not_exported_as_if_it_were_whole(self):
        self.ready()
        self.run_salvor("drill", "shop")
        self.run_salvor("drill", "shop")
        os.remove(self.records()[-1])
        file = self.path("evidence.json")
        self.run_salvor("evidence", "export", "shop", "-o", file, expect=5)
        self.assertFalse(os.path.exists(file))
        self.run_salvor("verify", "--repair")
        self.run_salvor("evidence", "export", "shop", "-o", file)

    def test_a_repair_destroys_nothing_that_could_not_be_read(self):
        self.ready()
        self.run_salvor("backup")
        record = self.records()[0]
        with open(record, "rb") as file:
            before = file.read()
        fails = ("strace", "-f", "-o", "/dev/null", "-P", record,
                 "-e", "inject=read,pread64:error=EIO")
        done = self.run_salvor("verify", "--repair", prefix=fails, expect=None)
        self.assertIn("its bytes can't be read", done.out)
        with open(record, "rb") as file:
            self.assertEqual(file.read(), before)

    def unreadable(self, path):
        """A medium that does not give this object."""
        return ("strace", "-f", "-o", "/dev/null", "-P", path,
                "-e", "inject=read,pread64:error=EIO")

    def two_services(self):
        """The chain of the shop has four records, those of the others have less."""
        with open(self.config, "a", encoding="utf-8") as file:
            file.write('[service.blog.store.texts]\ntype = "files"\npath = "blog"\n')
        write(self.path("blog/first"), b"first")
        self.fill()
        self.run_salvor("init")
        self.run_salvor("backup")
        for _ in range(3):
            self.run_salvor("backup", "shop")

    def test_one_record_that_can_not_be_read_stops_its_chain_alone(self):
        self.two_services()
        fails = self.unreadable(self.records()[-1])

        def counts():
            rows = self.json_of("evidence", "list")["evidence"]
            return {of: (len([r for r in rows if r["service"] == of and not r["waits"]]),
                         len([r for r in rows if r["service"] == of and r["waits"]]))
                    for of in ("shop", "blog")}

        for number in (1, 2):
            done = self.run_salvor("backup", prefix=fails)
            self.assertEqual(done.err.count("the evidence of shop can't be continued"), 1, done.err)
            self.assertIn("move that object out of the repository", done.err)
            self.assertEqual(counts(), {"shop": (4, number), "blog": (1 + number, 0)})
        done = self.run_salvor("drill", "blog", prefix=fails)
        self.assertIn("move that object out of the repository", done.err)
        self.assertEqual(counts(), {"shop": (4, 2), "blog": (4, 0)})
        services = {each["service"]: each for each in self.json_of("status")["services"]}
        self.assertEqual(services["blog"]["evidence_waiting"], 0)
        self.assertFalse(any("could not be written to" in reason
                             for reason in services["blog"]["reasons"]))
        self.run_salvor("backup")
        self.assertEqual(counts(), {"shop": (7, 0), "blog": (5, 0)})
        self.assertEqual(self.problems(), [])

    def test_a_repair_says_what_to_do_about_what_can_not_be_read(self):
        self.two_services()
        record = self.records()[-1]
        fails = self.unreadable(record)
        done = self.run_salvor("verify", "--repair", prefix=fails, expect=5)
        self.assertIn("once it is sure that it is broken there, move that object out", done.out)
        self.assertIn("record 4 of the evidence of shop can't be read now", done.err)
        done = self.run_salvor("evidence", "verify", prefix=fails, expect=5)
        self.assertIn("first move that object out of the repository", done.err)
        done = self.run_salvor("evidence", "show", "shop", "4", prefix=fails, expect=5)
        self.assertIn("move that object out of the repository", done.err)
        self.assertEqual(self.problems(), [])
        os.rename(record, self.path("moved out"))
        self.run_salvor("verify", "--repair")
        self.assertEqual(self.problems(), [])
        rows = self.json_of("evidence", "list", "shop")["evidence"]
        self.assertEqual([row["sequence"] for row in rows if row.get("gap")], [4])
        self.run_salvor("backup")
        self.assertEqual(self.problems(), [])

    def test_without_room_for_evidence_a_backup_succeeds(self):
        self.ready()
        chain = os.path.dirname(self.records()[0])
        # In the way of the next record, for root as well.
        os.mkdir(os.path.join(chain, "0000000000000002"))
        done = self.run_salvor("backup")
        self.assertIn("could not be written", done.err)
        self.assertEqual(len(self.json_of("points")["points"]), 2)

    def test_the_page_shows_names_as_text(self):
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(f'exclude = ["{HOSTILE}"]\n')
        self.ready()
        self.exported()
        with open(self.path("evidence.html"), encoding="utf-8") as file:
            page = file.read()
        self.assertIn("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;", page)
        self.assertNotIn("<script", page)
        self.fails(2, "usage", "evidence", "export", "shop", "-o", "page.html")

    def test_completion_knows_the_commands(self):
        script = self.run_salvor("completion", "bash").out
        done = subprocess.run(["bash", "-c", script + """
COMP_WORDS=(salvor evidence ex); COMP_CWORD=2; _salvor; echo "${COMPREPLY[@]}"
COMP_WORDS=(salvor evidence export shop --out); COMP_CWORD=4; _salvor; echo "${COMPREPLY[@]}"
"""], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.splitlines(), ["export", "--output"])


if __name__ == "__main__":
    unittest.main()
