"""Makes the data of the benchmark: the same content on the same machine, every time."""

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import time

from measure import BenchError, SETTLE_S

# Of the system: packaged files only. Nothing that changes between runs, and no secrets.
ROOTS = ("/usr/lib", "/usr/share", "/usr/include", "/usr/bin", "/usr/sbin", "/usr/local", "/opt")
SEED = 20260101

# The sizes of the full run, and of --small. `tree`: files, bytes; `large`: bytes and bytes of a
# segment; `million`: files, folders.
FULL = {"tree": (74_000, 2_700_000_000), "large": (4 << 30, 16 << 20), "million": (1_000_000, 1000)}
SMALL = {"tree": (3_000, 100_000_000), "large": (64 << 20, 1 << 20), "million": (5_000, 50)}
NAMES = tuple(FULL)


def disk_bytes(sizes, name, engines):
    """A generous estimate of what one dataset needs at its peak: data, a second copy, one
    repository for each engine, one restore."""
    if name == "million":
        data = sizes[name][0] * 4096
    else:
        data = sizes[name][1] if name == "tree" else sizes[name][0]
    return data * 3 + engines * data * 8 // 10


def make(folder, name, sizes):
    """Makes one dataset in `folder`, unless it is there already, complete."""
    target = os.path.join(folder, name)
    marker = os.path.join(folder, f"{name}.made.json")
    wanted = {"sizes": list(sizes[name]), "seed": SEED}
    try:
        with open(marker, encoding="utf-8") as file:
            if json.load(file) == wanted:
                return target
    except FileNotFoundError:
        pass
    remove(folder, name)
    os.makedirs(target)
    {"tree": make_tree, "large": make_large, "million": make_million}[name](target, *sizes[name])
    # The data of a service are older than a careful tool's doubts.
    if sizes is not SMALL:
        time.sleep(SETTLE_S)
    with open(marker, "w", encoding="utf-8") as file:
        json.dump(wanted, file)
    return target


def remove(folder, name):
    subprocess.run(["rm", "-rf", os.path.join(folder, name)], check=True)
    try:
        os.unlink(os.path.join(folder, f"{name}.made.json"))
    except FileNotFoundError:
        pass


def candidates(excluded):
    """{path: size} of the system's regular files and symlinks; without this benchmark's own."""
    found = {}
    for root in ROOTS:
        for directory, names, files in os.walk(root):
            names[:] = [n for n in names if os.path.join(directory, n) != excluded]
            for name in files:
                path = os.path.join(directory, name)
                if os.path.islink(path):
                    found[path] = 0
                elif os.path.isfile(path) and os.access(path, os.R_OK):
                    found[path] = os.path.getsize(path)
    return found


