"""The Django shop is broken while people use it, and restored in place while they go on."""

import contextlib
import os
import shutil
import time
import unittest

from django_site import DjangoTest, dump_of, files_of
from django_visitors import broken_promises
from shop import manifest, write

CONFIG = """\
state_dir = "state"

[repository]
url      = "repository"
key_file = "key"

[service.shop]
rpo = "1h"
rto = "10m"

[service.shop.store.db]
type = "sqlite"
path = "live/shop.db"

[service.shop.store.media]
type = "files"
path = "live/media"
exclude = ["thumbnails/**"]

[service.shop.writes]
lock   = "sh {root}/lock"
unlock = "sh {root}/unlock"
locked = "test -e {root}/maintenance"

[service.shop.migrate]
needed = "! {root}/hook migrate --check"
run    = "{root}/hook migrate --noinput"
isolated = true

[[service.shop.rebuild]]
name = "thumbnails"
run  = "{root}/hook rebuild_thumbnails"
isolated = true

[[service.shop.check]]
name = "manage.py check"
run  = "{root}/hook check"
isolated = true

[[service.shop.check]]
name  = "orders are there"
store = "db"
sql   = "SELECT count(*) > 0 FROM orders_order"

[[service.shop.check]]
name  = "logo"
store = "media"
path  = "logo.png"
min_bytes = 1024

[[service.shop.check]]
name = "front page"
http = "{front_page}"
contains = "Newest orders"

[[service.shop.reference]]
name = "every upload has its file"
from = "db"
sql  = "SELECT file FROM orders_upload"
in   = "media"

[service.shop.return]
run = "date +%s.%N >> {root}/returned.log"

[service.shop.watch]
duration = "2s"
every    = "1s"
[[service.shop.watch.probe]]
http     = "{health}"
contains = "healthy"
"""

# Applied half, since it is not atomic: the column has its new name, and the code has the old one.
FAILING_MIGRATION = '''\
from django.db import migrations


def fill(apps, schema_editor):
    raise RuntimeError("the amounts can't be converted")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0002_line_what")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_line RENAME COLUMN price TO pence"),
        migrations.RunPython(fill),
    ]
'''


class ServiceTest(DjangoTest):
    """The site is a service of salvor's, has a repository, and is being visited."""

    # What the program must offer, by its help: (command, option).
    needs = ("restore", "--confirm")

    def setUp(self):
        super().setUp()
        command, option = self.needs
        if option not in self.run_salvor(command, "--help", expect=None).out:
            self.skipTest(f"this program has no {command} {option}")
        write(self.config, CONFIG.format(root=self.root, front_page=self.site.url("/"),
                                         health=self.site.url("/health")))
        self.run_salvor("init")
        self.visitors.start()
        self.visitors.until_promises(30)
        self.known_runs = set()

    def new_run(self, kind):
        """The one run of this kind that was not there when it was last asked."""
        runs = {run["id"]: run for run in self.json_of("runs", "shop")["runs"]
                if run["kind"] == kind}
        fresh = set(runs) - self.known_runs
        self.known_runs |= fresh
        self.assertEqual(len(fresh), 1, runs)
        return runs[fresh.pop()]

    def assert_no_workplace(self, but_of=None):
        left = [name for name in os.listdir(self.path("live"))
                if name.startswith(".salvor-") and not (but_of and but_of in name)]
        self.assertEqual(left, [])

    def state_of(self, run):
        return {each["id"]: each["state"] for each in self.json_of("runs")["runs"]}[run]


