"""Scenes: backups, points, what lies in them, and restores beside the live data."""

import os
import shutil

from golden_entry import NOBODY
from golden_stage import BLOG, in_every_mode
from shop import CONFIG, write


@in_every_mode
def backup(stage):
    stage.fill()
    stage.configure(BLOG)
    stage.answer("init")
    stage.salvor("backup", "shop")
    stage.did("nothing has changed")
    stage.salvor("backup", "shop")
    stage.change()
    stage.did("a little has changed")
    stage.salvor("backup", "shop")
    stage.salvor("backup")
    stage.salvor("backup", "shop", "--store", "media")
    stage.salvor("backup", "--store", "db", "shop", "--store", "media")
    stage.salvor("backup", "shop", "--quiet")
    stage.salvor("--verbose", "backup", "blog")
    stage.salvor("backup", "shpo", expect=4)
    stage.salvor("backup", "nothing", expect=4)
    stage.salvor("backup", "shop", "--store", "medai", expect=4)
    stage.salvor("backup", "--store", "posts", expect=(2, 4))
    stage.salvor("backup", "--store", "media", expect=(0, 2, 4))
    stage.salvor("points")
    stage.salvor("runs")


@in_every_mode
def backup_fails(stage):
    stage.begin(BLOG)
    os.rename(stage.media, stage.media + ".away")
    stage.did("a store is away")
    stage.salvor("backup", "shop", expect=4)
    stage.salvor("backup", expect=4)
    stage.salvor("backup", "shop", "--store", "db")
    write(stage.media, "a file")
    stage.did("a file is in its place")
    stage.salvor("backup", "shop", expect=3)
    os.remove(stage.media)
    os.rename(stage.media + ".away", stage.media)
    write(stage.database, "no database at all\n" * 500)
    stage.did("a database that is none")
    stage.salvor("backup", "shop", expect=9)
    os.remove(stage.database)
    stage.did("no database")
    stage.salvor("backup", "shop", expect=4)
    stage.salvor("status", "shop")
    stage.salvor("runs", "shop")
    stage.configure(BLOG, "[service.blog.writes]\nlock = 'exit 4'\nunlock = 'true'\n",
                    change=[('rpo = "1h"', "")])
    write(stage.config, CONFIG + BLOG.replace('rpo = "1d"', "quiesce = true")
          + "[service.blog.writes]\nlock = 'echo not today >&2; exit 4'\nunlock = 'true'\n")
    stage.did("writes can't be locked")
    stage.salvor("backup", "blog", expect=1)
    write(stage.config, CONFIG + BLOG.replace('rpo = "1d"', "quiesce = true")
          + "[service.blog.writes]\nlock = 'sh tick 3'\nunlock = 'exit 5'\n")
    stage.did("writes can't be unlocked")
    stage.salvor("backup", "blog", expect=1)
    stage.salvor("status", "blog")


@in_every_mode
def backup_unreadable(stage):
    """Root reads everything: the program runs as nobody, who owns all but two files."""
    def backup_as_nobody(*words, **options):
        for directory, folders, files in os.walk(stage.root):
            for name in [directory] + [os.path.join(directory, n) for n in folders + files]:
                if not os.path.basename(name).startswith("secret"):
                    os.lchown(name, 65534, 65534)
        stage.salvor(*words, prefix=NOBODY, **options)
    stage.fill()
    for name in ("secret", "notes/secret of another"):
        write(os.path.join(stage.media, name), "x", 0)
    stage.still()
    stage.answer("init")
    backup_as_nobody("backup", expect=1)
    write(stage.config, CONFIG + 'on_unreadable = "warn"\n')
    stage.did('on_unreadable = "warn"')
    backup_as_nobody("backup")
    stage.salvor("points")
    stage.salvor("status")
    stage.salvor("restore", "shop", "--plan")
    backup_as_nobody("restore", "shop", "--plan")
    stage.salvor("restore", "shop", "--into", "out")


@in_every_mode
def suspect(stage):
    stage.begin(BLOG)
    for name in ("2026", "notes"):
        shutil.rmtree(os.path.join(stage.media, name))
    stage.still()
    stage.did("most of a store is gone")
    stage.salvor("backup", "shop", expect=9)
    found = stage.points()[-1]
    stage.salvor("points")
    stage.salvor("status")
    stage.salvor("restore", "shop", "--plan")
    stage.salvor("ls", "latest", "media", "--service", "shop")
    stage.salvor("drill", "shop")
    stage.salvor("backup", expect=9)
    stage.salvor("points", "--accept", found)
    stage.salvor("points", "--accept", found)
    stage.salvor("points", "--accept", found, "--quiet")
    stage.salvor("points", "--accept", "0000", expect=4)
    stage.salvor("points", "--accept", "xyz", expect=(2, 4))
    stage.salvor("points", "shop")
    stage.salvor("status", "shop")
    os.rename(stage.path("repository"), stage.path("away"))
    stage.salvor("points", "--accept", found, expect=4)


