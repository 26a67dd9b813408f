"""What people are shown: runs that ended badly, plans, damage, and options that are wrong."""

import os
import re
import shutil
import stat
import unittest

from shop import CONFIG, WRITES, ShopTest, write

TOO_BIG = """
[[service.shop.check]]
name = "the logo is large"
store = "media"
path = "logo.png"
min_bytes = 999999999
"""
COUNTS = re.compile(r"^(\d+) of (\d+) checks passed(?:, (\d+) failed)?(?:, (\d+) not run)?$", re.M)


class Shown(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, CONFIG + WRITES)
        self.point = self.ready()

    def configure(self, more=""):
        write(self.config, CONFIG + WRITES + more)

    def drill_fails(self):
        self.configure(TOO_BIG)
        return self.json_of("drill", "shop", expect=9)["run"]

    def files_in(self, *folder):
        """The files of a folder, each once, whatever number of names it has."""
        found = {}
        for directory, _, names in os.walk(os.path.join(*folder)):
            for name in names:
                status = os.lstat(os.path.join(directory, name))
                if stat.S_ISREG(status.st_mode):
                    found[status.st_ino] = status.st_size
        return found


class Runs(Shown):
    def fails(self):
        self.configure(TOO_BIG)
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=9)
        return self.restores()[0]["id"]

    def failed_checks(self, run):
        journal = self.json_of("runs", "show", run)["journal"]
        return [each["name"] for each in journal["checks"] if each["verdict"] == "failed"]

    def test_checks_that_failed_stay_with_the_run(self):
        run = self.fails()
        self.assertEqual(self.failed_checks(run), ["the logo is large"])
        text = self.run_salvor("runs", "show", run).out
        self.assertIn("failed    the logo is large: expected ", text)
        self.assertIn(", 1 failed", text)
        self.assertEqual(text.count("at least 999999999"), 1, text)
        journal = self.json_of("runs", "show", run)["journal"]
        errors = {step["name"]: step.get("error") for step in journal["steps"]}
        self.assertIn("fails its checks", errors["validate"])
        # A check that is correct now is asked anew.
        self.configure()
        self.run_salvor("restore", "--resume", run, "--current-commands")
        self.assertEqual(self.failed_checks(run), [])

    def test_an_abandoned_run_says_so(self):
        run = self.fails()
        self.run_salvor("restore", "--abandon", run, "--confirm", "shop")
        for whose in ("the catalog's", "the repository's"):
            with self.subTest(whose):
                text = self.run_salvor("runs", "show", run).out
                self.assertRegex(text, r"state    failed: the run was abandoned")
                self.assertIn("error    the run was abandoned, after step validate failed", text)
                self.assertIn("failed    the logo is large: expected ", text)
                self.assertIn(f"left: store media: {self.path('live')}/.salvor-{run}-media", text)
                shown = self.json_of("runs", "show", run)
                self.assertEqual((shown["state"], shown["journal"]["state"]),
                                 ("failed", "abandoned"))
                self.assertEqual(self.failed_checks(run), ["the logo is large"])
            if whose == "the catalog's":
                self.assertIn("abandoned", self.run_salvor("runs").out)
                shutil.rmtree(self.path("state"))

    def test_an_open_run_says_how_it_goes_on(self):
        run = self.fails()
        text = self.run_salvor("runs", "show", run).out
        for way in (f"salvor restore --resume {run};",
                    f"salvor restore --undo {run} --confirm shop;",
                    f"salvor restore --abandon {run} --confirm shop;"):
            self.assertIn(way, text)
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.assertNotIn("hint: ", self.run_salvor("runs", "show", run).out)

    def test_what_a_run_without_steps_has_reported_is_text(self):
        self.run_salvor("restore", "shop", "--into", "beside")
        self.run_salvor("verify")
        for run in self.json_of("runs")["runs"]:
            text = self.run_salvor("runs", "show", run["id"]).out
            self.assertNotIn("{", text)
            self.assertNotIn("[", text)
            if run["kind"] == "backup":
                self.assertIn(f"point    {self.point}\n", text)
                self.assertRegex(text, r"(?m)^NAME +TYPE ")
                self.assertRegex(text, r"(?m)^db +sqlite ")

    def test_restores_into_a_directory_and_in_place_differ(self):
        into = {"restore in place": True, "restore into": False}
        self.run_salvor("restore", "shop", "--into", "beside")
        self.run_salvor("restore", "shop", "--confirm", "shop")
        shown = self.run_salvor("runs").out.splitlines()[1:]
        found = self.json_of("runs")["runs"]
        self.assertEqual([run["in_place"] for run in found], [True, False, None])
        for line, run in zip(shown, found):
            kinds = [kind for kind, in_place in into.items() if in_place == run["in_place"]]
            for kind in kinds or ["backup"]:
                self.assertRegex(line, f"^{run['id']}  {kind} +shop ")
                self.assertIn(f"kind     {kind}\n",
                              self.run_salvor("runs", "show", run["id"]).out)
            self.assertEqual(run["kind"], "restore" if kinds else "backup")

    def test_latest_is_the_run_that_runs_lists_first(self):
        run = self.json_of("drill", "shop")["run"]
        self.assertEqual(self.json_of("runs", "show", "latest")["id"], run)
        followed = self.run_salvor("runs", "show", "--follow", "latest")
        self.assertIn(f"run      {run}\n", followed.out)
        self.run_salvor("verify")
        self.assertEqual(self.json_of("runs", "show", "latest")["kind"], "verify")
        shutil.rmtree(self.path("state"))
        super().fails(4, "not_found", "runs", "show", "latest")