class RestoreInPlace(ServiceTest):
    def setUp(self):
        super().setUp()
        # Spans of time whose promises were given up, because an earlier state was brought back.
        self.lost = []
        # Spans of time in which the site was broken, up to its release.
        self.broken = []

    def back_up(self):
        """(point, when it began): what was promised until then must be in it."""
        began = time.time()
        return self.json_of("backup", "shop")["point"], began

    def break_it(self, how):
        """People use what is broken until somebody holds their writes."""
        self.broken.append((time.time(), float("inf")))
        how()
        self.assertNotEqual(self.site.request("GET", "/health")[0], 200, how.__name__)
        time.sleep(0.2)

    def restore(self, *arguments):
        """The id of the run."""
        self.run_salvor("restore", "shop", "--confirm", "shop", *arguments)
        run = self.new_run("restore")
        self.assertEqual(run["state"], "succeeded")
        last = self.json_of("status", "shop")["services"][0]["last_restore"]
        self.assertEqual((last["id"], last["state"]), (run["id"], "succeeded"))
        return run["id"]

    def assert_restored(self, run, point, since, migrated=False):
        """The site is what it was at `point`, and nothing that was promised outside is missing."""
        self.broken[-1] = (self.broken[-1][0], self.site.times("released")[-1])
        self.lost.append((since, self.site.times("released")[-1]))
        self.assertFalse(os.path.exists(self.site.flag), "the writes are still held")
        self.site.wait_until_healthy()
        self.visitors.until_promises(10)
        self.assert_nothing_is_missing()
        self.assert_nobody_saw_a_fault()
        self.site.manage("check")
        self.assertRegex(self.site.manage("rebuild_thumbnails").stdout, "thumbnails: 0 made, ")
        self.assert_hooks(run, point, {"migrate --check", "rebuild_thumbnails", "check"}
                          | ({"migrate --noinput"} if migrated else set()))
        # When the writes were released again, it was the point and nothing else.
        beside = self.path("beside-" + run)
        self.run_salvor("restore", "shop", "--into", beside, "--at", point)
        self.new_run("restore")  # that one is in the history too
        rows, uploads = self.site.seen(f"released.{len(self.site.times('released'))}")
        self.assertEqual(uploads, files_of(os.path.join(beside, "media")))
        if migrated:
            self.site.manage("migrate", "--check")
        else:
            self.assertEqual(rows, dump_of(os.path.join(beside, "db/shop.db")))
        self.assertEqual(len(self.site.times("held")), len(self.site.times("released")))

    def assert_nothing_is_missing(self):
        due = [promise for promise in list(self.visitors.promises)
               if not any(promise.ended > begin and promise.began < end
                          for begin, end in self.lost)]
        self.assertGreater(len(due), 30)
        self.assertEqual(list(broken_promises(due, self.site.orders(), self.media)), [])

    def assert_nobody_saw_a_fault(self):
        """While writes were open, and nobody had broken anything; and while they were held, no
        write was taken."""
        self.assertEqual(list(map(str, self.faulty_visits(self.broken))), [])
        tried = set()
        for begin, end in zip(self.site.times("held"), self.site.times("released")):
            during = [visit for visit in list(self.visitors.visits)
                      if visit.sent >= begin and visit.ended <= end]
            self.assertEqual([str(visit) for visit in during if visit.method == "POST"
                              and not (visit.status == 503 and visit.retry_after)], [])
            tried.update(visit.method for visit in during)
        self.assertEqual(tried, {"GET", "POST"})

    def assert_hooks(self, run, point, commands):
        """The service's commands were told of the copy, and of nothing that is live."""
        told = [hook for hook in self.site.hooks() if hook["run"] == run]
        self.assertLessEqual(commands, {hook["command"] for hook in told})
        for hook in told:
            self.assertEqual((hook["mode"], hook["service"], hook["point"]),
                             ("restore", "shop", point))
            self.assertNotIn(hook["database"], ("", self.site.database))
            self.assertNotIn(hook["media"], ("", self.site.media))

    def fail_a_migration(self):
        path = self.path("app/src/orders/migrations/0003_pence.py")
        write(path, FAILING_MIGRATION)
        self.assertIn("can't be converted", self.site.manage("migrate", check=False).stderr)
        os.remove(path)

    def drop_a_table(self):
        self.sql("DROP TABLE orders_line")

    def delete_uploads(self):
        for folder in ("uploads", "thumbnails"):
            names = sorted(os.listdir(os.path.join(self.media, folder)))
            for name in names[::2]:
                # One that is being written may have its own name by now.
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(self.media, folder, name))
        os.remove(os.path.join(self.media, "logo.png"))

    def price_everything_at_nothing(self):
        self.sql("UPDATE orders_line SET price = 0")

    def remove_everything(self):
        for name in ("shop.db", "shop.db-wal", "shop.db-shm"):
            # SQLite removes the last two itself when nobody has the database open.
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path("live", name))
        # At once: visitors go on uploading meanwhile.
        lost = self.media + ".lost"
        os.rename(self.media, lost)
        shutil.rmtree(lost, ignore_errors=True)


