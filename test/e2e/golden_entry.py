"""Scenes: help, command lines that make no sense, configurations, and opening a repository."""

import os
import re
import shutil

from golden_stage import BLOG, TEXT, in_every_mode, in_modes
from shop import BY_PASSPHRASE, CONFIG, PASSPHRASE, WRITES, write

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@in_modes(*TEXT)
def help_of_every_command(stage):
    stage.salvor("--help")
    waiting = re.findall(r"^    '([a-z ]+)'\) words", stage.start(["completion", "bash"], None)[1],
                         re.M)
    for command in sorted(waiting):
        stage.salvor(*command.split(), "--help")
    stage.salvor("-h")
    stage.salvor("check", "--help")
    stage.salvor("snapshots", "-h")


@in_every_mode
def program(stage):
    stage.salvor("version")
    stage.salvor("--version")
    stage.salvor("version", "now", expect=2)
    stage.salvor("completion", "zsh", expect=2)
    stage.salvor("completion", "bash", "more", expect=2)
    stage.salvor("completion", expect=2)
    stage.salvor("completion", "bash")
    os.remove(stage.config)
    stage.did("no configuration is there")
    stage.salvor("points", expect=3)
    stage.salvor("-c", "none.toml", "points", expect=3)
    stage.salvor("points", "--config", "/nowhere/none.toml", expect=3)
    stage.salvor("points", expect=3, env={"SALVOR_CONFIG": "of-the-environment.toml"})
    stage.salvor("-c", ".", "points", expect=(1, 3))


def words_that_make_no_sense():
    yield from ([], ["--json"], ["bakcup"], ["config"], ["keys"], ["evidence"], ["keys", "lits"],
                ["config", "chekc"], ["xyzzy"], ["--frobnicate"], ["backup", "--frobnicate"],
                ["backup", "shop", "media"], ["backup", "--store"], ["-c"], ["points", "-x"],
                ["init", "now"], ["config", "check", "now"], ["version", "--frobnicate"],
                ["version", "-c", ""])
    # What is missing.
    yield from (["ls"], ["ls", "latest"], ["cat"], ["cat", "latest", "media"], ["diff"],
                ["diff", "latest"], ["drill"], ["runbook"], ["runs", "show"], ["keys", "remove"],
                ["keys", "generate"], ["evidence", "show"], ["evidence", "show", "shop"],
                ["evidence", "export", "shop"], ["evidence", "export", "-o", "x"])
    # What is empty.
    yield from (["backup", ""], ["backup", "--store", ""], ["backup", "--store="], ["points", ""],
                ["points", "--accept", ""], ["ls", "", "media"], ["cat", "latest", "media", ""],
                ["diff", "latest", ""], ["drill", "shop", "--at", ""],
                ["runbook", "shop", "-o", ""], ["verify", "--accept-older-repository", ""],
                ["status", ""], ["runs", ""],
                ["keys", "add", "--label="], ["restore", "shop", "--into", ""],
                ["restore", "shop", "--confirm", ""], ["evidence", "verify", ""])
    # What does not belong together, or is no number, time or record.
    yield from (["points", "shop", "--accept", "1234"], ["runs", "--limit", "many"],
                ["runs", "--limit", ""], ["keys", "add"],
                ["keys", "add", "--recipient", "00", "--passphrase-env", "X"],
                ["evidence", "show", "shop", "first"], ["evidence", "show", "shop", "0"],
                ["status", "--check=maybe"], ["version", "x"])


@in_every_mode
def usage(stage):
    stage.begin()
    for words in words_that_make_no_sense():
        stage.salvor(*words, expect=2)


@in_every_mode
def usage_of_restore(stage):
    stage.begin()
    for words in (
            [], ["--plan"], ["shop", "blog"], ["shop", "--into"], ["shop", "--delta"],
            ["shop", "--into", "x", "--plan"], ["shop", "--into", "x", "--confirm", "shop"],
            ["shop", "--into", "x", "--detach"], ["shop", "--into", "x", "--in-place-delta"],
            ["shop", "--takeover"], ["shop", "--current-commands"],
            ["--resume", "latest", "--undo", "latest"],
            ["--resume", "latest", "--at", "2026-02-03"],
            ["shop", "--undo", "latest"], ["--close", "latest", "--detach"],
            ["--abandon", "latest", "--detach"], ["--undo", ""], ["--resume="],
            ["shop", "--only", ""], ["shop", "--at", "yesterday", "--plan"],
            ["shop", "--at", "2026-02-30", "--plan"],
            ["shop", "--at", "2026-02-03 25:00", "--plan"],
            ["shop", "--without-safety-snapshot-of", "", "--plan"]):
        stage.salvor("restore", *words, expect=2)


