"""A learner's notebook beside the course's own: what was deleted, changed or doubled, and what grading runs."""

import json
from collections import Counter
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from perflab.course.form import restored
from perflab.course.grade_id import grade_id_of

# By role: what is said of a cell that is missing, or that is not the course's.
DELETED = {
    "tests": "this tests cell was deleted. It was run all the same, as grading does.",
    "answer": "this cell was deleted, and with it your answer. Write it again, or take it from a copy.",
    "given": "this cell was deleted. The course's own was run, as grading does.",
}
CHANGED = "this cell was changed. The course's own was run, as grading does."
OLDER = (
    "this cell is of an earlier version of the exercise and was run as it is. For the present version give your "
    "copy another name and run `perflab work`."
)
TWICE = "this cell is in the notebook {times} times. Keep one."
AS_TEXT = "this cell was turned into text. It was run as code; turn it back."


def course_of(place: Path) -> Path | None:
    """Return the course that a folder or file is in: the nearest folder above with exercises."""
    place = place.resolve()
    return next((folder for folder in (place, *place.parents) if any(folder.glob("exercises/*/*.ipynb"))), None)


def exercises_of(root: Path) -> dict[str, Path]:
    """Return the course's own notebooks by their names, such as ``memory/soa_vs_aos``."""
    folder = root / "exercises"
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.glob("*/*.ipynb"))}


def copy_of(path: Path) -> tuple[Path, str] | None:
    """Return the course and the exercise that a path is a learner's copy of, by where it lies in work/."""
    root = course_of(path.parent)
    if root is None or not path.resolve().is_relative_to(root / "work"):
        return None
    name = path.resolve().relative_to(root / "work").with_suffix("").as_posix()
    return (root, name) if name in exercises_of(root) else None


def original_of(path: Path, notebook: NotebookNode) -> NotebookNode | None:
    """Return the course's notebook that a learner's is a copy of, wherever it lies and whatever it is called.

    Its cells say which it is; where none of them does, its name.
    """
    root = course_of(path.parent)
    if root is None:
        return None
    claimed = {grade_id_of(cell) for cell in notebook.cells}
    shared = {source: len(claimed & _ids(source)) for source in exercises_of(root).values()}
    best = max(shared, key=lambda source: (shared[source], source.stem == path.stem))
    if not shared[best] and best.stem != path.stem:
        return None
    return nbformat.read(best, as_version=4)


def _ids(path: Path) -> set[str]:
    cells = json.loads(path.read_bytes())["cells"]
    return {cell["id"] for cell in cells if "nbgrader" in cell["metadata"]}


def role_of(cell: NotebookNode) -> str:
    """Return the role of a released cell; "own" for one that the learner added, and for a guess."""
    flags = cell.metadata.get("nbgrader", {})
    if cell.cell_type != "code":
        return "text"
    if role := cell.metadata.get("perflab", {}).get("role"):
        return role
    return "tests" if flags.get("grade") else "answer" if flags.get("solution") else "given" if flags else "own"


def as_graded(notebook: NotebookNode, original: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return a learner's notebook as grading would run it, and what had to be put right, a sentence each.

    Cells that are locked are the course's, whatever a copy says. A copy of an earlier version of the exercise
    keeps its own, if nobody changed them.
    """
    known = {cell.metadata.nbgrader.grade_id: cell for cell in original.cells if "nbgrader" in cell.metadata}
    times = Counter(name for cell in notebook.cells if (name := grade_id_of(cell)) in known)
    said = {
        name: DELETED[role_of(cell)]
        for name, cell in known.items()
        if not times[name] and role_of(cell) in DELETED
    }
    said |= {name: TWICE.format(times=n) for name, n in times.items() if n > 1 and role_of(known[name]) in DELETED}
    notebook, seen = deepcopy(notebook), set()
    older: dict[str, float] = {}
    for i, cell in enumerate(notebook.cells):
        name = grade_id_of(cell)
        if name not in known or name in seen or known[name].cell_type != "code":
            continue
        seen.add(name)
        if cell.cell_type != "code":
            said[name] = AS_TEXT
            metadata = cell.metadata
            notebook.cells[i] = cell = new_code_cell(cell.source, id=cell.get("id", name), metadata=metadata)
        if not known[name].metadata.nbgrader.locked or cell.source.strip() == known[name].source.strip():
            continue
        if _is_as_released(cell):
            said[name] = OLDER
            older[name] = cell.metadata.nbgrader.get("points", 0)
        else:
            said[name] = CHANGED
            cell.source = known[name].source
            cell.outputs, cell.execution_count = [], None  # of other code
    notebook.cells = restored(notebook.cells, deepcopy(known))
    for cell in notebook.cells:
        if (
            name := cell.metadata.get("nbgrader", {}).get("grade_id")
        ) in older and "points" in cell.metadata.nbgrader:
            cell.metadata.nbgrader.points = older[name]
    return notebook, [f"{name}: {said[name]}" for name in known if name in said]


def _is_as_released(cell: NotebookNode) -> bool:
    """Tell whether a cell is what its own checksum says."""
    from nbgrader.utils import compute_checksum  # takes its time, and most cells are as they were

    flags = cell.metadata.get("nbgrader", {})
    try:
        return bool(flags.get("checksum")) and flags["checksum"] == compute_checksum(cell)
    except (AttributeError, KeyError, TypeError):
        return False


def code_of(notebook: NotebookNode, original: NotebookNode | None) -> str:
    """Return a short hash of what a learner has written: the answers, and cells of their own, but not a guess."""
    roles = {grade_id_of(cell): role_of(cell) for cell in original.cells} if original else {}
    digest = sha256()
    for cell in notebook.cells:
        name = grade_id_of(cell)
        # A cell that is the course's and that grading does not know is a guess.
        counts = roles[name] == "answer" if name in roles else role_of(cell) in ("answer", "own")
        if counts:
            digest.update(sha256(cell.source.strip().encode()).digest())
    return digest.hexdigest()[:16]
