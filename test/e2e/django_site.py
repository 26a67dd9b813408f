"""The Django shop of django_shop/ as a running site in a temporary directory."""

import http.client
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
import urllib.parse

from django_visitors import Visitors
from shop import ShopTest, write

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "django_shop/src")
# Debian's own: python3-django belongs to no other.
PYTHON = "/usr/bin/python3"

# What every command of the service goes through: it sees the data that it is told of, and no other,
# and leaves a line about that.
HOOK = """\
#!/bin/sh -eu
export SHOP_DATABASE="$SALVOR_STORE_DB" SHOP_MEDIA="$SALVOR_STORE_MEDIA"
echo "$SALVOR_MODE $SALVOR_RUN $SALVOR_SERVICE $SALVOR_POINT $SHOP_DATABASE $SHOP_MEDIA $*" \\
  >> {root}/hooks.log
exec {python} {root}/app/src/manage.py "$@"
"""

# Lock and unlock leave the times between which nobody wrote for certain, and what the data was.
LOCK = """\
#!/bin/sh -eu
touch {root}/maintenance
flock {root}/writes.lock true
date +%s.%N >> {root}/held.log
sh {root}/look held
"""
UNLOCK = """\
#!/bin/sh -eu
sh {root}/look released
date +%s.%N >> {root}/released.log
rm -f {root}/maintenance
"""
FILES = "find . -path ./thumbnails -prune -o -type f -exec sha256sum {} + | sort"
# Into seen/held.1, seen/held.2, …: the rows; and in .files what uploads there are.
LOOK = """\
mkdir -p {root}/seen
number=$(cat {root}/$1.log 2> /dev/null | wc -l)
[ "$1" = held ] || number=$((number + 1))
sqlite3 -cmd '.timeout 10000' 'file:{root}/live/shop.db?mode=rw' .dump \
  > {root}/seen/$1.$number 2>&1 || true
exec > {root}/seen/$1.$number.files 2>&1
cd {root}/live/media || exit 0
{files}
"""


def dump_of(database):
    """The rows, as LOOK has them."""
    return subprocess.run(["sqlite3", f"file:{database}?mode=rw", ".dump"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def files_of(media):
    """The uploads, as LOOK has them."""
    return subprocess.run(FILES, shell=True, check=True, cwd=media, stdout=subprocess.PIPE,
                          text=True).stdout


class Site:
    """The application, its data below `root`/live, and its server.   Threads: request() any, with a
    connection each."""

    def __init__(self, root, journal_mode="wal"):
        self.root = root
        self.database = os.path.join(root, "live/shop.db")
        self.media = os.path.join(root, "live/media")
        self.flag = os.path.join(root, "maintenance")
        self.lock, self.unlock = os.path.join(root, "lock"), os.path.join(root, "unlock")
        self.environment = {
            **os.environ, "SHOP_DATABASE": self.database, "SHOP_MEDIA": self.media,
            "SHOP_MAINTENANCE": self.flag, "SHOP_JOURNAL_MODE": journal_mode,
            "SHOP_WRITES_LOCK": os.path.join(root, "writes.lock")}
        self.log = os.path.join(root, "server.log")
        self.address = None
        self.server = None
        self._connections = threading.local()
        shutil.copytree(SOURCE, os.path.join(root, "app/src"))
        os.makedirs(self.media)
        self.hook = os.path.join(root, "hook")
        for path, script in ((self.hook, HOOK), (self.lock, LOCK), (self.unlock, UNLOCK),
                             (os.path.join(root, "look"), LOOK)):
            write(path, script.format(root=root, python=PYTHON, files=FILES), 0o755)

    def manage(self, *arguments, check=True):
        """A command of manage.py on the live data."""
        return subprocess.run([PYTHON, os.path.join(self.root, "app/src/manage.py"), *arguments],
                              env=self.environment, stdin=subprocess.DEVNULL, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=check)

    def start(self):
        with open(self.log, "ab") as log:
            self.server = subprocess.Popen(
                [PYTHON, os.path.join(self.root, "app/src/manage.py"), "serve"],
                env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        line = self.server.stdout.readline().decode().strip()
        self.address = urllib.parse.urlsplit(line).netloc
        if not self.address:
            self.stop()
            with open(self.log, encoding="utf-8") as log:
                raise AssertionError("the shop does not start:\n" + log.read())

    def stop(self):
        if self.server is not None:
            self.server.stdin.close()
            try:
                self.server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
            self.server.stdout.close()

    def url(self, path):
        return f"http://{self.address}{path}"

    def request(self, method, path, content=None):
        """(status, headers, body); status 0 when there was no answer."""
        body = content if content is None or isinstance(content, bytes) else json.dumps(content)
        connection = getattr(self._connections, "one", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.address, timeout=60)
            self._connections.one = connection
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return 0, {}, str(error).encode()

    def orders(self):
        """{token: order} of all orders, as the site shows them."""
        status, _, body = self.request("GET", "/orders.json")
        if status != 200:
            raise AssertionError(f"orders.json: status {status}")
        return {order["token"]: order for order in json.loads(body)["orders"]}

    def shell(self, command):
        subprocess.run(["/bin/sh", "-c", command], check=True, timeout=60)

    def times(self, name):
        """When writes were "held" or "released", in seconds."""
        path = os.path.join(self.root, name + ".log")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as log:
            return [float(line) for line in log]

    def seen(self, name):
        """(rows, uploads) as they were at "held.N" or "released.N"."""
        found = []
        for path in (name, name + ".files"):
            with open(os.path.join(self.root, "seen", path), encoding="utf-8") as file:
                found.append(file.read())
        return tuple(found)

    def hooks(self):
        """What the commands of the service were told: a dict for each that ran."""
        path = os.path.join(self.root, "hooks.log")
        if not os.path.exists(path):
            return []
        names = ("mode", "run", "service", "point", "database", "media", "command")
        with open(path, encoding="utf-8") as log:
            return [dict(zip(names, line.rstrip("\n").split(" ", 6))) for line in log]

    def wait_until_healthy(self, timeout_s=10):
        deadline = time.monotonic() + timeout_s
        while (answer := self.request("GET", "/health"))[0] != 200:
            if time.monotonic() > deadline:
                raise AssertionError(f"not healthy: {answer[0]} {answer[2].decode()}")
            time.sleep(0.05)


class DjangoTest(ShopTest):
    """Each test gets a site of its own, with some orders, and visitors that are not there yet."""

    journal_mode = "wal"

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        print(f"seed {self.seed}")
        self.site = Site(self.root, self.journal_mode)
        self.site.manage("migrate", "orders", "0001")
        write(os.path.join(self.site.media, "logo.png"), bytes(range(256)) * 4)
        self.addCleanup(self.site.stop)
        self.site.start()
        self.visitors = Visitors(self.site, self.seed)
        self.addCleanup(self.visitors.stop)

    def sql(self, statements):
        """What somebody does to the database past the application."""
        connection = sqlite3.connect(self.site.database, timeout=30)
        connection.executescript(statements)
        connection.close()

    def faulty_visits(self, excused=()):
        """Visits that went wrong, but for those that touch one of the spans of time `excused`."""
        return [visit for visit in list(self.visitors.visits)
                if (visit.fault or visit.status != (201 if visit.method == "POST" else 200))
                and not visit.held
                and not any(visit.began <= end and visit.ended >= begin for begin, end in excused)]
