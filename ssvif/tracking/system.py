"""Processor, memory, disk, network and GPU of a running stage, as MLflow measures them.

They go to MLflow alone, under `system/`: a record on disk knows nothing of the machine.
"""

import logging
from collections.abc import Callable

from ssvif.tracking.failures import reason
from ssvif.tracking.store import tracking_uri

logger = logging.getLogger(__name__)


def watch_system(run_id: str) -> Callable[[], None]:
    """Measure from a thread of its own; where that cannot be done, nothing is measured.

    A sample is taken every ten seconds, or as `MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL` says.

    Args:
        run_id: The run in MLflow; it must be RUNNING.

    Returns:
        What ends it.
    """
    try:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        # That it begins and ends is no news, and a store that fails is told of once, elsewhere.
        logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)
        monitor = SystemMetricsMonitor(run_id, tracking_uri=tracking_uri())
        monitor.start()
    # MLflow, psutil and drivers share no base class.
    except Exception as error:
        logger.info("the machine is not measured (%s)", reason(error))
        return lambda: None
    stop: Callable[[], None] = monitor.finish
    return stop
