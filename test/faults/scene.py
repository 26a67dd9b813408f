"""A small service with a repository, made once and copied for each case; and what it must be."""

import contextlib
import hashlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess

CONFIG = """\
state_dir = "state"

[repository]
url      = "repo"
key_file = "key"

[service.s.store.files]
type = "files"
path = "data"

[service.s.store.db]
type = "sqlite"
path = "app.db"
"""

# From here on a file is read past the page cache.
DIRECT_BYTES = 16 << 20
TIME_LIMIT_S = 60


class Finding(Exception):
    """The program did what it must not do."""


class Scene:
    """One copy of the service, in a directory of its own."""

    def __init__(self, salvor, root):
        self.salvor = salvor
        self.root = root

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def run(self, *arguments, prefix=(), env=None, limit_s=TIME_LIMIT_S):
        """Runs the program in the scene. Errors: Finding, when it hangs or dies by a signal."""
        command = [*prefix, self.salvor, *arguments]
        with subprocess.Popen(command, cwd=self.root, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as process:
            try:
                out, err = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                process.communicate()
                raise Finding(f"{' '.join(arguments)}: no end within {limit_s} s") from None
        done = subprocess.CompletedProcess(command, process.returncode,
                                           out.decode("utf-8", "replace"),
                                           err.decode("utf-8", "replace"))
        if done.returncode < 0 or done.returncode > 130:
            raise Finding(f"{' '.join(arguments)}: died, status {done.returncode}: {done.stderr}")
        return done

    def must(self, *arguments):
        """Runs the unmodified program, which has to succeed."""
        done = self.run(*arguments)
        if done.returncode != 0:
            raise Finding(f"afterwards, {' '.join(arguments)}: status {done.returncode}: "
                          f"{done.stderr}")
        return done

    def live(self):
        """Everything that the service is."""
        return {**tree_of(self.path("data")), "app.db": rows_of(self.path("app.db"))}

    def restored(self, place):
        return {**tree_of(self.path(place, "files")),
                "app.db": rows_of(self.path(place, "db", "app.db"))}


def tree_of(root):
    """{path: (kind, mode, mtime, content)} of a tree; hard links by the name of the first."""
    found = {}
    names = {}
    for directory, folders, files in os.walk(root):
        folders.sort()
        for name in [".", *sorted(folders), *sorted(files)]:
            path = os.path.normpath(os.path.join(directory, name))
            status = os.lstat(path)
            content = ""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            relative = os.path.relpath(path, root)
            if not stat.S_ISDIR(status.st_mode):
                names.setdefault(status.st_ino, []).append(relative)
            found[relative] = (
                stat.S_IFMT(status.st_mode), content, stat.S_IMODE(status.st_mode), status.st_uid,
                0 if path == root else status.st_mtime_ns)
    for group in names.values():
        # Names within the tree: what else has the inode is none of it.
        for path in group if len(group) > 1 else []:
            found[path] += (min(group),)
    return found


def rows_of(database):
    if not os.path.exists(database):
        return "missing"
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return "\n".join(connection.iterdump())


def contents_only(tree):
    """Without metadata: what a warning may excuse is not in it."""
    return {path: value if isinstance(value, str) else value[:2] for path, value in tree.items()}


def difference(expected, found):
    """The first paths in which two states differ; empty when they are equal."""
    lines = []
    for path in sorted({*expected, *found}):
        if expected.get(path) != found.get(path):
            lines.append(f"{path}: expected {str(expected.get(path))[:120]}, "
                         f"found {str(found.get(path))[:120]}")
    return "; ".join(lines[:3])


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def make_data(scene, rng):
    for i in range(24):
        write(scene.path("data", f"d{i % 4}", f"f{i}"), rng.randbytes(rng.randrange(0, 9000)))
    write(scene.path("data", "big"), rng.randbytes(DIRECT_BYTES + 4099))
    write(scene.path("data", "middle"), rng.randbytes(1_500_000))
    with open(scene.path("data", "sparse"), "wb") as file:
        file.truncate(3_000_000)
        file.seek(1_000_000)
        file.write(rng.randbytes(70_000))
    os.symlink("d0/f0", scene.path("data", "link"))
    os.link(scene.path("data", "d1", "f1"), scene.path("data", "second"))
    os.mkfifo(scene.path("data", "pipe"))
    with contextlib.suppress(OSError):
        os.setxattr(scene.path("data", "d2", "f2"), "user.note", b"kept")
    with contextlib.closing(sqlite3.connect(scene.path("app.db"))) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")
        database.executemany("INSERT INTO t (v) VALUES (?)",
                             [(rng.randbytes(rng.randrange(10, 600)),) for _ in range(400)])
        database.commit()


def change_data(scene, rng):
    """What happens after the point: an in-place restore has to bring back the state before."""
    write(scene.path("data", "d0", "f0"), rng.randbytes(4000))
    write(scene.path("data", "d3", "new"), rng.randbytes(3000))
    write(scene.path("data", "middle"), rng.randbytes(1_500_000))
    os.unlink(scene.path("data", "d2", "f6"))
    with contextlib.closing(sqlite3.connect(scene.path("app.db"))) as database:
        database.execute("DELETE FROM t WHERE id % 3 = 0")
        database.execute("INSERT INTO t (v) VALUES (x'00ff')")
        database.commit()


def make_scene(salvor, root, seed):
    """A service with one recovery point, and the state that the point holds."""
    rng = random.Random(seed)
    scene = Scene(salvor, root)
    os.makedirs(root)
    write(scene.path("salvor.toml"), CONFIG.encode())
    make_data(scene, rng)
    scene.must("keys", "generate", "key")
    scene.must("-q", "init")
    scene.must("-q", "backup")
    state = scene.live()
    change_data(scene, rng)
    return scene, state


def copy_scene(scene, root):
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", scene.root, root], check=True)
    return Scene(scene.salvor, root)
