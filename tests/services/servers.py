"""Real services for tests, on loopback and free ports: PostgreSQL, S3, MLflow, Prefect."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

HOST = "127.0.0.1"
USER = "ssvif"
_PATIENCE_SECONDS = 120.0
# Not the user's own, and no secret: both stores live as long as the tests do.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian keeps off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def missing() -> list[str]:
    """Return what these tests need and this machine lacks, each with the way to get it."""
    packages = {
        "moto": "moto[server]",
        "boto3": "boto3",
        "dvc_s3": "dvc-s3",
        "psycopg2": "psycopg2",
    }
    absent = [pip for module, pip in packages.items() if find_spec(module) is None]
    lacks = []
    if postgres_programs() is None:
        lacks.append("PostgreSQL (apt-get install postgresql)")
    if absent:
        lacks.append(f"{', '.join(absent)} (pip install -e '.[services-test]')")
    return lacks


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> None:
    """Poll until something is so.

    Raises:
        TimeoutError: If it is not so in time.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether a server answers a GET, with whatever status."""
    try:
        httpx.get(url, timeout=5, trust_env=False)  # on this machine: never through a proxy
    except httpx.HTTPError:
        return False
    return True


class Service:
    """A server process in a group of its own.

    Args:
        command: The program and its arguments.
        ready: Whether it answers.
        environment: Variables beside those of this process.
        user: Who it runs as.
        url: Where it answers.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        url: str = "",
    ) -> None:
        self.url = url
        self._command = list(command)
        self._ready = ready
        self._environment = {**os.environ, **(environment or {})}
        self._user = user
        self.start()

    def start(self) -> None:
        """Start it and wait for it; also after `kill`."""
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by stop
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd="/",
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(self._ready_or_dead, self._command[0])
        except TimeoutError:
            self.kill()
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._command[0]} does not answer:\n{self.log()}")

    def _ready_or_dead(self) -> bool:
        return self._process.poll() is not None or self._ready()

    def log(self) -> str:
        """Return what the server printed."""
        self._log.seek(0)
        return self._log.read()

    def kill(self) -> None:
        """End it at once, as a power failure does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it in good order; PostgreSQL takes SIGINT for: do not wait for clients."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        self.kill()
        self._log.close()


class Postgres:
    """A PostgreSQL cluster whose files live in a folder; see `postgres`."""

    def __init__(self, folder: Path, user: str | None) -> None:
        programs = postgres_programs()
        assert programs is not None
        self._port = free_port()
        data = folder / "data"
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", data, f"--username={USER}", *options],
            user=user,
            extra_groups=[] if user else None,
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = {
            "listen_addresses": HOST,
            "port": self._port,
            "unix_socket_directories": folder,
            "fsync": "off",
            "max_connections": 200,
        }
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.service = Service(
            [str(programs / "postgres"), "-D", str(data), *flags], ready=self._answers, user=user
        )

    def url(self, database: str, scheme: str = "postgresql+psycopg2") -> str:
        return f"{scheme}://{USER}@{HOST}:{self._port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database and return its address."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement and return its rows."""
        import psycopg2

        connection = psycopg2.connect(self.url(database, "postgresql"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _answers(self) -> bool:
        import psycopg2

        try:
            self.execute("SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL cluster; it refuses root, who lends it to `postgres` or `nobody`."""
    user = None
    if os.getuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
    # Not below pytest's own folder, which is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="ssvif-pg-"))
    if user:
        shutil.chown(folder, user)
    try:
        cluster = Postgres(folder, user)
        try:
            yield cluster
        finally:
            cluster.service.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str], url: str, health: str, environment: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run a server until the block ends; its page `health` answers when it is ready."""
    service = Service(
        command, ready=lambda: answers(url + health), environment=environment, url=url
    )
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def s3_store() -> Iterator[dict[str, str]]:
    """Run an S3 store in memory; yields the environment that leads every client to it."""
    url = f"http://{HOST}:{(port := free_port())}"
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with running(command, url, "/moto-api/"):
        yield {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "MLFLOW_S3_ENDPOINT_URL": url}


def mlflow_server(store: str, artifacts: str) -> AbstractContextManager[Service]:
    """Run MLflow's server, as docs/services.md has it; artifacts pass through it."""
    port = str(free_port())
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", port]
    command += [
        "--workers",
        "1",
        "--backend-store-uri",
        store,
        "--artifacts-destination",
        artifacts,
    ]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return running(command, f"http://{HOST}:{port}", "/health", quiet)


def prefect_server(store: str, home: Path) -> AbstractContextManager[Service]:
    """Run Prefect's server; `store` is an address for an asynchronous driver."""
    port = str(free_port())
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", port]
    environment = {
        "PREFECT_HOME": str(home / ".prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": store,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",
    }
    return running(command, f"http://{HOST}:{port}", "/api/health", environment)