class Closing(Shown):
    """A restore that has kept the old data, and its close."""

    def setUp(self):
        super().setUp()
        write(os.path.join(self.media, "newer"), b"newer")
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.run = self.restores()[0]["id"]

    def confirmed(self, verb):
        done = self.run_salvor("restore", verb, self.run, "--confirm", "shop")
        return done.out + done.err

    def workplace(self, store):
        return self.path("live", f".salvor-{self.run}-{store}")

    def test_it_counts_the_data_and_not_what_salvor_notes_beside_it(self):
        files = {store: self.files_in(self.workplace(store), "old") for store in ("db", "media")}
        text = self.confirmed("--close")
        for store, each in files.items():
            count = f"{len(each)} file{'' if len(each) == 1 else 's'}"
            self.assertIn(f"store {store}: the close deletes {count} (", text)

    def test_status_has_one_line_for_all_that_is_kept(self):
        def kept():
            lines = self.run_salvor("status").out.splitlines()
            return [line for line in lines if line.startswith("shop: kept until ")]
        files = {**self.files_in(self.workplace("db"), "old"),
                 **self.files_in(self.workplace("media"), "old")}
        self.assertEqual(len(kept()), 1)
        self.assertIn(f"kept until restore {self.run} is closed: {len(files)} files (", kept()[0])
        for store in ("db", "media"):
            self.assertIn(self.workplace(store), kept()[0])
        for _ in range(4):
            self.run_salvor("restore", "shop", "--confirm", "shop")
        # Workplaces tell their runs alone, and runs of one second are in no order.
        runs = sorted((run["id"] for run in self.restores()), reverse=True)
        self.assertEqual(len(kept()), 1)
        self.assertIn("kept until 5 restores are closed: ", kept()[0])
        self.assertIn(f"the newest are {', '.join(runs[:3])}; salvor restore --close {runs[0]} "
                      "--confirm shop removes ", kept()[0])
        self.assertEqual(len(self.json_of("status")["services"][0]["kept"]), 10)

    def test_it_says_what_it_has_removed(self):
        places = [self.workplace(store) for store in ("db", "media")]
        self.confirmed("--undo")
        self.assertEqual([os.path.exists(place) for place in places], [True, True])
        text = self.confirmed("--close")
        for place in places:
            self.assertIn(f"removed: {place}\n", text)
            self.assertFalse(os.path.exists(place))
        self.assertNotIn("nothing was done", text)
        self.assertNotIn("\nundone: ", text)
        self.assertIn("nothing was done now", self.confirmed("--close"))
        again = self.json_of("restore", "--close", self.run, "--confirm", "shop")
        self.assertEqual(again["removed"], [])


class Counts(Shown):
    def test_checks_are_counted_one_way_everywhere(self):
        run = self.drill_fails()
        text = self.run_salvor("runs", "show", run).out
        drilled = self.run_salvor("drill", "shop", expect=9).out
        found = {COUNTS.search(each).groups() for each in (text, drilled)}
        self.assertEqual(len(found), 1, found)
        passed, every, failed, not_run = map(int, found.pop())
        self.assertEqual(every, passed + failed + not_run)
        self.assertEqual(every, len(self.json_of("runs", "show", run)["journal"]["checks"]))
        self.run_salvor("evidence", "export", "shop", "-o", "evidence.json")
        with open(self.path("evidence.html"), encoding="utf-8") as page:
            self.assertIn(f"{passed} of {every} passed, {failed} failed, {not_run} not run",
                          page.read())


