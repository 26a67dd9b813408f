"""What people are told to type next: whether it is there, whole, and right."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from shop import CONFIG, WRITES, SALVOR, ShopTest, write


class Unmounted(ShopTest):
    """A repository that this host's catalog knows, and that is not there."""

    COMMANDS = (["backup"], ["points"], ["status"], ["verify"], ["drill", "shop"],
                ["ls", "latest", "media"], ["restore", "shop", "--plan"], ["keys", "list"],
                ["restore", "shop", "--into", "x"], ["evidence", "list", "shop"])

    def known(self):
        return self.json_of("verify")["repository"]

    def put_away(self, mount_point):
        shutil.move(self.path("repository"), self.path("away"))
        if mount_point:
            os.mkdir(self.path("repository"))

    def test_what_is_not_mounted_is_not_made_anew(self):
        self.ready()
        known = self.known()
        for mount_point in (False, True):
            self.put_away(mount_point)
            for command in self.COMMANDS:
                with self.subTest(command, mount_point=mount_point):
                    self.fails(4, "not_found", *command,
                               text=[f"knows repository {known} at this URL", "may not be mounted",
                                     "salvor init --replace-known"])
            self.fails(6, "refused", "init", text=[known, "may not be mounted"])
            report = self.json_of("config", "check", expect=8)
            self.assertIn("may not be mounted", report["repository"]["problem"])
            self.assertFalse(os.path.exists(self.path("repository/salvor.json")))
            shutil.rmtree(self.path("repository"), ignore_errors=True)
            shutil.move(self.path("away"), self.path("repository"))
        self.run_salvor("backup")

    def test_it_is_known_from_its_beginning(self):
        self.fill()
        made = self.json_of("init")["repository"]
        self.put_away(True)
        self.fails(6, "refused", "init", text=made)
        again = self.json_of("init", "--replace-known")["repository"]
        self.assertNotEqual(made, again)
        self.run_salvor("backup")

    def test_where_none_was_known_init_is_named(self):
        self.fails(4, "not_found", "backup", text="create it with `salvor init`")
        self.run_salvor("init")
        self.fails(7, "conflict", "init")


# What people would copy: the program's name and a command.
COMMAND = re.compile(r"salvor (?:--json )?(?:backup|restore|runs|drill|points|verify|init|keys|ls|"
                     r"evidence|status|config)\b")
WRONG = CONFIG + WRITES + '[service.shop.migrate]\nrun = "exit 3"\nisolated = true\n'
WAITS = CONFIG + WRITES + ('[service.shop.migrate]\nrun = "touch there; while test ! -e go; do '
                          'sleep 0.05; done"\nisolated = true\n')


class WholeCommands(ShopTest):
    """Who was called with -c is told commands with it."""

    def setUp(self):
        super().setUp()
        self.ready()
        os.mkdir(self.path("of ours"))
        self.named = self.path("of ours/salvor.toml")
        self.write_config(CONFIG + WRITES)

    def write_config(self, text):
        write(self.config, text)
        write(self.named, text.replace('path = "live', 'path = "../live')
              .replace('"repository"', '"../repository"').replace('"key"', '"../key"')
              .replace('"state"', '"../state"'))

    def assert_whole(self, text, least=1):
        """Every command has the configuration, in quotes, as it has a blank."""
        self.assertEqual(COMMAND.findall(text), [], text)
        self.assertGreaterEqual(text.count(f"salvor -c '{self.named}' "), least, text)

    def told(self, *arguments, expect=0):
        done = self.run_salvor(*arguments, expect=expect, config=self.named)
        return done.out + done.err

    def test_in_text_and_in_json(self):
        self.assert_whole(self.told("status"))
        self.assert_whole(self.told("restore", "shop", expect=6), 2)
        self.assert_whole(self.told("restore", "shop", "--plan"))
        self.assert_whole(self.told("runs", "show", "nothing", expect=4))
        self.assert_whole(self.told("verify"))
        self.assert_whole(self.told("--json", "restore", "shop", expect=6), 2)
        error = self.json_of("restore", "shop", expect=6, config=self.named)["error"]
        self.assert_whole(error["hint"], 2)
        service = self.json_of("status", config=self.named)["services"][0]
        self.assert_whole("\n".join(service["reasons"]))

    def test_of_an_open_restore(self):
        self.write_config(WRONG)
        self.assert_whole(self.told("restore", "shop", "--confirm", "shop", expect=1), 4)
        run = self.restores()[0]["id"]
        self.assert_whole(self.told("runs", "show", run), 3)
        self.assert_whole(self.told("status"), 3)
        self.assert_whole(self.told("restore", "shop", "--plan", expect=7), 3)
        self.assert_whole(self.told("backup", expect=None), 0)
        # What is recorded is for everybody: it has nobody's configuration.
        self.assertNotIn("of ours", self.run_salvor("runs", "show", run).out)
        self.assertNotIn("of ours", self.run_salvor("--json", "evidence", "list", "shop").out)

    def test_the_runbook_names_its_configuration(self):
        self.assert_whole(self.told("runbook", "shop"), 8)
        text = self.run_salvor("runbook", "shop").out
        self.assertEqual(COMMAND.findall(text), [], text)

    def test_without_it_nothing_is_added(self):
        self.assertIn("salvor restore shop --confirm shop",
                      self.run_salvor("restore", "shop", expect=6).err)
        self.assertIn("see `salvor restore --help`",
                      self.told("restore", "shop", "--takeover", expect=2))


