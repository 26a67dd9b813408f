#!/usr/bin/env python3
"""clang-format, clang-tidy and bash -n over the tree, remembering what has passed.

usage: lint.py --build FOLDER [--all] [--record] [FILE...]
FOLDER holds compile_commands.json; what passed is remembered in FOLDER/passed/. clang-tidy reads
what the build compiles: a source, or several that the build joins in one unit. Where tools/passed
names a commit at which all has passed, only units are analysed in which a source has changed since,
or includes what has. Each header that has changed is compiled by itself. Exit 1 when
anything was found.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import passed

QUOTED = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.M)
# Where what passes is decided: when one of these has changed, every source is read again.
SETTINGS = (".clang-tidy", "CMakePresets.json", "cmake/", "tools/lint.py", "tools/passed.py")
SCRIPT_FOLDERS = (".ci", "bench", "examples", "packaging", "test", "tools")
# clang's own warnings too, thread safety above all: the compiler of the release build is GCC.
TIDY = ["clang-tidy", "--quiet", "--checks=clang-diagnostic-*", "--extra-arg=-Wthread-safety",
        "--extra-arg=-Wno-unknown-warning-option"]

# What the compiler is started on. path: absolute; members: the sources that it holds, relative to
# the root.
Unit = collections.namedtuple("Unit", "path command members")


def files_below(root, folder, endings):
    found = []
    for directory, names, files in os.walk(os.path.join(root, folder)):
        names.sort()
        found += [os.path.relpath(os.path.join(directory, f), root)
                  for f in sorted(files) if f.endswith(endings)]
    return found


def files_read(root, source):
    """(path relative to root, content) of one source and of all that it includes of the tree."""
    waiting, seen = [source], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            with open(os.path.join(root, path), "rb") as file:
                content = file.read()
        except FileNotFoundError:
            continue
        yield path, content
        # Tests of test/ name the headers beside them without a folder.
        for name in sorted(QUOTED.findall(content)):
            waiting += ["src/" + name.decode(), f"{os.path.dirname(path)}/{name.decode()}"]


def content_key(root, sources, settings):
    """A hash of all that the analysis of some sources depends on within the tree."""
    digest = hashlib.sha256(settings.encode())
    for source in sources:
        for path, content in files_read(root, source):
            digest.update(path.encode() + b"\0%d\0" % len(content) + content)
    return digest.hexdigest()


def changed_since_passed(root):
    """What has changed since all has passed; None: not known, all is to be read."""
    changed = passed.changed_since(root, "lint")
    if changed is None or any(path.startswith(SETTINGS) for path in changed):
        return None
    return changed


def check_format(root, files):
    """The files that clang-format would change; its complaints go to stderr."""
    bad = []
    for start in range(0, len(files), 50):
        part = files[start:start + 50]
        if subprocess.run(["clang-format", "--dry-run", "-Werror", *part], cwd=root).returncode:
            bad += part
    return bad


def check_scripts(root, scripts):
    """The shell scripts that bash can't parse."""
    return [s for s in scripts
            if subprocess.run(["bash", "-n", s], cwd=root, stderr=subprocess.PIPE).returncode]


def shell_scripts(root):
    found = [s for s in ("dev", ".ci/run") if os.path.exists(os.path.join(root, s))]
    for folder in SCRIPT_FOLDERS:
        found += files_below(root, folder, (".sh",))
    return found


