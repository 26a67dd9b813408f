"""Serves the shop on a port of the loopback interface that the kernel chooses, one thread a client.
The first line of output is the address. It ends when its standard input does, and so never outlives
who started it."""

import sys
import threading

from django.core.management.base import BaseCommand
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application


class Command(BaseCommand):
    help = __doc__
    # A shop with broken data says so on its pages; refusing to start would say less.
    requires_system_checks = []

    def handle(self, *args, **options):
        with ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler) as server:
            server.set_app(get_wsgi_application())
            self.stdout.write(f"http://127.0.0.1:{server.server_port}")
            self.stdout.flush()
            threading.Thread(target=server.serve_forever, daemon=True).start()
            sys.stdin.buffer.read()
