"""Scenes: restores in place, and everything that can become of such a run."""

import os
import shutil
import subprocess
import sys
import time

from golden_entry import NOBODY
from golden_stage import BLOG, in_every_mode, in_modes
from shop import CONFIG, WRITES, write

CHECKS = """
[[service.shop.check]]
name = "orders are there"
store = "db"
sql = "SELECT count(*) > 0 FROM orders"

[[service.shop.check]]
name = "logo"
store = "media"
path = "logo.png"
min_bytes = 100

[[service.shop.reference]]
name = "pictures of orders"
from = "db"
sql = "SELECT picture FROM orders"
in = "media"
"""

FAILS = """
[[service.shop.check]]
name = "front page"
run = 'echo "the front page says 500 $SALVOR_MODE"; exit 3'
isolated = true
"""

# Ends a restore in place before its cut-over, once.
KILLER = """
[[service.shop.rebuild]]
name = "thumbnails"
run = 'test -e again || { touch again; kill -9 $PPID; }'
isolated = true
"""

SLOW = """
[service.shop.migrate]
run = 'sh tick 75; echo migrated'
isolated = true

[[service.shop.rebuild]]
name = "thumbnails"
run = 'sh tick 4000'
isolated = true

[service.shop.return]
run = 'sh tick 2'
"""


@in_every_mode
def plan(stage):
    stage.begin(WRITES, CHECKS, SLOW, BLOG)
    before = stage.points()[0]
    stage.salvor("restore", "shop", "--plan")
    stage.salvor("restore", "blog", "--dry-run")
    stage.change()
    stage.salvor("restore", "shop", "--plan", "--only", "media")
    stage.salvor("restore", "shop", "--plan", "--at", before, "--compare-content")
    stage.salvor("restore", "shop", "--plan", "--in-place-delta", "--without-lock",
                 "--without-safety-snapshot")
    stage.salvor("restore", "shop", "--plan", "--without-safety-snapshot-of", "db")
    stage.salvor("restore", "shop", "--plan", "--without-safety-snapshot-of", "dbb", expect=4)
    stage.salvor("restore", "shpo", "--plan", expect=4)
    stage.salvor("restore", "shop", "--plan", "--only", "medai", expect=4)
    stage.salvor("restore", "shop", "--plan", "--at", "2001-01-01", expect=4)
    stage.answer("backup", "shop", "--store", "media")
    part = stage.points()[-1]
    stage.did("a partial point")
    stage.salvor("restore", "shop", "--plan", "--at", part, expect=(0, 6))
    stage.salvor("restore", "shop", "--plan", "--at", part, "--only", "media")
    shutil.rmtree(stage.media)
    stage.did("a target is gone")
    stage.salvor("restore", "shop", "--plan")
    stage.answer("restore", "shop", "--confirm", "shop")
    stage.did("restored once, so that times are known")
    stage.salvor("restore", "shop", "--plan")
    os.remove(max(stage.objects("packs"), key=os.path.getsize))
    stage.did("a pack is lost")
    stage.salvor("restore", "shop", "--plan", expect=(0, 5, 6))
    stage.salvor("restore", "shop", "--confirm", "shop", expect=(5, 6))


@in_every_mode
def in_place(stage):
    stage.begin(WRITES, CHECKS, SLOW)
    stage.wreck()
    stage.salvor("restore", "shop", expect=6)
    stage.salvor("restore", "shop", "--confirm", "blog", expect=6)
    stage.salvor("restore", "shpo", "--confirm", "shpo", expect=4)
    stage.salvor("restore", "shop", "--confirm", "shop")
    run = stage.newest_run()
    stage.salvor("runs", "show", run)
    stage.salvor("runs", "show", "--follow", run[:15])
    stage.salvor("status")
    since = os.path.join(stage.media, "since.txt")
    write(since, "written since\n")
    os.utime(since, ns=(stage.clock_ns(), stage.clock_ns()))
    stage.did("a file was written since")
    for verb in ("--undo", "--close", "--abandon"):
        stage.salvor("restore", verb, run, expect=6)
    stage.salvor("restore", "--undo", run, "--confirm", "blog", expect=6)
    stage.salvor("restore", "--resume", run, expect=(0, 6))
    stage.salvor("restore", "--undo", run, "--confirm", "shop")
    stage.salvor("restore", "--undo", run, "--confirm", "shop", expect=(0, 6))
    stage.salvor("restore", "--resume", run, expect=6)
    stage.salvor("runs", "show", run)
    stage.salvor("restore", "--close", "latest", "--confirm", "shop")
    stage.salvor("restore", "--close", "latest", "--confirm", "shop", expect=(0, 6))
    stage.salvor("restore", "--undo", "latest", "--confirm", "shop")
    stage.salvor("restore", "--undo", "20260101t000000-00000000", expect=4)
    stage.salvor("restore", "--close", "nonsense", expect=(2, 4))
    stage.salvor("restore", "shop", "--confirm", "shop", "--only", "db", "--quiet")
    stage.salvor("restore", "shop", "--confirm", "shop", "--only", "media", "--in-place-delta",
                 "--compare-content")
    stage.salvor("restore", "--undo", "latest", "--confirm", "shop")
    stage.salvor("restore", "shop", "--confirm", "shop", "--without-safety-snapshot",
                 "--without-lock")
    stage.salvor("restore", "--close", "latest", "--confirm", "shop", "--quiet")
    stage.salvor("runs")
    stage.salvor("evidence", "list")


