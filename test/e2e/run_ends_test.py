"""How a run ends: what is recorded of it when its process is killed at the end, and its times."""

import os
import signal
import unittest

from shop import CONFIG, WRITES, ShopTest, write


class RunEnds(ShopTest):
    def setUp(self):
        super().setUp()
        write(self.config, CONFIG + WRITES)
        self.ready()
        self.chain, = os.listdir(self.path("repository/evidence"))

    def restored(self):
        self.run_salvor("restore", "shop", "--confirm", "shop")
        return self.restores()[0]["id"]

    def evidence_of(self, run):
        """Results and records, in the order of the chain."""
        records = self.json_of("evidence", "list", "shop")["evidence"]
        return [(record["result"], record["sequence"]) for record in records
                if record["run"] == run]

    def predicate(self, number):
        return self.json_of("evidence", "show", "shop", str(number))["predicate"]


class KilledAtTheEnd(RunEnds):
    """The journal has the end of the run, and its evidence does not."""

    def killed_at_evidence(self, *arguments):
        """When the record is about to get its name."""
        chain = self.path("repository/evidence", self.chain)
        kill = ("strace", "-f", "-o", "/dev/null", "-P", chain,
                "-e", "inject=linkat:error=EIO:signal=SIGKILL")
        self.run_salvor(*arguments, prefix=kill, expect=-signal.SIGKILL)

    def assert_settled(self, run, state):
        results = [result for result, _ in self.evidence_of(run)]
        self.assertEqual(results.count(state), 1, results)
        late = self.predicate(self.evidence_of(run)[-1][1])
        self.assertRegex("\n".join(late["deviations"]),
                         f"a later command wrote it; the run was {state} at 20")
        self.assertEqual(self.json_of("runs", "show", run)["state"], state)
        self.run_salvor("verify")

    def test_a_close_again_leaves_the_evidence(self):
        run = self.restored()
        self.killed_at_evidence("restore", "--close", run, "--confirm", "shop")
        self.assertEqual([result for result, _ in self.evidence_of(run)], ["succeeded"])
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.assert_settled(run, "closed")
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.assert_settled(run, "closed")

    def test_a_close_again_without_a_catalog_leaves_it(self):
        run = self.restored()
        self.killed_at_evidence("restore", "--close", run, "--confirm", "shop")
        os.rename(self.path("state"), self.path("away"))
        self.run_salvor("restore", "--close", run, "--confirm", "shop")
        self.assert_settled(run, "closed")

    def test_any_next_run_leaves_it(self):
        for verb, state in (("--close", "closed"), ("--undo", "undone"),
                            ("--abandon", None)):
            for following in (["backup"], ["verify"], ["drill", "shop"]):
                with self.subTest(verb, following=following):
                    run = self.restored()
                    self.killed_at_evidence("restore", verb, run, "--confirm", "shop")
                    self.run_salvor(*following)
                    if state:
                        self.assert_settled(run, state)
                    else:
                        self.assertEqual([result for result, _ in self.evidence_of(run)],
                                         ["succeeded", "abandoned"])

    def test_a_restore_that_had_ended_leaves_it(self):
        self.killed_at_evidence("restore", "shop", "--confirm", "shop")
        run = self.restores()[0]["id"]
        self.assertEqual(self.evidence_of(run), [])
        self.run_salvor("backup")
        self.assertEqual([result for result, _ in self.evidence_of(run)], ["succeeded"])
        self.assertEqual(self.json_of("runs", "show", run)["state"], "succeeded")
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")

    def test_an_open_one_is_left_alone(self):
        write(self.config, CONFIG + WRITES + '[service.shop.migrate]\nrun = "kill -9 $PPID"\n'
              'isolated = true\n')
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=-signal.SIGKILL)
        run = self.restores()[0]["id"]
        self.run_salvor("verify")
        self.assertEqual(self.evidence_of(run), [])
        self.assertEqual(self.json_of("runs", "show", run)["state"], "interrupted")


class Times(RunEnds):
    def ended(self, run):
        return self.json_of("runs", "show", run)["ended"]

    def test_a_run_ends_where_its_work_ended(self):
        for before, after in ((["--undo"], "--close"), ([], "--close"), ([], "--abandon")):
            with self.subTest(after, before=before):
                run = self.restored()
                for verb in before:
                    self.run_salvor("restore", verb, run, "--confirm", "shop")
                ended = self.ended(run)
                self.run_salvor("verify")
                self.run_salvor("restore", after, run, "--confirm", "shop")
                # The end of the journal and of its row are moments apart, the close is later.
                self.assertLessEqual(self.ended(run), ended)


if __name__ == "__main__":
    unittest.main()
