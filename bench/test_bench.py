"""Tests of the benchmark: its data is the same each time, its comparison finds what differs, its
report tells met from missed, and the whole runs."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from unittest import mock

import compare
import datasets
import files
import report
from engines import Salvor

SIZES = {"tree": (30, 60_000), "large": (10 << 16, 1 << 16), "million": (40, 4)}

# Does what the benchmark asks of salvor, by copying. Twice the data: twice the repository.
STAND_IN = """#!/bin/sh
set -e
place=$(dirname "$2")
case "$3 $4" in
  init*) mkdir "$place/repository" ;;
  "--json backup") rm -rf "$place/repository/data"; cp -a "$PWD" "$place/repository/data" ;;
  "restore bench") cp -a "$place/repository/data" "$6/data"; eval "$DAMAGE" ;;
  *) echo "stand-in" ;;
esac
"""


class BenchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="salvor-bench-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.system = os.path.join(self.folder, "system")
        os.makedirs(os.path.join(self.system, "below"))
        for i in range(20):
            with open(os.path.join(self.system, "below", f"lib{i}.so"), "wb") as file:
                file.write(bytes([i]) * 1000)
        os.symlink("lib0.so", os.path.join(self.system, "below", "lib.so"))
        self.replace(datasets, "ROOTS", (self.system,))

    def replace(self, holder, name, value):
        patch = mock.patch.object(holder, name, value)
        patch.start()
        self.addCleanup(patch.stop)


class DatasetTest(BenchTest):
    def test_the_same_every_time(self):
        self.replace(datasets.time, "sleep", lambda seconds: None)
        self.replace(datasets, "library_stream", lambda: iter(lambda: b"library" * 1000, None))
        for name in datasets.NAMES:
            first = datasets.make(os.path.join(self.folder, "a"), name, SIZES)
            second = datasets.make(os.path.join(self.folder, "b"), name, SIZES)
            left, right = self.contents(first), self.contents(second)
            self.assertEqual(left, right)
            if name == "large":
                self.assertEqual(len(left["large.bin"]), SIZES[name][0])
            else:
                # The system of this test has 21 files: the tree takes some twice.
                self.assertEqual(len(left), SIZES[name][0])
            if name == "million":
                self.assertEqual(len(set(left.values())), len(left))
                self.assertEqual({len(content) for content in left.values()}, {1024})

    def test_it_is_made_once(self):
        self.replace(datasets.time, "sleep", lambda seconds: None)
        target = datasets.make(self.folder, "million", SIZES)
        before = os.stat(target).st_ino
        self.assertEqual(os.stat(datasets.make(self.folder, "million", SIZES)).st_ino, before)
        other = SIZES | {"million": (20, 2)}
        self.assertEqual(len(self.contents(datasets.make(self.folder, "million", other))), 20)

    def test_huge_files_do_not_crowd_out_small_ones(self):
        found = {f"/huge/{i}": 1_000_000_000 for i in range(50)}
        found |= {f"/small/{i}": 100 for i in range(1000)}
        chosen = datasets.choose(found, 900, 3_000_000_000)
        self.assertEqual(len(chosen), 900)
        self.assertLessEqual(sum(found[path] for path in chosen), 3_200_000_000)

    @staticmethod
    def contents(folder):
        """{path: bytes} of what is below `folder`. A symlink is where it leads: the tree may have
        it without its target."""
        found = {}
        for directory, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.islink(path):
                    content = os.fsencode(os.readlink(path))
                else:
                    with open(path, "rb") as file:
                        content = file.read()
                found[os.path.relpath(path, folder)] = content
        return found


class CompareTest(BenchTest):
    def test_each_difference_is_found(self):
        path = os.path.join
        damages = {
            "other content": lambda t: self.write(path(t, "below", "lib1.so"), b"x" * 1000),
            "st_size": lambda t: self.write(path(t, "below", "lib1.so"), b"x"),
            "missing": lambda t: os.unlink(path(t, "below", "lib1.so")),
            "not in the source": lambda t: self.write(path(t, "more"), b""),
            "st_mode": lambda t: os.chmod(path(t, "below", "lib1.so"), 0o711),
            "st_mtime_ns": lambda t: os.utime(path(t, "below"), (1, 1)),
            "links elsewhere": lambda t: self.link(path(t, "below", "lib.so"), "lib1.so"),
        }
        for number, (what, damage) in enumerate(damages.items()):
            restored = os.path.join(self.folder, f"restored-{number}")
            datasets.subprocess.run(["cp", "-a", self.system, restored], check=True)
            self.assertEqual(compare.compare(self.system, restored), [])
            damage(restored)
            found = compare.compare(self.system, restored)
            self.assertTrue(any(what in line for line in found), (what, found))

    def test_hard_links_that_came_apart(self):
        os.link(os.path.join(self.system, "below", "lib1.so"), os.path.join(self.system, "again"))
        restored = os.path.join(self.folder, "restored")
        datasets.subprocess.run(["cp", "-a", self.system, restored], check=True)
        self.assertEqual(compare.compare(self.system, restored), [])
        again = os.path.join(restored, "again")
        os.rename(again, again + "-")
        datasets.subprocess.run(["cp", "-p", again + "-", again], check=True)
        os.unlink(again + "-")
        self.assertTrue(any("separate files" in line
                            for line in compare.compare(self.system, restored)))

    def write(self, path, content):
        before = os.stat(path) if os.path.exists(path) else None
        with open(path, "wb") as file:
            file.write(content)
        if before:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    @staticmethod
    def link(path, target):
        before = os.lstat(path)
        os.unlink(path)
        os.symlink(target, path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns), follow_symlinks=False)


class ReportTest(unittest.TestCase):
    def test_met_and_missed(self):
        dataset = {"engines": {"salvor": {"first": {"wall_s": 0.4}, "restore": {"wall_s": 3.0}},
                               "restic": {"first": {"wall_s": 1.0}, "restore": {"wall_s": 2.0}}},
                   "growth_percent": {"second-copy": 0.5, "inserted-byte": 99.0}}
        rows = {row[0]: row[1:] for row in report.rows_of(dataset, ["salvor", "restic"])}
        self.assertEqual(rows["first backup, cold: time"],
                         ["0.40 s", "1.00 s", "0.40", "≤ 0.40", "met"])
        self.assertEqual(rows["restore, cold: time"][-1], "**missed**")
        self.assertEqual(rows["growth by a second copy under another name"][-1], "met")
        self.assertEqual(rows["growth by that copy with a byte put before its head"][-1],
                         "**missed**")


@unittest.skipUnless(os.path.exists("/usr/bin/time"), "the package time is not installed")
class WholeTest(BenchTest):
    def run_with_damage(self, damage, beside=False):
        program = os.path.join(self.folder, "salvor")
        with open(program, "w", encoding="utf-8") as file:
            file.write(STAND_IN.replace("$DAMAGE", damage))
        os.chmod(program, 0o700)
        self.replace(Salvor, "program", program)
        self.replace(datasets, "SMALL", SIZES)
        self.replace(datasets.time, "sleep", lambda seconds: None)
        # Never the machine's caches: a test must not slow down everything else.
        self.replace(files.measure, "can_drop_caches", lambda: False)
        self.replace(files.measure.os, "sync", lambda: None)
        self.replace(files.sys, "argv", ["files.py", "--small", "--only", "salvor,tree",
                                         *(["--beside", program] if beside else [])])
        self.replace(files, "ENGINES", dict(files.ENGINES))
        output = io.StringIO()
        with mock.patch.dict(os.environ, {"SALVOR_BENCH_DIR": self.folder}), \
                contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            status = files.main()
        with open(os.path.join(self.folder, "results", "files.json"), encoding="utf-8") as file:
            return status, output.getvalue(), json.load(file)["datasets"]["tree"]

    def test_a_sound_restore(self):
        status, page, result = self.run_with_damage("true")
        self.assertEqual(status, 0)
        self.assertIn("salvor's restore equals the source.", page)
        self.assertEqual(result["differences"], [])
        self.assertGreater(result["growth_percent"]["second-copy"], 50)
        self.assertGreater(result["engines"]["salvor"]["first"]["rss_bytes"], 0)
        # Data, repository and restore are gone.
        self.assertEqual(os.listdir(os.path.join(self.folder, "data")), [])
        self.assertEqual(os.listdir(os.path.join(self.folder, "engines")), [])
        self.assertFalse(os.path.exists(os.path.join(self.folder, "restored")))

    def test_another_build_beside(self):
        status, page, result = self.run_with_damage("true", beside=True)
        self.assertEqual(status, 0)
        self.assertIn("| salvor | beside |", page)
        self.assertGreater(result["engines"]["beside"]["restore"]["rss_bytes"], 0)

    def test_a_restore_that_lies(self):
        status, page, result = self.run_with_damage("touch $6/data/more")
        self.assertEqual(status, 1)
        self.assertIn("**salvor's restore differs from the source**", page)
        self.assertTrue(any("more" in line for line in result["differences"]))


if __name__ == "__main__":
    unittest.main()
