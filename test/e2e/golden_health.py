"""Scenes: drills, runbooks, verification, status, runs and evidence."""

import json
import os
import shutil

from golden_in_place import CHECKS, FAILS, SLOW
from golden_stage import BLOG, EVENTS, in_every_mode, in_modes
from shop import CONFIG, WRITES, write

MORE_CHECKS = """
[[service.shop.check]]
name = "rows in the copy"
run = 'sh tick 3; test -s "$SALVOR_STORE_DB"'

[[service.shop.check]]
name = "acts on what is live"
run = 'true'

[[service.shop.check]]
name = "live page"
http = "http://127.0.0.1:1/"

[[service.shop.check]]
name = "a page of the copy"
http = "http://127.0.0.1:1/"
isolated = true
timeout = "2s"
"""

OWNED = ('rpo = "1h"', 'rpo = "1h"\nrto = "2h"\nowner = "Ada"\nrunbook = "runbook.md"\n'
         'contacts = ["ada@example.org"]\nlinks = ["https://example.org/shop"]')
CANARIES = (('"live/shop.db"\n', '"live/shop.db"\ncanary = true\n'),
            ('"live/media"\n', '"live/media"\ncanary = true\n'))


@in_every_mode
def drill(stage):
    stage.begin(CHECKS, SLOW, BLOG, change=[OWNED, *CANARIES])
    before = stage.points()[0]
    stage.salvor("drill", "shop")
    stage.salvor("drill", "shop", "--at", stage.normalised.beginning(before))
    stage.salvor("drill", "shop", "--quiet")
    stage.salvor("drill", "blog")
    stage.salvor("runs", "show", stage.newest_run("drill"))
    stage.salvor("status")
    stage.configure(CHECKS, MORE_CHECKS, FAILS, BLOG, change=[OWNED, *CANARIES])
    stage.did("with checks of each kind, some of which fail")
    stage.salvor("drill", "shop", expect=9)
    stage.salvor("runs", "show", stage.newest_run("drill"))
    stage.salvor("status")
    stage.configure(CHECKS, BLOG, change=[("1h", "1h\"\nrto = \"1s"), *CANARIES])
    os.remove(os.path.join(stage.media, "logo2.png"))
    os.remove(os.path.join(stage.media, "logo.png"))
    stage.still()
    stage.answer("backup", "shop")
    stage.did("a picture is gone")
    stage.salvor("drill", "shop", expect=9)
    stage.configure(CHECKS, SLOW, BLOG, change=[("1h", "1h\"\nrto = \"1s"), *CANARIES])
    stage.did("a drill that is slower than its objective, of an older point")
    stage.salvor("drill", "shop", "--at", before)
    stage.salvor("status", "shop")
    stage.answer("backup", "shop", "--store", "media")
    stage.salvor("drill", "shop", "--at", stage.points()[-1], expect=(0, 9))
    stage.configure("[service.shop.migrate]\nrun = 'echo broken; exit 3'\nisolated = true\n")
    stage.did("a migration that fails")
    stage.salvor("drill", "shop", expect=1)
    stage.salvor("drill", "shpo", expect=4)
    stage.salvor("drill", "shop", "--at", "2001-01-01", expect=4)
    stage.salvor("drill", "shop", "--at", "nonsense", expect=2)
    stage.salvor("runs", "shop")


@in_every_mode
def runbook(stage):
    stage.begin(WRITES, CHECKS, MORE_CHECKS, BLOG, change=[OWNED, *CANARIES])
    stage.salvor("runbook", "shop")
    stage.answer("drill", "shop", expect=(0, 9))
    stage.did("a drill was run")
    stage.salvor("runbook", "shop")
    stage.salvor("runbook", "blog", "-o", "blog.md")
    stage.salvor("runbook", "blog", "--output", "blog.md", "--quiet")
    stage.show("blog.md")
    stage.salvor("runbook", "shpo", expect=4)
    stage.salvor("runbook", "blog", "-o", "/nowhere/blog.md", expect=4, unbroken=True)
    stage.salvor("runbook", "blog", "-o", "live", expect=1)


def damage(path, place=40):
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


