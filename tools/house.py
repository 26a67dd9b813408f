#!/usr/bin/env python3
"""Counts what keeps the house easy to walk through, so that it does not get worse.

usage: house.py [ROOT]           prints the figures, one a line
       house.py --check [ROOT]   compares them with tools/house.json; exit 1 when one is worse
       house.py --record [ROOT]  writes tools/house.json
Tests, and what only tests include (src/testing/), are not counted.
  upper_code           lines of code in the folders above the repository, without comments, blanks;
                       shown only, because what is new adds to it
  types_per_1000       types (struct, class, enum) a thousand lines of all kinds; LevelDB has 9.4
  header_comment       percent of comments in public headers, of the lines that are not blank,
                       a brace, a namespace or of the preprocessor; LevelDB has 53
  headers_undescribed  types of public headers without a sentence before them
  store_kinds          lines outside src/stores/ and the catalog that name a kind of store
"""

import json
import os
import re
import sys

from check_layers import sources_of

# Above repo/ and stores/, in whatever folders it lies.
UPPER = ("config", "service", "checks", "evidence", "recovery", "control")
TYPE = re.compile(r"^\s*(?:template\s*<[^;{]*>\s*)?(?:struct|class|enum\s+class|enum)\s+"
                  r"(?:\[\[\w+\]\]\s*)?\w+[^;()=]*\{")
PUBLIC_TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)[^;]*\{")
STORE_KIND = re.compile(r'"(?:files|sqlite)"|stores/(?:files|sqlite)/|stores::(?:files|sqlite)\b'
                        r"|\b(?:Files|Sqlite)Store|\bis_database\b|SQLite format")
KNOWS_STORES = ("src/stores/", "src/catalog/")
# Figures of which less is better; of the others more is.
LESS_IS_BETTER = ("types_per_1000", "headers_undescribed", "store_kinds")
MORE_IS_BETTER = ("header_comment",)


def counted(root):
    """(path relative to the root, text) of each source."""
    for path in sources_of(os.path.join(root, "src")):
        name = os.path.relpath(path, root)
        if name.endswith("_test.cc") or name.startswith("src/testing/"):
            continue
        with open(path, encoding="utf-8") as file:
            yield name, file.read()


def code_lines(text):
    """Lines that hold more than a comment."""
    return sum(bool(line.strip()) and not line.strip().startswith("//")
               for line in text.splitlines())


def is_public_header(name):
    return name.endswith(".h") and "/internal/" not in name


def comment_share(headers):
    lines = [line.strip() for text in headers for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("#", "}", "namespace"))]
    return sum(line.startswith("//") for line in lines) / max(1, len(lines))


def undescribed(text):
    """How many types at the left margin have no comment right before them."""
    lines = text.splitlines()
    return sum(bool(PUBLIC_TYPE.match(line)) and not before.startswith(("//", "template"))
               for before, line in zip(lines, lines[1:]))


def figures(root):
    sources = dict(counted(root))
    headers = [text for name, text in sources.items() if is_public_header(name)]
    lines = sum(len(text.splitlines()) for text in sources.values())
    types = sum(bool(TYPE.match(line)) for text in sources.values() for line in text.splitlines())
    upper = (text for name, text in sources.items() if name.split("/")[1] in UPPER)
    kinds = (line for name, text in sources.items() if not name.startswith(KNOWS_STORES)
             for line in text.splitlines() if STORE_KIND.search(line))
    return {"upper_code": sum(code_lines(text) for text in upper),
            "types_per_1000": round(1000 * types / max(1, lines), 1),
            "header_comment": round(100 * comment_share(headers), 1),
            "headers_undescribed": sum(undescribed(text) for text in headers),
            "store_kinds": sum(1 for _ in kinds)}


def main():
    arguments = [each for each in sys.argv[1:] if not each.startswith("--")]
    root = arguments[0] if arguments else os.getcwd()
    found = figures(root)
    recorded = os.path.join(root, "tools/house.json")
    for name, value in found.items():
        print(f"{name:20} {value}")
    if "--record" in sys.argv:
        with open(recorded, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
            file.write("\n")
    elif "--check" in sys.argv:
        with open(recorded, encoding="utf-8") as file:
            best = json.load(file)
        worse = [name for name in LESS_IS_BETTER if found[name] > best[name]]
        worse += [name for name in MORE_IS_BETTER if found[name] < best[name]]
        for name in worse:
            print(f"house: {name} is {found[name]}, and was {best[name]}: mend it, or say in "
                  f"docs/decisions.md why it must be so, and run tools/house.py --record")
        return 1 if worse else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
