#!/usr/bin/env python3
"""Every system call fails once: strace makes the Nth call of a kind fail while the program backs
up, restores and rehearses; a preloaded library makes reads and writes move fewer bytes. Either the
result is right, or the program ends in time and says why; never wrong data with exit status 0.

A case is KIND:CALL:FAULT:N. FAULT is an error (EIO), an error for M calls in a row (EIO*3), or
SHORT: every Nth call moves fewer bytes. N counts the calls of each thread.
"""

import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from scene import (TIME_LIMIT_S, Finding, contents_only, copy_scene, difference, make_scene)

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ["backup", "restore", "in_place", "drill"]
ERRORS = ["EINTR", "EIO", "ENOSPC", "EPERM", "EMFILE", "ENOMEM"]
SHORT_CALLS = ["read", "pread64", "write", "pwrite64", "copy_file_range"]
CALLS = """openat openat2 read pread64 write pwrite64 copy_file_range getdents64 lseek ioctl
newfstatat fstat statx statfs fstatfs ftruncate fallocate fsync fdatasync syncfs rename renameat
renameat2 linkat symlinkat mknodat unlink unlinkat mkdir mkdirat rmdir fchown fchownat fchmod chmod
fchmodat utimensat flistxattr listxattr fgetxattr getxattr fsetxattr setxattr flock fcntl readlinkat
readlink mmap getrandom memfd_create close""".split()
N_MAX = 50
# Not of the program: the loader's own calls, before main, fail as an error of the loader.
LOADER = re.compile(r"error while loading shared libraries|cannot allocate memory in static TLS|"
                    r"^[^\n]*: cannot execute")


class Case(collections.namedtuple("Case", "kind call fault n")):
    def __str__(self):
        return f"{self.kind}:{self.call}:{self.fault}:{self.n}"

    @property
    def is_short(self):
        return self.fault == "SHORT"


def parse_case(text):
    parts = text.split(":")
    if len(parts) != 4 or parts[0] not in KINDS or not parts[3].isdigit():
        raise argparse.ArgumentTypeError(f"not KIND:CALL:FAULT:N: {text}")
    return Case(parts[0], parts[1], parts[2], int(parts[3]))


def arguments_of(kind):
    return {"backup": ["-q", "backup"], "restore": ["-q", "restore", "s", "--into", "out"],
            "in_place": ["-q", "restore", "s", "--confirm", "s"],
            "drill": ["-q", "drill", "s"]}[kind]


def paths_of(scene):
    """What strace is to watch: all that is there, and the names that a run makes."""
    found = [scene.root, os.path.dirname(scene.root)]
    for directory, folders, files in os.walk(scene.root):
        found += [os.path.join(directory, name) for name in folders + files]
    for name in ("app.db-wal", "app.db-shm", "app.db-journal", "out", "out/files", "out/db",
                 "out/db/app.db", "state/catalog.sqlite-wal", "state/catalog.sqlite-journal"):
        found.append(scene.path(name))
    return found


class Judge:
    """Runs one case in a fresh copy of the scene, and judges what is there afterwards."""

    def __init__(self, template, point, directory, short_library):
        self.template = template
        self.point = point
        self.before = template.live()
        self.directory = directory
        self.short_library = short_library

    def judge(self, case):
        """One word for what happened. Errors: Finding."""
        scene = copy_scene(self.template, os.path.join(self.directory, "case"))
        prefix, env = self.fault_of(case, scene)
        done = scene.run(*arguments_of(case.kind), prefix=prefix, env=env)
        if done.returncode != 0 and not done.stderr.strip():
            raise Finding(f"status {done.returncode}, and not a word why")
        # What the loader says comes before the program.
        if done.returncode == 127 or LOADER.search(done.stderr.strip()) and done.returncode != 0:
            return "not begun"
        getattr(self, f"judge_{case.kind}")(scene, done, case)
        return "right" if done.returncode == 0 else "said why"

    def fault_of(self, case, scene):
        if case.is_short:
            return [], {"LD_PRELOAD": self.short_library, "SALVOR_SHORT_CALL": case.call,
                        "SALVOR_SHORT_ROOT": scene.root, "SALVOR_SHORT_EVERY": str(case.n)}
        error, _, times = case.fault.partition("*")
        when = f"{case.n}" if not times else f"{case.n}..{case.n + int(times) - 1}"
        prefix = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "signal=none"]
        for path in paths_of(scene):
            prefix += ["-P", path]
        prefix += ["-e", f"trace={case.call}",
                   "-e", f"inject={case.call}:error={error}:when={when}"]
        return prefix, None

    def require_equal(self, expected, found, done, what):
        wrong = difference(contents_only(expected), contents_only(found))
        if wrong:
            raise Finding(f"{what}: wrong content, status {done.returncode}: {wrong}\n"
                          f"{done.stderr}")
        wrong = difference(expected, found)
        if wrong and "warning" not in done.stderr:
            raise Finding(f"{what}: wrong metadata, and no warning: {wrong}\n{done.stderr}")

    def require_restorable(self, scene, expected, what):
        shutil.rmtree(scene.path("check"), ignore_errors=True)
        done = scene.must("-q", "restore", "s", "--into", "check")
        self.require_equal(expected, scene.restored("check"), done, what)

    def judge_backup(self, scene, done, case):
        if done.returncode != 0:
            again = scene.run("-q", "backup")
            if again.returncode != 0:
                raise Finding(f"the next backup fails too: {again.stderr}\nfirst: {done.stderr}")
        self.require_restorable(scene, self.before, "restored after the backup")
        self.require_equal(self.before, scene.live(), done, "live after the backup")

    def judge_restore(self, scene, done, case):
        if done.returncode == 0:
            self.require_equal(self.point, scene.restored("out"), done, "restored")
        self.require_equal(self.before, scene.live(), done, "live after a restore beside it")
        self.require_restorable(scene, self.point, "restored once more")

    def judge_drill(self, scene, done, case):
        self.require_equal(self.before, scene.live(), done, "live after a drill")
        if done.returncode != 0:
            scene.must("-q", "drill", "s")

    def judge_in_place(self, scene, done, case):
        if done.returncode == 0:
            self.require_equal(self.point, scene.live(), done, "live after a restore in place")
            return
        run = self.open_run(scene)
        if run is None:
            self.require_equal(self.before, scene.live(), done, "live after a refused restore")
            return
        if case.n % 2 == 0:
            undo = ["-q", "restore", "--undo", run]
            undone = scene.run(*undo, "--confirm", "s")
            if undone.returncode == 2:  # it asks for no confirmation
                undone = scene.run(*undo)
            if undone.returncode != 0:
                raise Finding(f"can't be undone: {undone.stderr}\nfirst: {done.stderr}")
            self.require_equal(self.before, scene.live(), done, "live after the undo")
        else:
            scene.must("-q", "restore", "--resume", run)
            self.require_equal(self.point, scene.live(), done, "live after the resume")

    @staticmethod
    def open_run(scene):
        """The id of the restore in place that has a journal and is not taken back, if any."""
        plan = scene.run("--json", "restore", "s", "--plan")
        match = re.search(r'"open_restore":\s*"([^"]+)"', plan.stdout)
        return match.group(1) if match else None


