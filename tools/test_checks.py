"""Tests of the checkers: each rule finds a tree that breaks it, and leaves a good tree alone."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

import check_layers
import check_tidy
import documents
import house
import lint
import passed
import reached

GOOD = {
    "src/base/CMakeLists.txt": "salvor_module(base)\n",
    "src/base/bytes.h": "#pragma once\n\n#include <vector>\n\nnamespace salvor {\n}\n",
    "src/base/bytes.cc": '#include "base/bytes.h"\n\n#include <openssl/evp.h>\n',
    "src/base/json.h": "#pragma once\n#include <nlohmann/json.hpp>\nnamespace salvor {\n}\n",
    "src/base/guard.h": "#pragma once\n// Only macros: no namespace.\n#define A(x) \\\n  x\n",
    "src/codec/CMakeLists.txt": "# a comment (with USES repo)\nsalvor_module(codec USES base\n"
                                "              LIBRARIES zstd::zstd)\n",
    "src/codec/hash.h": '#pragma once\n#include "base/bytes.h"\n#include <fmt/core.h>\n'
                        "namespace salvor::codec {\n}\n",
    "src/codec/hash_test.cc": '#include "codec/hash.h"\n\n#include <gtest/gtest.h>\n\n'
                              '#include "testing/clock.h"\n',
    "src/testing/CMakeLists.txt": "salvor_module(testing USES base)\n",
    "src/testing/clock.h": "#pragma once\n#include <gtest/gtest.h>\n"
                           "namespace salvor::testing {\n}\n",
    "docs/format.md": "# Format\n\n| constant | value | source |\n|---|---|---|\n"
                      '| `kMagic` | "SLV1" | src/codec/format.h |\n'
                      "| `kBytesMax` | 16 MiB | src/codec/format.h |\n",
    "src/codec/format.h": "#pragma once\nnamespace salvor::codec {\n"
                          'inline constexpr char kMagic[] = "SLV1";  // = "no"\n'
                          "inline constexpr std::uint64_t kBytesMax = 16u << 20;\n}\n",
    "README.md": "# Salvor\n\nSee [the format](docs/format.md#format), [here](#two-words),\n"
                 "[there](https://example.org/x), not `[this](nowhere)`.\n\n## Two `words`\n",
}


class TreeTest(unittest.TestCase):
    """A good tree in a temporary folder, and what one change of it brings to light."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="salvor-checks-")
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for path, text in GOOD.items():
            self.write(path, text)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def append(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "a", encoding="utf-8", newline="") as file:
            file.write(text)

    def git(self, *arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", self.root, *identity, *arguments], check=True)

    def commit(self):
        self.git("init", "-q")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "x")

    def assert_finds(self, check, part):
        found = check(self.root)
        self.assertTrue(any(part in line for line in found),
                        f'expected a violation with "{part}", found {found}')