class Drills(Shown):
    def test_the_way_on_can_be_copied(self):
        self.configure(TOO_BIG)
        for more in ((), ("--at", self.point), ("--at", "2030-01-01 00:00")):
            done = self.run_salvor("drill", "shop", *more, expect=9)
            run = self.json_of("runs")["runs"][0]["id"]
            again = " ".join(f'"{word}"' if " " in word else word for word in more)
            self.assertIn(f"\nhint: see what it found: salvor runs show {run}; run it again: "
                          f"salvor drill shop {again}".rstrip() + "\n", done.err)


    def test_a_damaged_point_is_not_rehearsed_again(self):
        before = set(self.objects("packs"))
        write(os.path.join(self.media, "lost"), os.urandom(500_000))
        self.run_salvor("backup")
        os.remove(max(set(self.objects("packs")) - before, key=os.path.getsize))
        hint = self.fails(5, "corruption", "drill", "shop").json()["error"]["hint"]
        run = self.json_of("runs")["runs"][0]["id"]
        self.assertEqual(hint, "see which points and paths are affected: salvor verify --data; see "
                               f"what the drill found: salvor runs show {run}; rehearse an older "
                               f"point: salvor drill shop --at {self.point}")
        self.run_salvor("drill", "shop", "--at", self.point)

    def test_without_an_older_point_the_repair_is_named(self):
        os.remove(max(self.objects("packs"), key=os.path.getsize))
        self.fails(5, "corruption", "drill", "shop", text="salvor verify --data --repair")

    def test_status_says_how_to_prove(self):
        text = self.run_salvor("status").out
        self.assertEqual(text.count("no drill was ever run"), 1)
        self.assertRegex(text, "(?m)no drill was ever run, .*: salvor drill shop$")
        run = self.drill_fails()
        self.assertRegex(self.run_salvor("status").out,
                         f"(?m)the last drill failed: .*: salvor runs show {run}; .*: "
                         "salvor drill shop$")

    def test_steps_after_the_failure_were_not_run(self):
        os.remove(max(self.objects("packs"), key=os.path.getsize))
        text = self.run_salvor("drill", "shop", expect=5).out
        run = self.json_of("runs")["runs"][0]["id"]
        for shown in (text, self.run_salvor("runs", "show", run).out):
            self.assertRegex(shown, r"(?m)^validate +not run +-$")
        steps = {step["name"]: step["result"]
                 for step in self.json_of("runs", "show", run)["journal"]["steps"]}
        self.assertEqual(steps["validate"], "planned")

    def test_a_failed_one_took_all_its_time_wherever_it_is_shown(self):
        self.configure(TOO_BIG)
        report = self.json_of("drill", "shop", expect=9)
        self.assertGreater(report["seconds"], report["recovery_s"])
        last = self.json_of("status")["services"][0]["last_drill"]
        self.assertEqual(last["seconds"], report["seconds"])
        shutil.rmtree(self.path("state"))  # and as its evidence has it
        last = self.json_of("status")["services"][0]["last_drill"]
        self.assertGreaterEqual(last["seconds"], report["seconds"])


