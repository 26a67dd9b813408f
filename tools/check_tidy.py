#!/usr/bin/env python3
"""Holds the whole tree to STYLE.md where a machine can tell, and the documents to the code.

usage: check_tidy.py [ROOT]
Prints one line a violation, "path:line: what"; exit 1 when there are any.
"""

import os
import re
import sys

import documents
import words

SKIPPED_FOLDERS = {".git", ".cache", "node_modules", "__pycache__"}
# Data, not text: written by programs, compared byte by byte.
SKIPPED_PATHS = ("test/golden/", "test/fuzz/corpus/", "LICENSE")
CODE = (".cc", ".h", ".def", ".py", ".sh", ".cmake", ".ts", ".js", ".svelte")
TEXT = CODE + (".md", ".txt", ".toml", ".json", ".service", ".html", ".css", ".yml", ".yaml")
TEXT_NAMES = {"dev", "run", "CMakeLists.txt", ".clang-format", ".clang-tidy", ".gitignore"}
GENERATED = {"package-lock.json"}

LINES_MAX = 600
COLUMNS_MAX = 100
# The ratchet: files that are longer than LINES_MAX, and how long. A number may only go down.
LONGER = {}

VAGUE = {"util", "utils", "common", "helper", "helpers", "manager", "managers"}
# Spelt in two parts, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
WORKPLACE = re.compile(r"(?<![\w.})])(/wo" r"rk/|/ro" r"ot/)|\b(suba" r"gent|sess" r"ion 1\b)",
                       re.IGNORECASE)
# What GCC 12 finds without the header, and later compilers do not.
ALGORITHM = re.compile(
    r"\bstd::(?:ranges::)?((?:stable_)?sort|is_sorted|find(?:_if(?:_not)?)?|(?:any|all|none)_of|min"
    r"|max|m(?:in|ax)_element|clamp|copy(?:_n|_if)?|fill(?:_n)?|count(?:_if)?|equal(?:_range)?"
    r"|(?:lower|upper)_bound|binary_search|remove_if|unique|reverse|rotate|transform|for_each"
    r"|search|mismatch|lexicographical_compare|replace|partition|adjacent_find|shuffle)\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)


def paths_of(root):
    """Every file to look at, relative to `root`, sorted; without build folders and data."""
    found = []
    for directory, names, files in os.walk(root):
        below = os.path.relpath(directory, root)
        names[:] = sorted(n for n in names if n not in SKIPPED_FOLDERS
                          and not (below == "." and re.match(r"build(-|$)", n)))
        for name in sorted(files):
            path = name if below == "." else f"{below}/{name}"
            if not path.startswith(SKIPPED_PATHS):
                found.append(path)
    return found


def is_text(path):
    name = os.path.basename(path)
    return (name.endswith(TEXT) or name in TEXT_NAMES) and name not in GENERATED


def is_code(path):
    return path.endswith(CODE) or os.path.basename(path) in TEXT_NAMES


def check_name(path, complain):
    for part in path.split("/"):
        vague = VAGUE & set(re.split(r"[._-]", part.lower()))
        if vague:
            complain(path, 0, f'"{vague.pop()}" says nothing: name it by what it holds')


def check_text(path, text, complain):
    """What holds for every text: blanks, ends, unfinished work, traces of a workplace."""
    if text and not text.endswith("\n"):
        complain(path, 0, "the last line has no newline")
    if text.endswith("\n\n"):
        complain(path, 0, "blank lines at the end")
    # Not splitlines(): it also cuts at form feeds and the like, and the numbers would be wrong.
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            complain(path, number, "a tab")
        if line != line.rstrip():
            complain(path, number, "blanks at the end of the line")
        if UNFINISHED.search(line):
            complain(path, number, f'"{UNFINISHED.search(line).group(0)}": finish it')
        if WORKPLACE.search(line):
            complain(path, number, f'"{WORKPLACE.search(line).group(0)}" belongs to a workplace')


def check_code(path, text, complain):
    """Length and width of code, and the form of C++ files."""
    lines = text.split("\n")[:-1]
    allowed = LONGER.get(path, LINES_MAX)
    if len(lines) > allowed:
        complain(path, 0, f"{len(lines)} lines, expected at most {allowed}")
    elif path in LONGER and len(lines) < allowed:
        complain(path, 0, f"now {len(lines)} lines: lower its number in LONGER, or remove it")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            complain(path, number, f"{len(line)} columns, expected at most {COLUMNS_MAX}")
    if lines and not lines[0]:
        complain(path, 1, "begins with an empty line")
    if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
        complain(path, 0, "expected #pragma once")


def check_algorithm(path, text, complain):
    """Who uses an algorithm of the standard library includes its header."""
    if not path.endswith((".cc", ".h")) or "#include <algorithm>" in text:
        return
    used = ALGORITHM.search(re.sub(r"//[^\n]*", "", text))
    if used:
        complain(path, 0, f"uses std::{used.group(1)}(): include <algorithm>")


def check_own_header(root, path, text, complain):
    """The first include of x.cc is x.h, which proves that x.h stands alone."""
    if not (path.startswith("src/") and path.endswith(".cc")):
        return
    header = path[len("src/"):-len(".cc")] + ".h"
    if not os.path.exists(os.path.join(root, "src", header)):
        return
    first = INCLUDE.search(text)
    if first is None or first.group(1) != header:
        complain(path, 0, f'expected "{header}" as the first include, '
                          f'found {first.group(1) if first else "none"}')


def check(root):
    """All violations below `root`, as "path:line: what"."""
    violations = []

    def complain(path, line, what):
        violations.append(f"{path}:{line}: {what}" if line else f"{path}: {what}")

    paths = paths_of(root)
    for path in paths:
        check_name(path, complain)
        full = os.path.join(root, path)
        if not is_text(path) or os.path.islink(full):
            continue
        try:
            with open(full, encoding="utf-8", newline="") as file:
                text = file.read()
        except UnicodeDecodeError:
            complain(path, 0, "not UTF-8")
            continue
        check_text(path, text, complain)
        words.check(path, text, complain)
        if is_code(path):
            check_code(path, text, complain)
            check_own_header(root, path, text, complain)
            check_algorithm(path, text, complain)
        if path.endswith(".md"):
            documents.check_links(root, path, text, complain)
    for path in LONGER:
        if path not in paths:
            complain(path, 0, "is in LONGER, but not in the tree")
    documents.check_constants(root, complain)
    return violations


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    violations = check(root)
    for violation in violations:
        print(violation)
    if violations:
        print(f"{len(violations)} violations of the style (tools/check_tidy.py)")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
