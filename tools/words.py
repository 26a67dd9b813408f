"""Keeps worn phrases out of what people read: one verb for one idea (STYLE, "Words")."""

import bisect
import re

# (phrase, what to write instead). Few, and none that a plain sentence needs.
WORN = [(re.compile(pattern, re.I), instead) for pattern, instead in [
    (r"\bgo(?:es|ing|ne)? on with\b", '"resume" (a run), "continue" (anything else)'),
    (r"\bt(?:ake|akes|aken|aking|ook)(?: (?:it|that|them|a run|the run))? back\b", '"undo"'),
    (r"\bmend(?:s|ed|ing)?\b", '"repair" (a repository), "correct" (a command, a file)'),
    (r"\blet(?:s|ting)?(?: (?:it|them|writes))? in\b", '"unlock"'),
    (r"\bgiv(?:e|es|en|ing)(?: (?:it|that|them|a run|the run))? up\b",
     '"abandon" (a run), "stop" or "delete" (anything else)'),
    (r"\b(?:is|are|else) at it\b", "who does what"),
    (r"\bwell again\b", '"works again"'),
    (r"\b(?:put|puts|bring|brings|brought)(?: (?:it|that|them|the old data))? back\b",
     '"restore", "undo", or "make live again"'),
    (r"\bsee who\b", '"find out which process"'),
]]

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'                                   # comments
    r'|R"(?P<fence>[^(\s]*)\((?P<raw>.*?)\)(?P=fence)"'     # raw strings
    r'|"(?P<text>(?:\\.|[^"\\\n])*)"'                       # strings
    r"|'(?:\\.|[^'\\\n])+'|\s+|\w+|.", re.S)


def literals_of(source):
    """(line number, text) of each string in C++ source; neighbours are one, as in the program."""
    found = []
    line, open_literal = 1, False
    for token in _TOKEN.finditer(source):
        text = token.group("raw") if token.group("raw") is not None else token.group("text")
        if text is not None:
            if not open_literal:
                found.append((line, ""))
            found[-1] = (found[-1][0], found[-1][1] + text)
            open_literal = True
        elif not token.group().isspace() and not token.group().startswith(("//", "/*")):
            open_literal = False
        line += token.group().count("\n")
    return found


def is_read(path):
    """Whether people read what is in this file, or the program says it to them."""
    if path.startswith("src/"):
        return (path.endswith((".cc", ".h", ".def")) and not path.endswith("_test.cc")
                and not path.startswith("src/testing/"))
    return (path == "dev" or path.startswith(("examples/", "packaging/"))
            or path.endswith(".md") and not path.startswith(("test/", "bench/")))


def check(path, text, complain):
    """No worn phrase in the strings of the program, in the documents and in the examples."""
    if not is_read(path):
        return
    if path.startswith("src/"):
        for number, literal in literals_of(text):
            for phrase, instead in WORN:
                for match in phrase.finditer(re.sub(r"\\n|\s+", " ", literal)):
                    complain(path, number, f'"{match.group()}" is worn: write {instead}')
        return
    ends = [match.start() for match in re.finditer("\n", text)]
    # Of the same length, so that a phrase that a line break cuts is found, and in its line.
    flat = re.sub(r"[\n`*]", " ", text)
    for phrase, instead in WORN:
        for match in re.compile(phrase.pattern.replace(" ", r"\s+"), re.I).finditer(flat):
            number = bisect.bisect_left(ends, match.start()) + 1
            worn = " ".join(match.group().split())
            complain(path, number, f'"{worn}" is worn: write {instead}')