class Plans(Shown):
    def plan(self, *more):
        """The drill that a plan names, and what its text says of it."""
        text = " ".join(self.run_salvor("restore", "shop", "--plan", *more).out.split())
        return self.json_of("restore", "shop", "--plan", *more)["last_drill"], text

    def test_what_is_live_counts_each_file_once(self):
        os.link(os.path.join(self.media, "logo.png"), self.path("outside"))
        os.link(os.path.join(self.media, "logo.png"), os.path.join(self.media, "logo3.png"))
        media = self.json_of("restore", "shop", "--plan")["targets"][1]
        self.assertEqual((media["store"], media["bytes"]),
                         ("media", sum(self.files_in(self.media).values())))

    def test_a_duration_that_lacks_steps_is_a_least_one(self):
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertNotIn("at least", self.run_salvor("restore", "shop", "--plan").out)
        self.configure("[service.shop.migrate]\nrun = 'true'\nisolated = true\n")
        plan = self.json_of("restore", "shop", "--plan")
        self.assertIsNone([step for step in plan["steps"] if step["name"] == "migrate"][0]
                          ["expected_s"])
        self.assertTrue(plan["expected_is_least"])
        self.assertRegex(self.run_salvor("restore", "shop", "--plan").out,
                         r"(?m)^expected  at least .*: some steps were never run before$")

    def test_a_drill_that_failed_is_in_the_plan(self):
        drill, text = self.plan()
        self.assertIsNone(drill)
        self.assertNotIn("drill", text)
        run = self.drill_fails()
        drill, text = self.plan()
        self.assertEqual((drill["run"], drill["state"], drill["point"], drill["failed_checks"]),
                         (run, "failed", self.point, ["the logo is large"]))
        self.assertIn("warning the last drill of this recovery point failed, in the logo is large",
                      text)
        self.assertIn(f"salvor runs show {run}", text)
        # Another machine learns it from the evidence.
        shutil.move(self.path("state"), self.path("away"))
        self.assertEqual(self.plan()[0]["run"], run)
        shutil.rmtree(self.path("state"))
        shutil.move(self.path("away"), self.path("state"))
        # A newer point was tried by none.
        write(os.path.join(self.media, "new"), "x")
        self.configure()
        self.run_salvor("backup")
        drill, text = self.plan()
        self.assertEqual(drill["run"], run)
        self.assertIn("warning no drill has tried this recovery point, and the last drill of the "
                      "service failed", text)
        # Once it is proved, the old point still is not.
        self.run_salvor("drill", "shop")
        drill, text = self.plan()
        self.assertEqual(drill["state"], "succeeded")
        self.assertNotIn("drill", text)
        drill, text = self.plan("--at", self.point)
        self.assertEqual(drill["run"], run)
        self.assertIn("the last drill of this recovery point failed", text)


class Proof(Shown):
    """What is proven is said of the newest drill of the newest point."""

    def proven(self):
        """What status, its table, points and runbook say: the same thing."""
        service = self.json_of("status")["services"][0]
        proven = service["proven_rto_s"] is not None
        self.assertEqual(service["rto_met"], proven)
        row = self.run_salvor("status").out.splitlines()[1]
        # STATE may have two words; newest point, age, RPO, PROVEN, RTO and LAST DRILL follow.
        cells = [cell.strip() for cell in re.split("  +", row)]
        self.assertEqual(cells[5] != "-", proven, row)
        runbook = self.run_salvor("runbook", "shop").out
        line = re.search(r"^\| Time to restore .*$", runbook, re.M)[0]
        self.assertEqual("| not known |" not in line, proven, line)
        return proven

    def drill(self, *more):
        self.configure()
        return self.json_of("drill", "shop", *more)["run"]

    def newer_point(self):
        self.configure()
        write(os.path.join(self.media, "new"), os.urandom(9))
        return self.json_of("backup")["point"]

    def test_an_older_success_does_not_prove_what_failed(self):
        self.drill()
        self.assertTrue(self.proven())
        run = self.drill_fails()
        self.assertFalse(self.proven())
        self.assertIn("drill failed", self.run_salvor("points").out)
        self.assertEqual(self.json_of("points")["points"][0]["failed_drill"], run)
        shutil.rmtree(self.path("state"))  # and as the evidence has it
        self.assertFalse(self.proven())
        self.drill()
        self.assertTrue(self.proven())
        self.assertNotIn("drill failed", self.run_salvor("points").out)

    def test_a_point_whose_drill_failed_is_not_proven_by_another_one(self):
        self.drill()
        newer = self.newer_point()
        self.assertTrue(self.proven())  # no drill has tried it
        run = self.drill_fails()
        self.assertFalse(self.proven())
        self.drill("--at", self.point)
        self.assertFalse(self.proven())
        service = self.json_of("status")["services"][0]
        self.assertEqual(service["state"], "critical")
        self.assertIn(f"the last drill of recovery point {newer} failed: run {run}",
                      service["reasons"][0])
        self.assertIn(f"the last drill of recovery point {newer} failed: run {run}",
                      self.run_salvor("runbook", "shop").out)

    def test_an_older_point_that_fails_takes_no_proof_away(self):
        self.newer_point()
        self.drill()
        self.configure(TOO_BIG)
        self.run_salvor("drill", "shop", "--at", self.point, expect=9)
        self.assertTrue(self.proven())


