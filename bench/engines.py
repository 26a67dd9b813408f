"""The programs that are compared. Each is used as its manual says: encrypted, compressed."""

import os
import subprocess

import measure

PASSPHRASE = "a passphrase for benchmarks only"


class Engine:
    """One program with one repository for one dataset.

    `folder` is the benchmark's; everything that the program writes, caches included, lies there.
    """
    name = ""
    program = ""

    def __init__(self, folder, dataset):
        self.dataset = dataset
        self.place = os.path.join(folder, "engines", f"{self.name}-{os.path.basename(dataset)}")
        self.repository = os.path.join(self.place, "repository")
        self.log = os.path.join(folder, f"{self.name}.log")
        self.backups = 0
        self.environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "HOME": os.path.join(self.place, "home"),
            "XDG_CACHE_HOME": os.path.join(self.place, "cache"),
            "XDG_STATE_HOME": os.path.join(self.place, "state"),
        }

    def reset(self):
        """Begins anew, with an empty repository and empty caches."""
        self.remove()
        for path in (self.place, self.environment["HOME"]):
            os.makedirs(path, mode=0o700)
        self.passphrase_file = os.path.join(self.place, "passphrase")
        with open(self.passphrase_file, "w", encoding="ascii",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(PASSPHRASE + "\n")
        self.backups = 0
        self.prepare()
        for command in self.init_commands():
            self.run(command, self.place)

    def remove(self):
        subprocess.run(["rm", "-rf", self.place], check=True)

    def run(self, argv, cwd):
        return measure.run([self.program, *argv], self.environment, cwd, self.log)

    def backup(self):
        self.backups += 1
        return self.run(self.backup_command(), self.dataset)

    def restore(self, target):
        """Restores the newest backup below `target`, which is empty."""
        return self.run(self.restore_command(target), target)

    def restored(self, target):
        """Where restore() put what corresponds to the dataset."""
        return target

    def stored_bytes(self):
        return measure.stored_bytes(self.repository)

    def prepare(self):
        """Whatever must be written before init_commands()."""

    @classmethod
    def version(cls):
        return subprocess.run([cls.program, *cls.version_command()], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.split("\n")[0]

    @staticmethod
    def version_command():
        return ["--version"]


class Salvor(Engine):
    name = "salvor"
    program = os.environ.get("SALVOR") or os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "salvor")

    def prepare(self):
        self.config = os.path.join(self.place, "salvor.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'state_dir = "{self.place}/state"\n\n'
                       f'[repository]\nurl = "{self.repository}"\n'
                       f'passphrase_file = "{self.passphrase_file}"\n\n'
                       f'[service.bench.store.data]\ntype = "files"\npath = "{self.dataset}"\n')

    def init_commands(self):
        return [["-c", self.config, "init"]]

    def backup_command(self):
        return ["-c", self.config, "--json", "backup", "bench"]

    def restore_command(self, target):
        return ["-c", self.config, "restore", "bench", "--into", target]

    def restored(self, target):
        return os.path.join(target, "data")


class Restic(Engine):
    name = "restic"
    program = "restic"

    def prepare(self):
        self.environment |= {"RESTIC_REPOSITORY": self.repository,
                             "RESTIC_PASSWORD_FILE": self.passphrase_file,
                             "RESTIC_CACHE_DIR": os.path.join(self.place, "cache")}

    def init_commands(self):
        return [["init", "--repository-version", "2"]]

    def backup_command(self):
        return ["backup", "--compression", "auto", "."]

    def restore_command(self, target):
        return ["restore", "latest", "--target", target]

    @staticmethod
    def version_command():
        return ["version"]


class Borg(Engine):
    name = "borg"
    program = "borg"

    def prepare(self):
        self.environment |= {"BORG_REPO": self.repository, "BORG_PASSPHRASE": PASSPHRASE,
                             "BORG_BASE_DIR": self.place}

    def init_commands(self):
        return [["init", "--encryption", "repokey-blake2"]]

    def backup_command(self):
        return ["create", "-C", "zstd,3", f"::backup-{self.backups}", "."]

    def restore_command(self, target):
        return ["extract", "--numeric-ids", f"::backup-{self.backups}"]


def beside(program):
    """Another build of salvor, to be measured in the same run. Takes the program's path."""
    return type("Beside", (Salvor,), {"name": "beside", "program": program})


ENGINES = {engine.name: engine for engine in (Salvor, Restic, Borg)}