class LayersTest(TreeTest):
    def test_a_good_tree_passes(self):
        self.assertEqual(check_layers.check(self.root), [])

    def test_violations_are_found(self):
        cases = [
            ("src/base/CMakeLists.txt", "salvor_module(base USES codec)\n", "arrows point down"),
            ("src/testing/CMakeLists.txt", "salvor_module(testing USES net)\n", "no src/net"),
            ("src/codec/CMakeLists.txt", "salvor_module(codec USES tea)\n", "no folder of the"),
            ("src/codec/CMakeLists.txt", "salvor_module(hash USES base)\n", "expected one"),
            ("src/codec/CMakeLists.txt", "salvor_module(codec USES testing)\n", "only tests"),
            ("src/codec/CMakeLists.txt", "salvor_module(codec)\n", "does not declare USES base"),
            ("src/codec/a.cc", "#include <nlohmann/json.hpp>\n", 'include "base/json.h" instead'),
            ("src/codec/a.cc", "\n\nauto x = json::parse(text);\n", "a.cc:3: json::parse("),
            ("src/codec/a.cc", "auto x = value.dump(1);\n", "call parse_json()"),
            ("src/drawer/x.h", "namespace salvor::drawer {\n", "no level"),
            ("src/net/x.h", "namespace salvor::net {\n", "every folder declares"),
            ("src/codec/a.cc", '#include "repo/pack.h"\n', "does not declare USES repo"),
            ("src/codec/a.cc", '#include "drawer/a.h"\n', "no folder src/drawer"),
            ("src/codec/a.cc", '#include "hash.h"\n', 'name it by its folder, "codec/hash.h"'),
            ("src/codec/a.cc", '#include "testing/clock.h"\n', "does not declare USES testing"),
            ("src/codec/a_test.cc", '#include "repo/pack.h"\n', "does not declare USES repo"),
            ("src/codec/a.cc", "#include <gtest/gtest.h>\n", "belongs in tests"),
            ("src/codec/a.h", "#include <zstd.h>\nnamespace salvor::codec {\n", ".cc files only"),
            ("src/codec/a.h", "namespace salvor {\nint a();\n}\n", "expected namespace"),
            ("src/codec/a.h", "namespace salvor::repo {\n}\n", "expected namespace"),
            ("src/base/a.h", "int a();\n", "expected namespace salvor:"),
            ("src/codec/a.cc", '#include "base/internal/a.h"\n', "private to src/base"),
            ("src/codec/a.cc", '#include "codec/b/internal/a.h"\n', "private to src/codec/b"),
            ("src/codec/internal/hash.cc", '#include "codec/hash.h"\n', "far from its header"),
            ("src/cli/a.cc", "// repo::A\nauto x = repo::find();\n", "a.cc:2: repo::find: use"),
        ]
        for path, text, part in cases:
            with self.subTest(path=path, text=text):
                self.setUp()
                self.write(path, text)
                self.assert_finds(check_layers.check, part)

    def test_the_exceptions_of_the_design(self):
        self.assertIsNone(check_layers.why_not("backup", "stores"))
        self.assertIsNone(check_layers.why_not("recovery", "backup"))
        self.assertIsNone(check_layers.why_not("cli", "control"))
        for folder, used in [("repo", "stores"), ("backup", "recovery"), ("stores", "repo"),
                             ("cli", "repo"), ("cli", "daemon"), ("backend", "stores"),
                             ("control", "testing")]:
            self.assertIsNotNone(check_layers.why_not(folder, used), (folder, used))

    def test_a_cycle_is_found(self):
        self.write("src/base/a.cc", '#include "codec/hash.h"\n')
        self.assert_finds(check_layers.check, "base → codec → base")

    def test_a_library_after_uses_is_no_folder(self):
        text = "salvor_module(cli USES base control\n  LIBRARIES CLI11::CLI11)\nadd_library(x)\n"
        self.assertEqual(check_layers.declared(text), {"cli": ["base", "control"]})


