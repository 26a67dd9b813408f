"""The words of a golden file: what is random gets a name, and progress goes."""

import re
import time

# Digits at the end of a scene's directory, which is always as long.
ROOT_DIGITS = 8


def known(name, length):
    """A name of that length in place of what is random."""
    return f"<{name}{'.' * (length - len(name) - 2)}>"


class Normaliser:
    """Gives what is random a name, by the order of appearance, of the same length.

    Replaced are, and nothing else:
    - ids of points and keys (16 hexadecimal digits), of repositories, packs and the like (32),
      digests, recipients and roots (64), and the random part of a run's id;
    - the random end of the scene's directory;
    - the numbers of device and inode, and those of processes;
    - times of the real clock: what the kernel wrote for a file that salvor made;
    - the bytes of packs, which differ by a few, as what is compressed holds random ids;
    - the mount point of the scene's directory, and the version of salvor;
    - the public key.
    """

    def __init__(self, root, version):
        self.names = {}
        self.counts = {}
        days = {time.strftime("%Y-%m-%d", time.gmtime(time.time() + day * 86400))
                for day in (-1, 0, 1)}
        known_root = root[:-ROOT_DIGITS] + "0" * ROOT_DIGITS
        self.rules = [(re.compile(pattern), replace) for pattern, replace in (
            (re.escape(root), lambda m: known_root),
            # The folder of a pack has the first digits of its id.
            (r"(?<=packs/)[0-9a-f]{2}(?=/[0-9a-f]{32})", lambda m: "--"),
            (r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", self.numbered("digest")),
            (r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", self.numbered("object")),
            (r"(?<![0-9a-f])(?!0{8})[0-9a-f]{16}(?![0-9a-f])", self.numbered("id")),
            (r"(?<=\b\d{8}t\d{6}-)[0-9a-f]{8}\b", self.numbered("run")),
            (r"MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=", lambda m: known("public key", len(m.group()))),
            # As still_world.cc makes them begin; a cell may be broken between word and number.
            (r"(?<!\d)17592\d{9}(?!\d)", lambda m: known("device", 14)),
            (r"(?<!\d)1000\d{9}(?!\d)", lambda m: known("inode", 13)),
            (rf"\b({'|'.join(sorted(days))})T\d\d:\d\d:\d\d(\.\d{{6}})?(?=Z|[+-]\d\d:\d\d)",
             lambda m: "<real time>" + "T--:--:--"[2:] + (".------" if m.group(2) else "")),
            (r"(?:(?<= with )|(?<=\n\|     ))[\d.]+(?= [KM]iB of data,)",
             lambda m: "#" * len(m.group())),
            (r'(?<="pack_bytes": )\d+|(?<=pack bytes )[\d.]+(?= [KM]iB)',
             lambda m: "#" * len(m.group())),
            # Numbers of any length: lines that hold one are recorded unbroken.
            (r'(?<=\bprocess )\d+\b|(?<="pid": )\d+|(?<=/detached/\d{19}-)\d+(?=\.log)',
             lambda m: "<process>"),
            # The name of a file until it is complete: a number of any length.
            (r"(?<=\.tmp-)\d{1,20}\b", lambda m: "<random>"),
            (r'(?<="mount": ")[^"]*', lambda m: "<mount>"),
            (r"(?<=salvor )" + re.escape(version) + r"(?= )", lambda m: known("v", len(version))),
            (r'(?<=": ")' + re.escape(version) + r'(?=")', lambda m: known("v", len(version))),
        )]

    def beginning(self, of):
        """The first digits of an id, as people type them."""
        digits = of[:8]
        self.rules.append((re.compile(rf"\b{digits}\b"), lambda m: known("begin", len(digits))))
        return digits

    def numbered(self, kind):
        def name(match):
            found = match.group()
            if found not in self.names:
                self.counts[kind] = self.counts.get(kind, 0) + 1
                self.names[found] = known(f"{kind}-{self.counts[kind]}", len(found))
            return self.names[found]
        return name

    def __call__(self, text):
        for pattern, replace in self.rules:
            text = pattern.sub(replace, text)
        return text


def joined(text):
    """Lines that were broken, as one: for what holds a number of any length."""
    return re.sub(r"\n    (?=\S)", " ", text)


PROGRESS_LINE = re.compile(r"[a-z -]+(  \d+ %)?  [\d.]+ [KMG]?i?B( of [\d.]+ [KMG]?i?B)?"
                           r"(  [\d,]+ entries)?  [\d.]+ [KMG]?i?B/s(  [^\n]* left)?\n")


def without_progress(text):
    """Progress is shown when some time has passed, so it is not always there: on a terminal as a
    line that is rewritten, and into a pipe where a command has let the time pass."""
    text = re.sub(r"\r[^\r\n]*?\x1b\[K", "", text)
    return "".join(line for line in text.splitlines(True) if not PROGRESS_LINE.fullmatch(line))
