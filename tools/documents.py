"""Ties the documents to the tree: links resolve, and format constants are those of the code."""

import ast
import operator
import os
import re

FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
ELSEWHERE = re.compile(r"^([a-z][a-z0-9+.-]*:|//)", re.I)

FORMAT = "docs/format.md"
UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.LShift: operator.lshift, ast.BitOr: operator.or_,
}


def prose_of(text):
    """(line number, line) outside fenced code, with inline code blanked."""
    fence = None
    for number, line in enumerate(text.split("\n"), 1):
        match = FENCE.match(line)
        if match:
            if fence is None:
                fence = match.group(1)
            elif match.group(1) == fence:
                fence = None
            continue
        if fence is None:
            yield number, re.sub(r"(`+).+?\1", "``", line)


def anchors_of(text):
    """The anchors that a Markdown page offers: its headings, written as links write them."""
    anchors = set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text))
    seen = {}
    fence = None
    for line in text.split("\n"):
        match = FENCE.match(line)
        if match:
            fence = None if fence == match.group(1) else fence or match.group(1)
        heading = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line) if fence is None else None
        if heading:
            title = LINK.sub(lambda m: m.group(0)[1:].split("]")[0], heading.group(1))
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            count = seen.get(slug, 0)
            seen[slug] = count + 1
            anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


def check_links(root, path, text, complain):
    """Every relative link of one page leads to a file, and its #anchor to a heading there."""
    for number, line in prose_of(text):
        targets = LINK.findall(line) + REFERENCE.findall(line)
        for target in targets:
            if ELSEWHERE.match(target):
                continue
            file, _, anchor = target.partition("#")
            if file.startswith("/"):
                complain(path, number, f"link {target}: expected a relative path")
                continue
            full = os.path.join(root, os.path.dirname(path), file) if file else \
                os.path.join(root, path)
            if not os.path.exists(full):
                complain(path, number, f"link {target}: there is no such file")
            elif anchor and full.endswith(".md"):
                with open(full, encoding="utf-8") as page:
                    if anchor not in anchors_of(page.read()):
                        complain(path, number, f"link {target}: there is no such heading")


def cells_of(line):
    """The cells of one line of a Markdown table, without the code marks; None when it is none."""
    line = line.strip()
    if not (line.startswith("|") and line.endswith("|") and len(line) > 1):
        return None
    return [cell.strip().strip("`").strip().replace("\\|", "|")
            for cell in re.split(r"(?<!\\)\|", line[1:-1])]


def constants_of(text):
    """(line number, constant, value, source) of each table `| constant | value | source |`."""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        cells = cells_of(line)
        if cells is None:
            inside = False
        elif [cell.lower() for cell in cells[:3]] == ["constant", "value", "source"]:
            inside = True
        elif inside and not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            yield (number, *(cells + ["", ""])[:3])


def value_in_source(text, name):
    """What the code sets a constant to, as written; None when it does not."""
    text = re.sub(r"//[^\n]*", "", text)
    match = re.search(rf"\b{re.escape(name)}\b\s*(?:\[[^\]]*\])?\s*(=\s*[^;]+|\{{[^;]+\}})\s*;",
                      text)
    if match is None:
        return None
    value = match.group(1).lstrip("=").strip()
    return value[1:-1].strip() if value.startswith("{") and value.endswith("}") else value


def number_of(text):
    """The integer that an expression means ("1 << 20", "16 MiB", "64 * kKiB"), or None."""
    text = re.sub(r"(?<=[0-9a-fA-F])['_](?=[0-9a-fA-F])", "", text)
    text = re.sub(r"\b(0x[0-9a-f]+|\d+)(?:u|l|z|ul|ull|uz|ll|zu)\b", r"\1", text, flags=re.I)
    for unit, factor in UNITS.items():
        text = re.sub(rf"(?<=\d)\s*{unit}\b", f" * {factor}", text)
        text = re.sub(rf"\bk{unit}\b", str(factor), text)
    text = text.replace("/", "//")

    def evaluate(node):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
        raise ValueError(text)

    try:
        return evaluate(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, SyntaxError, ZeroDivisionError, OverflowError):
        return None


def same_value(documented, coded):
    """Whether two spellings mean one value: as numbers, else letter by letter but for blanks."""
    numbers = number_of(documented), number_of(coded)
    if None not in numbers:
        return numbers[0] == numbers[1]
    plain = [re.sub(r'"(sv|s)\b', '"', re.sub(r"\s+", "", text)) for text in (documented, coded)]
    return plain[0] == plain[1]


def check_constants(root, complain):
    """Each constant in the tables of docs/format.md equals the one in the code."""
    try:
        with open(os.path.join(root, FORMAT), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return
    constants = list(constants_of(text))
    if not constants:
        complain(FORMAT, 0, "expected a table | constant | value | source |")
    for number, name, documented, source in constants:
        try:
            with open(os.path.join(root, source), encoding="utf-8") as file:
                coded = value_in_source(file.read(), name)
        except (FileNotFoundError, IsADirectoryError):
            complain(FORMAT, number, f"{name}: there is no {source}")
            continue
        if coded is None:
            complain(FORMAT, number, f"{name}: {source} does not set it")
        elif not same_value(documented, coded):
            complain(FORMAT, number, f"{name}: documented as {documented}, but is {coded}")