class TidyTest(TreeTest):
    def test_a_good_tree_passes(self):
        self.assertEqual(check_tidy.check(self.root), [])

    def test_violations_are_found(self):
        unfinished = "TO" + "DO"
        cases = [
            ("src/base/a.cc", "int a;\n" * 601, "601 lines, expected at most 600"),
            ("src/base/a.cc", "/" * 101 + "\n", "a.cc:1: 101 columns"),
            ("src/base/a.cc", "\nint a;\n", "a.cc:1: begins with an empty line"),
            ("src/base/a.h", "namespace salvor {\n}\n", "expected #pragma once"),
            ("src/base/bytes.cc", '#include <vector>\n#include "base/bytes.h"\n', "first include"),
            ("src/base/bytes.cc", "int a;\n", "found none"),
            ("src/base/a.cc", "int a = std::max(1, 2);\n", "include <algorithm>"),
            ("src/base/string_util.cc", "int a;\n", '"util" says nothing'),
            ("src/common/a.cc", "int a;\n", '"common" says nothing'),
            ("web/src/Helpers/a.bin", "x", '"helpers" says nothing'),
            ("src/base/a.cc", f"// {unfinished}: later\n", f'"{unfinished}"'),
            ("docs/a.md", "a\tb\n", "a.md:1: a tab"),
            ("docs/a.md", "a\n\nb \n", "a.md:3: blanks at the end"),
            ("docs/a.md", "a\r\n", "a.md:1: blanks at the end"),
            ("docs/a.md", "a", "no newline"),
            ("docs/a.md", "a\n\n", "blank lines at the end"),
            ("docs/a.md", "in /wo" + "rk/main\n", "belongs to a workplace"),
            ("docs/a.md", "by a suba" + "gent\n", "belongs to a workplace"),
            ("docs/a.md", "[x](gone.md)\n", "link gone.md: there is no such file"),
            ("docs/a.md", "[x](../README.md#gone)\n", "no such heading"),
            ("docs/a.md", "[x]: gone.md\n", "link gone.md: there is no such file"),
            ("docs/a.md", "[x](/docs/format.md)\n", "expected a relative path"),
            ("docs/format.md", "# Format\n", "expected a table"),
            ("src/codec/format.h", GOOD["src/codec/format.h"].replace("20;", "21;"),
             "kBytesMax: documented as 16 MiB, but is 16u << 21"),
            ("src/codec/format.h", GOOD["src/codec/format.h"].replace("SLV1", "SLV2"), "kMagic"),
            ("src/codec/format.h", "#pragma once\n", "does not set it"),
            ("docs/format.md", GOOD["docs/format.md"].replace("codec", "gone"), "there is no src"),
        ]
        for path, text, part in cases:
            with self.subTest(path=path, part=part):
                self.setUp()
                self.write(path, text)
                self.assert_finds(check_tidy.check, part)

    def test_worn_phrases_are_found(self):
        cases = [
            ("src/base/a.cc", 'int a;\nf("hint: go "\n  "on with it");\n',
             'a.cc:2: "go on with" is worn: write "resume"'),
            ("src/base/a.cc", 'f(R"x(\nmend it)x");\n', '"mend" is worn: write "repair"'),
            ("src/base/a.h", '#pragma once\nf("it was taken\\nback");\n', 'write "undo"'),
            ("docs/a.md", "One.\n\nWrites are let\nin, too.\n",
             'a.md:3: "let in" is worn: write "unlock"'),
            ("examples/a.toml", "# somebody else is at it\n", "write who does what"),
        ]
        for path, text, part in cases:
            with self.subTest(text=text):
                self.setUp()
                self.write(path, text)
                self.assert_finds(check_tidy.check, part)

    def test_what_nobody_reads_may_be_worn(self):
        self.write("src/base/a.cc", '// let in\nf(\'"\', 1);  /* "mend" */\nf("a", "go on");\n')
        self.write("src/base/a_test.cc", 'f("mend it");\n')
        self.write("docs/a.md", "Look at it: amendments go on.\n")
        self.assertEqual(check_tidy.check(self.root), [])

    def test_the_ratchet_only_tightens(self):
        self.write("src/base/long.cc", "int a;\n" * 700)
        self.addCleanup(check_tidy.LONGER.clear)
        check_tidy.LONGER["src/base/long.cc"] = 700
        self.assertEqual(check_tidy.check(self.root), [])
        check_tidy.LONGER["src/base/long.cc"] = 699
        self.assert_finds(check_tidy.check, "700 lines, expected at most 699")
        check_tidy.LONGER["src/base/long.cc"] = 701
        self.assert_finds(check_tidy.check, "lower its number")

    def test_build_folders_and_data_are_left_alone(self):
        for path in ("build/a.cc", "build-asan/a.cc", "test/golden/v1/a.txt", ".git/a.md"):
            self.write(path, "\t \n\n")
        self.assertEqual(check_tidy.check(self.root), [])

    def test_a_shell_variable_before_a_folder_is_no_workplace(self):
        self.write("examples/demo.sh", 'cd "${scratch}/wo' 'rk/site" "$scratch/wo' 'rk/site"\n')
        self.assertEqual(check_tidy.check(self.root), [])


