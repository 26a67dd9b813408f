#!/usr/bin/env python3
"""A hostile tree, made from a seed, is backed up while a part of it changes: a restore gives back a
tree that is equal to the byte, or the backup names each path that is missing.

SALVOR_HOSTILE_FILES or --files says how many files the largest directory has (default: 20,000).
"""

import argparse
import ctypes
import os
import random
import stat
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import deep_tree  # noqa: E402  (it lies beside the tests of the program)

SALVOR = os.path.abspath(os.environ.get("SALVOR", os.path.join(HERE, "../../build/salvor")))
CONFIG = """\
state_dir = "state"
[repository]
url      = "repo"
key_file = "key"
[service.s.store.files]
type = "files"
path = "data"
on_unreadable = "warn"
"""
NAME_BYTES_MAX = 255


def random_name(rng):
    """Any bytes but '/' and zero."""
    size = rng.choice([1, 2, 8, 40, NAME_BYTES_MAX])
    name = bytes(rng.choice([b for b in range(1, 256) if b != 0x2F]) for _ in range(size))
    return name if name not in (b".", b"..") else b"dots"


def make_names(directory, rng, count):
    """Every byte in names, and of every length."""
    names = {bytes([byte]) for byte in range(1, 256) if byte not in (0x2E, 0x2F)}
    names |= {b"a" * size for size in (1, 127, 128, 254, 255)}
    while len(names) < count:
        names.add(random_name(rng))
    for name in sorted(names):
        deep_tree.put(directory, name, rng.randbytes(rng.randrange(0, 64)))


def make_crowd(directory, rng, count):
    for i in range(count):
        deep_tree.put(directory, b"%08d" % i, b"" if i % 3 else rng.randbytes(9))


def make_deep(data, rng):
    """The deepest nesting, and the longest paths below the limit of 64 KiB."""
    os.close(deep_tree.make_chain(data, ["d"] + ["x"] * 3000))
    chain = deep_tree.make_chain(data, ["long"] + [chr(97 + i % 26) * 255 for i in range(250)])
    for i in range(20):
        deep_tree.put(chain, f"f{i}", rng.randbytes(50))
    os.close(chain)


def below(data, name):
    os.mkdir(os.path.join(data, name))
    return os.open(os.path.join(data, name), os.O_RDONLY | os.O_DIRECTORY)


def make_tree(data, rng, files):
    for name, make in (("names", lambda d: make_names(d, rng, 1500)),
                       ("crowd", lambda d: make_crowd(d, rng, files))):
        directory = below(data, name)
        make(directory)
        os.close(directory)
    make_deep(data, rng)
    directory = below(data, "moving")
    for i in range(200):
        deep_tree.put(directory, f"grow{i}", rng.randbytes(3000))
        deep_tree.put(directory, f"shrink{i}", rng.randbytes(200_000))
        deep_tree.put(directory, f"vanish{i}", rng.randbytes(100))
        deep_tree.put(directory, f"kind{i}", rng.randbytes(100))
    os.close(directory)


def exchange(one, other):
    libc = ctypes.CDLL(None, use_errno=True)
    at_cwd, rename_exchange = -100, 2
    if libc.renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), rename_exchange):
        raise OSError(ctypes.get_errno(), "renameat2", other)


class Mover(threading.Thread):
    """Changes what is in `moving` until it is told to stop."""

    def __init__(self, directory, seed):
        super().__init__()
        self.directory = directory
        self.rng = random.Random(seed)
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            i = self.rng.randrange(200)
            kind = self.rng.choice(["grow", "shrink", "vanish", "kind", "kind"])
            getattr(self, kind)(os.path.join(self.directory, f"{kind}{i}"))

    def grow(self, path):
        with open(path, "ab") as file:
            file.write(self.rng.randbytes(500))

    def shrink(self, path):
        os.truncate(path, self.rng.randrange(0, 200_000))

    def vanish(self, path):
        if os.path.exists(path):
            os.unlink(path)

    def kind(self, path):
        """Something of that name is always there: another thing takes its place at once."""
        new = path + ".new"
        self.make(new)
        exchange(new, path)
        if os.path.isdir(new) and not os.path.islink(new):
            os.rmdir(new)
        else:
            os.unlink(new)

    def make(self, path):
        what = self.rng.randrange(4)
        if what == 0:
            os.symlink("nowhere", path)
        elif what == 1:
            os.mkfifo(path)
        elif what == 2:
            os.mkdir(path)
        else:
            with open(path, "wb") as file:
                file.write(b"another file")


def run(root, *arguments, status=0):
    done = subprocess.run([SALVOR, *arguments], cwd=root, capture_output=True, check=False)
    if done.returncode != status:
        sys.exit(f"{' '.join(arguments)}: status {done.returncode}, expected {status}: "
                 f"{done.stderr.decode('utf-8', 'replace')}")
    return done


def moves(path):
    return path == b"moving" or path.startswith(b"moving/")


def printable(path):
    return b"".join(bytes([b]) if 0x20 <= b < 0x7F else b"\\x%02x" % b for b in path)


def differences(data, out, said):
    before = deep_tree.describe(data)
    after = deep_tree.describe(out)
    for path in sorted({*before, *after}):
        if not moves(path):
            if before.get(path) != after.get(path):
                yield f"{path[:200]!r}: {before.get(path)} became {after.get(path)}"
        elif (path not in after and path[7:].startswith((b"grow", b"shrink", b"kind"))
              and not path.endswith(b".new")
              and printable(path) not in said):
            yield f"{path!r} was there all the time, and is missing without a word"
    for path, (kind, _, _, _, content) in after.items():
        if path.startswith(b"moving/vanish") and path in before and before[path][4] != content:
            yield f"{path!r} never changed, and has other bytes"
        if path.startswith(b"moving/kind") and kind == stat.S_IFREG and not content:
            yield f"{path!r} has no content"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    parser.add_argument("--files", type=int,
                        default=int(os.environ.get("SALVOR_HOSTILE_FILES", "20000")))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    root = tempfile.mkdtemp(prefix="salvor-hostile-")
    try:
        data = os.path.join(root, "data")
        os.mkdir(data)
        with open(os.path.join(root, "salvor.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG)
        make_tree(data, rng, options.files)
        run(root, "keys", "generate", "key")
        run(root, "-q", "init")
        mover = Mover(os.path.join(data, "moving"), options.seed)
        mover.start()
        try:
            said = run(root, "backup").stderr
        finally:
            mover.stopped.set()
            mover.join()
        run(root, "-q", "restore", "s", "--into", "out")
        found = list(differences(data, os.path.join(root, "out/files"), said))
        # Nothing moves any more: the next one is equal in all of it.
        run(root, "-q", "backup")
        run(root, "-q", "restore", "s", "--into", "still")
        if deep_tree.describe(data) != deep_tree.describe(os.path.join(root, "still/files")):
            found.append("the second point, when nothing moved, is not equal")
        run(root, "-q", "verify", "--data")
        print(f"hostile tree: seed {options.seed}, {options.files} files in one directory: "
              f"{len(found)} differences")
        for line in found[:20]:
            print(f"  {line}")
        return 1 if found else 0
    finally:
        deep_tree.remove(root)
        os.rmdir(root)


if __name__ == "__main__":
    sys.exit(main())
