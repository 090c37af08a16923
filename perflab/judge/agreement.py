"""Whether source/, release/ and the gradebook have the same graded cells: checked before anything changes.

nbgrader adds and removes no cell of a notebook that has submissions. It finds that out after it has removed the
release; who grades then has points in one place that another does not know.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from perflab.course.errors import CourseError
from perflab.judge.gradebook import hidden, opened

LISTED = 5  # cells that a sentence names

FROZEN = "There are submissions, so nbgrader adds and removes no cell."

# Of each cell that nbgrader knows of: its possible points, or None.
Cells = dict[str, float | None]


def cells_of(notebook: NotebookNode) -> Cells:
    """Return the cells of an instructor's or a released notebook that nbgrader keeps, by grade id."""
    kept = (c for c in notebook.cells if is_grade(c) or is_solution(c) or is_locked(c) or is_task(c))
    return {cell.metadata.nbgrader.grade_id: _points(cell) for cell in kept}


def check_agreement(root: Path, assignment: str, url: str) -> None:
    """See that the gradebook can be reached and has the cells of an assignment as source/ and release/ have them.

    Raises
    ------
    CourseError
        If not; nothing has been changed, and the text names what differs.
    """
    source = _on_disk(root / "source" / assignment)
    release = _on_disk(root / "release" / assignment)
    with opened(url) as gradebook:
        try:
            known = _known(gradebook, assignment)
        except MissingEntry as error:
            raise CourseError(
                f"{hidden(url)}: the gradebook does not know {assignment}. Run nbgrader generate_assignment "
                f"{assignment}, with the same gradebook."
            ) from error
        submitted = bool(gradebook.find_assignment(assignment).submissions)
    said = [*_differences("the gradebook", known, source)]
    said += _differences("release/", release, source) if release else ()
    if not said:
        return
    if submitted and _names(known) != _names(source):
        advice = f"{FROZEN} Put source/ back as it was released."
    else:
        advice = f"Release it anew: nbgrader generate_assignment {assignment} --force."
    raise CourseError(f"{assignment} was not graded: {'; '.join(said)}. {advice}")


def check_renewal(notebooks: Mapping[str, NotebookNode], assignment: str, url: str) -> None:
    """See that nbgrader could release other notebooks for an assignment, with the submissions that it has.

    Parameters
    ----------
    notebooks : mapping of NotebookNode
        The instructor's, by name.
    assignment, url : str

    Raises
    ------
    CourseError
        If not; the text names the cells.
    """
    with opened(url) as gradebook:
        if why := _refusal(gradebook, notebooks, assignment):
            raise CourseError(why)


class KeepCells(NbGraderPreprocessor):
    """Stops nbgrader generate_assignment before it removes a release that it could not make anew.

    nbgrader makes its preprocessors after it has found the notebooks, and before it touches a file.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        converter = self.parent.parent
        for folder, paths in converter.assignments.items():
            if not converter.force and Path(converter._format_dest(Path(folder).name, ".")).exists():
                continue  # it is left as it is
            notebooks = {Path(path).stem: nbformat.read(path, as_version=4) for path in paths}
            with Gradebook(converter.coursedir.db_url, converter.coursedir.course_id) as gradebook:
                every = converter.coursedir.notebook_id == "*"
                why = _refusal(gradebook, notebooks, Path(folder).name, every)
            if why:
                self.log.error(why)
                raise NbGraderException(why)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook as it is."""
        return nb, resources


def _refusal(
    gradebook: Gradebook, notebooks: Mapping[str, NotebookNode], assignment: str, every: bool = True
) -> str:
    """Return why nbgrader cannot release these notebooks, or nothing."""
    try:
        if not gradebook.find_assignment(assignment).submissions:
            return ""
        known = _known(gradebook, assignment)
    except MissingEntry:
        return ""
    fresh = {name: cells_of(notebook) for name, notebook in notebooks.items()}
    if not every:
        known = {name: cells for name, cells in known.items() if name in fresh}
    if _names(known) == _names(fresh):
        return ""
    said = "; ".join(_differences("the gradebook", _unscored(known), _unscored(fresh)))
    return (
        f"{assignment} was not released, and nothing was changed: {said}. {FROZEN} Change a cell that is there, "
        "or make an assignment of another name."
    )


def _on_disk(folder: Path) -> dict[str, Cells]:
    return {path.stem: cells_of(nbformat.read(path, as_version=4)) for path in sorted(folder.glob("*.ipynb"))}


def _known(gradebook: Gradebook, assignment: str) -> dict[str, Cells]:
    """Return the cells that a gradebook has of each notebook."""
    found = {}
    for notebook in gradebook.find_assignment(assignment).notebooks:
        points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
        names = [cell.name for cell in (*notebook.source_cells, *notebook.solution_cells)]
        found[notebook.name] = {**dict.fromkeys(names), **points}
    return found


def _differences(where: str, there: Mapping[str, Cells], source: Mapping[str, Cells]) -> Iterator[str]:
    """Yield what differs between source/ and another place."""
    for name in sorted(set(there) | set(source)):
        if name not in there:
            yield f"{where} has no notebook {name}"
            continue
        if name not in source:
            yield f"source/ has no notebook {name}, and {where} has"
            continue
        mine, theirs = source[name], there[name]
        if added := sorted(set(mine) - set(theirs)):
            yield f"{where} has no cell {_listed(added)} of {name}"
        if gone := sorted(set(theirs) - set(mine)):
            yield f"source/ has no cell {_listed(gone)} of {name}, and {where} has"
        if other := sorted(cell for cell in set(mine) & set(theirs) if mine[cell] != theirs[cell]):
            yield f"{where} has other points for {_listed(other)} of {name}"


def _points(cell: NotebookNode) -> float | None:
    about = cell.metadata.nbgrader
    return float(about.points) if is_grade(cell) or is_task(cell) else None


def _names(cells: Mapping[str, Cells]) -> dict[str, set[str]]:
    return {name: set(found) for name, found in cells.items()}


def _unscored(cells: Mapping[str, Cells]) -> dict[str, Cells]:
    return {name: dict.fromkeys(found) for name, found in cells.items()}


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