class PassedTest(TreeTest):
    def test_a_folder_is_reached_by_what_it_uses(self):
        everything = ["base", "codec"]
        self.write("src/base/bytes_test.cc", "")
        self.assertEqual(reached.reached(self.root, "asan"), everything)  # nothing has passed
        self.commit()
        passed.record(self.root, "asan")
        self.assertEqual(reached.reached(self.root, "tsan"), everything)
        self.assertEqual(reached.reached(self.root, "asan"), [])
        self.write("src/codec/hash.cc", '#include "codec/hash.h"\n')
        self.write("src/codec/CMakeLists.txt", "salvor_module(codec USES base)\n")
        self.write("src/base/guard.h", '#include "base/json.h"\n')
        self.write("src/base/bytes.h", '#include "base/guard.h"\n')
        self.write("src/base/json.cc", '#include "base/json.h"\n')
        self.write("src/base/parts.cc", '#include "base/json.h"\n')
        self.commit()
        passed.record(self.root, "asan")
        for path, folders in (("docs/format.md", []), ("src/codec/hash.h", ["codec"]),
                              ("src/codec/hash.cc", ["codec"]),
                              ("src/codec/hash_test.cc", ["codec"]),
                              ("src/base/guard.h", everything),  # by way of base/bytes.h
                              ("src/base/new.h", ["base"]),  # nobody includes it
                              ("src/base/bytes.cc", everything),  # behind a header
                              ("src/base/json.cc", ["base"]),  # behind one further down
                              ("src/base/parts.cc", everything),  # behind any
                              ("src/base/bytes_test.cc", ["base"]),
                              ("src/base/bytes.h", everything),
                              ("src/testing/clock.h", everything),
                              ("cmake/module.cmake", everything)):
            self.append(path, "int changed;\n")
            self.assertEqual(reached.reached(self.root, "asan"), folders, path)
            self.commit()
            self.assertEqual(reached.reached(self.root, "asan"), folders, path)
            passed.record(self.root, "asan")
        self.assertEqual(sorted(passed.commits(self.root)), ["asan"])

    def test_a_fuzz_target_is_reached_by_what_it_includes(self):
        self.write("test/fuzz/hash_fuzz.cc", '#include "codec/hash.h"\n')
        self.write("test/fuzz/bytes_fuzz.cc", '#include "base/bytes.h"\n')
        self.commit()
        passed.record(self.root, "fuzz")
        self.assertEqual(reached.reached(self.root, "fuzz"), [])
        self.write("src/codec/hash.h", "int changed;\n")
        self.assertEqual(reached.reached(self.root, "fuzz"), ["hash"])
        self.write("test/fuzz/corpus/bytes/1", "an input")
        self.assertEqual(reached.reached(self.root, "fuzz"), ["bytes", "hash"])

    def test_comments_reach_nothing_but_what_they_tell_clang_tidy(self):
        self.write("src/base/a.h", "int a = 0;  // one\n")
        self.commit()
        passed.record(self.root, "asan")
        self.write("src/base/a.h", "// Why.\nint a = 0;  // one\n  // more\n")
        self.assertEqual(passed.changed_since(self.root, "asan"), {passed.PASSED})
        self.write("src/base/a.h", "// NOLINTNEXTLINE\nint a = 0;  // one\n")
        self.assertIn("src/base/a.h", passed.changed_since(self.root, "asan"))
        os.remove(os.path.join(self.root, "src/base/a.h"))
        self.assertIn("src/base/a.h", passed.changed_since(self.root, "asan"))

    def test_only_a_commit_can_have_passed(self):
        self.commit()
        self.assertTrue(passed.is_clean(self.root))
        self.write("src/base/new.h", "")
        self.assertFalse(passed.is_clean(self.root))


class DocumentsTest(unittest.TestCase):
    def test_numbers(self):
        for text, number in [("16", 16), ("0x1F", 31), ("1'000'000", 1000000), ("1 << 20", 2**20),
                             ("64 * 1024u", 65536), ("4 KiB", 4096), ("8 * kMiB", 2**23),
                             ("1ull << 40", 2**40), ("kOther", None), ('"16"', None),
                             ("__import__('os')", None)]:
            self.assertEqual(documents.number_of(text), number, text)

    def test_spellings_of_one_value(self):
        self.assertTrue(documents.same_value('"SLV1"', '"SLV1"sv'))
        self.assertTrue(documents.same_value("1048576", "1 << 20"))
        self.assertFalse(documents.same_value("1048576", "1 << 21"))
        self.assertFalse(documents.same_value('"a b"', '"ac"'))

    def test_anchors(self):
        page = "# A page\n## Keys, and `packs`\n## A page\n```\n# no heading\n```\n"
        self.assertEqual(documents.anchors_of(page), {"a-page", "keys-and-packs", "a-page-1"})


