"""Check what a schedule is made of."""

from typing import Any

import numpy as np


def require_tasks(durations: Any, workers: Any) -> np.ndarray:
    """Return the durations as an array of int64 or float64; raise if they are none, or workers is no count."""
    array = np.asarray(durations)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise TypeError(f"durations: a flat array of numbers, got {array.dtype} of shape {array.shape}")
    if array.size and not (np.isfinite(array).all() and array.min() >= 0):
        raise ValueError("durations: numbers of 0 or more; a task cannot last a negative or an endless time")
    if not isinstance(workers, int | np.integer) or workers < 1:
        raise ValueError(f"workers: a whole number of at least 1, got {workers!r}")
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def require_chunk(**sizes: Any) -> None:
    """Raise a ValueError unless each is a whole number of at least 1."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name}: a whole number of at least 1, got {size!r}")


def require_cost(**costs: Any) -> None:
    """Raise a ValueError unless each is a time of 0 or more."""
    for name, cost in costs.items():
        if not isinstance(cost, int | float | np.number) or not 0 <= cost < np.inf:
            raise ValueError(f"{name}: a time of 0 or more, got {cost!r}")


def require_parents(parents: Any, tasks: int) -> np.ndarray:
    """Return the parents as int64; raise unless each is -1 or a task with a lower number."""
    if parents is None:
        return np.full(tasks, -1, np.int64)
    array = np.asarray(parents)
    if array.shape != (tasks,) or array.dtype.kind not in "iu":
        raise TypeError(
            f"parents: one integer for each of the {tasks} tasks, -1 for none; got {array.shape} of {array.dtype}"
        )
    wrong = np.flatnonzero((array < -1) | (array >= np.arange(tasks)))
    if wrong.size:
        raise ValueError(
            f"parents: task {wrong[0]} has parent {array[wrong[0]]}; a parent has a lower number, or is -1"
        )
    return array.astype(np.int64)


def require_owner(owner: Any, tasks: int, workers: int) -> np.ndarray:
    """Return the workers of tasks as int64; raise unless there is one for each."""
    array = np.asarray(owner)
    if array.shape != (tasks,) or array.dtype.kind not in "iu":
        raise TypeError(
            f"owner: one integer for each of the {tasks} tasks, got {array.dtype} of shape {array.shape}"
        )
    if tasks and not (array.min() >= 0 and array.max() < workers):
        raise ValueError(f"owner: workers from 0 to {workers - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)
