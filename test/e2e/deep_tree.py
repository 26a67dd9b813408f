"""Trees whose paths are longer than PATH_MAX: made, described and removed through descriptors."""

import hashlib
import os
import stat


def make_chain(root, names):
    """Nested directories; the open descriptor of the last one, which the caller closes."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for name in names:
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    return at


def put(directory, name, content):
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=directory)
    try:
        while content:
            content = content[os.write(file, content):]
    finally:
        os.close(file)


def describe(root):
    """{path as bytes: (kind, mode, owner, mtime, content)} of a tree of any depth."""
    found = {}
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    stack = [(b"", top)]
    while stack:
        path, directory = stack.pop()
        for name in sorted(map(os.fsencode, os.listdir(directory))):
            full = path + b"/" + name if path else name
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            content = b""
            if stat.S_ISDIR(status.st_mode):
                stack.append((full, os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW,
                                            dir_fd=directory)))
            elif stat.S_ISREG(status.st_mode):
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
                with os.fdopen(file, "rb") as stream:
                    content = hashlib.sha256(stream.read()).digest()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(name, dir_fd=directory)
            found[full] = (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode),
                           status.st_uid, status.st_mtime_ns, content)
        os.close(directory)
    return found


def remove(root):
    """All that is in it. Directories come up to the root first, so that no path is too long."""
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    moved = 0
    try:
        while names := os.listdir(top):
            for name in names:
                status = os.stat(name, dir_fd=top, follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    os.unlink(name, dir_fd=top)
                    continue
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=top)
                for inner in os.listdir(below):
                    moved += 1
                    os.rename(inner, f".up-{moved}", src_dir_fd=below, dst_dir_fd=top)
                os.close(below)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