@in_every_mode
def points(stage):
    stage.begin(BLOG)
    stage.salvor("points")
    stage.salvor("points", "shop")
    stage.salvor("snapshots", "blog")
    stage.salvor("points", "shpo", expect=4)
    stage.salvor("points", "nothing", expect=4)
    stage.answer("backup", "shop", "--store", "media")
    stage.wreck()
    stage.answer("restore", "shop", "--confirm", "shop")
    stage.did("a partial point and safety snapshots are there")
    stage.salvor("points")
    write(stage.config, CONFIG)
    stage.did("a service is not configured any more")
    stage.salvor("points", "blog")
    stage.salvor("points", "--quiet")


@in_every_mode
def inside(stage):
    """ls, cat and diff."""
    stage.begin()
    before = stage.points()[0]
    stage.change()
    stage.wait(3600)
    stage.answer("backup")
    after = stage.points()[1]
    stage.salvor("ls", "latest", "media")
    stage.salvor("ls", "latest", "media", "-R")
    stage.salvor("ls", stage.normalised.beginning(before), "media", "notes", "--recursive")
    stage.salvor("ls", "latest", "media", "notes/today.txt")
    stage.salvor("ls", "latest", "db")
    stage.salvor("ls", "latest", "media", "none", expect=4)
    stage.salvor("ls", "latest", "medai", expect=4)
    stage.salvor("ls", "0000", "media", expect=4)
    stage.salvor("ls", "12", "media", expect=(2, 4))
    stage.salvor("ls", "last", "media", expect=(2, 4))
    stage.salvor("ls", "latest", "media", "../x", expect=(2, 4))
    stage.salvor("ls", "latest", "media", "--service", "shpo", expect=4)
    if stage.mode != "json":
        stage.salvor("cat", "latest", "media", "notes/today.txt")
        stage.salvor("cat", before, "media", "notes/empty", "--service", "shop")
    stage.salvor("cat", "latest", "media", "notes", expect=(1, 2, 4))
    stage.salvor("cat", "latest", "media", "link", expect=(0, 1, 2, 4))
    stage.salvor("cat", "latest", "media", "none", expect=(2, 4))
    stage.salvor("cat", "latest", "medai", "x", expect=(2, 4))
    stage.salvor("diff", before, after)
    stage.salvor("diff", after, before)
    stage.salvor("diff", "latest", "latest", "--service", "shop")
    stage.salvor("diff", "latest", "0000", expect=4)
    stage.configure(BLOG)
    stage.answer("backup", "blog")
    stage.did("points of two services are there")
    stage.salvor("ls", "latest", "media", expect=2)
    stage.salvor("cat", "latest", "media", "x", expect=2)
    stage.salvor("diff", "latest", "latest", expect=2)
    stage.salvor("ls", "latest", "posts", "--service", "blog")
    stage.salvor("diff", before, "latest", "--service", "blog", expect=(0, 2, 4, 6))


@in_every_mode
def restore_into(stage):
    stage.begin(BLOG)
    before = stage.points()[0]
    stage.change()
    stage.wait(3600)
    stage.answer("backup")
    stage.salvor("restore", "shop", "--into", "out")
    stage.salvor("restore", "shop", "--into", "out", expect=6)
    stage.salvor("restore", "shop", "--into", "old", "--at", before)
    stage.salvor("restore", "shop", "--into", "old", "--delta")
    stage.salvor("restore", "blog", "--into", "some", "--only", "posts")
    stage.salvor("restore", "shop", "--into", "then", "--at", "2026-02-03 05:20", "--quiet")
    stage.salvor("restore", "shop", "--into", "x", "--at", "2001-01-01", expect=4)
    stage.salvor("restore", "shop", "--into", "x", "--at", "2001-01-01T00:00:00+05:30", expect=4)
    stage.salvor("restore", "shop", "--into", "x", "--at", "0000", expect=4)
    stage.salvor("restore", "shop", "--into", "x", "--at", "nonsense", expect=2)
    stage.salvor("restore", "shpo", "--into", "x", expect=4)
    stage.salvor("restore", "shop", "--into", "x", "--only", "medai", expect=4)
    stage.salvor("restore", "shop", "--into", "live", expect=6)
    stage.salvor("restore", "shop", "--into", "live/media/x", expect=6)
    stage.salvor("restore", "shop", "--into", "repository/x", expect=6)
    stage.salvor("restore", "shop", "--into", "/proc/out", expect=4)
    write(stage.path("new/media/mine.txt"), "mine\n")
    stage.did("content that does not belong there")
    stage.salvor("restore", "shop", "--into", "new", expect=6)
    stage.salvor("restore", "shop", "--into", "new", "--delta")
    stage.answer("backup", "shop", "--store", "media")
    stage.did("the newest point is partial")
    stage.salvor("restore", "shop", "--into", "part", "--at", stage.points()[-1])
    stage.salvor("runs", "shop")