def choose(found, files, total_bytes):
    """Paths in an order that has nothing to do with folders or sizes, kept to a mean size, so that
    a few huge files do not crowd out the small ones."""
    slack = max(total_bytes // 20, 1 << 20)
    chosen, chosen_bytes = [], 0
    for path in sorted(found, key=lambda p: hashlib.sha256(p.encode(errors="surrogateescape"))
                       .digest()):
        if len(chosen) == files:
            break
        if chosen_bytes + found[path] <= total_bytes * (len(chosen) + 1) // files + slack:
            chosen.append(path)
            chosen_bytes += found[path]
    return sorted(chosen)


def copy(paths, target):
    """Copies files and the folders above them with all metadata."""
    wanted = set(paths)
    for path in paths:
        while (path := os.path.dirname(path)) != "/" and path not in wanted:
            wanted.add(path)
    names = b"".join(os.fsencode(p.lstrip("/")) + b"\0" for p in sorted(wanted))
    options = ["--xattrs", "--acls", "--numeric-owner"]
    with subprocess.Popen(["tar", "-C", "/", "-c", *options, "--no-recursion", "--null",
                           "--files-from=-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as reading:
        with subprocess.Popen(["tar", "-C", target, "-x", "-p", *options],
                              stdin=reading.stdout) as writing:
            reading.stdout.close()
            reading.stdin.write(names)
            reading.stdin.close()
        # 1: something changed while it was read, as a folder above does when others use it.
        if reading.wait() not in (0, 1) or writing.returncode != 0:
            raise BenchError("tar could not copy the system's files")


def make_tree(target, files, total_bytes):
    """Libraries, documents and headers of this machine; again under another name if too few."""
    found = candidates(os.path.dirname(os.path.dirname(target)))
    missing, turn = files, 0
    while missing > 0:
        turn += 1
        chosen = choose(found, missing, total_bytes * missing // files)
        if not chosen:
            raise BenchError("found no files of the system to copy")
        folder = os.path.join(target, f"copy-{turn}")
        os.mkdir(folder)
        copy(chosen, folder)
        missing -= len(chosen)


def library_stream():
    """The system's larger files one after another, for ever."""
    paths = sorted(p for p, size in candidates("").items()
                   if size >= 65536 and p.startswith(("/usr/lib", "/usr/share")))
    if not paths:
        raise BenchError("found no libraries to read")
    while True:
        for path in paths:
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    yield block


def log_stream(rng):
    """Lines of a web server's log; no two are the same."""
    methods, number = ("GET", "GET", "GET", "POST", "PUT"), 0
    while True:
        lines = []
        for _ in range(10_000):
            number += 1
            bits = rng.getrandbits(64)
            lines.append(f"2026-01-{1 + bits % 28:02} host{bits >> 5 & 15} "
                         f"web[{bits >> 9 & 1023}]: {methods[bits % 5]} "
                         f"/articles/{bits >> 20 & 0xffff}?request={number} "
                         f"200 {bits >> 40 & 4095} ms\n")
        yield "".join(lines).encode()


def cipher_stream():
    """Bytes that no compressor shortens: AES in counter mode over zeros."""
    with subprocess.Popen(["openssl", "enc", "-aes-128-ctr", "-K", f"{SEED:032x}", "-iv", "0" * 32,
                           "-in", "/dev/zero"], stdout=subprocess.PIPE) as process:
        try:
            while block := process.stdout.read(1 << 20):
                yield block
        finally:
            process.kill()


def make_large(target, total_bytes, segment_bytes):
    """One file: 40 % libraries, 20 % logs, 30 % incompressible, 10 % zeros, in turns."""
    streams = {"L": library_stream(), "T": log_stream(random.Random(SEED)), "R": cipher_stream(),
               "Z": iter(lambda: bytes(1 << 20), None)}
    rest = dict.fromkeys(streams, b"")
    with open(os.path.join(target, "large.bin"), "wb") as file:
        for number in range(total_bytes // segment_bytes):
            kind = "LTRLRZLTRL"[number % 10]
            wanted = segment_bytes
            while wanted > 0:
                block = rest[kind] or next(streams[kind])
                file.write(block[:wanted])
                rest[kind] = block[wanted:]
                wanted -= min(wanted, len(block))
    streams["R"].close()


def make_folder(task):
    """One folder of `million`: distinct files of 1 KiB, half of it text."""
    target, number, files = task
    folder = os.path.join(target, f"folder-{number:04}")
    os.mkdir(folder)
    rng = random.Random(SEED + number)
    noise = rng.randbytes(512 * files)
    place = os.open(folder, os.O_DIRECTORY)
    for i in range(files):
        text = f'{{"id": {number * files + i}, "folder": {number}, "kind": "record", "note": "'
        text = text.encode().ljust(510, b"salvor "[i % 7:i % 7 + 1]) + b"\"}"
        fd = os.open(f"record-{i:04}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644,
                     dir_fd=place)
        os.write(fd, text + noise[512 * i:512 * (i + 1)])
        os.close(fd)
    os.close(place)


def make_million(target, files, folders):
    with multiprocessing.Pool() as pool:
        tasks = [(target, number, files // folders) for number in range(folders)]
        for _ in pool.imap_unordered(make_folder, tasks, chunksize=4):
            pass


def add_copy(dataset, name):
    """A second copy under another name, within the dataset. Returns its path."""
    second = os.path.join(dataset, "second")
    if name == "large":
        shutil.copyfile(os.path.join(dataset, "large.bin"), second)
    else:
        subprocess.run(["cp", "-a", os.path.join(dataset, "copy-1"), second], check=True)
    return second


def insert_at_head(dataset):
    """Puts one byte before the content of the second copy of `large`."""
    second = os.path.join(dataset, "second")
    with open(os.path.join(dataset, "large.bin"), "rb") as source, open(second, "wb") as file:
        file.write(b"!")
        shutil.copyfileobj(source, file, 1 << 20)
