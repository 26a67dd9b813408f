"""What has passed at which commit: lines "WHAT COMMIT" in tools/passed.

Checks that take long are not made again for what has not changed since.
"""

import os
import re
import subprocess

PASSED = "tools/passed"
LINE = re.compile(r"([a-z]+) ([0-9a-f]{40})\n")


def git(root, *arguments):
    """The lines that git prints; None where it fails."""
    result = subprocess.run(["git", "-C", root, *arguments], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    return result.stdout.splitlines() if result.returncode == 0 else None


def commits(root):
    """{what: commit}; lines that are none are left out."""
    try:
        with open(os.path.join(root, PASSED), encoding="ascii") as file:
            return dict(match.groups() for match in map(LINE.fullmatch, file) if match)
    except FileNotFoundError:
        return {}


def code_of(lines):
    """A source without its comments, but for those that speak to clang-tidy."""
    return [line for line in lines if not line.lstrip().startswith("//") or "NOLINT" in line]


def differs_in_code(root, commit, path):
    """False: it is a source, and was the same at that commit but for comments."""
    if not path.endswith((".h", ".cc")):
        return True
    before = git(root, "show", f"{commit}:{path}")
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return before is None or code_of(before) != code_of(file.read().splitlines())
    except FileNotFoundError:
        return True


def changed_since(root, what):
    """The paths that differ from the commit at which it passed; None: not known."""
    commit = commits(root).get(what)
    changed = git(root, "diff", "--name-only", commit) if commit else None
    new = git(root, "ls-files", "--others", "--exclude-standard")
    if changed is None or new is None:
        return None
    return {path for path in changed if differs_in_code(root, commit, path)} | set(new)


def is_clean(root):
    return git(root, "status", "--porcelain") == []


def record(root, what):
    """Names the commit of a tree without changes as one at which it has passed."""
    known = commits(root) | {what: git(root, "rev-parse", "HEAD")[0]}
    os.makedirs(os.path.join(root, os.path.dirname(PASSED)), exist_ok=True)
    with open(os.path.join(root, PASSED), "w", encoding="ascii") as file:
        file.writelines(f"{each} {commit}\n" for each, commit in sorted(known.items()))