def broken_configurations():
    """(what is wrong, the file)"""
    store = '[service.shop.store.media]\ntype = "files"\npath = "live/media"\n'
    before = CONFIG.replace('rpo = "1h"\n', "")
    repository = 'state_dir = "state"\n[repository]\nurl = "repository"\n'
    yield "empty", ""
    yield "no TOML", "[repository\nurl = 1\n"
    yield "a value that is no TOML", "state_dir = state\n"
    yield "a key twice", CONFIG + '[service.shop.store.media]\ntype = "files"\n'
    yield "not UTF-8", "state_dir = \"\\xff\"\n"
    yield "an unknown key", CONFIG.replace("rpo", "rop")
    yield "an unknown key at the top", "statedir = 'x'\n" + CONFIG
    yield "an unknown section", CONFIG + "[servce.web]\n"
    yield "the wrong type", CONFIG.replace('"1h"', "1")
    yield "no duration", CONFIG.replace('"1h"', '"1 hour"')
    yield "a duration of nothing", CONFIG.replace('"1h"', '"0s"')
    yield "an empty string", CONFIG.replace('"1h"', '""')
    yield "no repository", 'state_dir = "state"\n' + store
    yield "no url", CONFIG.replace('url             = "repository"\n', "")
    yield "no key", repository + store
    yield "two passphrases", repository + 'passphrase_env = "X"\npassphrase_file = "p"\n' + store
    yield "s3", CONFIG.replace('"repository"', '"s3://bucket/prefix"')
    yield "another host", CONFIG.replace('"repository"', '"user@host:/srv/repo"')
    yield "a service without stores", CONFIG + "[service.web]\n"
    yield "a store of no type", CONFIG + '[service.web.store.a]\npath = "x"\n'
    yield "a store of an unknown type", CONFIG + '[service.web.store.a]\ntype = "file"\n'
    yield "a store that is not supported", CONFIG + '[service.web.store.a]\ntype = "postgres"\n'
    yield "a key of another type", CONFIG + 'one_file_system = "yes"\n'
    yield "a bad pattern", CONFIG + 'exclude = [""]\n'
    yield "a name", CONFIG + '[service.Web.store.a]\ntype = "files"\npath = "x"\n'
    yield "a bad shrink", CONFIG + 'shrink = "150%"\n'
    yield "a host with blanks", 'host = "a b"\n' + CONFIG
    yield "stores that overlap", (CONFIG + '[service.web.store.a]\ntype = "files"\n'
                                  'path = "live/media/notes"\n')
    yield "a store in the repository", (CONFIG + '[service.web.store.a]\ntype = "files"\n'
                                        'path = "repository/x"\n')
    yield "the repository in a store", (before + '[service.web.store.a]\ntype = "files"\n'
                                        'path = "."\n')
    yield "a check of nothing", CONFIG + '[[service.shop.check]]\nname = "a"\n'
    yield "a check of two things", (CONFIG + '[[service.shop.check]]\nname = "a"\nstore = "db"\n'
                                    'sql = "SELECT 1"\npath = "x"\n')
    yield "two checks of one name", CONFIG + '[[service.shop.check]]\nname = "a"\nrun = "x"\n' * 2
    yield "a check of no store", (CONFIG + '[[service.shop.check]]\nname = "a"\nstore = "dbb"\n'
                                  'sql = "SELECT 1"\n')
    yield "a reference", (CONFIG + '[[service.shop.reference]]\nname = "a"\nfrom = "media"\n'
                          'sql = "SELECT 1"\nin = "db"\n')
    yield "writes without unlock", CONFIG + '[service.shop.writes]\nlock = "x"\n'
    yield "quiesce without writes", CONFIG.replace('rpo = "1h"', "quiesce = true")
    yield "a schedule", CONFIG + '[service.shop.schedule]\nbackup = "61 * * * *"\n'
    yield "a day that never comes", CONFIG + '[service.shop.schedule]\ndrill = "0 0 31 FEB *"\n'
    yield "a retention of nothing", CONFIG + "[service.shop.retention]\n"
    yield "a watch without probes", CONFIG + '[service.shop.watch]\nduration = "1m"\n'
    yield "listen", CONFIG + '[serve]\nlisten = "here"\n'
    yield "open to all", CONFIG + '[serve]\nlisten = "0.0.0.0:80"\nopen = true\n'


@in_every_mode
def configuration_broken(stage):
    stage.fill()
    for what, text in broken_configurations():
        write(stage.config, text.encode("latin-1") if "\\xff" in text else text)
        stage.did(what)
        stage.salvor("config", "check", expect=3)
    stage.did("a backup with the last of them")
    stage.salvor("backup", expect=3)


