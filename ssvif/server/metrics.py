"""What a server counts and times, for Prometheus."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """A registry of its own, so that several servers may be in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "ssvif_requests",
            "Requests, by route, method and status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._latency = Histogram(
            "ssvif_request_seconds",
            "Seconds from a request's first byte to its response's last one.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._parts = Histogram(
            "ssvif_part_seconds",
            "Seconds of each part of a pair's way.",
            ["part"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "ssvif_refused",
            "Requests, and pairs of batches, that were refused, by reason.",
            ["code"],
            registry=self.registry,
        )
        self._reloads = Counter(
            "ssvif_reloads",
            "Models that took another's place, or should have.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("done", "failed"):
            self._reloads.labels(outcome)
        self._model = Info("ssvif_model", "The served model.", registry=self.registry)

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, method, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def timed(self, parts: Mapping[str, float]) -> None:
        """Count what the parts of a pair's way took, in seconds."""
        for part, seconds in parts.items():
            self._parts.labels(part).observe(seconds)

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self._refused.labels(code).inc()

    def reloaded(self, *, done: bool) -> None:
        """Count a model that took another's place, or could not."""
        self._reloads.labels("done" if done else "failed").inc()

    def serves(self, **facts: str) -> None:
        """Say which model is served."""
        self._model.info(facts)

    def watch(self, name: str, words: str, value: Callable[[], float]) -> None:
        """Show a value as it is whenever it is asked for."""
        Gauge(name, words, registry=self.registry).set_function(value)
