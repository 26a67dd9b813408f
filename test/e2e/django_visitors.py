"""People who use the shop without pause, and remember what they saw and what was promised them."""

import dataclasses
import hashlib
import itertools
import json
import os
import random
import struct
import threading
import time
import uuid
import zlib

PAUSE_S = 0.01


@dataclasses.dataclass
class Visit:
    """One request. `began` is when what it relies on was learnt: an address from a page that was
    read before may rightly be gone.   Units: seconds since 1970."""

    began: float
    ended: float
    sent: float
    method: str
    path: str
    status: int
    held: bool         # maintenance, for part of the time at least
    retry_after: bool
    fault: str = ""    # what is wrong with the page, on the face of it

    def __str__(self):
        return (f"{self.method} {self.path}: status {self.status} {self.fault} "
                f"[{self.began:.3f} to {self.ended:.3f}{', held' if self.held else ''}]")


@dataclasses.dataclass
class Promise:
    """Something that the shop acknowledged: it must never be lost."""

    began: float
    ended: float
    token: str
    part: str      # "order", "lines" or "uploads"
    content: dict


def picture(chance, side=40):
    """A PNG file that is like no other."""
    rows = b"".join(b"\0" + chance.randbytes(side) for _ in range(side))

    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def faults_of(orders):
    """What is wrong with a list of orders: what the shop promises always to hold, and does not."""
    for order in orders:
        owed = sum(line["quantity"] * line["price"] for line in order["lines"])
        if order["total"] != owed or not order["lines"]:
            yield f"order {order['token']}: total {order['total']}, its lines make {owed}"
        for upload in order["uploads"]:
            if upload["bytes_found"] != upload["bytes"]:
                yield f"{upload['file']}: {upload['bytes_found']} of {upload['bytes']} bytes"
            if not upload["thumbnail_found"]:
                yield f"{upload['thumbnail']}: missing"


class Visitors:
    """Threads that read and write over HTTP from start() to stop().   Threads: one at a time, but
    `visits` and `promises` may be copied at any time: they only grow."""

    def __init__(self, site, seed, readers=2, writers=2):
        self.visits = []
        self.promises = []
        self._site = site
        self._ended = threading.Event()
        self._numbers = itertools.count()
        self._troubles = []
        self._threads = [
            threading.Thread(target=self._go_on, args=(visit, random.Random(f"{seed} {number}")))
            for number, visit in enumerate([self._read] * readers + [self._write] * writers)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self._troubles:
            raise self._troubles[0]

    def until_promises(self, count, timeout_s=30):
        """Waits until so many more were made."""
        wanted = len(self.promises) + count
        deadline = time.monotonic() + timeout_s
        while len(self.promises) < wanted:
            if time.monotonic() > deadline or self._troubles:
                last = "\n".join(map(str, self.visits[-5:]))
                raise AssertionError(f"the shop takes no orders: {self._troubles}\n{last}")
            time.sleep(0.01)

    def _go_on(self, visit, chance):
        try:
            while not self._ended.is_set():
                visit(chance)
                time.sleep(PAUSE_S)
        except Exception as error:  # must not end silently in its thread
            self._troubles.append(error)

    def _visit(self, method, path, content=None, began=None):
        sent = time.time()
        status, headers, body = self._site.request(method, path, content)
        visit = Visit(began or sent, time.time(), sent, method, path, status,
                      headers.get("X-Writes") == "held", bool(headers.get("Retry-After")))
        self.visits.append(visit)
        return visit, body

    def _read(self, chance):
        newest, body = self._visit("GET", "/orders.json?newest=20")
        if newest.status != 200:
            return
        orders = json.loads(body)["orders"]
        newest.fault = "; ".join(faults_of(orders))
        uploads = [upload for order in orders for upload in order["uploads"]]
        if uploads:
            self._look_at(chance.choice(uploads), newest.began)
        page, body = self._visit("GET", chance.choice(["/", "/health"]))
        if page.status == 200 and not (b"Newest orders" in body or body == b"healthy\n"):
            page.fault = "not the page that it should be"

    def _look_at(self, upload, began):
        """A picture that a page showed is served, and so is its thumbnail."""
        file, body = self._visit("GET", "/media/" + upload["file"], began=began)
        if file.status == 200 and hashlib.sha256(body).hexdigest() != upload["sha256"]:
            file.fault = "other content than was uploaded"
        small, body = self._visit("GET", "/media/" + upload["thumbnail"], began=began)
        if small.status == 200 and not body.startswith(b"\x89PNG"):
            small.fault = "no picture"

    def _write(self, chance):
        """An order, one line more, and a picture."""
        token = uuid.UUID(bytes=chance.randbytes(16)).hex
        line = {"what": f"item {next(self._numbers)}", "quantity": chance.randint(1, 9),
                "price": chance.randint(1, 999)}
        order = {"token": token, "customer": f"visitor{chance.randint(1, 9)}@example.org",
                 "lines": [line]}
        began = self._promised("order", "/orders/new", order, order, token)
        if began is None:
            return
        line = {**line, "what": f"item {next(self._numbers)}"}
        self._promised("lines", f"/orders/{token}/lines", line, line, token, began)
        content = picture(chance)
        self._promised("uploads", f"/orders/{token}/uploads", content,
                       {"sha256": hashlib.sha256(content).hexdigest()}, token, began)

    def _promised(self, part, path, content, remembered, token, began=None):
        """When it began, if the shop acknowledged it."""
        visit, body = self._visit("POST", path, content, began)
        if visit.status != 201:
            return None
        if part == "uploads":
            remembered = {**remembered, "file": json.loads(body)["file"]}
        self.promises.append(Promise(visit.sent, visit.ended, token, part, remembered))
        return visit.began


def broken_promises(promises, orders, media):
    """Which of them the shop does not keep; `orders` as Site.orders() has them."""
    for promise in promises:
        order = orders.get(promise.token)
        if order is None:
            yield f"order {promise.token} is gone"
        elif promise.part == "order" and promise.content["lines"][0] not in order["lines"]:
            yield f"order {promise.token}: {promise.content['lines'][0]} not in {order['lines']}"
        elif promise.part == "lines" and promise.content not in order["lines"]:
            yield f"order {promise.token}: {promise.content} not in {order['lines']}"
        elif promise.part == "uploads":
            yield from broken_upload(promise, order, media)


def broken_upload(promise, order, media):
    file, sha256 = promise.content["file"], promise.content["sha256"]
    if (file, sha256) not in [(u["file"], u["sha256"]) for u in order["uploads"]]:
        yield f"order {promise.token}: {file} is not listed"
        return
    try:
        with open(os.path.join(media, file), "rb") as content:
            if hashlib.sha256(content.read()).hexdigest() != sha256:
                yield f"{file}: other content than was uploaded"
    except FileNotFoundError:
        yield f"{file} is gone"
