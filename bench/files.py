#!/usr/bin/env python3
"""Compares salvor with restic and borg on trees of files. See README.md beside this file."""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys

import compare
import datasets
import measure
import report
from engines import ENGINES, beside

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench files", description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny data, to try the benchmark")
    parser.add_argument("--only", default="", metavar="LIST",
                        help="engines and datasets, separated by commas: "
                             f"{','.join([*ENGINES, *datasets.NAMES])}")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="measure N times")
    parser.add_argument("--keep", action="store_true", help="keep data and repositories")
    parser.add_argument("--results", metavar="FOLDER", help="where files.md and files.json go")
    parser.add_argument("--beside", metavar="PROGRAM", help="another build of salvor, as one more")
    options = parser.parse_args(arguments)
    chosen = [word for word in options.only.split(",") if word]
    for word in chosen:
        if word not in ENGINES and word not in datasets.NAMES:
            parser.error(f"--only: there is no engine or dataset \"{word}\"")
    if options.repeat < 1:
        parser.error("--repeat: expected at least 1")
    options.engines = [e for e in ENGINES if e in chosen] or list(ENGINES)
    if options.beside:
        ENGINES["beside"] = beside(os.path.abspath(options.beside))
        options.engines.insert(1, "beside")
    options.datasets = [d for d in datasets.NAMES if d in chosen] or list(datasets.NAMES)
    options.folder = os.path.abspath(os.environ.get("SALVOR_BENCH_DIR")
                                     or os.path.join(ROOT, "build", "bench"))
    options.sizes = datasets.SMALL if options.small else datasets.FULL
    if not options.results:
        # Only a full run replaces the numbers that people read.
        whole = not options.small and not chosen and not options.beside
        options.results = os.path.join(HERE if whole else options.folder, "results")
    return options


def check_place(options):
    """Refuses early what would fail after an hour."""
    os.makedirs(options.folder, exist_ok=True)
    needed = [datasets.disk_bytes(options.sizes, d, len(options.engines))
              for d in options.datasets]
    bytes_needed = sum(needed) if options.keep else max(needed)
    free = shutil.disk_usage(options.folder).free
    if free < bytes_needed:
        raise measure.BenchError(
            f"too little space in {options.folder}: expected {bytes_needed / 1e9:.0f} GB, "
            f"found {free / 1e9:.0f} GB; set SALVOR_BENCH_DIR to a larger disk")
    nodes = os.statvfs(options.folder)
    if "million" in options.datasets and 0 < nodes.f_files and \
            nodes.f_favail < options.sizes["million"][0] * 22 // 10:
        raise measure.BenchError(f"too few inodes in {options.folder}: found {nodes.f_favail}")
    for name in options.engines:
        if shutil.which(ENGINES[name].program) is None:
            raise measure.BenchError(f"there is no {ENGINES[name].program}; run ./dev build, and "
                                     "install what tools/packages/bench.txt lists")


