"""From an exercise to its notebooks by nbgrader's own preprocessors: pure functions, always the same bytes."""

from collections import Counter
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader import preprocessors as nbgrader
from traitlets.config import Config

from perflab import words
from perflab.check.origin import WITHOUT
from perflab.check.seen import GRADE_ID
from perflab.course.errors import CourseError
from perflab.course.source import Cell, Exercise

# Of nbgrader: what a learner finds in place of a solution. nbgrader_config.py says the same.
STUBS = Config({"ClearSolutions": {"code_stub": {"python": "raise NotImplementedError  # write your code here"}}})
# nbgrader's order for a release, without what needs a database.
RELEASE = (
    nbgrader.LockCells,
    nbgrader.ClearSolutions,
    nbgrader.ClearOutput,
    nbgrader.CheckCellMetadata,
    nbgrader.ComputeChecksums,
    nbgrader.ClearHiddenTests,
    nbgrader.ClearMarkScheme,
    nbgrader.ComputeChecksums,
    nbgrader.CheckCellMetadata,
)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What nbgrader has to know of a cell, by role. A predict cell is the learner's alone.
FLAGS: dict[str, dict[str, bool]] = {
    "given": {"grade": False, "solution": False, "locked": True, "task": False},
    "answer": {"grade": False, "solution": True, "locked": False, "task": False},
    "tests": {"grade": True, "solution": False, "locked": True, "task": False},
    "show": {"grade": False, "solution": False, "locked": True, "task": False},
    "explain": {"grade": False, "solution": False, "locked": True, "task": True},
}
WRITTEN_ANSWER = "*Write your answer here.*"
MAX_STARS = 3


def facts(exercise: Exercise) -> str:
    """Return the line below an exercise's title: how hard it is, how long it takes, and what it gives."""
    stars = exercise.header.stars
    written = sum(cell.points or 0 for cell in exercise.of_role("explain"))
    points = words.counted(exercise.points, "point") + (
        f" and {written:g} for a written answer" if written else ""
    )
    return " · ".join(
        ("★" * stars + "☆" * (MAX_STARS - stars), words.counted(exercise.header.minutes, "minute"), points)
    )


def instructor(exercise: Exercise) -> NotebookNode:
    """Return the solved notebook, with hidden tests and mark schemes: what nbgrader takes as a source."""
    cells: list[NotebookNode] = []
    for cell in exercise.cells:
        # Ids say what a cell is and survive edits elsewhere; text cells are named after what they follow.
        cell_id = cell.grade_id or f"text_{len(cells)}_{exercise.path.stem}"[:64]
        new = new_markdown_cell if cell.kind == "markdown" else new_code_cell
        source = _source(cell, exercise.header.forbids) if cells else _with_facts(cell, exercise)
        cells.append(new(source, id=cell_id, metadata=_metadata(cell)))
        if cell.role == "explain":
            # nbgrader keeps a task's prompt whole only if the answer stands in a cell of its own.
            cells.append(new_markdown_cell(WRITTEN_ANSWER, id=f"{cell_id[:57]}_answer"))
    ids = Counter(cell.id for cell in cells)
    if twice := [name for name, times in ids.items() if times > 1]:
        # nbformat would draw a random id, another one each time.
        raise CourseError(f"{exercise.path}: two cells are named {twice[0]!r}; give one another grade_id")
    notebook = new_notebook(cells=cells, metadata={**METADATA, **_about(exercise)})
    notebook.nbformat_minor = 5
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise CourseError(f"{exercise.path}: no valid notebook: {error}") from error
    return notebook


def student(exercise: Exercise) -> NotebookNode:
    """Return the notebook that learners get: the same without solutions, hidden tests and mark schemes."""
    notebook = instructor(exercise)
    resources: dict[str, Any] = {}
    for preprocessor in RELEASE:
        notebook, resources = preprocessor(config=STUBS).preprocess(notebook, resources)
    return notebook


def to_bytes(notebook: NotebookNode) -> bytes:
    """Return the file of a notebook."""
    return (nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n").encode()


def _with_facts(cell: Cell, exercise: Exercise) -> str:
    """Return the first cell, with what an exercise is like below its title."""
    title, _, rest = cell.source.partition("\n")
    return f"{title}\n\n{facts(exercise)}\n\n{rest.lstrip()}".rstrip()


def _source(cell: Cell, forbids: tuple[str, ...]) -> str:
    if cell.role != "tests":
        return cell.source
    return f"{head(cell, forbids)}\n{cell.source}"


def head(cell: Cell, forbids: tuple[str, ...] = ()) -> str:
    """Return the first lines of a tests cell in a notebook: its checks know the cell and its hints by them.

    The second tells them which modules of perflab an answer may not use.
    """
    hints = ""
    if cell.hints:
        one, last = cell.hints
        hints = f", hint {one}" if one == last else f", hints {one}-{last}"
    first = f"{GRADE_ID}{cell.grade_id} ({words.counted(cell.points, 'point')}{hints})"
    return f"{first}\n{WITHOUT}{', '.join(forbids)}" if forbids else first


def _about(exercise: Exercise) -> dict[str, Any]:
    """Return what a judge has to know of an exercise as a whole."""
    return {"perflab": {"forbids": list(exercise.header.forbids)}} if exercise.header.forbids else {}


def _metadata(cell: Cell) -> dict[str, Any]:
    if cell.role not in FLAGS:
        return {}
    flags: dict[str, Any] = {"schema_version": 3, "grade_id": cell.grade_id, **FLAGS[cell.role]}
    if cell.points is not None:
        flags["points"] = cell.points
    # nbgrader's flags are the same for given and show; a judge runs the one and not the other.
    return {"nbgrader": flags, "perflab": {"role": cell.role}}
