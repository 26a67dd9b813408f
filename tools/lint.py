#!/usr/bin/env python3
"""clang-format, clang-tidy and bash -n over the tree, remembering what has passed.

usage: lint.py --build FOLDER [FILE...]
FOLDER holds compile_commands.json; what passed is remembered in FOLDER/lint/. Exit 1 when anything
was found.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

QUOTED = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.M)
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


def content_key(root, source, settings):
    """A hash of all that the analysis of one source depends on within the tree."""
    digest = hashlib.sha256(settings.encode())
    waiting, seen = [source], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            continue
        digest.update(os.path.relpath(path, root).encode() + b"\0%d\0" % len(content) + content)
        waiting += sorted(os.path.join(root, "src", name.decode())
                          for name in QUOTED.findall(content))
    return digest.hexdigest()


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
    key = content_key(root, os.path.join(root, path), settings + command)
    stamp = os.path.join(build, "lint", key)
    if os.path.exists(stamp):
        return ""
    result = subprocess.run([*TIDY, "-p", build, os.path.join(root, path)], cwd=root, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        return result.stdout or f"{path}: clang-tidy ended with status {result.returncode}\n"
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(path + "\n")
    return ""


def check_tidy(root, build, only):
    """The sources in which clang-tidy finds something."""
    with open(os.path.join(root, ".clang-tidy"), encoding="utf-8") as file:
        settings = file.read() + " ".join(TIDY)
    settings += subprocess.run(["clang-tidy", "--version"], text=True, check=True,
                               stdout=subprocess.PIPE).stdout
    os.makedirs(os.path.join(build, "lint"), exist_ok=True)
    commands = compile_commands(root, build)
    wanted = sorted(path for path in commands if not only or path in only)
    bad = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(analyse, root, build, path, commands[path], settings): path
                   for path in wanted}
        for done in concurrent.futures.as_completed(running):
            if done.result():
                print(done.result(), end="", flush=True)
                bad.append(running[done])
    return sorted(bad)


def main():
    parser = argparse.ArgumentParser(description="clang-format, clang-tidy and bash -n")
    parser.add_argument("--build", required=True, help="folder with compile_commands.json")
    parser.add_argument("files", nargs="*", help="only these")
    arguments = parser.parse_args()
    root = os.getcwd()
    build = os.path.abspath(arguments.build)
    only = {os.path.relpath(path, root) for path in arguments.files}
    for path in only:
        if not os.path.exists(path):
            parser.error(f"there is no {path}")

    def chosen(files):
        return [f for f in files if not only or f in only]

    sources = [f for folder in ("src", "test") for f in files_below(root, folder, (".cc", ".h"))]
    badly_formatted = check_format(root, chosen(sources))
    broken = check_scripts(root, chosen(shell_scripts(root)))
    strays = [f for f in chosen(sources)
              if f.endswith(".cc") and f not in compile_commands(root, build)]
    findings = check_tidy(root, build, only)
    if badly_formatted:
        print("clang-format would change files; ./dev fmt does it")
    for path in strays:
        print(f"{path}: no target of the build compiles it")
    for path in broken:
        print(f"{path}: bash can't parse it")
    for path in findings:
        print(f"{path}: clang-tidy has findings, see above")
    return 1 if badly_formatted or strays or broken or findings else 0


if __name__ == "__main__":
    sys.exit(main())
