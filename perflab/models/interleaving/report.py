"""A schedule that fails, as a table that a person can follow."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from perflab import words
from perflab.models.interleaving.machine import RETURN, Step
from perflab.models.interleaving.operations import Kind
from perflab.models.interleaving.remarks import reaches, remark, waits

HEADINGS = ("step", "thread", "operation", "value", "store buffers", "memory", "line", "source")
KINDS = {
    "check": "A schedule ends in a state that the check refuses",
    "always": "A schedule breaks the invariant",
    "raised": "A schedule makes a thread fail",
    "deadlock": "A schedule gets stuck",
    "history": "A schedule whose calls are not linearizable",
}
MISSING = "Without store buffers no schedule fails, so a fence is missing."
LEFT = "text-align:left"
MOST_SOURCE = 48  # characters of a source line


@dataclass(frozen=True)
class Row:
    """One step as texts.

    Attributes
    ----------
    step, thread : int
        The step counts from 1.
    line : str
        Function and line.
    source, operation, value, buffers, memory : str
    brief : str
        Operation and value in few words, for a picture.
    note : str
        What is remarkable about the step, or nothing.
    origin : int or None
        The step whose value this one reads from memory or takes out of the buffer.
    reads, writes, waits : bool
        Whether it reads, whether it changes memory, and whether it puts a store into the buffer.
    """

    step: int
    thread: int
    line: str
    source: str
    operation: str
    value: str
    buffers: str
    memory: str
    brief: str
    note: str
    origin: int | None
    reads: bool
    writes: bool
    waits: bool


def rows(violation: Any) -> list[Row]:
    """Return the steps of a violation as texts, with notes on what went wrong on the way."""
    names = [cell.name for cell in violation.cells]
    steps = violation.steps
    written = [s for s, cell in enumerate(violation.cells) if any(reaches(step, cell) for step in steps)]
    made = []
    for number, step in enumerate(violation.steps):
        operation, value = _words(step)
        note, origin = remark(violation.steps, number)
        memory = " ".join(f"{names[s]}={step.memory[s]}" for s in written if s < len(step.memory))
        stop = step.stop
        made.append(
            Row(
                number + 1,
                step.thread,
                f"{stop.function}:{stop.line}" if stop else "",
                _short(stop.text) if stop else "",
                operation,
                value,
                _buffers(step, names) if violation.memory == "tso" else "",
                memory,
                _brief(step, waits(steps, number)),
                note,
                None if origin is None else origin + 1,
                step.operation is not None and step.operation.kind in (Kind.LOAD, Kind.UPDATE),
                step.written and not waits(steps, number),
                waits(steps, number),
            )
        )
    return made


def _words(step: Step) -> tuple[str, str]:
    operation = step.operation
    cells = ", ".join(cell.name for cell in step.cells)
    if operation is None:
        return f"store of {cells} reaches memory", str(step.value)
    if operation.kind is Kind.INVOKE:
        return f"calls {operation.name}", f"({', '.join(map(str, operation.operands))})"
    if operation.kind is Kind.RESPOND:
        return f"returns from {operation.name}", str(step.value)
    if operation.kind is Kind.FENCE:
        return operation.name, ""
    if operation.kind is Kind.UPDATE and operation.name.startswith("compare_exchange"):
        half = len(operation.operands) // 2
        before, after = (_tuple(part) for part in (operation.operands[:half], operation.operands[half:]))
        return f"{operation.name} {cells}: {before} to {after}", "done" if step.written else "refused"
    if operation.kind is Kind.UPDATE:
        before = "" if step.value is None else f"was {step.value}"
        return f"{operation.name} {cells}, {_tuple(operation.operands)}", before
    return f"{operation.name} {cells}", str(step.value)


def _brief(step: Step, put: bool) -> str:
    operation, cells = step.operation, ", ".join(cell.name for cell in step.cells)
    if operation is None:
        return f"{cells} = {step.value} arrives"
    if operation.kind is Kind.INVOKE:
        return f"{operation.name}({', '.join(map(str, operation.operands))})"
    if operation.kind is Kind.RESPOND:
        return f"{operation.name} returns {step.value}"
    if operation.kind is Kind.LOAD:
        return f"{cells} is {step.value}"
    if operation.kind is Kind.STORE:
        return f"{cells} = {step.value}{' waits' if put else ''}"
    words, value = _words(step)
    return f"{words.replace('compare_exchange ', '')} {value}".strip()


def _tuple(values: tuple) -> str:
    return str(values[0]) if len(values) == 1 else str(values)


def _buffers(step: Step, names: list[str]) -> str:
    shown = []
    for thread, buffer in enumerate(step.buffers):
        waiting = [f"{names[slot]}={value}" for slot, value in buffer if slot != RETURN]
        if waiting:
            shown.append(f"{thread}: {' '.join(waiting)}")
    return "; ".join(shown)


def _short(source: str) -> str:
    return source if len(source) <= MOST_SOURCE else f"{source[: MOST_SOURCE - 3]}..."


def headline(exploration: Any) -> str:
    """Return in a sentence or two what was found."""
    found = exploration.violation
    model = {"tso": "total store order", "sc": "sequential consistency"}[exploration.memory]
    seen = f"{exploration.states:,} states under {model} in {words.duration(exploration.seconds)}"
    if found is None:
        ways = "" if exploration.schedules is None else f"{exploration.schedules:,} schedules, "
        return f"No schedule fails: {ways}{seen}."
    said = f"{KINDS[found.kind]}: {found.message}. "
    if found.memory == "tso":
        said += f"{MISSING} "
    return f"{said}({seen}.)"


def text(exploration: Any) -> str:
    """Return an exploration for a terminal."""
    found = exploration.violation
    return headline(exploration) if found is None else f"{headline(exploration)}\n\n{table(found)}"


def table(violation: Any) -> str:
    """Return the steps of a violation for a terminal."""
    made = rows(violation)
    texts = [_cells(row) for row in made]
    used = [i for i in range(len(HEADINGS)) if any(line[i] for line in texts)]
    widths = {i: max(len(HEADINGS[i]), *(len(line[i]) for line in texts)) for i in used}
    lines = [_line((HEADINGS[i], widths[i]) for i in used)]
    for row, line in zip(made, texts, strict=True):
        lines.append(_line((line[i], widths[i]) for i in used))
        if row.note:
            lines.append(f"{'':{widths[0]}}  ^ {row.note}")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    fields = (row.operation, row.value, row.buffers, row.memory, row.line, row.source)
    return str(row.step), str(row.thread), *fields


def _line(parts: Iterable[tuple[str, int]]) -> str:
    return "  ".join(f"{part:<{width}}" for part, width in parts).rstrip()


def as_html(exploration: Any) -> str:
    """Return an exploration for a notebook; readable in light and dark."""
    found = exploration.violation
    head = f"<p>{html.escape(headline(exploration))}</p>"
    if found is None:
        return head
    made = rows(found)
    texts = [_cells(row) for row in made]
    used = [i for i in range(len(HEADINGS)) if any(line[i] for line in texts)]
    body = ""
    for row, line in zip(made, texts, strict=True):
        body += f"<tr>{''.join(_cell(line[i], code=i >= 2) for i in used)}</tr>"
        if row.note:
            note = f"<em>{html.escape(row.note)}</em>"
            body += f'<tr><td></td><td colspan="{len(used) - 1}" style="{LEFT}">{note}</td></tr>'
    head_style = f"{LEFT};padding-right:1em"
    heads = "".join(f'<th scope="col" style="{head_style}">{HEADINGS[i]}</th>' for i in used)
    whole = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'{head}<div style="overflow-x:auto">{whole}</div>'


def _cell(words: str, code: bool) -> str:
    words = html.escape(words)
    inside = f"<code>{words}</code>" if code and words else words
    return f'<td style="{LEFT};white-space:nowrap;padding-right:1em">{inside}</td>'
