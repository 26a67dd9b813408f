#!/usr/bin/env python3
"""Which tests a change reaches.

usage: reached.py WHAT [REGEX]       prints, one a line, the folders of src/ with unit tests that
                                     have changed since WHAT passed (tools/passed), or use one that
                                     has; of "fuzz", the fuzz targets
       reached.py --record WHAT      WHAT has passed at this commit
A folder uses what its salvor_module() names, and its tests use testing/ as well. A fuzz target uses
the folders whose headers it includes.
"""

import os
import re
import sys

import check_layers
import passed

# Where it is decided how tests are built: when one of these has changed, all are reached.
SETTINGS = ("CMakeLists.txt", "CMakePresets.json", "cmake/", "tools/packages/")
# Where the fuzz targets are, and how they are built.
FUZZ = ("test/fuzz/", "test/CMakeLists.txt")


def uses_of(root):
    """{folder of src/: [folder...] that it names}."""
    uses = {}
    for folder in sorted(os.listdir(os.path.join(root, "src"))):
        path = os.path.join(root, "src", folder, "CMakeLists.txt")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                uses.update(check_layers.declared(file.read()))
    return uses


def closure(uses, folders):
    """These folders, and all that they use."""
    waiting, found = list(folders), set()
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            waiting += uses.get(folder, [])
    return found


def tested(root):
    """The folders that have unit tests, sorted."""
    src = os.path.join(root, "src")
    return [folder for folder in sorted(os.listdir(src))
            if any(name.endswith("_test.cc") for _, _, names in os.walk(os.path.join(src, folder))
                   for name in names)]


def folders_of_tests(root, what):
    """{test: [what it uses itself...]}, a folder of src/ or one of test/fuzz."""
    if what != "fuzz":
        return {folder: [folder, "testing"] for folder in tested(root)}
    fuzz = os.path.join(root, "test/fuzz")

    def used_by(source):
        with open(os.path.join(fuzz, source), encoding="utf-8") as file:
            for _, path, _ in check_layers.includes_of(file.read()):
                if path and "/" in path:
                    yield path.split("/")[0]
                elif path:
                    yield from used_by(path)  # beside it

    return {source.removesuffix("_fuzz.cc"): ["test/fuzz", *used_by(source)]
            for source in sorted(os.listdir(fuzz)) if source.endswith("_fuzz.cc")}


def reached(root, what):
    tests = folders_of_tests(root, what)
    changed = passed.changed_since(root, what)
    if changed is None or any(path.startswith(SETTINGS) for path in changed):
        return list(tests)
    uses = uses_of(root)
    folders = {path.split("/")[1] for path in changed if path.startswith("src/")}
    folders |= {"test/fuzz" for path in changed if path.startswith(FUZZ)}
    return [test for test, used in tests.items() if closure(uses, used) & folders]


def main():
    root = os.getcwd()
    arguments = sys.argv[1:]
    if arguments[:1] == ["--record"] and len(arguments) == 2:
        if not passed.is_clean(root):
            sys.exit("reached: only a commit can have passed: found a tree with changes")
        passed.record(root, arguments[1])
    elif arguments and not arguments[0].startswith("-") and len(arguments) <= 2:
        regex = arguments[1] if len(arguments) == 2 else "."
        for test in reached(root, arguments[0]):
            if re.search(regex, test):
                print(test)
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
