"""What a run tells whoever supervises it: events, warnings, who asked for it."""

import fcntl
import json
import os
import subprocess
import threading

from shop import CONFIG, SALVOR, WRITES, ShopTest, write

KEYS = {
    "began": ["verb", "service", "stores"],
    "step": ["name", "number", "count", "state", "seconds", "error"],
    "progress": ["phase", "bytes", "bytes_expected", "entries", "entries_expected"],
    "note": ["text"],
    "warning": ["what", "where", "hint"],
    "ended": ["outcome", "exit", "error", "dropped"],
}


class EventsTest(ShopTest):
    def configure(self, more):
        write(self.config, CONFIG + WRITES + more)

    def run_with(self, descriptor, *arguments, number=None):
        """Runs the program with that descriptor for its events."""
        command = [SALVOR, "-c", self.config, *arguments, "--events", str(number or descriptor)]
        return subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              pass_fds=[descriptor], check=False, text=True)

    def events_of(self, *arguments, expect=0):
        """What a command tells until the end of the pipe, and the command itself."""
        read, written = os.pipe()
        lines = []

        def read_all():
            with os.fdopen(read, encoding="utf-8") as pipe:
                lines.extend(pipe)

        reader = threading.Thread(target=read_all)
        reader.start()
        try:
            done = self.run_with(written, *arguments)
        finally:
            os.close(written)
        reader.join()
        self.assertEqual(done.returncode, expect, done.stderr)
        self.assertTrue(all(line.endswith("\n") for line in lines))
        events = [json.loads(line) for line in lines]
        for event in events:
            self.assertEqual(list(event), ["event", "time", "run"] + KEYS[event["event"]])
        return events, done

    def assert_one_run(self, events, status):
        """From its beginning to its end, with the exit status of the process. Returns its id."""
        kinds = [event["event"] for event in events if event["run"]]
        self.assertEqual((kinds[0], kinds[-1]), ("began", "ended"))
        self.assertEqual((kinds.count("began"), kinds.count("ended")), (1, 1))
        self.assertEqual(events[-1]["event"], "ended")
        self.assertEqual((events[-1]["exit"], events[-1]["dropped"]), (status, 0))
        self.assertEqual(len({event["run"] for event in events if event["run"]}), 1)
        return events[-1]["run"]

    def steps_of(self, events):
        return [(event["name"], event["number"], event["state"]) for event in events
                if event["event"] == "step"]

    def predicate(self, service="shop"):
        """What the newest record of evidence says."""
        number = self.json_of("evidence", "list", service)["evidence"][-1]["sequence"]
        return self.json_of("evidence", "show", service, str(number))["predicate"]


