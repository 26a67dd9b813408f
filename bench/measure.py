"""Runs one command and measures it: wall time, CPU time, peak memory, and time until durable."""

import dataclasses
import os
import subprocess
import tempfile
import time

DROP_CACHES = "/proc/sys/vm/drop_caches"


class BenchError(Exception):
    """A benchmark that cannot go on; the message says why."""


@dataclasses.dataclass
class Measure:
    """Units: seconds and bytes. `durable_s` is wall time and the sync after it."""
    wall_s: float
    durable_s: float
    cpu_s: float
    rss_bytes: int


# What changed within the last minute, salvor reads twice: a page that is mapped may be written
# without a new time.
SETTLE_S = 61


def can_drop_caches():
    return os.access(DROP_CACHES, os.W_OK)


def drop_caches():
    """The next read of everything comes from the disk."""
    os.sync()
    with open(DROP_CACHES, "w", encoding="ascii") as file:
        file.write("3\n")


def run(argv, environment, cwd, log):
    """Measures one command. Its output goes to the file `log`; a failure raises BenchError."""
    with tempfile.NamedTemporaryFile("r", prefix="salvor-bench-") as usage:
        # Not wait4(): a child's peak memory begins with that of the process that forked it, and
        # this one is larger than some that are measured.
        timed = ["/usr/bin/time", "-o", usage.name, "-f", "%U %S %M", *argv]
        with open(log, "ab") as output:
            output.write(("\n$ " + " ".join(argv) + "\n").encode())
            output.flush()
            started = time.monotonic()
            status = subprocess.run(timed, env=environment, cwd=cwd, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output, check=False).returncode
            ended = time.monotonic()
        os.sync()
        durable = time.monotonic()
        if status != 0:
            with open(log, "rb") as output:
                tail = output.read()[-2000:].decode(errors="replace")
            raise BenchError(f"{argv[0]} ended with status {status}:\n{tail}")
        user, system, kibibytes = usage.read().split()[-3:]
    return Measure(wall_s=ended - started, durable_s=durable - started,
                   cpu_s=float(user) + float(system), rss_bytes=int(kibibytes) * 1024)


def median(measures):
    """The measure with the median wall time."""
    return sorted(measures, key=lambda m: m.wall_s)[(len(measures) - 1) // 2]


def stored_bytes(folder):
    """The apparent size of everything below a folder, as du counts it."""
    answer = subprocess.run(["du", "-s", "--apparent-size", "--block-size=1", folder], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return int(answer.split()[0])
