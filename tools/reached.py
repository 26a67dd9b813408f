#!/usr/bin/env python3
"""Which tests a change reaches.

usage: reached.py WHAT [REGEX]       prints, one a line, the folders of src/ with unit tests that a
                                     change since WHAT passed (tools/passed) reaches; of "fuzz", the
                                     fuzz targets
       reached.py --record WHAT      WHAT has passed at this commit
A change reaches a folder when it is in the folder or in testing/, in a header that one of the
folder's sources includes, however indirectly, or in the source behind a header (of the same name)
that one of them includes itself. Where a source has no such header, it is taken for one behind each
header of its folder; a test is behind none. What is further up is left to the tests without
sanitizers.
A fuzz target uses the folders whose headers it includes, and all that these use.
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


def included_by(root, sources):
    """The files, as "src/folder/name", that these sources include themselves."""
    found = set()
    for source in sources:
        path = os.path.join(root, source)
        if os.path.exists(path):  # else a library's, or one that is gone
            with open(path, encoding="utf-8") as file:
                found |= {f"src/{name}" for _, name, _ in check_layers.includes_of(file.read())
                          if name}
    return found


def included(root, folder):
    """What the sources of a folder include themselves, and what they include at all."""
    own = check_layers.sources_of(os.path.join(root, "src", folder))
    direct = included_by(root, [os.path.relpath(source, root) for source in own])
    every, new = set(), direct
    while new:
        every |= new
        new = included_by(root, new) - every
    return direct, every


def lies_behind(root, path, headers, uses):
    """Whether a file of another folder is what stands behind one of these headers, which the
    sources of a folder include that names these others."""
    if path.endswith((".h", "_test.cc")):
        return False
    header = os.path.splitext(path)[0] + ".h"
    if os.path.exists(os.path.join(root, header)):
        return header in headers
    return path.split("/")[1] in uses


def reached_folders(root, changed):
    """The folders with unit tests that these paths reach."""
    changed = {path for path in changed if path.startswith("src/")}
    folders = {path.split("/")[1] for path in changed}
    uses = uses_of(root)

    def reaches(folder):
        if {folder, "testing"} & folders:
            return True
        direct, every = included(root, folder)
        return bool(every & changed) or any(
            lies_behind(root, path, direct, uses.get(folder, [])) for path in changed)

    return [folder for folder in tested(root) if reaches(folder)]


def folders_of_targets(root):
    """{fuzz target: [what it uses itself...]}, a folder of src/ or test/fuzz."""
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


def reached_targets(root, changed):
    """The fuzz targets that these paths reach."""
    uses = uses_of(root)
    folders = {path.split("/")[1] for path in changed if path.startswith("src/")}
    folders |= {"test/fuzz" for path in changed if path.startswith(FUZZ)}
    return [target for target, used in folders_of_targets(root).items()
            if closure(uses, used) & folders]


def reached(root, what):
    changed = passed.changed_since(root, what)
    if changed is None or any(path.startswith(SETTINGS) for path in changed):
        return list(folders_of_targets(root)) if what == "fuzz" else tested(root)
    return reached_targets(root, changed) if what == "fuzz" else reached_folders(root, changed)


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