@in_modes("80", "120")
def in_place_on_a_terminal(stage):
    stage.begin(WRITES, CHECKS)
    stage.wreck()
    stage.salvor("restore", "shop", typed="shup", expect=6)
    stage.salvor("restore", "shop", typed="", expect=6)
    stage.salvor("restore", "shop", typed="shop")
    stage.salvor("restore", "--undo", "latest", typed="nothing", expect=6)
    stage.salvor("restore", "--undo", "latest", typed="shop")
    stage.salvor("restore", "--close", "latest", typed="shop")


@in_every_mode
def in_place_fails(stage):
    stage.begin(WRITES, CHECKS)
    stage.wreck()
    stage.configure(WRITES, CHECKS, FAILS)
    stage.did("a check fails")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=9)
    run = stage.newest_run()
    stage.salvor("status", "--check", expect=9)
    stage.salvor("runs", "show", run)
    stage.salvor("restore", "shop", "--confirm", "shop", expect=7)
    stage.salvor("restore", "shop", "--plan", expect=7)
    stage.salvor("restore", "--resume", run, expect=9)
    stage.salvor("backup")
    stage.configure(WRITES, CHECKS, FAILS.replace("exit 3", "true"))
    stage.did("the check is corrected")
    stage.salvor("restore", "--resume", run, expect=9)
    stage.salvor("restore", "--resume", run, "--current-commands")
    stage.salvor("restore", "--close", run, "--confirm", "shop")
    stage.configure(WRITES, CHECKS, FAILS)
    os.remove(os.path.join(stage.media, "logo.png"))
    stage.still()
    stage.salvor("restore", "shop", "--confirm", "shop", expect=9)
    stage.salvor("restore", "--undo", "latest", expect=6)
    stage.salvor("restore", "--undo", "latest", "--confirm", "shop")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=9)
    stage.salvor("restore", "--abandon", "latest", expect=6)
    stage.salvor("restore", "--abandon", "latest", "--confirm", "shop")
    stage.salvor("restore", "--resume", "latest", expect=6)
    stage.salvor("status")
    stage.salvor("evidence", "list", "shop")


@in_every_mode
def in_place_refused(stage):
    stage.begin(WRITES.replace("touch flag", "echo no way; exit 7"))
    stage.wreck()
    stage.did("writes can't be locked")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=(1, 6))
    stage.salvor("restore", "--undo", "latest", expect=(0, 6))
    stage.salvor("restore", "--resume", "latest", expect=(1, 6))
    stage.configure(WRITES.replace("touch flag", "true"))
    stage.did("a lock that does not lock")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=6)
    stage.configure(WRITES)
    write(stage.database, "no database at all\n" * 500)
    stage.did("the live database is none")
    stage.salvor("restore", "shop", "--confirm", "shop")
    stage.salvor("restore", "--undo", "latest", "--confirm", "shop")
    stage.salvor("restore", "shop", "--confirm", "shop", "--without-safety-snapshot-of", "db")
    stage.configure("[service.shop.migrate]\nrun = 'echo broken >&2; exit 3'\nisolated = true\n")
    stage.did("a migration that fails")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=1)
    stage.salvor("restore", "--undo", "latest", "--confirm", "shop", "--current-commands")


HOLD = "import sys\nheld = open(sys.argv[1], 'r+b')\nprint('held', flush=True)\nsys.stdin.read()\n"