@in_every_mode
def configuration(stage):
    stage.fill()
    stage.configure(BLOG)
    stage.salvor("config", "check")
    stage.salvor("init", "--quiet")
    stage.salvor("config", "check")
    stage.salvor("config", "check", "--quiet")
    stage.salvor("config", "check", "--verbose")
    stage.configure(BLOG, '[service.blog.schedule]\nbackup = "0 * * * *"\ndrill = "0 3 * * SUN"\n'
                    '[service.blog.retention]\nwithin = "30d"\nwindow = "14d"\n'
                    '[serve]\nlisten = "127.0.0.1:1"\n')
    stage.did("sections that nothing acts on yet")
    stage.salvor("config", "check")
    stage.salvor("backup", "blog")
    stage.salvor("status", "blog")
    stage.configure(WRITES.replace("touch", "tuoch"), '[[service.shop.check]]\nname = "pages"\n'
                    'run = "no-such-program --all"\n', BLOG)
    stage.did("commands whose programs are not there")
    stage.salvor("config", "check")
    os.rename(stage.media, stage.media + ".away")
    stage.did("a store is away")
    stage.salvor("config", "check", expect=3)
    os.rename(stage.media + ".away", stage.media)
    shutil.copy(stage.path("key"), os.path.join(stage.media, "key"))
    stage.configure(BLOG, change=[('"key"', '"live/media/key"')])
    stage.did("the key lies in a store")
    stage.salvor("config", "check")
    stage.salvor("backup", "shop")


@in_every_mode
def opening(stage):
    """A repository that is not there, not readable, or not ours."""
    stage.configure(BLOG)
    stage.did("there is no repository")
    for words in (["points"], ["backup"], ["backup", "shop"], ["ls", "latest", "media"],
                  ["restore", "shop", "--plan"], ["restore", "shop", "--into", "out"],
                  ["verify"], ["verify", "--repair"], ["status"], ["drill", "shop"],
                  ["keys", "list"], ["evidence", "list"], ["evidence", "key"],
                  ["restore", "--undo", "latest"],
                  ["config", "check"], ["runs"]):
        stage.salvor(*words, expect=(0, 3, 4))
    stage.fill()
    stage.answer("init")
    stage.did("there is a repository")
    for words in (["points"], ["points", "shop"], ["status"], ["runs"], ["evidence", "list"],
                  ["verify"], ["keys", "list"], ["config", "check"]):
        stage.salvor(*words)
    stage.salvor("ls", "latest", "media", expect=4)
    stage.salvor("drill", "shop", expect=4)
    stage.salvor("restore", "shop", "--plan", expect=4)
    stage.salvor("restore", "--undo", "latest", expect=4)
    os.rename(stage.path("key"), stage.path("key.away"))
    stage.did("the key file is away")
    stage.salvor("points", expect=3)
    stage.salvor("status", expect=3)
    stage.salvor("keys", "generate", "key")
    stage.did("another key file is in its place")
    stage.salvor("points", expect=3)
    stage.salvor("backup", expect=3)
    write(stage.path("key"), "no key\n", 0o600)
    stage.did("the key file holds something else")
    stage.salvor("points", expect=(3, 5))
    os.rename(stage.path("key.away"), stage.path("key"))
    write(stage.path("repository/salvor.json"), "something else\n")
    stage.did("the repository is described by something else")
    stage.salvor("points")
    stage.salvor("verify", expect=5)
    shutil.rmtree(stage.path("repository"))
    write(stage.path("repository"), "a file")
    stage.did("the repository is a file")
    stage.salvor("points", expect=(1, 4, 8))
    stage.salvor("init", expect=6)


@in_every_mode
def initialising(stage):
    stage.salvor("init")
    stage.salvor("init", expect=7)
    shutil.rmtree(stage.path("repository"))
    stage.did("the repository is gone, the key file is there")
    stage.salvor("init", expect=6)
    stage.salvor("init", "--replace-known")
    shutil.rmtree(stage.path("repository"))
    write(stage.path("repository/something"), "else")
    stage.did("there is a directory with something else")
    stage.salvor("init", "--replace-known", expect=(0, 7))
    write(stage.config, CONFIG.replace('"repository"', '"/proc/repository"'))
    stage.did("a repository in a place that can't be written to")
    stage.salvor("init", expect=4)


