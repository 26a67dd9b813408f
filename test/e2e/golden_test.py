"""What each command prints, in text and in JSON, compared with test/golden/cli/SCENE/MODE.txt.

Written anew by:  SALVOR_GOLDEN_UPDATE=1 ctest --test-dir build -R e2e_golden
or, one scene:    python3 golden_test.py --update Golden.test_SCENE_80
golden_stage.py says what is recorded, and how.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import unittest

import golden_data
import golden_entry
import golden_health
import golden_in_place
from golden_stage import GOLDEN, STILL_WORLD, Stage
from golden_text import Normaliser, without_progress
from shop import SALVOR

UPDATE = bool(os.environ.get("SALVOR_GOLDEN_UPDATE"))
MODULES = (golden_entry, golden_data, golden_in_place, golden_health)
SCENES = {name: scene for module in MODULES for name, scene in vars(module).items()
          if hasattr(scene, "modes")}
# Options that every command takes are recorded with one, and --help with each by itself.
EVERYWHERE = {"--help", "--config", "--json", "--quiet", "--verbose", "--version"}


def golden_path(scene, mode):
    return os.path.join(GOLDEN, scene, mode + ".txt")


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


@unittest.skipUnless(read("/etc/debian_version").startswith("12"),
                     "the libraries of another system have other words, and compress otherwise")
@unittest.skipUnless(os.geteuid() == 0, "the files in the golden files belong to root")
@unittest.skipUnless("SALVOR_STILL_WORLD" in os.environ or os.path.exists(STILL_WORLD),
                     "still_world was not built")
class Golden(Stage):
    def play(self, name, mode):
        self.mode = mode
        SCENES[name](self)
        found = self.recorded()
        path = golden_path(name, mode)
        if UPDATE:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(found)
            return
        expected = read(path)
        if found == expected:
            return
        shown = difflib.unified_diff(expected.splitlines(), found.splitlines(),
                                     f"test/golden/cli/{name}/{mode}.txt", "what is printed now",
                                     lineterm="")
        self.fail("\n".join(["", *list(shown)[:200],
                             "is it meant? write it anew: SALVOR_GOLDEN_UPDATE=1"]))


def add_tests():
    for name, scene in SCENES.items():
        for mode in scene.modes:
            def test(self, name=name, mode=mode):
                self.play(name, mode)
            setattr(Golden, f"test_{name}_{mode}", test)


def recorded_commands(mode):
    """(the words of a command, its exit status), of all golden files of a mode."""
    for name, scene in SCENES.items():
        if mode not in scene.modes:
            continue
        words = None
        for line in read(golden_path(name, mode)).split("\n"):
            if line.startswith("$ salvor"):
                words = shlex.split(line)[2:]
            elif line.startswith("= ") and words is not None:
                yield words, int(line[2:])


def words_of_completion():
    """{command: its options and the commands below it}"""
    text = subprocess.run([SALVOR, "completion", "bash"], stdout=subprocess.PIPE, check=True,
                          encoding="utf-8").stdout
    return {match.group(1): set(match.group(2).split())
            for match in re.finditer(r"^ +'([a-z ]*)'\) words='([^']*)'", text, re.M)}


class Names(unittest.TestCase):
    """Nothing but ids gets a name, and a name is as long as the id."""

    def test_names(self):
        named = Normaliser("/tmp/salvor-golden-01234567", "0.1.0")
        for text, expected in (
                ("87dd0a8f60d448da, 87dd0a8f60d448da", "<id-1..........>, <id-1..........>"),
                ("13a5f79f9f3e78a2", "<id-2..........>"),
                ("run 20260203t040506-22ff8357", "run 20260203t040506-<run-1.>"),
                ("log/0000000000000016", "log/0000000000000016"),
                ("320368 bytes of 12 files", "320368 bytes of 12 files"),
                ("87dd0a8f60d448d", "87dd0a8f60d448d"),
                ("87dd0a8f60d448da0", "87dd0a8f60d448da0"),
                ("2026-02-03T04:05:06.789012Z", "2026-02-03T04:05:06.789012Z"),
                ("device 17592186109440, inode 1000009986087",
                 "device <device......>, inode <inode......>"),
                ("held by process 1234 (cat)", "held by process <process> (cat)"),
                ("6 packs with 315.9 KiB of data, not", "6 packs with ##### KiB of data, not"),
                ("salvor 0.1.0 (repository", "salvor <v..> (repository"),
                ("/tmp/salvor-golden-01234567/live", "/tmp/salvor-golden-00000000/live")):
            self.assertEqual(named(text), expected)

    def test_progress_goes(self):
        self.assertEqual(without_progress("step\n\rrestore  10 %\x1b[K\r\x1b[Kdone\n"),
                         "step\ndone\n")
        self.assertEqual(without_progress(
            "restore  100 %  1.0 KiB of 1.0 KiB  13 entries  4.3 KiB/s\nstep 1 of 2: restore\n"),
            "step 1 of 2: restore\n")


class Complete(unittest.TestCase):
    """No command and no option is without a golden file, and no golden file without a scene."""

    def test_every_command_and_option_is_recorded(self):
        if UPDATE:
            self.skipTest("the golden files are being written")
        known = words_of_completion()
        good, bad, options = set(), set(), set()
        for mode in ("80", "json"):
            for words, status in recorded_commands(mode):
                plain = [word for word in words if not word.startswith("-")]
                pair = " ".join(plain[:2])
                command = pair if pair in known else " ".join(plain[:1])
                if "--help" not in words:
                    (bad if status else good).add((mode, command))
                # What is refused as a usage error is no record of what the option does.
                options.update((command, word.partition("=")[0]) for word in words
                               if word.startswith("--") and status != 2)
        lacking = []
        for command, words in sorted(known.items()):
            is_group = command and not words - EVERYWHERE - {
                word for word in words if f"{command} {word}" in known}
            if not is_group and command:
                lacking += [f"{command} [{mode}], exit status {name}" for mode in ("80", "json")
                            for name, found in (("0", good), ("not 0", bad))
                            if (mode, command) not in found and (command, mode) not in
                            (("cat", "json"), ("completion bash", "json"))]
            lacking += [f"{command} {word}" for word in sorted(words)
                        if word.startswith("--") and command and (command, word) not in options
                        and word not in EVERYWHERE - {"--help"}]
        self.assertEqual(lacking, [])

    def test_every_golden_file_has_a_scene(self):
        found = {os.path.relpath(os.path.join(directory, name), GOLDEN)
                 for directory, _, names in os.walk(GOLDEN) for name in names}
        wanted = {f"{name}/{mode}.txt" for name, scene in SCENES.items() for mode in scene.modes}
        self.assertEqual(found - wanted, set())


add_tests()

if __name__ == "__main__":
    if "--update" in sys.argv:
        sys.argv.remove("--update")
        UPDATE = True
    unittest.main()
