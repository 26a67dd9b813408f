#!/usr/bin/env python3
"""clang-format, clang-tidy and bash -n over the tree, remembering what has passed.

usage: lint.py --build FOLDER [--all] [--record] [FILE...]
FOLDER holds compile_commands.json; what passed is remembered in FOLDER/passed/. tools/lint_passed
names a commit whose sources have all passed: of them only those are analysed that have changed
since, or include what has. Exit 1 when anything was found.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

QUOTED = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.M)
PASSED = "tools/lint_passed"
# Where what passes is decided: when one of these has changed, every source is read again.
SETTINGS = (".clang-tidy", "CMakePresets.json", "cmake/", "tools/lint.py")
SCRIPT_FOLDERS = (".ci", "bench", "examples", "packaging", "test", "tools")
# clang's own warnings too, thread safety above all: the compiler of the release build is GCC.
TIDY = ["clang-tidy", "--quiet", "--checks=clang-diagnostic-*", "--extra-arg=-Wthread-safety",
        "--extra-arg=-Wno-unknown-warning-option"]


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


def content_key(root, source, settings):
    """A hash of all that the analysis of one source depends on within the tree."""
    digest = hashlib.sha256(settings.encode())
    for path, content in files_read(root, source):
        digest.update(path.encode() + b"\0%d\0" % len(content) + content)
    return digest.hexdigest()


def git(root, *arguments):
    """The lines that git prints; None where it fails."""
    result = subprocess.run(["git", "-C", root, *arguments], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    return result.stdout.splitlines() if result.returncode == 0 else None


def changed_since_passed(root):
    """What differs from the commit of tools/lint_passed; None: not known, all is to be read."""
    try:
        with open(os.path.join(root, PASSED), encoding="ascii") as file:
            commit = file.read().strip()
    except FileNotFoundError:
        return None
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        return None
    changed = git(root, "diff", "--name-only", commit)
    new = git(root, "ls-files", "--others", "--exclude-standard")
    if changed is None or new is None:
        return None
    changed = {*changed, *new}
    if any(path.startswith(SETTINGS) for path in changed):
        return None
    return changed


def record_passed(root):
    """Names the commit of a clean tree as one whose sources have all passed."""
    commit = git(root, "rev-parse", "HEAD")
    with open(os.path.join(root, PASSED), "w", encoding="ascii") as file:
        file.write(commit[0] + "\n")


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


def compile_commands(root, build):
    """{path relative to root: the command's identity} of everything under src/ and test/."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    commands = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if path.startswith(("src/", "test/")):
            commands[path] = entry["command"]
    return commands


def analyse(root, build, path, command, settings):
    """Runs clang-tidy on one source, unless this very content has passed. "" or its findings."""
    key = content_key(root, path, settings + command)
    stamp = os.path.join(build, "passed", key)
    if os.path.exists(stamp):
        return ""
    result = subprocess.run([*TIDY, "-p", build, os.path.join(root, path)], cwd=root, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        return result.stdout or f"{path}: clang-tidy ended with status {result.returncode}\n"
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(path + "\n")
    return ""


def check_tidy(root, build, wanted, commands):
    """Those of the wanted sources in which clang-tidy finds something."""
    with open(os.path.join(root, ".clang-tidy"), encoding="utf-8") as file:
        settings = file.read() + " ".join(TIDY)
    settings += subprocess.run(["clang-tidy", "--version"], text=True, check=True,
                               stdout=subprocess.PIPE).stdout
    os.makedirs(os.path.join(build, "passed"), exist_ok=True)
    bad = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(analyse, root, build, path, commands[path], settings): path
                   for path in wanted}
        for done in concurrent.futures.as_completed(running):
            if done.result():
                print(done.result(), end="", flush=True)
                bad.append(running[done])
    return sorted(bad)


def sources_to_analyse(root, commands, only, all_of_them):
    """Sorted; those of `only`, or those that may differ from what has passed."""
    if only:
        return sorted(path for path in commands if path in only)
    changed = None if all_of_them else changed_since_passed(root)
    if changed is None:
        return sorted(commands)
    return sorted(path for path in commands
                  if any(read in changed for read, _ in files_read(root, path)))


def parse_arguments(root):
    parser = argparse.ArgumentParser(description="clang-format, clang-tidy and bash -n")
    parser.add_argument("--build", required=True, help="folder with compile_commands.json")
    parser.add_argument("--all", action="store_true", help="every source, whatever has passed")
    parser.add_argument("--record", action="store_true",
                        help=f"when everything has passed, name this commit in {PASSED}")
    parser.add_argument("files", nargs="*", help="only these")
    arguments = parser.parse_args()
    arguments.files = {os.path.relpath(path, root) for path in arguments.files}
    for path in arguments.files:
        if not os.path.exists(path):
            parser.error(f"there is no {path}")
    if arguments.record and (arguments.files or git(root, "status", "--porcelain") != []):
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
    commands = compile_commands(root, build)
    strays = [f for f in chosen(sources) if f.endswith(".cc") and f not in commands]
    wanted = sources_to_analyse(root, commands, only, arguments.all)
    print(f"lint: clang-tidy reads {len(wanted)} of {len(commands)} sources", flush=True)
    findings = check_tidy(root, build, wanted, commands)
    if badly_formatted:
        print("clang-format would change files; ./dev fmt does it")
    for path in strays:
        print(f"{path}: no target of the build compiles it")
    for path in broken:
        print(f"{path}: bash can't parse it")
    for path in findings:
        print(f"{path}: clang-tidy has findings, see above")
    if badly_formatted or strays or broken or findings:
        return 1
    if arguments.record:
        record_passed(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
