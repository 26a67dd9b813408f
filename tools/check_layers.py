#!/usr/bin/env python3
"""Holds src/ to the table of layers in DESIGN.md: who may include and name whom, what is private.

usage: check_layers.py [ROOT]
Prints one line a violation, "path:line: what"; exit 1 when there are any.
"""

import os
import re
import sys

# Arrows point down only: a folder may use folders of a lower level.
LEVELS = {
    "base": 0,
    "codec": 1, "net": 1, "catalog": 1,
    "backend": 2, "stores": 2,
    "repo": 3, "service": 3,
    "config": 4, "backup": 4, "checks": 4,
    "evidence": 5,
    "recovery": 6,
    "control": 7,
    "cli": 8, "daemon": 8,
    "testing": 8,
}

# What the levels alone would allow, but the design does not.
ONLY = {
    "cli": {"base", "net", "control"},
    "daemon": {"base", "net", "control"},
}
NEVER = {
    "repo": {"stores": "to the repository a tree maps bytes to bytes"},
}
NEVER_FOR_ALL = {"testing": "only tests include it"}

THIRD_PARTY = re.compile(
    r"^(openssl/|sodium|zstd|zdict|sqlite3|nlohmann/|toml\+\+|toml\.hpp|CLI/|spdlog/|curl/|gtest/"
    r"|gmock/|xxh|libpq|mysql|mariadb|isa-l|isal/|httplib|prometheus/|benchmark/|fuse)")
# A library that is included through one header of ours, which makes it safe to use.
WRAPPED = {"nlohmann/": "base/json.h"}
# The JSON library's templates cost two seconds in each source that calls them.
COSTLY = re.compile(r"\b(?:[jJ]son|ordered_json)::parse\(|\.dump\(")
COSTLY_IN = "src/base/json.cc"
TEST_FRAMEWORK = re.compile(r"^(gtest|gmock)/")

# What cli and daemon name is control's: the types of lower folders have names there, too.
LOWER_NAME = re.compile(r"\b(?:" + "|".join(sorted(
    folder for folder in LEVELS
    if folder not in ("base", "net", "control", "cli", "daemon", "testing"))) + r")::\w+")
NAMES_ITS_OWN = ("cli", "daemon")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
MODULE = re.compile(r"\bsalvor_module\s*\(\s*(\w+)([^)]*)\)")


def sources_of(folder):
    """Every .h and .cc below a folder, sorted."""
    found = []
    for directory, names, files in os.walk(folder):
        names.sort()
        found += [os.path.join(directory, f) for f in sorted(files) if f.endswith((".h", ".cc"))]
    return found


def includes_of(text):
    """(line number, quoted path or None, angled path or None) of each include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def declared(cmake_text):
    """{module: [used...]} of the salvor_module() calls in one CMakeLists.txt."""
    text = re.sub(r"#[^\n]*", "", cmake_text)
    modules = {}
    for name, rest in MODULE.findall(text):
        words = rest.split()
        uses = []
        if "USES" in words:
            for word in words[words.index("USES") + 1:]:
                if word in ("USES", "LIBRARIES", "SHARDS", "ALONE"):
                    break
                uses.append(word)
        modules[name] = uses
    return modules


def is_macros_only(text):
    """Whether a header consists of comments and preprocessor lines: then no namespace is needed."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.M)
    return not text.strip()


def check_declarations(root, folders, complain):
    """Reads USES of every folder, and checks it against the tables above."""
    uses = {}
    for folder in folders:
        path = f"src/{folder}/CMakeLists.txt"
        if folder not in LEVELS:
            complain(f"src/{folder}", 0, "this folder has no level in tools/check_layers.py")
            continue
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                modules = declared(file.read())
        except FileNotFoundError:
            complain(path, 0, "missing: every folder declares what it uses")
            continue
        if list(modules) != [folder]:
            complain(path, 0, f"expected one salvor_module({folder} …), found {list(modules)}")
        uses[folder] = modules.get(folder, [])
        for used in uses[folder]:
            problem = why_not(folder, used)
            if problem:
                complain(path, 0, problem)
            elif not os.path.isdir(os.path.join(root, "src", used)):
                complain(path, 0, f"uses {used}, but there is no src/{used}")
    return uses


def why_not(folder, used):
    """Why `folder` must not use `used`; None when it may."""
    if used not in LEVELS:
        return f"uses {used}, which is no folder of the design"
    if used in NEVER_FOR_ALL:
        return f"uses {used}: {NEVER_FOR_ALL[used]}"
    if used in NEVER.get(folder, {}):
        return f"uses {used}: {NEVER[folder][used]}"
    if folder in ONLY and used not in ONLY[folder]:
        return f"uses {used}, but {folder} may use only {' '.join(sorted(ONLY[folder]))}"
    if LEVELS[used] >= LEVELS[folder]:
        return (f"uses {used} of level {LEVELS[used]}, "
                f"but {folder} has level {LEVELS[folder]} and arrows point down only")
    return None


def owner_of(header):
    """The folder that a private header is private to, "stores/disk"; None for a public one."""
    owner, internal, _ = header.partition("/internal/")
    return owner if internal else None