class Damage(Shown):
    def damage(self, files=1):
        """Loses the data of so many files, which are in two points."""
        before = set(self.objects("packs"))
        for i in range(files):
            write(os.path.join(self.media, f"many/{i:03}"), os.urandom(5000))
        self.points = [self.json_of("backup")["point"] for _ in range(2)]
        lost = [path for path in self.objects("packs") if path not in before]
        os.remove(max(lost, key=os.path.getsize))

    def test_the_way_out_is_told(self):
        self.damage()
        for options in ([], ["--data"]):
            done = self.run_salvor("verify", *options, expect=5)
            self.assertIn("salvor: error: the repository is damaged: found ", done.err)
            self.assertIn(f"hint: run salvor verify {' '.join([*options, '--repair'])}: it repairs "
                          "what can be repaired", done.err)
        report = self.json_of("verify", "--repair", expect=5)
        self.assertEqual((report["error"]["code"], report["error"]["exit"]), ("corruption", 5))
        self.assertIn("salvor backup", report["error"]["hint"])
        self.assertNotIn("run salvor verify --repair", report["error"]["hint"])
        self.run_salvor("backup")
        self.assertNotIn("error", self.json_of("verify"))

    def test_what_the_medium_does_not_give_is_left_where_it_is(self):
        write(os.path.join(self.media, "big"), os.urandom(300_000))
        self.run_salvor("backup")
        unreadable, rotten = sorted(self.objects("packs"), key=os.path.getsize)[-2:]
        os.chmod(rotten, 0o600)
        with open(rotten, "r+b") as file:
            file.seek(1000)
            file.write(b"rotten")
        with open(unreadable, "rb") as file:
            before = file.read()
        fails = ("strace", "-f", "-o", "/dev/null", "-P", unreadable,
                 "-e", "inject=read,pread64:error=EIO")
        done = self.run_salvor("--json", "verify", "--data", "--repair", prefix=fails, expect=5)
        report = done.json()
        name = os.path.relpath(unreadable, self.path("repository"))
        self.assertEqual(report["unreadable"], [name])
        self.assertIn(f"the medium does not give {name} now", report["error"]["hint"])
        self.assertIn("salvor verify --data --repair", report["error"]["hint"])
        self.assertIn(f"took {name} out of the index; its bytes stay where they are",
                      report["repaired"])
        self.assertTrue(any(name in finding["object"] for finding in report["findings"]
                            if finding["severity"] == "damage"))
        with open(unreadable, "rb") as file:
            self.assertEqual(file.read(), before)
        # The other one was repaired, and the next backup heals the points without either.
        self.assertFalse(os.path.exists(rotten))
        self.run_salvor("backup")
        self.run_salvor("restore", "shop", "--into", "restored", prefix=fails)
        self.run_salvor("verify", "--data")
        for repaired in ([f"took {name} into the index again"], []):
            self.assertEqual(self.json_of("verify", "--data", "--repair")["repaired"], repaired)

    def test_points_come_before_paths_and_long_lists_are_short(self):
        self.damage(30)
        out = self.run_salvor("verify", expect=5).out
        lines = out.splitlines()
        points = [i for i, line in enumerate(lines) if line.startswith("affected: ")]
        paths = [i for i, line in enumerate(lines)
                 if re.match(r"  [0-9a-f]{16} media: many/", line)]
        self.assertEqual(len(points), 2, out)
        for at, point in zip(points, self.points):
            self.assertIn(f"recovery point {point} of service shop: 30 paths of store media",
                          lines[at])
        self.assertEqual(len(paths), 20)
        self.assertLess(max(points), min(paths))
        more = re.search(r"and (\d+) more paths: (salvor .*) lists all of them", out)
        self.assertEqual(more[1], "40")
        shown = self.json_of(*more[2].split()[2:])
        self.assertEqual(len(shown["summary"]["affected"]), 60)


