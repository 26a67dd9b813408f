#!/usr/bin/env python3
"""Executes what README.md, docs/cli.md, docs/evidence.md and docs/events.md show.

usage: run_documents.py ROOT
A block that begins with ```sh and then a line "# tested" is run by bash with -eu -o pipefail, with
the built program in PATH. The blocks of a page run one after another in one temporary directory.
Blocks of ```toml that begin with "# file: NAME" are written to that file first, in their order.
Exit 1 when a block fails.
"""

import os
import re
import subprocess
import sys
import tempfile

PAGES = ("README.md", "docs/cli.md", "docs/evidence.md", "docs/events.md")
BLOCK = re.compile(r"^```(sh|toml)\n(.*?)^```$", re.M | re.S)


def blocks_of(text):
    """(line number, language, code) of the blocks that are to be used."""
    for match in BLOCK.finditer(text):
        language, code = match.groups()
        line = text.count("\n", 0, match.start()) + 2
        if language == "sh" and code.startswith("# tested\n"):
            yield line, language, code
        elif language == "toml" and code.startswith("# file: "):
            yield line, language, code


def run_page(root, page, environment):
    """How many blocks were run; None when one failed."""
    with open(os.path.join(root, page), encoding="utf-8") as file:
        blocks = list(blocks_of(file.read()))
    with tempfile.TemporaryDirectory(prefix="salvor-documents-") as directory:
        for line, language, code in blocks:
            if language == "toml":
                name = code.split("\n", 1)[0].removeprefix("# file: ").strip()
                # As root the state would be the machine's.
                state = "" if "state_dir" in code else 'state_dir = "state"\n'
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(state + code)
                continue
            done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", code], cwd=directory,
                                  env={**environment, "HOME": directory}, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=300)
            if done.returncode != 0:
                print(f"{page}:{line}: exit status {done.returncode}\n{code}"
                      f"{done.stdout.decode('utf-8', 'replace')}")
                return None
    return len([block for block in blocks if block[1] == "sh"])


def main():
    root = sys.argv[1]
    program = os.path.abspath(os.environ.get("SALVOR", os.path.join(root, "build/salvor")))
    environment = {**os.environ, "PATH": os.path.dirname(program) + ":" + os.environ["PATH"]}
    environment.pop("SALVOR_CONFIG", None)
    status = 0
    for page in PAGES:
        if not os.path.exists(os.path.join(root, page)):
            continue
        count = run_page(root, page, environment)
        if count is None:
            status = 1
        else:
            print(f"{page}: {count} blocks run")
    return status


if __name__ == "__main__":
    sys.exit(main())
