"""`ssvif serve` as users start it."""

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx

SECONDS = 60
MAIN = "from ssvif.cli.main import main; main()"


class Process:
    """A server as users start it."""

    def __init__(self, folder, *arguments, code=MAIN, **variables):
        self.said = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", "--port", "0", *arguments],
            cwd=folder,
            env={**os.environ, **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self.address = self.wait_for(r"listening at (\S+)").group(1)
        self.client = httpx.Client(base_url=self.address, timeout=SECONDS)

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line)

    @property
    def log(self):
        return "".join(self.said)

    def wait_for(self, pattern):
        return self.until(lambda: re.search(pattern, self.log))

    def until(self, condition):
        deadline = time.monotonic() + SECONDS
        while not (found := condition()):
            assert time.monotonic() < deadline, self.log
            assert self.process.poll() is None, self.log
            time.sleep(0.01)
        return found

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reading.join()
        self.process.stderr.close()


@contextmanager
def serving(folder, *arguments, **options):
    server = Process(folder, *arguments, **options)
    try:
        server.until(lambda: server.client.get("/readyz").status_code == 200)
        yield server
    finally:
        server.end()