def units_of_build(root, build):
    """The units of everything under src/ and test/, in the order of their first source."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    units = []
    for entry in entries:
        path = os.path.join(entry["directory"], entry["file"])
        sources = [path]
        if path.startswith(build + os.sep):
            with open(path, "rb") as file:
                sources = [name.decode() for name in QUOTED.findall(file.read())]
        members = [os.path.relpath(source, root) for source in sources]
        if members and all(member.startswith(("src/", "test/")) for member in members):
            units.append(Unit(path, entry["command"], members))
    return sorted(units, key=lambda unit: unit.members)


def tidy_command(build, unit):
    return [*TIDY, "-p", build, unit.path]


def header_command(unit, header):
    """Compiles a header by itself, with the options of a unit of its folder."""
    words, options = shlex.split(unit.command), []
    for index, word in enumerate(words):
        if word.startswith(("-I", "-D", "-W", "-std=", "-f")):
            options.append(word)
        elif word == "-isystem":
            options += [word, words[index + 1]]
    return ["clang++", *options, "-Wno-pragma-once-outside-header", "-Wno-unused-function",
            "-Wno-unused-const-variable", "-fsyntax-only", "-x", "c++", header]


def analyse(root, build, name, sources, command, settings):
    """Runs one command, unless what it reads has passed before. "" or its findings."""
    stamp = os.path.join(build, "passed", content_key(root, sources, settings + " ".join(command)))
    if os.path.exists(stamp):
        return ""
    result = subprocess.run(command, cwd=root, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    if result.returncode:
        return result.stdout or f"{name}: {command[0]} ended with status {result.returncode}\n"
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(name + "\n")
    return ""


def check_code(root, build, units, headers):
    """The names of those units, and those headers (path, unit), in which something is found."""
    with open(os.path.join(root, ".clang-tidy"), encoding="utf-8") as file:
        settings = file.read()
    settings += subprocess.run(["clang-tidy", "--version"], text=True, check=True,
                               stdout=subprocess.PIPE).stdout
    os.makedirs(os.path.join(build, "passed"), exist_ok=True)
    work = [(", ".join(unit.members), unit.members, tidy_command(build, unit), unit.command)
            for unit in units]
    work += [(header, [header], header_command(unit, header), "") for header, unit in headers]
    bad = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(analyse, root, build, name, sources, command, settings + more): name
                   for name, sources, command, more in work}
        for done in concurrent.futures.as_completed(running):
            if done.result():
                print(done.result(), end="", flush=True)
                bad.append(running[done])
    return sorted(bad)


def to_analyse(root, units, headers, only, all_of_them):
    """The units and the headers among `only`, or that may differ from what has passed.

    A header comes with a unit of its folder.
    """
    changed = only or (None if all_of_them else changed_since_passed(root))

    def reads_changes(source):
        if changed is None or source in changed:
            return True
        return not only and any(path in changed for path, _ in files_read(root, source))

    folders = {os.path.dirname(member): unit for unit in units for member in unit.members}
    chosen = []
    for header in headers:
        folder = os.path.dirname(header)
        # A folder of headers alone is compiled like the one above it.
        while folder and folder not in folders:
            folder = os.path.dirname(folder)
        if folder and reads_changes(header):
            chosen.append((header, folders[folder]))
    return [unit for unit in units if any(map(reads_changes, unit.members))], chosen


def parse_arguments(root):
    parser = argparse.ArgumentParser(description="clang-format, clang-tidy and bash -n")
    parser.add_argument("--build", required=True, help="folder with compile_commands.json")
    parser.add_argument("--all", action="store_true", help="every source, whatever has passed")
    parser.add_argument("--record", action="store_true",
                        help=f"when everything has passed, name this commit in {passed.PASSED}")
    parser.add_argument("files", nargs="*", help="only these")
    arguments = parser.parse_args()
    arguments.files = {os.path.relpath(path, root) for path in arguments.files}
    for path in arguments.files:
        if not os.path.exists(path):
            parser.error(f"there is no {path}")
    if arguments.record and (arguments.files or not passed.is_clean(root)):
        parser.error("--record needs a tree without changes, and all of it")
    return arguments


def main():
    root = os.getcwd()
    arguments = parse_arguments(root)
    build = os.path.abspath(arguments.build)
    only = arguments.files
    if arguments.all:
        shutil.rmtree(os.path.join(build, "passed"), ignore_errors=True)

    def chosen(files):
        return [f for f in files if not only or f in only]

    sources = [f for folder in ("src", "test") for f in files_below(root, folder, (".cc", ".h"))]
    badly_formatted = check_format(root, chosen(sources))
    broken = check_scripts(root, chosen(shell_scripts(root)))
    units = units_of_build(root, build)
    compiled = {member for unit in units for member in unit.members}
    strays = [f for f in chosen(sources) if f.endswith(".cc") and f not in compiled]
    headers = [f for f in sources if f.endswith(".h")]
    units_read, headers_read = to_analyse(root, units, headers, only, arguments.all)
    print(f"lint: clang-tidy reads {len({m for unit in units_read for m in unit.members})} of "
          f"{len(compiled)} sources, in {len(units_read)} units; "
          f"{len(headers_read)} of {len(headers)} headers are compiled", flush=True)
    findings = check_code(root, build, units_read, headers_read)
    if badly_formatted:
        print("clang-format would change files; ./dev fmt does it")
    for path in strays:
        print(f"{path}: no target of the build compiles it")
    for path in broken:
        print(f"{path}: bash can't parse it")
    for path in findings:
        print(f"{path}: clang has findings, see above")
    if badly_formatted or strays or broken or findings:
        return 1
    if arguments.record:
        passed.record(root, "lint")
    return 0


if __name__ == "__main__":
    sys.exit(main())
