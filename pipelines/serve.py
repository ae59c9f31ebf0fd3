"""`python -m pipelines.serve`: runs the deployments of this project, as one process at a time.

It needs a Prefect server, named by PREFECT_API_URL; `python -m pipelines.deploy` brings one.
"""

import warnings

import typer
from prefect import serve
from prefect.settings import PREFECT_API_URL

from pipelines.deployments import HEARTBEAT_S, end_silent_runs, read_deployments
from ssvif import console
from ssvif.errors import ServiceError
from ssvif.params import load_params

_QUERY_S = 5


def main() -> None:
    """Register the deployments, and run them until interrupted."""
    if not PREFECT_API_URL.value():
        raise ServiceError(
            "no Prefect server is named; set PREFECT_API_URL, or run pipelines.deploy"
        )
    deployments = read_deployments(load_params().register_.name)
    end_silent_runs()
    # Said by Prefect whenever a process that serves is told to end.
    warnings.filterwarnings("ignore", message="coroutine 'Runner.astop' was never awaited")
    serve(
        *deployments,
        print_starting_message=False,
        query_seconds=_QUERY_S,
        heartbeat_seconds=HEARTBEAT_S,
    )


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