class Verbs(EventsTest):
    def test_a_backup(self):
        self.fill()
        self.run_salvor("init")
        events, done = self.events_of("--json", "backup")
        run = self.assert_one_run(events, 0)
        self.assertEqual(json.loads(done.stdout)["run"], run)
        began = next(event for event in events if event["event"] == "began")
        self.assertEqual((began["verb"], began["service"], began["stores"]),
                         ("backup", "shop", ["db", "media"]))
        self.assertEqual((events[-1]["outcome"], events[-1]["error"]), ("succeeded", None))

    def test_each_service_is_a_run(self):
        self.fill()
        write(self.config, CONFIG + '[service.other.store.files]\ntype = "files"\npath = "none"\n')
        self.run_salvor("init")
        events, done = self.events_of("backup", expect=4)
        ends = [event for event in events if event["event"] == "ended"]
        self.assertEqual([(end["outcome"], end["exit"]) for end in ends],
                         [("succeeded", 0), ("failed", 4)], done.stderr)
        self.assertEqual(ends[1]["error"]["code"], "not_found")

    def test_a_suspect_point(self):
        self.ready()
        for name in os.listdir(self.media):
            subprocess.run(["rm", "-r", os.path.join(self.media, name)], check=True)
        events, _ = self.events_of("backup", expect=9)
        self.assert_one_run(events, 9)
        self.assertEqual(events[-1]["outcome"], "succeeded", "the point is there")
        self.assertEqual(events[-1]["error"]["code"], "checks_failed")

    def test_a_restore_in_place(self):
        self.ready()
        self.configure("")
        events, _ = self.events_of("restore", "shop", "--confirm", "shop")
        run = self.assert_one_run(events, 0)
        steps = self.steps_of(events)
        names = [name for name, _, state in steps if state == "began"]
        self.assertEqual(names[:3], ["preflight", "lock-writes", "safety-snapshot"])
        self.assertEqual(steps, [(name, number, state) for number, name in enumerate(names, 1)
                                 for state in ("began", "done")])
        events, _ = self.events_of("restore", "--undo", run, "--confirm", "shop")
        self.assertEqual(self.assert_one_run(events, 0), run)
        self.assertEqual(events[-1]["outcome"], "undone")
        self.assertEqual({state for _, _, state in self.steps_of(events)}, {"undone"})
        events, _ = self.events_of("restore", "--close", run, "--confirm", "shop")
        self.assertEqual(self.assert_one_run(events, 0), run)
        verb = next(event["verb"] for event in events if event["event"] == "began")
        self.assertEqual((verb, events[-1]["outcome"]), ("close", "undone"))

    def test_a_step_that_fails(self):
        self.ready()
        self.configure('[[service.shop.rebuild]]\nname = "x"\nrun = "exit 3"\nisolated = true\n')
        events, _ = self.events_of("restore", "shop", "--confirm", "shop", expect=1)
        self.assert_one_run(events, 1)
        failed = [event for event in events if event["event"] == "step"][-1]
        self.assertEqual((failed["name"], failed["state"]), ("rebuild-x", "failed"))
        self.assertEqual(failed["error"], events[-1]["error"]["message"])
        self.assertEqual(events[-1]["outcome"], "failed")

    def test_an_interrupt(self):
        self.ready()
        self.configure('[[service.shop.rebuild]]\nname = "x"\nisolated = true\n'
                       'run = "kill -INT $PPID; sleep 1"\n')
        events, _ = self.events_of("restore", "shop", "--confirm", "shop", expect=130)
        self.assert_one_run(events, 130)
        self.assertEqual(events[-1]["outcome"], "interrupted")
        self.assertEqual(events[-1]["error"]["code"], "cancelled")

    def test_a_restore_beside(self):
        self.ready()
        events, _ = self.events_of("restore", "shop", "--into", "beside")
        self.assert_one_run(events, 0)
        self.assertEqual(self.steps_of(events),
                         [("restore-db", 1, "began"), ("restore-db", 1, "done"),
                          ("restore-media", 2, "began"), ("restore-media", 2, "done")])

    def test_a_drill(self):
        self.ready()
        self.configure('[[service.shop.check]]\nname = "no"\nrun = "exit 3"\nisolated = true\n')
        events, done = self.events_of("--json", "drill", "shop", expect=9)
        self.assertEqual(self.assert_one_run(events, 9), json.loads(done.stdout)["run"])
        self.assertEqual(self.steps_of(events)[-1][0::2], ("tear-down", "done"))
        self.assertEqual(events[-1]["outcome"], "failed")

    def test_a_verification(self):
        self.ready()
        events, _ = self.events_of("verify", "--data")
        self.assert_one_run(events, 0)
        pack = max(self.objects("packs"), key=os.path.getsize)
        os.chmod(pack, 0o600)
        with open(pack, "r+b") as file:
            file.seek(1000)
            file.write(b"rotten")
        events, _ = self.events_of("verify", "--data", expect=5)
        self.assert_one_run(events, 5)
        self.assertEqual(events[-1]["error"]["code"], "corruption")

    def test_what_begins_no_run(self):
        self.ready()
        for arguments, status, code in ((["backup", "shp"], 4, "not_found"),
                                        (["restore", "shop"], 6, "refused"),
                                        (["restore", "shop", "--plan"], 0, None)):
            with self.subTest(arguments):
                events, _ = self.events_of(*arguments, expect=status)
                self.assertEqual([event["event"] for event in events], ["ended"])
                self.assertEqual((events[0]["run"], events[0]["outcome"], events[0]["exit"]),
                                 (None, None, status))
                self.assertEqual((events[0]["error"] or {}).get("code"), code)

    def test_in_the_background(self):
        self.ready()
        self.configure("")
        events, done = self.events_of("--json", "restore", "shop", "--confirm", "shop", "--detach")
        self.assertEqual(self.assert_one_run(events, 0), json.loads(done.stdout)["run"])
        events, _ = self.events_of("restore", "shop", "--detach", expect=6)
        self.assertEqual([event["event"] for event in events], ["ended"])