def check_privacy(path, text, complain):
    """What is private to a folder is included from within it alone; its tests are the exception."""
    if path.endswith("_test.cc") or path.startswith("src/testing/"):
        return
    for number, quoted, _ in includes_of(text):
        owner = owner_of(quoted or "")
        if owner and not path.startswith(f"src/{owner}/"):
            complain(path, number, f'"{quoted}" is private to src/{owner}')


def check_names(folder, path, text, complain):
    """cli and daemon take no name from below control."""
    if folder not in NAMES_ITS_OWN or path.endswith("_test.cc"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        for match in LOWER_NAME.finditer(code):
            complain(path, number, f"{match.group(0)}: use the name that control has for it")


def check_nearness(paths, complain):
    """A source lies beside the header that it begins with and that has its name."""
    headers = {path for path in paths if path.endswith(".h")}
    for path in paths:
        if not path.endswith(".cc") or path.endswith("_test.cc"):
            continue
        beside = path[:-len(".cc")] + ".h"
        with open(path, encoding="utf-8") as file:
            first = next((quoted for _, quoted, _ in includes_of(file.read()) if quoted), "")
        is_own = os.path.basename(first) == os.path.basename(beside)
        own = next((each for each in headers if is_own and each.endswith("/src/" + first)), None)
        if own and own != beside:
            complain(path, 0, f"lies far from its header, {first}")


def check_file(folder, path, text, uses, complain):
    """One source: its includes, and for a header its namespace."""
    is_test = path.endswith("_test.cc")
    allowed = {folder, *uses.get(folder, [])}
    if is_test:
        allowed |= {"testing", *uses.get("testing", [])}
    for number, quoted, angled in includes_of(text):
        if quoted:
            first, slash, _ = quoted.partition("/")
            if not slash:
                complain(path, number, f'"{quoted}": name it by its folder, "{folder}/{quoted}"')
            elif first not in LEVELS and not THIRD_PARTY.match(quoted):
                complain(path, number, f'"{quoted}": there is no folder src/{first}')
            elif first in LEVELS and first not in allowed:
                complain(path, number, f'"{quoted}": {folder} does not declare USES {first}')
        name = angled or quoted
        if TEST_FRAMEWORK.match(name):
            if not is_test and folder != "testing":
                complain(path, number, f"<{name}> belongs in tests and in testing/")
        elif wrapper := next((w for lib, w in WRAPPED.items() if name.startswith(lib)), None):
            if path != f"src/{wrapper}":
                complain(path, number, f'<{name}>: include "{wrapper}" instead')
        elif path.endswith(".h") and THIRD_PARTY.match(name):
            complain(path, number, f"<{name}> belongs in .cc files only")
    for match in COSTLY.finditer(text) if path != COSTLY_IN else ():
        complain(path, text.count("\n", 0, match.start()) + 1,
                 f"{match.group(0)}…): slow to compile, call parse_json(), try_parse_json() or "
                 "write_json()")
    if path.endswith(".h"):
        space = "salvor" if folder == "base" else f"salvor::{folder}"
        if not re.search(rf"^namespace {space}(::\w+)*\s*\{{", text, re.M) \
                and not is_macros_only(text):
            complain(path, 0, f"expected namespace {space}: folder = namespace")


def find_cycles(uses, edges, complain):
    """Cycles among the folders, by declaration and by what is really included."""
    graph = {folder: set(used) for folder, used in uses.items()}
    for folder, used in edges:
        graph.setdefault(folder, set()).add(used)
    state = {}

    def visit(folder, trail):
        state[folder] = "open"
        for used in sorted(graph.get(folder, ())):
            if state.get(used) == "open":
                cycle = trail[trail.index(used):] + [used]
                complain("src", 0, "folders include each other: " + " → ".join(cycle))
            elif used not in state:
                visit(used, trail + [used])
        state[folder] = "done"

    for folder in sorted(graph):
        if folder not in state:
            visit(folder, [folder])


def check(root):
    """All violations below `root`, as "path:line: what"."""
    violations = []

    def complain(path, line, what):
        violations.append(f"{path}:{line}: {what}" if line else f"{path}: {what}")

    base = os.path.join(root, "src")
    sources = {folder: sources_of(os.path.join(base, folder))
               for folder in sorted(os.listdir(base))
               if os.path.isdir(os.path.join(base, folder))}
    sources = {folder: paths for folder, paths in sources.items() if paths}
    uses = check_declarations(root, sources, complain)
    edges = set()
    for folder, paths in sources.items():
        check_nearness(paths, lambda path, line, what: complain(os.path.relpath(path, root), line,
                                                                what))
        for path in paths:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            relative = os.path.relpath(path, root)
            check_file(folder, relative, text, uses, complain)
            check_privacy(relative, text, complain)
            check_names(folder, relative, text, complain)
            if not path.endswith("_test.cc"):
                edges |= {(folder, quoted.split("/")[0]) for _, quoted, _ in includes_of(text)
                          if quoted and quoted.split("/")[0] in LEVELS
                          and quoted.split("/")[0] != folder}
    find_cycles(uses, edges, complain)
    return violations


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    violations = check(root)
    for violation in violations:
        print(violation)
    if violations:
        print(f"{len(violations)} violations of the layers (DESIGN.md, \"The house\")")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