@in_every_mode
def in_place_held(stage):
    """A process has a file open; its number differs each time."""
    stage.begin()
    write(stage.config, 'holders_wait = "1s"\n' + CONFIG)
    process = subprocess.Popen([sys.executable, "-c", HOLD, os.path.join(stage.media, "logo.png")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stage.addCleanup(process.communicate)
    stage.assertEqual(process.stdout.readline(), b"held\n")
    stage.did("a process has logo.png open for writing")
    stage.salvor("restore", "shop", "--plan", unbroken=True)
    stage.salvor("restore", "shop", "--confirm", "shop", expect=6, unbroken=True)


@in_every_mode
def in_place_killed(stage):
    stage.begin(WRITES, KILLER, BLOG)
    stage.wreck()
    stage.did("the program is killed on the way")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=-9)
    run = stage.newest_run()
    stage.salvor("runs", "shop")
    stage.salvor("runs", "show", "--follow", run)
    stage.salvor("status")
    os.rename(stage.path("live"), stage.path("away-live"))
    os.rename(stage.path("state"), stage.path("away-state"))
    stage.did("on another host")
    stage.salvor("restore", "--resume", run, expect=6)
    stage.salvor("restore", "--undo", run, "--confirm", "shop", "--takeover", expect=6)
    stage.salvor("restore", "--resume", run, "--takeover", "--current-commands", expect=6)
    stage.salvor("status")
    shutil.rmtree(stage.path("state"))
    os.rename(stage.path("away-live"), stage.path("live"))
    os.rename(stage.path("away-state"), stage.path("state"))
    stage.did("at home again")
    stage.salvor("restore", "--resume", run)
    stage.salvor("restore", "--undo", run, "--confirm", "shop")


@in_every_mode
def interrupted(stage):
    """A signal comes while a command of the service is under way."""
    stage.begin("[service.shop.migrate]\nrun = 'kill -INT $PPID; sleep 2'\nisolated = true\n")
    stage.salvor("drill", "shop", expect=130)
    stage.salvor("restore", "shop", "--confirm", "shop", expect=130)
    run = stage.newest_run()
    stage.salvor("runs", "show", run)
    stage.salvor("status")
    stage.salvor("restore", "--undo", run, "--confirm", "shop")
    stage.salvor("runs")


@in_every_mode
def unwritable(stage):
    """The repository belongs to root, and all else to nobody, as whom the program runs."""
    stage.begin(WRITES, CHECKS)
    stage.wreck()
    for directory, folders, files in os.walk(stage.root):
        for path in [directory] + [os.path.join(directory, name) for name in folders + files]:
            if path.startswith(stage.path("repository")):
                os.chmod(path, 0o755 if os.path.isdir(path) else 0o644)
            else:
                os.lchown(path, 65534, 65534)
    stage.did("the repository can be read, and not be written to")
    for words, status in (
            (["points"], 0), (["backup"], 1), (["status"], 0), (["verify"], 0),
            (["verify", "--repair"], 0), (["drill", "shop"], 0), (["keys", "rotate"], 1),
            (["restore", "shop", "--into", "out"], 0), (["restore", "shop", "--plan"], 6),
            (["restore", "shop", "--confirm", "shop"], 6), (["evidence", "list"], 0),
            (["restore", "shop", "--confirm", "shop", "--without-safety-snapshot"], 0),
            (["status"], 0), (["restore", "--undo", "latest", "--confirm", "shop"], 0),
            (["evidence", "list"], 0), (["runs"], 0)):
        stage.salvor(*words, expect=status, prefix=NOBODY)


@in_every_mode
def in_place_detached(stage):
    stage.begin(CHECKS)
    stage.wreck()
    stage.salvor("restore", "shop", "--detach", expect=6)
    stage.salvor("restore", "shop", "--detach", "--confirm", "shpo", expect=6)
    stage.salvor("restore", "--undo", "latest", "--detach", "--confirm", "shop", expect=4)
    for words in (["shop"], ["--undo", "latest"]):
        stage.salvor("restore", *words, "--detach", "--confirm", "shop", unbroken=True)
        run = stage.newest_run()
        while stage.answer("runs", "show", run)["state"] == "running":
            time.sleep(0.02)
        stage.did("it has ended")
        stage.salvor("runs", "show", "--follow", run)


@in_every_mode
def watched(stage):
    """The first minutes after a restore; each probe lets the time pass."""
    watch = """
[service.shop.watch]
duration = "2s"
every = "1s"
max_failures = {}

[[service.shop.watch.probe]]
name = "front page"
run = 'sh tick 1; {}'

[[service.shop.watch.probe]]
log = "shop.log"
pattern = "ERROR"
max = 1
"""
    stage.begin(watch.format(0, "true"))
    write(stage.path("shop.log"), "ERROR before\n")
    stage.salvor("restore", "shop", "--plan")
    stage.salvor("restore", "shop", "--confirm", "shop")
    stage.salvor("runs", "show", stage.newest_run())
    stage.configure(watch.format(0, "echo it says 500; exit 1"))
    stage.did("a probe that fails")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=9)
    stage.salvor("runs", "show", stage.newest_run())
    stage.salvor("status")