@in_every_mode
def verify(stage):
    stage.begin(BLOG)
    stage.salvor("verify")
    stage.salvor("verify", "--data")
    stage.salvor("check", "--quiet")
    stage.salvor("verify", "--repair")
    stage.salvor("verify", "--accept-older-repository", "00112233445566778899aabbccddeeff",
                 expect=4)
    stage.salvor("verify", "--accept-older-repository", stage.answer("verify")["repository"])
    for path in stage.objects("index"):
        os.remove(path)
    stage.did("the index is lost")
    stage.salvor("verify", expect=5)
    stage.salvor("verify", "--repair")
    largest = max(stage.objects("packs"), key=os.path.getsize)
    damage(largest, os.path.getsize(largest) // 2)
    stage.did("a byte of the largest pack has changed")
    stage.salvor("verify")
    stage.salvor("verify", "--data", expect=5)
    stage.salvor("verify", "--data", "--quiet", expect=5)
    stage.salvor("restore", "shop", "--into", "out", expect=5)
    if stage.mode != "json":
        stage.salvor("cat", "latest", "media", "2026/02/big.bin", "--service", "shop", expect=5)
    stage.salvor("drill", "shop", expect=(5, 9))
    os.remove(largest)
    stage.did("the pack is lost")
    stage.salvor("verify", expect=5)
    stage.salvor("status", "shop")
    stage.salvor("verify", "--repair", expect=5)
    stage.salvor("backup", "shop")
    stage.did("its content is stored again")
    stage.salvor("verify", "--data", expect=(0, 5))
    stage.salvor("runs")


@in_every_mode
def older_copy(stage):
    stage.begin(WRITES)
    stage.answer("backup")
    shutil.copytree(stage.path("repository"), stage.path("copy"))
    stage.change()
    stage.answer("backup")
    repository = stage.answer("verify")["repository"]
    shutil.rmtree(stage.path("repository"))
    os.rename(stage.path("copy"), stage.path("repository"))
    stage.did("an older copy is in the place of the repository")
    stage.salvor("backup", expect=5)
    stage.salvor("status", "--check", expect=9)
    stage.salvor("points")
    stage.salvor("keys", "rotate", expect=5)
    stage.salvor("verify", expect=5)
    stage.salvor("verify", "--repair", expect=5)
    stage.salvor("restore", "shop", "--into", "out")
    stage.salvor("restore", "shop", "--plan", expect=6)
    stage.salvor("restore", "shop", "--confirm", "shop", expect=6)
    stage.salvor("verify", "--accept-older-repository", repository)
    stage.salvor("verify", "--accept-older-repository", repository)
    stage.salvor("backup")


@in_every_mode
def status(stage):
    stage.begin(CHECKS, BLOG)
    stage.salvor("status")
    stage.salvor("status", "shop", "--check", expect=9)
    stage.answer("drill", "shop")
    stage.configure(CHECKS)
    stage.did("a drill was run, and each store is covered")
    stage.salvor("status", "shop", "--check", expect=(0, 9))
    stage.wait(7200)
    stage.did("two hours later")
    stage.salvor("status")
    stage.configure(CHECKS, '[service.web.store.page]\ntype = "files"\npath = "web"\n', BLOG,
                    change=[('rpo = "1h"', 'rpo = "1h"\nprotect = ["live"]')])
    write(stage.path("live/forgotten/file"), "x")
    stage.did("a service without a point, and a path that no store covers")
    stage.salvor("status")
    os.rename(stage.media, stage.media + ".away")
    stage.answer("backup", "shop", expect=(4,))
    stage.did("a store is away, and a backup has failed")
    stage.salvor("status")
    stage.salvor("status", "shpo", expect=4)
    stage.wait(86400 * 40)
    stage.did("40 days later")
    stage.salvor("status", "--check", expect=9)
    os.rename(stage.path("repository"), stage.path("repository.away"))
    stage.did("the repository is away")
    stage.salvor("status", expect=4)
    stage.salvor("status", "--check", expect=4)


@in_every_mode
def status_good(stage):
    stage.begin(CHECKS, FAILS.replace("exit 3", "true"),
                change=[OWNED, *CANARIES])
    stage.answer("drill", "shop")
    stage.salvor("status", "--check")
    stage.salvor("status", "shop", "--quiet")
    stage.wait(-86400)
    stage.did("the clock goes back by a day")
    stage.salvor("status")
    stage.salvor("backup")


@in_every_mode
def runs(stage):
    stage.salvor("runs", expect=0)
    stage.begin(BLOG)
    stage.answer("backup", "shop", expect=(0,))
    stage.answer("restore", "shop", "--into", "out")
    stage.answer("restore", "shop", "--into", "/proc/x", expect=(4,))
    stage.answer("verify")
    run = stage.newest_run("backup")
    stage.salvor("runs")
    stage.salvor("runs", "blog")
    stage.salvor("runs", "--limit", "2")
    stage.salvor("runs", "shpo", expect=4)
    stage.salvor("runs", "show", run)
    stage.salvor("runs", "show", "--follow", run)
    stage.salvor("runs", "show", stage.newest_run("verify"))
    stage.salvor("runs", "show", stage.newest_run())
    stage.salvor("runs", "show", "20260101", expect=4)
    stage.salvor("runs", "show", "2026", expect=(2, 4, 7))
    stage.salvor("runs", "show", "nonsense", expect=4)
    stage.salvor("runs", "show", "--follow", "nonsense", expect=4)


@in_modes("json", "80")
def events(stage):
    stage.begin(CHECKS)
    asked = ("--events", str(EVENTS), "--started-by", "alice", "--approved-by", "bob")
    for arguments in (["backup"], ["verify"], ["drill", "shop"],
                      ["restore", "shop", "--into", "beside"]):
        stage.salvor(*arguments, *asked, events="events")
        stage.show_events("events")
    stage.salvor("drill", "shpo", "--events", str(EVENTS), expect=4, events="events")
    stage.show_events("events")
    stage.salvor("backup", "--events", str(EVENTS), expect=2)
    stage.salvor("backup", "--events", "1", expect=2)
    stage.salvor("evidence", "show", "shop", "2")


@in_every_mode
def evidence(stage):
    stage.begin(CHECKS, BLOG)
    stage.salvor("evidence", "list")
    stage.answer("drill", "shop")
    stage.wreck()
    stage.answer("restore", "shop", "--confirm", "shop")
    stage.answer("verify", "--data")
    stage.did("a drill, a restore and a verification were run")
    stage.salvor("evidence", "list")
    stage.salvor("evidence", "list", "shop")
    stage.salvor("evidence", "list", "-")
    stage.salvor("evidence", "list", "shpo", expect=4)
    for number in ("1", "2", "3"):
        stage.salvor("evidence", "show", "shop", number)
    stage.salvor("evidence", "show", "-", "1")
    stage.salvor("evidence", "show", "shop", "99", expect=4)
    stage.salvor("evidence", "show", "shpo", "1", expect=4)
    stage.salvor("evidence", "key")
    stage.salvor("evidence", "export", "shop", "-o", "shop.json")
    stage.show("shop.html")
    stage.salvor("evidence", "export", "blog", "--output", "blog.json", "--quiet")
    stage.salvor("evidence", "export", "shpo", "-o", "x.json", expect=4)
    stage.salvor("evidence", "export", "shop", "-o", "/nowhere/x.json", expect=4,
                 unbroken=True)
    write(stage.path("public.pem"), stage.answer("evidence", "key")["public_key"])
    stage.salvor("evidence", "verify")
    stage.salvor("evidence", "verify", "shop.json")
    stage.salvor("evidence", "verify", "shop.json", "--key", "public.pem")
    stage.salvor("evidence", "verify", "--key", "public.pem")
    stage.salvor("evidence", "verify", "--quiet")
    stage.salvor("evidence", "verify", "none.json", expect=(1, 4))
    stage.salvor("evidence", "verify", "shop.json", "--key", "none.pem", expect=(1, 3, 4))
    write(stage.path("wrong.pem"), "no key\n")
    stage.salvor("evidence", "verify", "shop.json", "--key", "wrong.pem", expect=(2, 3))
    with open(stage.path("shop.json"), encoding="utf-8") as file:
        document = json.load(file)
    document["service"] = "blog"
    document["records"].pop(1)
    write(stage.path("changed.json"), json.dumps(document))
    stage.did("the file was changed")
    stage.salvor("evidence", "verify", "changed.json", expect=5)
    write(stage.path("changed.json"), "{}")
    stage.salvor("evidence", "verify", "changed.json", expect=5)
    write(stage.path("changed.json"), "no JSON")
    stage.salvor("evidence", "verify", "changed.json", expect=5)


@in_every_mode
def evidence_lost(stage):
    stage.begin()
    for _ in range(3):
        stage.answer("backup")
    records = stage.objects("evidence")
    damage(records[1])
    stage.did("a record of evidence has rotten")
    stage.salvor("evidence", "list")
    stage.salvor("evidence", "show", "shop", "2", expect=5)
    stage.salvor("evidence", "verify", expect=5)
    stage.salvor("evidence", "export", "shop", "-o", "x.json", expect=5)
    stage.salvor("evidence", "export", "shop", "-o", "x.json", "--with-gaps")
    stage.salvor("evidence", "verify", "x.json", expect=5)
    stage.salvor("status")
    stage.salvor("verify", expect=5)
    stage.salvor("verify", "--repair")
    stage.salvor("evidence", "list")
    stage.salvor("evidence", "show", "shop", "2", expect=5)
    stage.salvor("evidence", "verify")
    stage.salvor("evidence", "export", "shop", "-o", "x.json")
    stage.salvor("evidence", "verify", "x.json")
    os.rename(stage.path("repository"), stage.path("away"))
    stage.did("the repository is away")
    for words in (["list"], ["key"], ["verify"], ["show", "shop", "1"],
                  ["export", "shop", "-o", "y.json"]):
        stage.salvor("evidence", *words, expect=4)
