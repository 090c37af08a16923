"""What came of a schedule: who did what when, and what no schedule could beat."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from perflab import words

TASK, STEAL, QUEUE = "task", "steal", "queue"


@dataclass(frozen=True)
class Span:
    """A stretch of a worker's time.

    Attributes
    ----------
    worker : int
    start, end : int or float
    kind : {"task", "steal", "queue"}
        At work on a task, looking for one at another worker, or taking some from the common queue.
    task : int
        The task; -1 if there is none, as in a steal that found nothing.
    victim : int
        Where a steal looked; -1 otherwise.
    """

    worker: int
    start: float
    end: float
    kind: str
    task: int = -1
    victim: int = -1


@dataclass(frozen=True)
class Schedule:
    """A schedule of tasks on workers.

    Attributes
    ----------
    policy : str
    durations : ndarray
        Of the tasks.
    workers : int
    spans : tuple of Span
        In the order in which they begin; of those that begin together, the lower worker first.
    parents : ndarray of int64
        The task that spawns each task; -1 for those that are there from the start.
    """

    policy: str
    durations: np.ndarray
    workers: int
    spans: tuple[Span, ...]
    parents: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @cached_property
    def makespan(self) -> float:
        """When the last task is done."""
        return max((span.end for span in self.spans if span.kind == TASK), default=0)

    @cached_property
    def owner(self) -> np.ndarray:
        """The worker of each task (int64)."""
        owner = np.full(self.durations.size, -1, np.int64)
        for span in self.spans:
            if span.kind == TASK:
                owner[span.task] = span.worker
        return owner

    @property
    def steals(self) -> int:
        """Steals that got a task."""
        return sum(span.kind == STEAL and span.task >= 0 for span in self.spans)

    @property
    def failed_steals(self) -> int:
        """Steals that found nothing."""
        return sum(span.kind == STEAL and span.task < 0 for span in self.spans)

    @cached_property
    def busy(self) -> np.ndarray:
        """Time of each worker at work on tasks."""
        return self._time(TASK)

    @cached_property
    def overhead(self) -> np.ndarray:
        """Time of each worker for steals and for the common queue, up to the makespan."""
        return self._time(STEAL) + self._time(QUEUE)

    @cached_property
    def idle(self) -> np.ndarray:
        """Time of each worker with nothing to do, up to the makespan."""
        return self.makespan - self.busy - self.overhead

    def _time(self, kind: str) -> np.ndarray:
        total = np.zeros(self.workers, self.durations.dtype)
        for span in self.spans:
            if span.kind == kind:
                total[span.worker] += max(min(span.end, self.makespan) - span.start, 0)
        return total

    @cached_property
    def critical_path(self) -> float:
        """The longest chain of tasks that wait for each other: without spawning, the longest task."""
        until = self.durations.copy()
        for task, parent in enumerate(self.parents):  # a parent comes before its children
            if parent >= 0:
                until[task] += until[parent]
        return until.max(initial=0)

    @property
    def bound(self) -> float:
        """What no schedule can beat: all work shared evenly, or the critical path."""
        return max(self.durations.sum() / self.workers, self.critical_path)

    @property
    def efficiency(self) -> float:
        """All work over makespan times workers; 1 is perfect."""
        return float(self.durations.sum() / (self.makespan * self.workers)) if self.makespan else 1.0

    def __str__(self) -> str:
        makespan, bound, idle = map(words.number, (self.makespan, self.bound, self.idle.sum()))
        text = f"{self.policy}: makespan {makespan}, bound {bound}, idle {idle}"
        if self.steals or self.failed_steals:
            text += f", steals {self.steals} and {self.failed_steals} that found nothing"
        return text