class WhateverHappens(RestoreInPlace):
    def test_whatever_happens(self):
        point, since = self.back_up()
        self.site.manage("migrate")
        self.break_it(self.fail_a_migration)
        self.assert_restored(self.restore(), point, since, migrated=True)
        for harm in (self.drop_a_table, self.delete_uploads, self.remove_everything):
            with self.subTest(harm.__name__):
                point, since = self.back_up()
                self.visitors.until_promises(5)
                self.break_it(harm)
                self.assert_restored(self.restore(), point, since)


class ThereAndBackAgain(RestoreInPlace):
    """For a change with a database in rollback mode."""

    journal_mode = "delete"

    def test_there_and_back_again(self):
        self.site.manage("migrate")
        point, since = self.back_up()
        self.visitors.until_promises(5)
        self.break_it(self.price_everything_at_nothing)
        first = self.restore()
        self.assert_restored(first, point, since)
        # Back: the harm is there again, and with it all that the restore had cost.
        self.broken.append((time.time(), float("inf")))
        self.run_salvor("restore", "--undo", first, "--confirm", "shop")
        self.assertEqual(self.state_of(first), "undone")
        self.assertFalse(os.path.exists(self.site.flag), "the writes are still held")
        self.assertEqual(self.site.seen("held.1"), self.site.seen("released.2"))
        self.assertNotEqual(self.site.seen("held.1"), self.site.seen("released.1"))
        self.assertEqual(self.site.request("GET", "/health")[0], 503)
        self.assertTrue(all(upload["thumbnail_found"] for order in self.site.orders().values()
                            for upload in order["uploads"]))
        self.visitors.until_promises(5)
        # And there: named by its id, since what came after it is no good.
        second = self.restore("--at", point)
        self.assert_restored(second, point, since)
        self.assertEqual(self.state_of(first), "undone")
        status = self.json_of("status", "shop")["services"][0]
        self.assertEqual(status["newest"]["id"], point, "a safety snapshot is no backup")
        self.run_salvor("restore", "--close", second, "--confirm", "shop")
        self.assertEqual(self.state_of(second), "closed")
        # What was written after the first is kept, for people to look at.
        self.assert_no_workplace(but_of=first)
        self.site.manage("check")


class Drill(ServiceTest):
    needs = ("drill", "--at")

    def drill(self, expect):
        report = self.json_of("drill", "shop", expect=expect)
        run = self.new_run("drill")
        told = [hook for hook in self.site.hooks() if hook["run"] == run["id"]]
        self.assertIn("rebuild_thumbnails", [hook["command"] for hook in told])
        for hook in told:
            self.assertEqual(hook["mode"], "drill")
            self.assertFalse(hook["database"].startswith(self.path("live")), hook)
            self.assertFalse(os.path.exists(hook["database"]), "the drill leaves its copy behind")
            self.assertFalse(os.path.exists(hook["media"]), "the drill leaves its copy behind")
        self.assertEqual(self.site.times("held"), [], "a drill holds nobody's writes")
        self.assertFalse(os.path.exists(self.path("returned.log")))
        self.assert_no_workplace()
        return run, report

    def test_rehearsal(self):
        self.run_salvor("backup", "shop")
        live = manifest(os.path.join(self.media, "logo.png"))
        run, _ = self.drill(expect=0)
        self.assertEqual(run["state"], "succeeded")
        self.assertEqual(manifest(os.path.join(self.media, "logo.png")), live)
        self.visitors.stop()
        self.assertEqual(list(map(str, self.faulty_visits())), [])
        self.assertEqual(list(broken_promises(self.visitors.promises, self.site.orders(),
                                              self.media)), [])
        # An upload vanishes, and the next backup is of that.
        upload = next(u for order in self.site.orders().values() for u in order["uploads"])
        os.remove(os.path.join(self.media, upload["file"]))
        self.run_salvor("backup", "shop")
        run, report = self.drill(expect=9)
        self.assertEqual(run["state"], "failed")
        red = {check["name"] for check in report["checks"]
               if check["verdict"] not in ("passed", "not_run")}
        self.assertEqual(red, {"manage.py check", "every upload has its file"})


if __name__ == "__main__":
    unittest.main()