class LintTest(TreeTest):
    def test_the_cache_key_follows_headers(self):
        source = "src/codec/hash_test.cc"
        key = lint.content_key(self.root, [source], "settings")
        self.assertEqual(key, lint.content_key(self.root, [source], "settings"))
        self.assertNotEqual(key, lint.content_key(self.root, [source], "other settings"))
        # bytes.h is included by hash.h only.
        self.write("src/base/bytes.h", GOOD["src/base/bytes.h"] + "int changed;\n")
        self.assertNotEqual(key, lint.content_key(self.root, [source], "settings"))

    def unit(self, *members):
        return lint.Unit("/build/" + members[0], "c++ -Isrc -DX -O2 -c x.cc", list(members))

    def to_analyse(self, only=()):
        units = [self.unit("src/base/bytes.cc"), self.unit("src/codec/hash_test.cc")]
        headers = ["src/base/bytes.h", "src/codec/hash.h"]
        units, headers = lint.to_analyse(self.root, units, headers, set(only), False)
        return [member for unit in units for member in unit.members] + [name for name, _ in headers]

    def test_what_passed_is_analysed_again_when_it_changes(self):
        everything = ["src/base/bytes.cc", "src/codec/hash_test.cc", "src/base/bytes.h",
                      "src/codec/hash.h"]
        self.assertEqual(self.to_analyse(), everything)
        self.commit()
        self.write("tools/passed", "lint " + "0" * 40 + "\n")
        self.assertEqual(self.to_analyse(), everything)  # a commit that is not here
        passed.record(self.root, "lint")
        self.assertEqual(self.to_analyse(), [])
        self.write("src/codec/hash.h", GOOD["src/codec/hash.h"] + "int changed;\n")
        changed = ["src/codec/hash_test.cc", "src/codec/hash.h"]
        self.assertEqual(self.to_analyse(), changed)
        self.commit()
        self.assertEqual(self.to_analyse(), changed)
        self.write("cmake/module.cmake", "# another flag\n")
        self.assertEqual(self.to_analyse(), everything)
        self.assertEqual(self.to_analyse(["src/codec/hash.h"]), ["src/codec/hash.h"])

    def test_a_unit_is_read_for_one_of_its_sources(self):
        unit = self.unit("src/base/bytes.cc", "src/codec/hash_test.cc")
        for source in unit.members:
            units, _ = lint.to_analyse(self.root, [unit], [], {source}, False)
            self.assertEqual(units, [unit])
        self.assertEqual(lint.to_analyse(self.root, [unit], [], {"src/x.cc"}, False), ([], []))

    def test_units_of_a_build(self):
        build = os.path.join(self.root, "build")
        joined = os.path.join(build, "unity_0.cxx")
        self.write("build/unity_0.cxx", f'#include "{self.root}/src/base/bytes.cc"\n'
                                        f'#include "{self.root}/src/codec/hash_test.cc"\n')
        self.write("build/generated.cxx", "int x;\n")
        self.write("build/compile_commands.json", json.dumps(
            [{"directory": build, "file": os.path.join(build, name), "command": "c++"}
             for name in ("unity_0.cxx", "generated.cxx")] +
            [{"directory": build, "file": f"{self.root}/src/base/file.cc", "command": "c++"}]))
        self.assertEqual([(unit.path, unit.members) for unit in
                          lint.units_of_build(self.root, build)],
                         [(joined, ["src/base/bytes.cc", "src/codec/hash_test.cc"]),
                          (f"{self.root}/src/base/file.cc", ["src/base/file.cc"])])

    @unittest.skipUnless(shutil.which("clang-tidy") and shutil.which("clang++"),
                         "only ./dev lint installs clang")
    def test_a_header_that_does_not_stand_alone_is_found(self):
        self.write(".clang-tidy", "Checks: '-*'\n")
        self.write("src/base/alone.h", "#pragma once\n#include <string>\nstd::string f();\n")
        self.write("src/base/leaning.h", "#pragma once\nstd::string g();\n")
        headers = [("src/base/alone.h", self.unit("src/base/bytes.cc")),
                   ("src/base/leaning.h", self.unit("src/base/bytes.cc"))]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            bad = lint.check_code(self.root, os.path.join(self.root, "build"), [], headers)
        self.assertEqual(bad, ["src/base/leaning.h"])
        self.assertIn("leaning.h:2", printed.getvalue())

    def test_a_broken_script_is_found(self):
        self.write("good.sh", "#!/bin/bash\necho hello\n")
        self.assertEqual(lint.check_scripts(self.root, ["good.sh"]), [])
        self.write("bad.sh", "#!/bin/bash\nif true; then\n")
        self.assertEqual(lint.check_scripts(self.root, ["bad.sh", "good.sh"]), ["bad.sh"])


class HouseTest(TreeTest):
    """What tools/house.py counts."""

    def setUp(self):
        super().setUp()
        shutil.rmtree(os.path.join(self.root, "src"))
        self.write("tools/house.json", "{}")
        self.write("src/base/a.h", "#pragma once\n\nnamespace salvor {\n\n/// One.\nstruct A {\n"
                                   "  int value;\n};\n\nclass B {\n};\n}\n")
        self.write("src/control/a.cc", "// Why.\nint f() {\n  return 1;\n}\n")

    def check(self, *options):
        with contextlib.redirect_stdout(io.StringIO()) as printed, \
                unittest.mock.patch("sys.argv", ["house.py", *options, self.root]):
            return house.main(), printed.getvalue()

    def test_figures(self):
        found = house.figures(self.root)
        self.assertEqual(found["upper_code"], 3)
        self.assertEqual(found["types_per_1000"], 125.0)
        self.assertEqual(found["header_comment"], 25.0)
        self.assertEqual(found["headers_undescribed"], 1)
        self.assertEqual(found["store_kinds"], 0)

    def test_what_gets_worse_is_refused(self):
        self.check("--record")
        self.assertEqual(self.check("--check")[0], 0)
        self.write("src/control/b.cc", 'bool f() {\n  return type == "sqlite";\n}\n')
        status, printed = self.check("--check")
        self.assertEqual(status, 1)
        self.assertIn("store_kinds is 1, and was 0", printed)


if __name__ == "__main__":
    unittest.main()
