"""Rehearsed restores: what they prove, what turns them red, and that nothing of them stays."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

from shop import BY_PASSPHRASE, PASSPHRASE, SALVOR, ShopTest, dump, manifest, write

CHECKS = """
[[service.shop.check]]
name = "orders are there"
store = "db"
sql = "SELECT count(*) > 0 FROM orders"
[[service.shop.check]]
name = "logo"
store = "media"
path = "logo.png"
min_bytes = 100
[[service.shop.check]]
name = "front page"
http = "http://127.0.0.1:1/"
"""


# Loaded into salvor, it has the clock of a file: still_world.cc.
STILL_WORLD = os.environ.get("SALVOR_STILL_WORLD")


class DrillTest(ShopTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_nothing_stays)

    def assert_nothing_stays(self):
        drills = self.path("state/drills")
        self.assertEqual(os.listdir(drills) if os.path.exists(drills) else [], [])

    def configure(self, more="", service='rpo = "1h"', canary=False):
        config = self.beginning.replace('rpo = "1h"', service)
        if canary:
            config = config.replace('"live/shop.db"\n', '"live/shop.db"\ncanary = true\n')
            config = config.replace('"live/media"\n', '"live/media"\ncanary = true\n')
        write(self.config, config + more)

    def verdicts(self, report):
        return {check["name"]: check["verdict"] for check in report["checks"]}


class Drills(DrillTest):
    def test_a_good_point_is_proved(self):
        self.configure(CHECKS, 'rpo = "1h"\nrto = "5m"\nrunbook = "runbook.md"')
        point = self.ready()
        before = manifest(self.path("live"))
        report = self.json_of("drill", "shop")
        self.assertEqual(manifest(self.path("live")), before)
        self.assertEqual((report["service"], report["point"], report["state"]),
                         ("shop", point, "succeeded"))
        self.assertTrue(report["rto_met"])
        self.assertEqual(report["rto_s"], 300)
        self.assertEqual([phase["name"] for phase in report["phases"]],
                         ["preflight", "provision", "restore-db", "restore-media", "verify-copy",
                          "validate", "tear-down"])
        self.assertEqual({phase["result"] for phase in report["phases"]}, {"done"})
        verdicts = self.verdicts(report)
        self.assertEqual(verdicts["orders are there"], "passed")
        self.assertEqual(verdicts["logo"], "passed")
        self.assertEqual(verdicts["canary of db"], "not_run", "the store plants none")
        self.assertEqual(verdicts["front page"], "not_run")
        self.assertTrue(any("front page" in line for line in report["not_covered"]))
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["last_drill"]["run"], report["run"])
        self.assertEqual(status["last_drill"]["failed_checks"], [])
        self.assertAlmostEqual(status["proven_rto_s"], report["recovery_s"], places=2)
        self.assertEqual((status["never_drilled"], status["drill_stale"], status["rto_met"]),
                         (False, False, True))
        self.assertIn(" good ", self.run_salvor("status").out)
        run = self.json_of("runs", "show", report["run"])
        self.assertEqual((run["kind"], run["state"]), ("drill", "succeeded"))
        evidence = self.json_of("evidence", "list", "shop")["evidence"][-1]
        self.assertEqual((evidence["kind"], evidence["result"]), ("drill", "succeeded"))
        with open(self.path("runbook.md"), encoding="utf-8") as file:
            self.assertIn(report["run"], file.read())
        # What the catalog knew, the evidence in the repository knows too.
        shutil.rmtree(self.path("state"))
        again = self.json_of("status")["services"][0]
        self.assertEqual(again["last_drill"]["run"], report["run"])
        self.assertAlmostEqual(again["proven_rto_s"], report["recovery_s"], places=2)

    def test_every_red_check_is_named(self):
        self.configure(CHECKS + '[[service.shop.check]]\nname = "never"\nrun = "exit 3"\n'
                       'isolated = true\n')
        self.ready()
        os.remove(os.path.join(self.media, "logo.png"))
        with sqlite3.connect(self.database) as connection:
            connection.execute("DROP TABLE orders")
        connection.close()
        self.run_salvor("backup")
        done = self.run_salvor("--json", "drill", "shop", expect=9)
        report = done.json()
        self.assertEqual((report["state"], report["error"]["code"]), ("failed", "checks_failed"))
        verdicts = self.verdicts(report)
        self.assertEqual(verdicts["never"], "failed")
        self.assertEqual(verdicts["logo"], "failed")
        self.assertEqual(verdicts["orders are there"], "failed")
        status = self.json_of("status")["services"][0]
        self.assertEqual(set(status["last_drill"]["failed_checks"]),
                         {"never", "logo", "orders are there"})
        self.assertIsNone(status["proven_rto_s"])
        text = self.run_salvor("status").out
        self.assertIn("DRILL FAILED", text)
        self.assertIn("failed check: logo", text)
        self.assertIn("FAILED after", self.run_salvor("drill", "shop", expect=9).out)

    def test_drills_of_other_hosts_count(self):
        self.configure(CHECKS)
        self.ready()
        mine = self.json_of("drill", "shop")["run"]
        os.remove(os.path.join(self.media, "logo.png"))
        self.run_salvor("backup")
        with open(self.config, encoding="utf-8") as file:
            other_host = file.read().replace('state_dir = "state"', 'state_dir = "other"')
        write(self.path("other.toml"), other_host)
        theirs = self.json_of("drill", "shop", expect=9, config=self.path("other.toml"))["run"]
        status = self.json_of("status")["services"][0]
        self.assertEqual(status["last_drill"]["run"], theirs)
        self.assertEqual(status["last_drill"]["failed_checks"], ["logo"])
        # What is newest decides, whoever has rehearsed it.
        self.assertIsNone(status["proven_rto_s"])
        self.assertIn(mine, self.run_salvor("runs").out)

    def test_an_older_point(self):
        first = self.ready()
        os.remove(os.path.join(self.media, "logo.png"))
        self.run_salvor("backup")
        self.assertEqual(self.json_of("drill", "shop", "--at", first)["point"], first)
        self.fails(4, "not_found", "drill", "shop", "--at", "2001-01-01")
        self.fails(4, "not_found", "drill", "shpo", text="shop")

    def test_a_hanging_command_ends_by_the_limit(self):
        # A duration of its own: other runs of this test may be on the machine.
        hangs = f"sleep 987.{os.getpid()}"
        self.configure(f'[[service.shop.check]]\nname = "hangs"\nrun = "{hangs}"\n'
                       'isolated = true\n'
                       '[service.shop.drill]\ntimeout = "3s"\n')
        self.ready()
        start = time.monotonic()
        done = self.run_salvor("--json", "drill", "shop", expect=1)
        self.assertLess(time.monotonic() - start, 60)
        self.assertIn("time limit", done.json()["error"]["message"])
        self.assertEqual(done.json()["state"], "failed")
        self.assert_nothing_stays()
        self.assertNotEqual(subprocess.run(["pgrep", "-f", "^" + hangs], check=False,
                                           stdout=subprocess.DEVNULL).returncode, 0)
        self.assertEqual(self.json_of("evidence", "list", "shop")["evidence"][-1]["result"],
                         "failed")

    def test_what_a_killed_drill_leaves_is_removed_by_the_next(self):
        self.configure('[[service.shop.check]]\nname = "slow"\nrun = "sleep 5"\n'
                       'isolated = true\n')
        self.ready()
        command = [SALVOR, "-c", self.config, "-q", "drill", "shop"]
        with subprocess.Popen(command, cwd=self.root) as killed:
            self.wait_for_validate()
            killed.kill()
        left = os.listdir(self.path("state/drills"))
        self.assertEqual(len(left), 1)
        with subprocess.Popen(command, cwd=self.root) as other:
            self.wait_for(lambda: left[0] not in os.listdir(self.path("state/drills")))
            # Two at once, and neither takes the other's directory away.
            self.run_salvor("drill", "shop")
            self.assertEqual(other.wait(), 0)
        states = [run["state"] for run in self.json_of("runs")["runs"] if run["kind"] == "drill"]
        self.assertEqual(sorted(states), ["interrupted", "succeeded", "succeeded"])

    def wait_for(self, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        self.fail("it did not come about")

    def wait_for_validate(self):
        def restored():
            drills = self.path("state/drills")
            return os.path.exists(drills) and any(
                os.path.exists(os.path.join(drills, run, "media/logo.png"))
                for run in os.listdir(drills))
        self.wait_for(restored)

    def test_staging_elsewhere(self):
        self.configure('[[service.shop.check]]\nname = "there"\n'
                       'run = "case $SALVOR_STORE_MEDIA in $BIG/*) ;; *) exit 1 ;; esac"\n',
                       'rpo = "1h"\nstaging = "big"')
        self.ready()
        os.mkdir(self.path("big"), 0o755)
        write(self.path("big/20260101t000000-00000000 is not mine"), b"precious")
        self.run_salvor("drill", "shop", env={"BIG": self.path("big")})
        self.assertEqual(os.listdir(self.path("big/salvor-drills")), [])
        self.assertEqual(len(os.listdir(self.path("big"))), 2)
        os.chmod(self.path("big/salvor-drills"), 0o777)
        self.fails(6, "refused", "drill", "shop", text="other users may write")


    def test_staging_in_a_store_is_no_part_of_it(self):
        self.configure(service='rpo = "1h"\nstaging = "live/media"\nprotect = ["live"]')
        self.ready()
        write(os.path.join(self.media, "salvor-drills/20260101t000000-00000000/x"), b"a copy")
        entries = self.json_of("backup")["stores"][1]["entries"]
        self.assertEqual(entries, len(manifest(self.media)) - 3)
        self.run_salvor("drill", "shop")
        self.assertEqual(self.json_of("status")["services"][0]["uncovered"], [])
        self.configure(service='rpo = "1h"\nstaging = "repository/x"')
        self.fails(3, "configuration", "drill", "shop", text="inside the repository")


class OddDirectory(DrillTest):
    """All of it lies in a directory whose name is no UTF-8."""

    def make_root(self):
        return os.fsdecode(tempfile.mkdtemp(prefix=b"salvor-e2e-\xff"))

    def test_it_is_rehearsed_and_restored(self):
        self.ready()
        before = manifest(self.media)
        self.run_salvor("drill", "shop")
        os.remove(os.path.join(self.media, "logo.png"))
        lost = manifest(self.media)
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.assertEqual(manifest(self.media), before)
        self.run_salvor("runs", "show", "latest")
        self.run_salvor("restore", "--undo", "latest", "--confirm", "shop")
        self.assertEqual(manifest(self.media), lost)
        self.run_salvor("restore", "--close", "latest", "--confirm", "shop")


@unittest.skipUnless(STILL_WORLD, "only where the library with the clock is built")
class WrongClocks(DrillTest):
    """Two hosts drill in turn, and the clock of one is ahead by years."""

    def on_host(self, state, *arguments, ahead_s=0, expect=0):
        config = self.path(state + ".toml")
        with open(self.config, encoding="utf-8") as file:
            write(config, file.read().replace('state_dir = "state"', f'state_dir = "{state}"'))
        self.seed += 1 << 32  # no two processes draw the same numbers
        write(self.path("clock"), str(time.time_ns() + ahead_s * 1_000_000_000))
        env = {"LD_PRELOAD": STILL_WORLD, "GOLDEN_CLOCK": self.path("clock"),
               "GOLDEN_SEED": str(self.seed)}
        return self.json_of(*arguments, config=config, env=env, expect=expect)

    def last_drill(self, state, **options):
        return self.on_host(state, "status", **options)["services"][0]["last_drill"]

    def test_the_order_of_the_evidence_decides(self):
        self.seed = 0
        self.fill()
        self.run_salvor("init")
        self.on_host("right", "backup")
        self.configure(CHECKS.replace("min_bytes = 100", "min_bytes = 999999999"))
        years_s = 4 * 365 * 24 * 3600
        ahead = self.on_host("ahead", "drill", "shop", ahead_s=years_s, expect=9)["run"]
        for state, ahead_s in (("right", 0), ("ahead", years_s)):
            self.assertEqual(self.last_drill(state, ahead_s=ahead_s)["run"], ahead)
        self.configure()
        later = self.on_host("right", "drill", "shop")["run"]
        for state, ahead_s in (("right", 0), ("ahead", years_s), ("third", 0)):
            self.assertEqual(self.last_drill(state, ahead_s=ahead_s)["run"], later, state)
            plan = self.on_host(state, "restore", "shop", "--plan", ahead_s=ahead_s)
            self.assertEqual(plan["last_drill"]["run"], later, state)


class NoWayBack(DrillTest):
    """A drill that failed is run again: nothing of it is to be resumed or undone."""

    def assert_run_again(self, *arguments, expect):
        """The command fails, and no word of it, nor of its record, leads to a resume or an undo."""
        done = self.run_salvor(*arguments, expect=expect)
        self.assert_no_way_back(done.out + done.err)
        document = self.run_salvor("--json", *arguments, expect=expect)
        self.assert_no_way_back(document.out + document.err)
        run = self.json_of("runs")["runs"][0]["id"]
        for shown in (self.run_salvor("runs", "show", run),
                      self.run_salvor("--json", "runs", "show", run)):
            self.assert_no_way_back(shown.out + shown.err)
        self.run_salvor("evidence", "export", "shop", "-o", "evidence.json")
        with open(self.path("evidence.html"), encoding="utf-8") as page:
            self.assert_no_way_back(page.read())
        return document.json()

    def assert_no_way_back(self, text):
        for words in ("--resume", "--undo", "go on with", "go back", "resume the restore"):
            self.assertNotIn(words, text)

    def assert_drill_again(self, expect, *steps):
        report = self.assert_run_again("drill", "shop", expect=expect)
        self.assertIn(f"salvor runs show {report['run']}", report["error"]["hint"])
        self.assertIn("salvor drill shop", report["error"]["hint"])
        results = {phase["name"]: phase["result"] for phase in report["phases"]}
        failed = {step for step, result in results.items() if result == "failed"}
        self.assertTrue(not steps or failed and failed <= set(steps), results)

    def test_the_commands_of_the_service(self):
        self.ready()
        for step, more in (
                ("migrate", '[service.shop.migrate]\nrun = "exit 3"\nisolated = true\n'),
                ("migrate", '[service.shop.migrate]\nrun = "true"\nneeded = "exit 127"\n'
                            'isolated = true\n'),
                ("rebuild-x", '[[service.shop.rebuild]]\nname = "x"\nrun = "exit 3"\n'
                              'isolated = true\n')):
            with self.subTest(more):
                self.configure(more)
                self.assert_drill_again(1, step)

    def test_a_red_check(self):
        self.ready()
        self.configure('[[service.shop.check]]\nname = "x"\nrun = "exit 3"\nisolated = true\n')
        self.assert_drill_again(9)

    def test_damaged_and_missing_packs(self):
        self.ready()
        pack = max(self.objects("packs"), key=os.path.getsize)
        with open(pack, "r+b") as file:
            file.seek(1000)
            file.write(b"rotten" * 100)
        self.assert_drill_again(5, "restore-db", "restore-media")
        self.assert_run_again("restore", "shop", "--into", "out", "--delta", expect=5)
        os.remove(pack)
        self.assert_drill_again(5, "restore-db", "restore-media")

    def test_no_room(self):
        self.ready()
        self.small_disk("small", "size=100m,nr_inodes=8")
        self.configure(service='rpo = "1h"\nstaging = "small"')
        self.assert_drill_again(1)
        self.assert_run_again("restore", "shop", "--into", "small/out", "--delta", expect=1)

    def test_a_staging_that_is_none(self):
        self.ready()
        write(self.path("file"), b"no directory")
        self.configure(service='rpo = "1h"\nstaging = "file"')
        self.assert_drill_again(1)

    def test_the_time_limit(self):
        self.ready()
        self.configure('[[service.shop.check]]\nname = "x"\nrun = "sleep 60"\nisolated = true\n'
                       '[service.shop.drill]\ntimeout = "1s"\n')
        self.assert_drill_again(1)

    def test_an_interrupt(self):
        self.ready()
        # The command itself interrupts the drill: its shell's parent is salvor.
        for place in ('[service.shop.migrate]\nrun = "kill -INT $PPID; sleep 1"\n',
                      '[[service.shop.check]]\nname = "x"\nrun = "kill -INT $PPID; sleep 60"\n'):
            with self.subTest(place):
                self.configure(place + 'isolated = true\n')
                self.assert_drill_again(130)


class Canaries(DrillTest):
    def test_planted_ones_are_found(self):
        self.configure(canary=True)
        self.ready()
        verdicts = self.verdicts(self.json_of("drill", "shop"))
        self.assertEqual((verdicts["canary of db"], verdicts["canary of media"]),
                         ("passed", "passed"))
        with sqlite3.connect(self.database) as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM salvor_canary").fetchone(),
                             (1,))
        connection.close()

    def test_a_locked_database_is_backed_up_without(self):
        self.configure(canary=True)
        self.ready()
        writer = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(writer.close)
        writer.execute("BEGIN IMMEDIATE")
        done = self.run_salvor("--json", "backup")
        self.assertIn("no canary could be planted", done.err)
        point = self.json_of("points")["points"][-1]
        self.assertIn("locked", point["facts"]["canary_problem.db"])
        report = self.json_of("drill", "shop")
        self.assertEqual(self.verdicts(report)["canary of db"], "not_run")
        self.assertTrue(any("canary of db" in line for line in report["not_covered"]))

    def test_one_that_is_excluded_is_missing(self):
        self.configure(canary=True)
        with open(self.config, "a", encoding="utf-8") as file:
            file.write('exclude = [".salvor-canary"]\n')
        self.ready()
        report = self.json_of("drill", "shop", expect=9)
        check = [c for c in report["checks"] if c["name"] == "canary of media"][0]
        self.assertEqual(check["verdict"], "failed")
        self.assertIn("missing", check["actual"])


class Runbook(DrillTest):
    beginning = BY_PASSPHRASE

    def test_the_way_from_repository_and_key_alone(self):
        self.configure(CHECKS, 'rpo = "1h"\nowner = "DBA | team"\nseverity = "P1"')
        self.ready()
        rows, media = dump(self.database), manifest(self.media)
        page = self.run_salvor("runbook", "shop").out
        for text in ("# Restore runbook: shop", "DBA \\| team", "| P1 |", "never rehearsed",
                     f"salvor -c {self.config} restore shop --confirm shop", "front page"):
            self.assertIn(text, page)
        self.run_salvor("runbook", "shop", "-o", self.path("page.md"))
        self.assertEqual(self.json_of("runbook", "shop")["service"], "shop")
        self.assertTrue(os.path.getsize(self.path("page.md")) > 1000)
        # A bare machine: nothing but the repository, the passphrase, and the lines of the page.
        bare = self.path("bare")
        os.mkdir(bare)
        shutil.move(self.path("repository"), os.path.join(bare, "repository"))
        for name in ("live", "state"):
            shutil.rmtree(self.path(name))
        lines = page.split("```toml\n")[1].split("```")[0]
        lines = lines.replace(self.root, bare)
        write(os.path.join(bare, "salvor.toml"), lines)
        write(os.path.join(bare, "passphrase"), PASSPHRASE, 0o600)
        script = page.split("restore into an empty directory:\n\n```sh\n")[1].split("```")[0]
        path = os.path.dirname(SALVOR) + ":" + os.environ["PATH"]
        done = subprocess.run(["sh", "-e", "-c", script], cwd=bare, check=False, text=True,
                              capture_output=True, env={**os.environ, "PATH": path})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(dump(os.path.join(bare, "restored/db/shop.db")), rows)
        self.assertEqual(manifest(os.path.join(bare, "restored/media")), media)

    def test_without_a_repository(self):
        self.fill()
        page = self.run_salvor("runbook", "shop").out
        self.assertIn("There is no recovery point", page)
        self.assertIn("could not be opened", page)

    def test_a_repository_that_does_not_open(self):
        self.ready()
        write(self.path("passphrase"), "another\n", 0o600)
        page = self.run_salvor("runbook", "shop").out
        self.assertIn("**The repository could not be opened", page)
        self.assertNotIn("There is no recovery point", page)
        self.assertIn("UNKNOWN", self.run_salvor("status", expect=3).out)


if __name__ == "__main__":
    unittest.main()