class Evidence(Shown):
    def test_a_record_is_a_page_and_with_json_the_statement(self):
        self.drill_fails()
        text = self.run_salvor("evidence", "show", "shop", "2").out
        statement = self.json_of("evidence", "show", "shop", "2")
        predicate = statement["predicate"]
        self.assertTrue(statement["_type"].startswith("https://in-toto.io/Statement"))
        for line in ("record        2 of service shop", "kind          drill",
                     "result        failed", f"run           {predicate['run']}",
                     "not as planned: the restored copy fails its checks",
                     "salvor --json evidence show shop 2 prints the signed statement"):
            self.assertIn(line + "\n", text)
        self.assertIn(f"point         {self.point} of 20", text)
        self.assertRegex(text, r"(?m)^the logo is large +path +failed ")
        self.assertRegex(text, r"(?m)^RPO +\S.* measured, 1 h 0 min the objective$")
        self.assertNotIn("{", text)
        self.run_salvor("verify")
        self.assertIn("record        1 of the repository\n",
                      self.run_salvor("evidence", "show", "-", "1").out)


    def test_evidence_that_does_not_verify_has_a_hint(self):
        self.run_salvor("evidence", "export", "shop", "-o", "evidence.json")
        with open(self.path("evidence.json"), encoding="utf-8") as file:
            text = file.read()
        at = text.index('"payload"') + 40
        write(self.path("evidence.json"), text[:at] + ("A" if text[at] != "A" else "B")
              + text[at + 1:])
        done = self.run_salvor("evidence", "verify", "evidence.json", expect=5)
        self.assertIn("salvor: error: the evidence in evidence.json does not verify\nhint: ask ",
                      done.err)
        os.remove(self.objects("evidence")[-1])
        done = self.run_salvor("evidence", "verify", expect=5)
        self.assertIn("hint: salvor verify --repair says in a signed record which records are lost",
                      done.err)


class WrongOptions(ShopTest):
    def test_each_is_one_sentence_and_a_hint(self):
        for arguments, message, hint in (
                (["restore", "shop", "--confrim", "x"], "`salvor restore` has no option --confrim",
                 "did you mean --confirm? see `salvor restore --help`"),
                (["restore", "--confrim=shop"], "`salvor restore` has no option --confrim",
                 "did you mean --confirm? see `salvor restore --help`"),
                (["--jsno", "status"], "`salvor status` has no option --jsno",
                 "did you mean --json? see `salvor status --help`"),
                (["--confrim", "x"], "`salvor` has no option --confrim",
                 "did you mean --confirm? it goes after the command, as in "
                 "`salvor restore --confirm`; see `salvor restore --help`"),
                (["--confrim", "x", "restore", "shop"], "`salvor restore` has no option --confrim",
                 "did you mean --confirm? it goes after the command, as in "
                 "`salvor restore --confirm`; see `salvor restore --help`"),
                (["--at=x", "drill", "shop"],
                 "option --at stands in front of the command, expected after it",
                 "it goes after the command, as in `salvor drill --at`; see `salvor drill --help`"),
                (["--jsno", "x"], "`salvor` has no option --jsno",
                 "did you mean --json? see `salvor --help`"),
                (["runs", "show", "a", "b"], '`salvor runs show` does not take the argument "b"',
                 "see `salvor runs show --help`"),
                (["runs", "shop", "show", "a"],
                 '`salvor runs show` does not take the argument "shop"',
                 "see `salvor runs show --help`"),
                (["runs", "show", "a", "--limit", "3"], "`salvor runs show` has no option --limit",
                 "see `salvor runs show --help`"),
                (["status", "-x"], "`salvor status` has no option -x",
                 "see `salvor status --help`"),
                (["runs", "--limit", "-1"],
                 'option --limit is "-1", expected a whole number, 0 or more',
                 "see `salvor runs --help`"),
                (["runs", "--limit", "x"],
                 'option --limit is "x", expected a whole number, 0 or more',
                 "see `salvor runs --help`"),
                (["runs", "--limit", "99999999999999999999"],
                 'option --limit is "99999999999999999999", expected a whole number, 0 or more',
                 "see `salvor runs --help`"),
                (["runs", "--limit"], "option --limit has no value, expected one",
                 "see `salvor runs --help`"),
                (["restore", "shop", "--confirm", "a", "--confirm", "b"],
                 "option --confirm was given several times, expected once",
                 "see `salvor restore --help`"),
                (["status", "--json=x"], "option --json takes no value",
                 "see `salvor status --help`"),
                (["drill", "a", "b"], '`salvor drill` does not take the argument "b"',
                 "see `salvor drill --help`"),
                ([""], "the word after `salvor` is empty, expected a command",
                 "check that the variable is set; `salvor --help` lists the commands"),
                (["keys", ""], "the word after `salvor keys` is empty, expected a command",
                 "check that the variable is set; `salvor keys --help` lists the commands")):
            with self.subTest(arguments):
                done = self.run_salvor(*arguments, expect=2)
                self.assertEqual(done.err, f"salvor: error: {message}\nhint: {hint}\n")
                self.assertEqual(done.out, "")


if __name__ == "__main__":
    unittest.main()
