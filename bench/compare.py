"""Compares a restored tree with its source: everything that a user could notice."""

import os
import stat

DIFFERENCES_MAX = 20


def attributes_of(path):
    try:
        return {name: os.getxattr(path, name, follow_symlinks=False)
                for name in os.listxattr(path, follow_symlinks=False)}
    except OSError:
        return {}


def same_content(left, right):
    with open(left, "rb", buffering=0) as a, open(right, "rb", buffering=0) as b:
        while True:
            block = a.read(1 << 20)
            if block != b.read(1 << 20):
                return False
            if not block:
                return True


def difference(left, right, links):
    """What differs between two paths; "" when nothing does. `links` maps inodes of hard-linked
    files, and is added to."""
    a, b = os.lstat(left), os.lstat(right)
    for what in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_rdev"):
        if getattr(a, what) != getattr(b, what):
            return f"{what}: expected {getattr(a, what)}, found {getattr(b, what)}"
    if stat.S_ISLNK(a.st_mode):
        if os.readlink(left) != os.readlink(right):
            return "it links elsewhere"
    elif stat.S_ISREG(a.st_mode):
        if a.st_size != b.st_size:
            return f"st_size: expected {a.st_size}, found {b.st_size}"
        if a.st_nlink > 1 and links.setdefault(a.st_ino, b.st_ino) != b.st_ino:
            return "hard links are separate files now"
        if not same_content(left, right):
            return "other content"
    if attributes_of(left) != attributes_of(right):
        return "other extended attributes"
    return ""


def compare(source, restored):
    """The first differences between two trees, as lines of text; empty when they are equal."""
    found, links = [], {}
    waiting = [b""]
    source, restored = os.fsencode(source), os.fsencode(restored)
    while waiting and len(found) < DIFFERENCES_MAX:
        below = waiting.pop()
        left, right = os.path.join(source, below), os.path.join(restored, below)
        if not os.path.lexists(right):
            found.append(f"{below!r}: missing")
            continue
        what = difference(left, right, links)
        if what:
            found.append(f"{below!r}: {what}")
        if os.path.isdir(left) and not os.path.islink(left) and not what.startswith("st_mode"):
            names, others = set(os.listdir(left)), set(os.listdir(right))
            found += [f"{os.path.join(below, name)!r}: not in the source"
                      for name in sorted(others - names)]
            waiting += [os.path.join(below, name) for name in sorted(names, reverse=True)]
    return found[:DIFFERENCES_MAX]
