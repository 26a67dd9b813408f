#!/usr/bin/env python3
"""Measures the guarded restore in place beside `restore --into`. See README.md beside this file."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
SALVOR = os.path.join(os.path.dirname(HERE), "build", "salvor")
SEED = 20261124


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_files(root, files, total_bytes):
    """Files of one size, half of each compressible, in 200 folders."""
    rng = random.Random(SEED)
    size = total_bytes // files
    for number in range(files):
        folder = os.path.join(root, f"{number % 200:03}")
        os.makedirs(folder, exist_ok=True)
        noise = rng.randbytes(size // 2)
        with open(os.path.join(folder, f"{number}.bin"), "wb") as file:
            file.write(noise + (b"%012d " % number) * ((size - len(noise)) // 13))


def damage(root, files, share):
    """Every so many-th file is overwritten, cut short or removed."""
    damaged = list(range(0, files, int(1 / share)))
    for turn, number in enumerate(damaged):
        path = os.path.join(root, f"{number % 200:03}", f"{number}.bin")
        if turn % 3 == 0:
            os.remove(path)
        elif turn % 3 == 1:
            os.truncate(path, 1000)
        else:
            with open(path, "r+b") as file:
                file.write(b"overwritten")
    return len(damaged)


class Bench:
    """One program's restore in place of a shop of its own in `folder`."""

    def __init__(self, program, folder, files, total_bytes):
        self.program = program
        self.folder, self.files, self.total_bytes = folder, files, total_bytes
        self.live = os.path.join(folder, "live")
        self.config = os.path.join(folder, "salvor.toml")
        self.log = os.path.join(folder, "log")

    def salvor(self, *arguments):
        """Measures one command on cold caches."""
        if measure.can_drop_caches():
            measure.drop_caches()
        return measure.run([self.program, "-c", self.config, *arguments], dict(os.environ),
                           self.folder, self.log)

    def answer(self, *arguments):
        done = subprocess.run([self.program, "-c", self.config, "--json", *arguments], check=True,
                              stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def prepare(self):
        os.makedirs(self.folder)
        say(f"making {self.files} files, {self.total_bytes / 1e9:.1f} GB")
        make_files(self.live, self.files, self.total_bytes)
        with open(os.path.join(self.folder, "passphrase"), "w", encoding="ascii") as file:
            file.write("a passphrase for a benchmark\n")
        os.chmod(file.name, 0o600)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write('state_dir = "state"\n[repository]\nurl = "repository"\n'
                       'passphrase_file = "passphrase"\n'
                       '[service.shop.store.media]\ntype = "files"\npath = "live"\n')
        self.answer("init")
        # The data of a service are older than a careful tool's doubts.
        time.sleep(measure.SETTLE_S)
        self.answer("backup", "shop")

    def newest_run(self):
        runs = self.answer("runs", "shop", "--limit", "1")["runs"]
        return runs[0]["id"]

    def rows(self):
        beside = self.salvor("restore", "shop", "--into", os.path.join(self.folder, "into"))
        yield "restore --into, the whole", beside, None
        shutil.rmtree(os.path.join(self.folder, "into"))
        count = damage(self.live, self.files, 0.01)
        say(f"{count} files damaged")
        yield "restore --plan", self.salvor("restore", "shop", "--plan"), "≤ 1 s"
        in_place = self.salvor("restore", "shop", "--confirm", "shop")
        yield "restore in place, 1 % damaged", in_place, f"≤ {0.3 * beside.wall_s:.2f} s"
        run = self.newest_run()
        steps = {step["name"]: step["seconds"]
                 for step in self.answer("runs", "show", run)["journal"]["steps"]}
        bare = sum(seconds for name, seconds in steps.items() if name.startswith("restore-"))
        say(f"of which the stores themselves: {bare:.2f} s; the rest is overhead (≤ 3 s): "
            f"{in_place.wall_s - bare:.2f} s")
        say(", ".join(f"{name} {seconds:.2f}" for name, seconds in steps.items()))
        yield "undo", self.salvor("restore", "--undo", run, *self.confirmation()), "≤ 2 s"

    def confirmation(self):
        """Builds before 0.1.0 was finished do not take --confirm with --undo."""
        confirm = ["--confirm", "shop"]
        tried = subprocess.run([self.program, "-c", self.config, "restore", "--undo", "0" * 32,
                                *confirm], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return [] if tried.returncode == 2 else confirm


def main():
    parser = argparse.ArgumentParser(prog="./dev bench restore", description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny data, to try the benchmark")
    parser.add_argument("--beside", metavar="PROGRAM", help="another build of salvor, after it")
    options = parser.parse_args()
    files, total_bytes = (500, 20_000_000) if options.small else (20_000, 5_000_000_000)
    parent = os.environ.get("SALVOR_BENCH_DIR") or os.path.join(os.path.dirname(HERE), "build",
                                                                "bench")
    folder = os.path.join(os.path.abspath(parent), "restore")
    programs = {"salvor": SALVOR} | ({"beside": os.path.abspath(options.beside)}
                                     if options.beside else {})
    print("| | | wall | until durable | memory | target |\n|---|---|---|---|---|---|")
    for name, program in programs.items():
        measure_one(name, Bench(program, folder, files, total_bytes))


def measure_one(name, bench):
    try:
        bench.prepare()
        for what, measured, target in bench.rows():
            print(f"| {name} | {what} | {measured.wall_s:.2f} s | {measured.durable_s:.2f} s "
                  f"| {measured.rss_bytes / 1e6:.0f} MB | {target or '–'} |", flush=True)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except measure.BenchError as error:
        sys.exit(f"bench: {error}")
