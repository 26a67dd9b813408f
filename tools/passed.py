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


def changed_since(root, what):
    """The paths that differ from the commit at which it passed; None: not known."""
    commit = commits(root).get(what)
    changed = git(root, "diff", "--name-only", commit) if commit else None
    new = git(root, "ls-files", "--others", "--exclude-standard")
    return None if changed is None or new is None else {*changed, *new}


def is_clean(root):
    return git(root, "status", "--porcelain") == []


def record(root, what):
    """Names the commit of a tree without changes as one at which it has passed."""
    known = commits(root) | {what: git(root, "rev-parse", "HEAD")[0]}
    os.makedirs(os.path.join(root, os.path.dirname(PASSED)), exist_ok=True)
    with open(os.path.join(root, PASSED), "w", encoding="ascii") as file:
        file.writelines(f"{each} {commit}\n" for each, commit in sorted(known.items()))