def machine(folder):
    """What the numbers depend on. No names of hosts or people."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    file_system = subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.strip()
    return {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(),
            "processor": models[0] if models else platform.machine(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "kernel": platform.release(), "file_system": file_system}


def extent_of(folder):
    """Entries and bytes of content below a folder."""
    entries = content = 0
    for directory, names, files in os.walk(folder):
        entries += len(names) + len(files)
        content += sum(os.lstat(os.path.join(directory, f)).st_size for f in files)
    return entries, content


class Comparison:
    """All measurements of one dataset. Every step is taken by one engine after the other before
    the next step begins, so that a change of the machine's mood touches all of them alike."""

    def __init__(self, options, name):
        self.options = options
        self.name = name
        say(f"{name}: making the data")
        self.dataset = datasets.make(os.path.join(options.folder, "data"), name, options.sizes)
        self.engines = [ENGINES[e](options.folder, self.dataset) for e in options.engines]
        entries, content = extent_of(self.dataset)
        self.result = {"entries": entries, "bytes": content,
                       "engines": {e: {} for e in options.engines}}

    def run(self):
        self.step("first", self.first)
        for engine in self.engines:
            self.result["engines"][engine.name]["repository"] = {"bytes": engine.stored_bytes()}
        self.step("unchanged-cold", self.unchanged_cold)
        self.step("unchanged-warm", self.unchanged_warm)
        self.step("restore", self.restore)
        for engine in self.engines:
            if engine.name == "salvor":
                self.growth(engine)
        return self.result

    def step(self, what, take):
        """Takes one step with every engine, as often as asked, and keeps the medians."""
        taken = {engine.name: [] for engine in self.engines}
        for turn in range(self.options.repeat):
            shift = turn % len(self.engines)
            for engine in self.engines[shift:] + self.engines[:shift]:
                measured = take(engine)
                say(f"{self.name}: {what}: {engine.name} {measured.wall_s:.2f} s")
                taken[engine.name].append(measured)
        for name, measures in taken.items():
            self.result["engines"][name][what] = dataclasses.asdict(measure.median(measures))

    def cool(self):
        if measure.can_drop_caches():
            measure.drop_caches()

    def first(self, engine):
        engine.reset()
        self.cool()
        return engine.backup()

    def unchanged_cold(self, engine):
        self.cool()
        return engine.backup()

    def unchanged_warm(self, engine):
        engine.backup()
        return engine.backup()

    def restore(self, engine):
        target = os.path.join(self.options.folder, "restored")
        subprocess.run(["rm", "-rf", target], check=True)
        os.mkdir(target)
        self.cool()
        try:
            measured = engine.restore(target)
            if engine.name == "salvor" and "differences" not in self.result:
                say(f"{self.name}: comparing salvor's restore with the source")
                self.result["differences"] = compare.compare(self.dataset, engine.restored(target))
        finally:
            subprocess.run(["rm", "-rf", target], check=True)
        return measured

    def growth(self, engine):
        """How much the repository grows, in percent of its size after the first backup."""
        if self.name == "million":
            return
        say(f"{self.name}: growth by a second copy")
        whole = self.result["engines"][engine.name]["repository"]["bytes"]
        growth = self.result["growth_percent"] = {}
        second = datasets.add_copy(self.dataset, self.name)
        try:
            growth["second-copy"] = self.grown(engine) * 100 / whole
            if self.name == "large":
                datasets.insert_at_head(self.dataset)
                growth["inserted-byte"] = self.grown(engine) * 100 / whole
        finally:
            subprocess.run(["rm", "-rf", second], check=True)

    def grown(self, engine):
        before = engine.stored_bytes()
        engine.backup()
        return engine.stored_bytes() - before

    def clean_up(self):
        if self.options.keep:
            return
        for engine in self.engines:
            engine.remove()
        datasets.remove(os.path.join(self.options.folder, "data"), self.name)


def write(options, results):
    page = report.markdown(results)
    os.makedirs(options.results, exist_ok=True)
    with open(os.path.join(options.results, "files.md"), "w", encoding="utf-8") as file:
        file.write(page)
    with open(os.path.join(options.results, "files.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    return page


def main():
    options = parse(sys.argv[1:])
    check_place(options)
    if not measure.can_drop_caches():
        say("not root: caches can't be dropped, so nothing is cold")
    results = {"machine": machine(options.folder), "cold": measure.can_drop_caches(),
               "small": options.small, "repeat": options.repeat, "engines": options.engines,
               "versions": {e: ENGINES[e].version() for e in options.engines}, "datasets": {}}
    for name in options.datasets:
        comparison = Comparison(options, name)
        try:
            results["datasets"][name] = comparison.run()
        finally:
            comparison.clean_up()
        # After each dataset, so that an interrupted run leaves what it has measured.
        page = write(options, results)
    print(page)
    return 1 if any(d.get("differences") for d in results["datasets"].values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except measure.BenchError as error:
        sys.exit(f"bench: {error}")
