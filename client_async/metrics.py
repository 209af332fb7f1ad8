"""What ops can measure: counters, gauges and histograms in Prometheus' form. No label ever holds a sequence's name."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

STEP_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds: a cached answer, a picture, a video, a vendor's bad day."""
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """Takes in what happened; safe from any thread."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("starsend_build", "This Starsend.", registry=registry).info({"version": version("starsend")})
        gauge = partial(Gauge, registry=registry)
        counter = partial(Counter, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self._waiting = gauge("starsend_steps_waiting", "Paid steps that wait for a thread.", ["provider"])
        self._in_flight = gauge("starsend_steps_in_flight", "Paid steps that run now.", ["provider"])
        step = "How long paid steps took, from sending to the saved file."
        self._step = histogram("starsend_step_seconds", step, ["provider", "outcome"], buckets=STEP_BUCKETS)
        self._queue = gauge("starsend_queue_depth", "Sequences that wait for a slot.", ["provider"])
        held = "1 while nothing is sent to a provider: quota, capacity, out of reach, or answers lost."
        self._held = gauge("starsend_provider_held", held, ["provider"])
        self._picks = counter("starsend_picks", "Picks decided.", ["verdict"])
        moves = "Sequences that came into a state."
        self._moves = counter("starsend_sequence_moves", moves, ["project", "state"])
        spend = "What the ledger holds, by kind of cost."
        self._spend = gauge("starsend_spend_dollars", spend, ["project", "kind"])
        polling = "1 where files are polled, 0 where the system reports changes."
        self._polling = gauge("starsend_watcher_polling", polling, ["project"])
        late = "How late the event loop is."
        self._lag = histogram("starsend_event_loop_lag_seconds", late, buckets=LAG_BUCKETS)
        self._projects: dict[str, set[tuple[Gauge | Counter, tuple[str, ...]]]] = {}
        self._modes: dict[str, str] = {}

    def step_queued(self, lane: str) -> None:
        """A paid step wants a thread."""
        self._waiting.labels(lane).inc()

    def step_started(self, lane: str) -> None:
        """It has one."""
        self._waiting.labels(lane).dec()
        self._in_flight.labels(lane).inc()

    def step_ended(self, lane: str, seconds: float, outcome: str) -> None:
        """It is over; ``outcome`` is ``done`` or ``failed``."""
        self._in_flight.labels(lane).dec()
        self._step.labels(lane, outcome).observe(seconds)

    def queue(self, lane: str, depth: int) -> None:
        """So many sequences wait for a slot."""
        self._queue.labels(lane).set(depth)

    def provider_held(self, provider: str, held: bool) -> None:
        """Whether nothing is sent to a provider for now."""
        self._held.labels(provider).set(held)

    def pick_decided(self, accepted: bool) -> None:
        """A pick was accepted or refused."""
        self._picks.labels("accepted" if accepted else "rejected").inc()

    def sequence_moved(self, project: str, state: str) -> None:
        """A sequence came into a state."""
        self._moves.labels(*self._of(project, self._moves, project, state)).inc()

    def spent(self, project: str, kind: str, dollars: Decimal) -> None:
        """What a project's ledger holds of one kind."""
        self._spend.labels(*self._of(project, self._spend, project, kind)).set(float(dollars))

    def watcher_mode(self, project: str, mode: str) -> None:
        """How changes of a project's files are noticed: ``events`` or ``polling``."""
        if self._modes.get(project) != mode:  # asked every second of five hundred projects
            self._modes[project] = mode
            self._polling.labels(*self._of(project, self._polling, project)).set(mode == "polling")

    def loop_lag(self, seconds: float) -> None:
        """How late the event loop was."""
        self._lag.observe(seconds)

    def project_gone(self, project: str) -> None:
        """A project is not served any more."""
        self._modes.pop(project, None)
        for metric, labels in self._projects.pop(project, ()):
            metric.remove(*labels)

    def page(self) -> bytes:
        """Everything, as Prometheus scrapes it."""
        return generate_latest(self.registry)

    def _of(self, project: str, metric: Gauge | Counter, *labels: str) -> tuple[str, ...]:
        self._projects.setdefault(project, set()).add((metric, labels))
        return labels