class OpenRestores(ShopTest):
    def test_the_plan_says_first_that_one_is_open_and_ends_like_the_restore(self):
        write(self.config, WRONG)
        self.ready()
        self.assertTrue(self.run_salvor("restore", "shop", "--plan").out.startswith("service "))
        self.run_salvor("restore", "shop", "--confirm", "shop", expect=1)
        run = self.restores()[0]["id"]
        refused = self.fails(7, "conflict", "restore", "shop", "--confirm", "shop", text=run)
        done = self.run_salvor("restore", "shop", "--plan", expect=7)
        self.assertTrue(done.out.startswith(f"open      restore {run} is open: resume it: "
                                            f"salvor restore --resume {run}; "), done.out)
        self.assertIn(f"salvor restore --undo {run} --confirm shop", done.err)
        self.assertIn("\nservice   shop\n", done.out)
        plan = self.json_of("restore", "shop", "--plan", expect=7)
        self.assertEqual((plan["open_restore"], plan["error"]["code"]), (run, "conflict"))
        self.assertEqual(plan["error"]["hint"], refused.json()["error"]["hint"])
        self.run_salvor("restore", "--undo", run, "--confirm", "shop")
        self.run_salvor("restore", "shop", "--plan")

    def test_a_running_one_is_not_to_be_resumed(self):
        write(self.config, WAITS)
        self.ready()
        with subprocess.Popen([SALVOR, "-c", self.config, "-q", "restore", "shop", "--confirm",
                               "shop"], cwd=self.root) as process:
            while not os.path.exists(self.path("there")) and process.poll() is None:
                time.sleep(0.02)
            run = self.restores()[0]["id"]
            follow = f"salvor runs show --follow {run}"
            try:
                reasons = self.json_of("status")["services"][0]["reasons"]
                self.assertIn(f"restore {run} is running: ", reasons[0])
                backup = self.run_salvor("backup", expect=None)
                plan = self.run_salvor("restore", "shop", "--plan", expect=7)
                other = self.run_salvor("restore", "shop", "--confirm", "shop", expect=7)
                runbook = self.run_salvor("runbook", "shop").out.partition("Known gaps")[2]
                self.assertIn(follow.partition(" ")[2], runbook)
                for text in ("\n".join(reasons), plan.out + plan.err, other.err):
                    self.assertIn(follow, text)
                    self.assertNotIn("--resume", text)
                self.assertNotIn("--resume", backup.err)
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.assertIn(f"salvor restore --resume {run}",
                              self.json_of("status")["services"][0]["reasons"][0])
            finally:
                write(self.path("go"), "")
                process.kill()


class Help(ShopTest):
    def test_help_of_a_command_is_its_help(self):
        for command in ([], ["restore"], ["keys", "add"], ["runs", "show"]):
            self.assertEqual(self.run_salvor("help", *command).out,
                             self.run_salvor(*command, "--help").out)
        done = self.run_salvor("help", "restroe", expect=2)
        self.assertIn("restore", done.err)


class FirstSteps(ShopTest):
    def test_status_says_what_to_type_before_the_first_backup(self):
        self.fill()
        self.assertIn("create it with `salvor init`", self.run_salvor("status", expect=4).err)
        self.run_salvor("init")
        reasons = self.json_of("status")["services"][0]["reasons"]
        self.assertIn("there is no good recovery point: take one: salvor backup shop", reasons)
        self.run_salvor("backup", "shop")

    def test_one_thing_is_one(self):
        self.ready()
        text = self.run_salvor("verify").out
        self.assertIn(": 1 point, 2 snapshots, ", text)
        self.assertNotRegex(text, r"\b1 (?!ms\b)[a-z]+s\b")