def counts_of(template, directory, kind, point):
    """{call: the most that one thread makes of it on the paths of the scene}."""
    scene = copy_scene(template, os.path.join(directory, "count"))
    log = os.path.join(directory, "count.log")
    prefix = ["strace", "-f", "-qqq", "-o", log, "-e", "signal=none"]
    for path in paths_of(scene):
        prefix += ["-P", path]
    prefix += ["-e", "trace=" + ",".join(CALLS)]
    scene.run(*arguments_of(kind), prefix=prefix)
    by_thread = collections.Counter()
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = re.match(r"(\d+)\s+(\w+)\(", line)
            if match:
                by_thread[match.groups()] += 1
    most = collections.Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    return most


def all_cases(counts):
    """Every call of every kind of run, once with each error; in a row; and moving fewer bytes."""
    for kind, calls in counts.items():
        for call, count in calls.items():
            for error in ERRORS:
                for n in range(1, min(count, N_MAX) + 1):
                    yield Case(kind, call, error, n)
                for times in (2, 3):
                    yield Case(kind, call, f"{error}*{times}", random.randint(1, max(1, count)))
                if count > N_MAX:
                    for _ in range(10):
                        yield Case(kind, call, error, random.randint(N_MAX, count))
        for call in SHORT_CALLS:
            for n in (1, 2, 3, 7):
                yield Case(kind, call, "SHORT", n)


def make_short_library(directory):
    """Where CMake has not made it: this is a test that people run by hand, too."""
    library = os.environ.get("SALVOR_SHORT_CALLS")
    if library:
        return library
    library = os.path.join(directory, "short_calls.so")
    subprocess.run(["c++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library,
                    os.path.join(HERE, "short_calls.cc")], check=True)
    return library


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="of the order of cases")
    parser.add_argument("--only", type=parse_case, action="append", metavar="KIND:CALL:FAULT:N",
                        help="this case alone; may be repeated")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this kind of run")
    parser.add_argument("--verbose", action="store_true", help="a line for each case")
    options = parser.parse_args()
    salvor = os.path.abspath(os.environ.get("SALVOR", os.path.join(HERE, "../../build/salvor")))
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1, 10**6)
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="salvor-faults-") as directory:
        template, point = make_scene(salvor, os.path.join(directory, "template"), seed)
        judge = Judge(template, point, directory, make_short_library(directory))
        if options.only:
            cases = options.only
        else:
            counts = {kind: counts_of(template, directory, kind, point)
                      for kind in options.kind or KINDS}
            cases = sorted(set(all_cases(counts)))
            random.shuffle(cases)
        return run_cases(judge, cases, seed, options)


def run_cases(judge, cases, seed, options):
    deadline = time.monotonic() + options.seconds
    results = collections.Counter()
    findings = []
    for case in cases:
        if not options.only and time.monotonic() >= deadline:
            break
        try:
            result = judge.judge(case)
        except Finding as finding:
            result = "WRONG"
            findings.append(case)
            print(f"{case}: {finding}\n", flush=True)
        results[result] += 1
        if options.verbose:
            print(f"{case}: {result}", flush=True)
    done = sum(results.values())
    words = ", ".join(f"{count} {result}" for result, count in sorted(results.items()))
    print(f"faults: seed {seed}: {done} of {len(cases)} cases: {words}")
    for case in findings:
        print(f"  reproduce: --seed {seed} --only {case}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
