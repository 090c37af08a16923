"""What a person should look at in a schedule: lost updates, ABA, loads that overtake a waiting store."""

from collections.abc import Callable
from typing import Any

from perflab.models.interleaving.machine import Step
from perflab.models.interleaving.operations import Kind


def remark(steps: list[Step], number: int) -> tuple[str, int | None]:
    """Return a note on a step, or nothing, and the number of the step from which its value comes.

    Steps are numbered from 0 here.
    """
    step = steps[number]
    if not step.cells:
        return "", None
    cell = step.cells[0]
    if step.operation is None:
        origin = _waiting(steps, number)[0]
        since = _last(steps, origin, lambda s: s.thread == step.thread and _reads(s, cell))
        return _overwritten(steps, number, since, cell), origin
    origin = None
    if _reads(step, cell):
        origin = _last_index(steps, number, lambda i: _in_memory(steps, i, cell))
    since = _last(steps, number, lambda s: s.thread == step.thread and _reads(s, cell))
    if step.operation.kind is Kind.LOAD:
        waiting = _waiting(steps, number)
        own = [i for i in waiting if cell in steps[i].cells]
        if own:
            return "", own[-1]
        if waiting:
            name = steps[waiting[0]].cells[0].name
            return f"reads memory while its own store of {name} (step {waiting[0] + 1}) still waits", origin
    elif step.operation.name.startswith("compare_exchange") and step.written:
        changed = _changes(steps, since, number, cell)
        if changed:
            return (
                f"ABA: succeeds, although {cell.name} was changed in step {changed[0] + 1} and changed back since "
                f"thread {step.thread} read it in step {since + 1}"
            ), origin
    elif step.operation.kind is Kind.STORE and _in_memory(steps, number, cell):
        return _overwritten(steps, number, since, cell), origin
    return "", origin


def reaches(step: Step, cell: Any) -> bool:
    """Tell whether a step writes a cell, if only in the buffer."""
    return step.written and cell in step.cells


def _overwritten(steps: list[Step], number: int, since: int | None, cell: Any) -> str:
    """Say that a store undoes another thread's, made after this thread last read the cell."""
    changed = _changes(steps, since, number, cell)
    if not changed:
        return ""
    last = changed[-1]
    return (
        f"overwrites what thread {steps[last].thread} wrote in step {last + 1}, after thread "
        f"{steps[number].thread} had read {cell.name} in step {since + 1}"
    )


def _changes(steps: list[Step], since: int | None, number: int, cell: Any) -> list[int]:
    """Return the steps between two, in which threads other than that of the second changed a cell."""
    if since is None:
        return []
    others = (i for i in range(since + 1, number) if steps[i].thread != steps[number].thread)
    return [i for i in others if _in_memory(steps, i, cell)]


def _reads(step: Step, cell: Any) -> bool:
    kinds = (Kind.LOAD, Kind.UPDATE)
    return step.operation is not None and step.operation.kind in kinds and cell in step.cells


def _in_memory(steps: list[Step], number: int, cell: Any) -> bool:
    """Tell whether a step changes what memory holds in a cell."""
    step = steps[number]
    return reaches(step, cell) and not waits(steps, number)


def waits(steps: list[Step], number: int) -> bool:
    """Tell whether a step is a store that goes into the buffer: there is one more in it than before."""
    step = steps[number]
    if step.operation is None or step.operation.kind is not Kind.STORE:
        return False
    before = steps[number - 1].buffers[step.thread] if number else ()
    return len(step.buffers[step.thread]) > len(before)


def _waiting(steps: list[Step], number: int) -> list[int]:
    """Return the steps whose stores wait in the buffer of a step's thread before that step, oldest first."""
    thread = steps[number].thread
    mine = [i for i in range(number) if steps[i].thread == thread]
    puts = [i for i in mine if waits(steps, i)]
    return puts[sum(steps[i].operation is None for i in mine) :]


def _last(steps: list[Step], number: int, wanted: Callable[[Step], bool]) -> int | None:
    return _last_index(steps, number, lambda i: wanted(steps[i]))


def _last_index(steps: list[Step], number: int, wanted: Callable[[int], bool]) -> int | None:
    return next((i for i in range(number - 1, -1, -1) if wanted(i)), None)
