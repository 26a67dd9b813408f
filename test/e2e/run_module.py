"""Runs the tests of one module, or a part of them: run_module.py MODULE [PART/PARTS]"""

import sys
import unittest


def tests_of(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_of(each)
        else:
            yield each


def main():
    part, parts = map(int, sys.argv[2].split("/")) if len(sys.argv) > 2 else (1, 1)
    tests = list(tests_of(unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])))
    if not 1 <= part <= parts <= len(tests):
        sys.exit(f"run_module: {sys.argv[1]} has {len(tests)} tests: found part {part} of {parts}")
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite(tests[part - 1::parts]))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
