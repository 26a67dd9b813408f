"""A file system whose daemon reads each request and answers none, as one whose server is gone.

Whoever makes a system call on it waits where not even SIGKILL ends it, until the mount goes: so no
test may touch such a path itself."""

import ctypes
import os
import select
import struct
import subprocess
import threading

INIT = 26
GETATTR = 3
MS_NOSUID_NODEV = 2 | 4

libc = ctypes.CDLL(None, use_errno=True)


class DeadMount:
    """Mounted by the constructor. `root_answers`: what stat() asks of its root is answered."""

    def __init__(self, path, root_answers=False):
        self.path = path
        self.root_answers = root_answers
        self.lock = threading.Lock()
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0"
        if libc.mount(b"dead", os.fsencode(path), b"fuse", MS_NOSUID_NODEV, options.encode()) != 0:
            os.close(self.device)
            raise OSError(ctypes.get_errno(), "not permitted to mount")
        self.end, self.end_write = os.pipe()
        self.daemon = threading.Thread(target=self.serve, daemon=True)
        self.daemon.start()
        # Whatever a test does wrong, nothing waits for longer than this.
        self.watchdog = threading.Timer(100, self.give_up)
        self.watchdog.daemon = True
        self.watchdog.start()

    def serve(self):
        while True:
            ready, _, _ = select.select([self.device, self.end], [], [])
            if self.end in ready:
                return
            try:
                request = os.read(self.device, 1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                return
            _, code, unique = struct.unpack_from("<IIQ", request)
            if code == INIT:
                self.reply(unique, struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 16, 12, 4096, 1, 1,
                                               0, 0))
            elif code == GETATTR and self.root_answers:
                attributes = struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2,
                                         0, 0, 0, 4096, 0)
                self.reply(unique, struct.pack("<QII", 0, 0, 0) + attributes)

    def reply(self, unique, body):
        os.write(self.device, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)

    def give_up(self):
        """Ends all that waits: the last descriptor of the device aborts the connection."""
        with self.lock:
            if self.device is None:
                return
            self.watchdog.cancel()
            os.write(self.end_write, b"x")
            self.daemon.join()
            subprocess.run(["umount", "-l", self.path], check=False)
            for descriptor in (self.device, self.end, self.end_write):
                os.close(descriptor)
            self.device = None