class Zones(ShopTest):
    ELSEWHERE = {"TZ": "Asia/Kolkata"}

    def zones(self, text):
        return set(re.findall(r"\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text))

    def test_an_output_has_one_zone(self):
        self.ready()
        self.run_salvor("drill", "shop")
        self.run_salvor("evidence", "export", "shop", "-o", "evidence.json")
        for command in (["evidence", "verify", "evidence.json"], ["evidence", "list", "shop"],
                        ["runbook", "shop"], ["status"], ["evidence", "show", "shop", "2"],
                        ["points"], ["runs"], ["runs", "show", "latest"]):
            text = self.run_salvor(*command, env=self.ELSEWHERE).out
            self.assertEqual(self.zones(text), {"+05:30"}, text)


class OlderCopies(ShopTest):
    def test_evidence_verify_says_that_the_repository_is_an_older_copy(self):
        self.ready()
        shutil.copytree(self.path("repository"), self.path("copy"))
        self.run_salvor("backup")
        known = self.json_of("verify")["repository"]
        shutil.rmtree(self.path("repository"))
        os.rename(self.path("copy"), self.path("repository"))
        done = self.run_salvor("evidence", "verify", expect=5)
        self.assertIn("this is an older copy of the repository", done.err)
        self.assertIn(f"salvor verify --accept-older-repository {known}", done.err)


class Damage(ShopTest):
    def test_an_object_that_is_damaged_twice_is_one(self):
        self.ready()
        pack = max(self.objects("packs"), key=os.path.getsize)
        os.chmod(pack, 0o600)
        with open(pack, "r+b") as file:
            for part in range(1, 10):
                file.seek(os.path.getsize(pack) * part // 10)
                file.write(b"damaged")
        report = self.json_of("verify", "--data", expect=5)
        damages = [each for each in report["findings"] if each["severity"] == "damage"]
        self.assertEqual(len({each["object"] for each in damages}), 1, damages)
        self.assertIn("found 1 damaged or missing object,", report["error"]["message"])

    def test_each_kind_of_object_is_counted_once(self):
        self.ready()
        self.run_salvor("restore", "shop", "--confirm", "shop")
        self.run_salvor("verify")
        shutil.copytree(self.path("repository"), self.path("whole"))
        shutil.copytree(self.path("state"), self.path("before"))
        for folder in ("packs", "index", "keys", "evidence", "journal", "claim"):
            for missing in (True, False):
                damaged = self.objects(folder)[0]
                os.chmod(damaged, 0o600)
                if missing:
                    os.remove(damaged)
                else:
                    write(damaged, b"rotten")
                report = self.run_salvor("--json", "verify", "--data", expect=None).json()
                with self.subTest(folder, missing=missing):
                    if "findings" in report and "error" in report:
                        self.assertIn("found 1 damaged or missing object,",
                                      report["error"]["message"], report["findings"])
                for was, now in (("whole", "repository"), ("before", "state")):
                    shutil.rmtree(self.path(now))
                    shutil.copytree(self.path(was), self.path(now))


class Owners(ShopTest):
    def test_a_group_is_called_a_group(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        self.fill()
        mine = os.path.join(self.media, "logo.png")
        for uid, gid, said in ((65534, 1, "the group"), (1, 65534, "the owner"),
                               (1, 1, "the owner and the group")):
            with self.subTest(said):
                for directory, folders, files in os.walk(self.media):
                    for name in folders + files + ["."]:
                        os.lchown(os.path.join(directory, name), 65534, 65534)
                os.chown(mine, uid, gid)
                for gone in ("repository", "state"):
                    shutil.rmtree(self.path(gone), ignore_errors=True)
                self.run_salvor("init")
                self.run_salvor("backup", "--store", "media")
                os.chmod(self.root, 0o777)
                subprocess.run(["chmod", "-R", "a+rwX", self.path("repository"),
                                self.path("state"), self.path("key")], check=True)
                shutil.copy(self.path("key"), self.path("key2"))
                os.chown(self.path("key"), 65534, 65534)
                os.chmod(self.path("key"), 0o600)
                shutil.rmtree(self.path("state"))
                point = self.json_of("points")["points"][0]["id"]
                shutil.rmtree(self.path("state"))
                done = self.run_salvor(
                    "restore", "shop", "--into", f"out-{uid}-{gid}", "--at", point, "--only",
                    "media", prefix=("setpriv", "--reuid=65534", "--regid=65534",
                                     "--clear-groups"))
                self.assertIn(f"could not restore {said} of logo.png", done.err)


class OtherHosts(ShopTest):
    def test_the_runbook_says_for_which_host_it_holds_and_what_to_type_on_another(self):
        write(self.config, 'host = "web-1"\n' + CONFIG)
        point = self.ready()
        self.run_salvor("drill", "shop")
        text = self.run_salvor("runbook", "shop").out
        self.assertIn("For host `web-1`, whose recovery points these commands restore.", text)
        # On another host: as it says, with the first line, or with the id.
        other = 'host = "web-2"\n'
        write(self.config, other + CONFIG)
        self.fails(6, "refused", "restore", "shop", "--plan")
        by_id = re.search(r"`salvor -c \S+ (restore shop --at \S+ --plan)`", text)[1]
        self.assertIn(point, by_id)
        self.run_salvor(*by_id.split())
        line = re.search(r"first write `(host = [^`]*)`", text)[1]
        write(self.config, line + "\n" + CONFIG)
        self.run_salvor("restore", "shop", "--plan")
        # On a bare machine.
        bare = re.search(r"```toml\n(.*?)```", text, re.S)[1]
        write(self.path("bare/salvor.toml"), bare)
        self.run_salvor("restore", "shop", "--into", "restored", cwd=self.path("bare"),
                        config=self.path("bare/salvor.toml"))

    def test_of_a_shared_service_it_holds_everywhere(self):
        write(self.config, CONFIG.replace('rpo = "1h"', 'rpo = "1h"\nshared = true'))
        self.ready()
        self.assertIn("On any host with this configuration", self.run_salvor("runbook", "shop").out)


SERVICE = '[service.shop.store.media]\ntype = "files"\npath = "live/media"\n'
SERVER = '[repository]\nurl = "repository"\nkey_file = "key"\n'


class WrongConfigurations(ShopTest):
    """Each has one mistake: the message says which, and the hint what to write."""

    WRONG = (
        "state_dir = 5\n" + SERVER + SERVICE,
        "holders_wait = true\n" + SERVER + SERVICE,
        SERVER + 'endpoint = "http://x"\n' + SERVICE,
        SERVER + "extra = 1\n" + SERVICE,
        "repository = 1\n" + SERVICE,
        SERVER + "service = 1\n",
        SERVER + "[service.shop]\nstore = 1\n",
        SERVER + "[service.shop]\nrpo = 15\n" + SERVICE,
        SERVER + '[service.shop]\nshared = "yes"\n' + SERVICE,
        SERVER + '[service.shop]\ncontacts = "me"\n' + SERVICE,
        SERVER + SERVICE + 'exclude = "cache"\n',
        SERVER + SERVICE + 'canary = "true"\n',
        SERVER + SERVICE + 'shrink = "100%"\n',
        SERVER + SERVICE + '[service.shop.retention]\nlast = -1\n',
        SERVER + SERVICE + '[service.shop.retention]\nlast = "4"\n',
        SERVER + SERVICE + '[service.shop.schedule]\nbackup = "every day"\n',
        SERVER + SERVICE + '[[service.shop.check]]\nname = "a"\nhttp = "localhost"\n',
        SERVER + SERVICE + '[[service.shop.check]]\nname = "a"\nhttp = "http://x"\nstatus = 9\n',
        SERVER + SERVICE + '[[service.shop.check]]\nname = "a"\nstore = "media"\nsql = "x"\n',
        SERVER + SERVICE + '[service.shop.check]\nname = "a"\nrun = "true"\n',
        SERVER + SERVICE + '[service.shop.watch]\nduration = "1m"\nevery = "1h"\n'
        '[[service.shop.watch.probe]]\nhttp = "http://x"\n',
        SERVER + SERVICE + "[service.shop.writes]\n",
        SERVER + SERVICE + "[service.shop.migrate]\n",
        SERVER + "[service.Shop]\n" + SERVICE,
        SERVER + "[service.shop.store.media]\n",
        "x = ",
        "",
    )

    def test_each_has_a_hint(self):
        self.fill()
        for text in self.WRONG:
            with self.subTest(text):
                write(self.config, text)
                error = self.json_of("config", "check", expect=3)["error"]
                self.assertNotEqual(error["hint"], "", error["message"])


if __name__ == "__main__":
    unittest.main()
