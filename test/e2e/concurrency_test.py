"""Many at once, and killed in the middle."""

import os
import random
import signal
import subprocess
import time
import unittest

from shop import CONFIG, SALVOR, ShopTest, manifest, write

SERVICES = 4
WRITERS = 8


class ManyAtOnce(ShopTest):
    def test_backups_of_the_same_and_of_different_services(self):
        self.fill()
        config = CONFIG
        for number in range(SERVICES):
            write(self.path(f"live/s{number}/file"), os.urandom(500_000))
            config += (f'[service.s{number}.store.files]\ntype = "files"\n'
                       f'path = "live/s{number}"\n')
        write(self.config, config)
        self.run_salvor("init")
        names = ["shop"] * (WRITERS - SERVICES) + [f"s{n}" for n in range(SERVICES)]
        processes = [subprocess.Popen([SALVOR, "-c", self.config, "--json", "backup", name],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                     for name in names]
        for process in processes:
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, (out + err).decode())
        points = self.json_of("points")["points"]
        self.assertEqual(sorted(point["service"] for point in points), sorted(names))
        self.assertTrue(self.json_of("verify", "--data")["sound"])
        for point in points:
            service = point["service"]
            self.run_salvor("restore", service, "--into", "out-" + point["id"], "--at",
                            point["id"])
            store, live = ("media", "media") if service == "shop" else ("files", service)
            self.assertEqual(manifest(self.path("out-" + point["id"], store)),
                             manifest(self.path("live", live)))


class Killed(ShopTest):
    def test_kill_and_go_on(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        self.fill()
        for number in range(40):
            write(os.path.join(self.media, f"more/{number}"), chance.randbytes(1_000_000))
        self.run_salvor("init")
        begin = time.monotonic()
        self.run_salvor("backup")
        whole_s = time.monotonic() - begin
        committed = 1
        for _ in range(6):
            for number in range(40):
                write(os.path.join(self.media, f"more/{number}"), chance.randbytes(1_000_000))
            process = subprocess.Popen([SALVOR, "-c", self.config, "backup"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=chance.uniform(0.05, whole_s))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.wait()
            committed += process.returncode == 0
            self.assertTrue(self.json_of("verify")["sound"])
            self.assertGreaterEqual(len(self.json_of("points")["points"]), committed)
        states = {run["state"] for run in self.json_of("runs")["runs"] if run["kind"] == "backup"}
        self.assertNotIn("running", states)
        self.run_salvor("backup")
        self.assertTrue(self.json_of("verify", "--data")["sound"])
        self.run_salvor("restore", "shop", "--into", "out")
        self.assertEqual(manifest(self.path("out/media")), manifest(self.media))

    def test_kill_a_restore_and_go_on(self):
        self.ready()
        process = subprocess.Popen([SALVOR, "-c", self.config, "restore", "shop", "--into",
                                    self.path("out")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path("out")) and process.poll() is None:
            pass
        process.kill()
        process.wait()
        self.run_salvor("restore", "shop", "--into", "out", "--delta")
        self.assertEqual(manifest(self.path("out/media")), manifest(self.media))


if __name__ == "__main__":
    unittest.main()
