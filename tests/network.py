"""Commands without a network, as a user who has none would run them."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

# Prefect's own server, where there is no other, is reached on loopback: that alone is brought up.
LOOPBACK = """
import fcntl, os, socket, struct, sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket() as device:
    fcntl.ioctl(device, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""
NO_NETWORK = ["unshare", "--map-root-user", "--net", sys.executable, "-c", LOOPBACK]


@cache
def missing_for_it():
    """Say why there can be no such namespace here, or nothing."""
    if shutil.which("unshare") is None:
        return "no unshare on this machine: apt-get install util-linux"
    tried = subprocess.run([*NO_NETWORK, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"a namespace without network is not permitted here: {tried.stderr.strip()}"
    return ""


def without_network(*command, folder, capture=False):
    """Run a command in a project as a user without a network would, and return what it said.

    Where there can be no such namespace, it has a network.
    """
    switches = ("DO_NOT_TRACK", "DVC_NO_", "MLFLOW_", "PREFECT_", "CI", "GITHUB_", "PYTEST_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(switches)}
    environment |= {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
        "PREFECT_HOME": str(folder / ".prefect"),
    }
    done = subprocess.run(
        [*(() if missing_for_it() else NO_NETWORK), *command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE if capture else None,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: exit code {done.returncode}"
    return done.stdout