@in_every_mode
def by_passphrase(stage):
    write(stage.config, BY_PASSPHRASE)
    stage.fill()
    stage.salvor("init")
    stage.salvor("keys", "list")
    write(stage.path("passphrase"), "wrong\n", 0o600)
    stage.did("a wrong passphrase")
    stage.salvor("points", expect=3)
    stage.salvor("backup", expect=3)
    stage.salvor("config", "check", expect=3)
    stage.salvor("status", expect=3)
    write(stage.path("passphrase"), PASSPHRASE, 0o644)
    stage.did("a file that everybody can read")
    stage.salvor("points")
    write(stage.path("passphrase"), "\n", 0o600)
    stage.did("an empty passphrase")
    stage.salvor("points", expect=3)
    os.remove(stage.path("passphrase"))
    stage.did("no file")
    stage.salvor("points", expect=3)
    write(stage.config, BY_PASSPHRASE.replace('passphrase_file = "passphrase"',
                                              'passphrase_env = "SHOP_PASSPHRASE"'))
    stage.did("from the environment")
    stage.salvor("points", env={"SHOP_PASSPHRASE": PASSPHRASE})
    stage.salvor("points", expect=3)
    for command in ("echo oops >&2; exit 3", "true", f"echo {PASSPHRASE}"):
        write(stage.config, BY_PASSPHRASE.replace('passphrase_file = "passphrase"',
                                                  f"passphrase_command = '{command}'"))
        stage.did("from a command")
        stage.salvor("points", expect=(0, 3))


@in_every_mode
def keys(stage):
    stage.begin()
    stage.salvor("keys", "list")
    write(stage.path("second.txt"), "second passphrase\n", 0o600)
    stage.salvor("keys", "add", "--passphrase-file", "second.txt", "--label", "on paper")
    stage.salvor("keys", "add", "--passphrase-env", "THIRD", env={"THIRD": "third passphrase"})
    stage.salvor("keys", "add", "--passphrase-env", "THIRD", expect=3)
    stage.salvor("keys", "add", "--passphrase-command", "echo fourth passphrase", "--label",
                 "of a command")
    stage.salvor("keys", "add", "--passphrase-file", "none.txt", expect=3)
    stage.salvor("keys", "generate", "spare.key")
    stage.salvor("keys", "generate", "spare.key", expect=6)
    stage.salvor("keys", "generate", "/nowhere/key", expect=4, unbroken=True)
    recipient = stage.answer("keys", "generate", "other.key")["recipient"]
    stage.salvor("keys", "add", "--recipient", recipient, "--label", "spare")
    stage.salvor("keys", "add", "--recipient", recipient, "--label", "twin", expect=2)
    stage.salvor("keys", "add", "--recipient", "00ff", expect=2)
    stage.salvor("keys", "list")
    stage.salvor("keys", "rotate")
    stage.salvor("keys", "rotate", "--quiet")
    stage.salvor("keys", "list")
    found = stage.answer("keys", "list")["keys"]
    paper = next(key["id"] for key in found if key["label"] == "on paper")
    used = next(key["id"] for key in found if key["in_use"])
    stage.salvor("keys", "remove", paper)
    stage.salvor("keys", "remove", paper, expect=4)
    stage.salvor("keys", "remove", "xyz", expect=(2, 4))
    for key in found:
        if key["id"] not in (paper, used):
            stage.answer("keys", "remove", key["id"])
    stage.did("all but one are removed")
    stage.salvor("keys", "list")
    stage.salvor("keys", "remove", used, expect=6)
    stage.answer("keys", "add", "--recipient", recipient)
    stage.salvor("keys", "remove", used)
    stage.did("the one that the configuration names is removed")
    stage.salvor("keys", "list", expect=3)
    write(stage.config, CONFIG.replace('"key"', '"other.key"'))
    stage.did("the configuration names another")
    stage.salvor("keys", "list")
    os.rename(stage.path("repository"), stage.path("away"))
    for words in (["keys", "list"], ["keys", "rotate"], ["keys", "remove", used]):
        stage.salvor(*words, expect=4)


@in_modes("80")
def coloured(stage):
    colour = {"NO_COLOR": None}
    stage.begin(BLOG)
    stage.salvor("status", env=colour)
    stage.salvor("status", env={"NO_COLOR": None, "TERM": "dumb"})
    stage.salvor("backup", "--store", "medai", expect=(2, 4), env=colour)
    stage.salvor("drill", "shop", env=colour)
    stage.salvor("runs", env=colour)
    stage.salvor("bakcup", expect=2, env=colour)
    stage.salvor("restore", "shop", "--plan", env=colour)
    stage.salvor("restore", "shop", "--confirm", "shop", env=colour)
    stage.salvor("restore", "--undo", "latest", "--confirm", "shop", env=colour)
    stage.configure("[service.shop.migrate]\nrun = 'exit 3'\nisolated = true\n")
    stage.salvor("restore", "shop", "--confirm", "shop", expect=1, env=colour)
    stage.salvor("status", env=colour)
    stage.salvor("verify", env=colour)