class Readers(EventsTest):
    def test_a_descriptor_that_is_none(self):
        self.ready()
        before = self.json_of("runs")
        read, written = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, written)
        for number in ("0", "1", "2", "999", str(2**40), str(read)):
            for command in (["backup"], ["verify"], ["drill", "shop"],
                            ["restore", "shop", "--into", "beside"]):
                with self.subTest(number, command=command):
                    done = self.run_with(read, *command, number=number)
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(f"option --events is {number}", done.stderr)
        self.assertEqual(self.json_of("runs"), before, "nothing has begun")
        self.assertFalse(os.path.exists(self.path("beside")))

    def test_a_reader_that_went_away(self):
        self.ready()
        read, written = os.pipe()
        os.close(read)
        self.addCleanup(os.close, written)
        done = self.run_with(written, "drill", "shop")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_reader_that_never_reads(self):
        self.ready()
        read, written = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, written)
        size = fcntl.fcntl(written, fcntl.F_SETPIPE_SZ, 4096)
        os.write(written, b"\n" * size)
        done = self.run_with(written, "drill", "shop")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.json_of("runs")["runs"][0]["state"], "succeeded")

    def test_a_full_disk(self):
        self.ready()
        with open("/dev/full", "wb") as full:
            done = self.run_with(full.fileno(), "--json", "backup")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("No space left on device"), 1)
        self.assertIn("No space left on device", json.loads(done.stdout)["warnings"][0])

    def test_a_run_that_is_killed(self):
        self.ready()
        self.configure('[[service.shop.rebuild]]\nname = "x"\nrun = "kill -9 $PPID"\n'
                       'isolated = true\n')
        events, _ = self.events_of("restore", "shop", "--confirm", "shop", expect=-9)
        kinds = [event["event"] for event in events]
        self.assertIn("began", kinds)
        self.assertNotIn("ended", kinds)
        self.assertEqual(self.steps_of(events)[-1][0::2], ("rebuild-x", "began"))

    def test_a_command_does_not_hold_it_open(self):
        self.ready()
        self.configure('[[service.shop.check]]\nname = "x"\nisolated = true\n'
                       'run = "test ! -e /proc/self/fd/57"\n')
        read, written = os.pipe()
        os.dup2(written, 57)
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, written)
        self.addCleanup(os.close, 57)
        done = self.run_with(57, "drill", "shop")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Warnings(EventsTest):
    TEXT = "can be read or changed by others"

    def test_they_belong_to_the_run(self):
        self.ready()
        os.chmod(self.path("key"), 0o644)
        for arguments in (["backup"], ["verify"], ["drill", "shop"],
                          ["restore", "shop", "--into", "beside"],
                          ["restore", "shop", "--confirm", "shop"]):
            with self.subTest(arguments):
                events, done = self.events_of("--json", *arguments)
                self.assertEqual(done.stderr.count(self.TEXT), 1, done.stderr)
                told = [event["what"] for event in events if event["event"] == "warning"]
                self.assertEqual(sum(self.TEXT in line for line in told), 1)
                report = json.loads(done.stdout)
                self.assertEqual(sum(self.TEXT in line for line in report["warnings"]), 1)
                predicate = self.predicate("shop" if "verify" not in arguments else "-")
                self.assertEqual(predicate["run"], report["run"])
                self.assertEqual(sum(self.TEXT in line for line in predicate["warnings"]), 1)
                self.assertFalse(any(self.TEXT in line
                                     for line in predicate.get("deviations", [])))
                shown = self.json_of("runs", "show", report["run"])["summary"]
                self.assertEqual(sum(self.TEXT in line for line in shown["warnings"]), 1)

    def test_who_started_and_approved_it(self):
        self.ready()
        self.run_salvor("backup", "--started-by", "alice@example.org", "--approved-by", "bob")
        predicate = self.predicate()
        self.assertEqual(predicate["told"], {"started_by": "alice@example.org",
                                             "approved_by": "bob", "uid": os.getuid()})
        self.assertNotEqual(predicate["started_by"], "alice@example.org")
        shown = self.run_salvor("evidence", "show", "shop", str(predicate["sequence"])).out
        self.assertIn(f"approved by bob (by user {os.getuid()})", shown)
        self.run_salvor("backup")
        self.assertNotIn("told", self.predicate())
        self.run_salvor("restore", "shop", "--confirm", "shop", "--approved-by", "carol")
        self.assertEqual(self.predicate()["told"], {"approved_by": "carol", "uid": os.getuid()})
        self.run_salvor("backup", "--started-by", "", expect=2)
