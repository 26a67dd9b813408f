"""Maintenance mode: while the file settings.MAINTENANCE exists, nobody writes."""

import fcntl
import os

from django.conf import settings
from django.http import HttpResponse

READS = {"GET", "HEAD", "OPTIONS"}


def writes_are_held():
    return os.path.exists(settings.MAINTENANCE)


class Writes:
    """Refuses writes under maintenance, and says with each answer, in X-Writes, whether writes were
    open for as long as it was being made."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        held = writes_are_held()
        if request.method in READS:
            response = self.get_response(request)
        else:
            response = self.write(request)
        response["X-Writes"] = "held" if held or writes_are_held() else "open"
        return response

    def write(self, request):
        with open(settings.WRITES_LOCK, "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            # Only now: whoever got the lock in the meantime relies on no write coming after it.
            if writes_are_held():
                return HttpResponse("maintenance: try again soon\n", status=503,
                                    content_type="text/plain", headers={"Retry-After": "5"})
            return self.get_response(request)
