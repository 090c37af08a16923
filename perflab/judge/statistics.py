"""Item statistics: what the grades of a class say about the tests cells of an assignment."""

import glob
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    GradeCell,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)

from perflab.check.report import MIME
from perflab.course.errors import CourseError
from perflab.judge.arrival import look, released
from perflab.judge.gradebook import opened
from perflab.judge.outputs import plain

BINS = 10  # of a histogram
FEWEST = 3  # students, for a correlation
MISSING = "Not handed in."  # why a tests cell of a missing notebook has no points
REASONS = 3  # that are listed of a tests cell
PLACE = re.compile(r", in line \d+ of its cell: .*", re.DOTALL)  # where an answer raised
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Mark:
    """What one student has for one tests cell.

    Attributes
    ----------
    student, notebook, grade_id : str
    points, of : float
        As the gradebook has them: those that a human gave come before the judge's.
    waits : bool
        Whether a human has to look at it.
    why : str
        The sentence of the judge's report.
    """

    student: str
    notebook: str
    grade_id: str
    points: float
    of: float
    waits: bool = False
    why: str = ""


@dataclass(frozen=True)
class Distribution:
    """How points are spread.

    Attributes
    ----------
    of : float
        Possible points.
    mean : float
    quartiles : tuple of float
        Least, lower quartile, median, upper quartile, most.
    histogram : tuple of int
        Students in each tenth of the possible points; all points belong to the last.
    """

    of: float
    mean: float
    quartiles: tuple[float, float, float, float, float]
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Item:
    """Statistics of one tests cell.

    Attributes
    ----------
    notebook, grade_id : str
    difficulty : float
        Mean share of its points; 1 is as easy as can be.
    none, full : float
        Share of students without any of its points, and with all.
    discrimination : float or None
        Correlation of its points with those of all other tests cells; None where either does not vary.
    points : Distribution
    flagged : int
        Students for whom a human has to look at it.
    reasons : tuple of (str, int)
        Why points are missing, the commonest first, and for how many students.
    """

    notebook: str
    grade_id: str
    difficulty: float
    none: float
    full: float
    discrimination: float | None
    points: Distribution
    flagged: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Statistics:
    """Statistics of an assignment.

    Attributes
    ----------
    assignment : str
    students : int
        Graded ones.
    waiting : int
        Students who handed in and are not graded.
    nothing : int
        Students who handed in nothing that can be graded.
    points : Distribution
        Of all tests cells together.
    items : tuple of Item
        In the order of the notebooks.
    """

    assignment: str
    students: int
    waiting: int
    nothing: int
    points: Distribution
    items: tuple[Item, ...]


def statistics(root: Path, assignment: str, db_url: str) -> Statistics:
    """Return the statistics of a graded assignment.

    Parameters
    ----------
    root : Path
        The class.
    assignment : str
    db_url : str
        Of the gradebook.

    Raises
    ------
    CourseError
        If there is no such assignment, or nobody is graded.
    """
    order = _tests_cells(root / "source" / assignment)
    if not order:
        raise CourseError(f"{root}: no assignment {assignment}. Is this the folder of the class?")
    scores = _scores(assignment, db_url)
    marks = []
    for student, cells in scores.items():
        folder = root / "autograded" / student / assignment
        why = dict(_reasons(folder))
        for key, of in order.items():
            points, waits = cells.get(key, (0.0, False))
            missing = "" if (folder / f"{key[0]}.ipynb").is_file() else MISSING
            marks.append(Mark(student, *key, points, of, waits, why.get(key, missing)))
    if not marks:
        raise CourseError(f"{assignment} is not graded yet; grade it first: perflab grade {assignment}")
    folders = [path for path in (root / "submitted").glob(f"*/{glob.escape(assignment)}") if path.is_dir()]
    open_ = [path for path in folders if path.parent.name not in scores]
    wanted = released(root, assignment) if open_ else {}
    nothing = sum(not look(path, wanted).matched for path in open_)
    return summarize(assignment, marks, len(open_) - nothing, nothing)


def summarize(assignment: str, marks: list[Mark], waiting: int = 0, nothing: int = 0) -> Statistics:
    """Return the statistics of marks.

    Parameters
    ----------
    assignment : str
    marks : list of Mark
        One for each student and tests cell, in the order of the cells.
    waiting, nothing : int
        Students who handed in and are not graded, and those who handed in nothing that can be graded.
    """
    students = list(dict.fromkeys(mark.student for mark in marks))
    cells = {(mark.notebook, mark.grade_id): mark.of for mark in marks}
    by_place = {(mark.student, mark.notebook, mark.grade_id): mark for mark in marks}
    table = np.array([[by_place[student, *cell].points for cell in cells] for student in students])
    total = table.sum(axis=1)
    items = []
    for i, (cell, of) in enumerate(cells.items()):
        points = table[:, i]
        own = [by_place[student, *cell] for student in students]
        said = [plain(mark.why) for mark in own if mark.points < of and mark.why]
        items.append(
            Item(
                *cell,
                difficulty=float(points.mean() / of),
                none=float((points <= 0).mean()),
                full=float((points >= of).mean()),
                discrimination=_correlation(points, total - points),
                points=_distribution(points, of),
                flagged=sum(mark.waits for mark in own),
                reasons=_commonest(said),
            )
        )
    points = _distribution(total, sum(cells.values()))
    return Statistics(assignment, len(students), waiting, nothing, points, tuple(items))


def _distribution(points: np.ndarray, of: float) -> Distribution:
    # A human may have given more than there is, or less than nothing.
    counts, _ = np.histogram(points.clip(0, of), BINS, (0, of))
    quartiles = np.quantile(points, (0, 0.25, 0.5, 0.75, 1))
    return Distribution(of, float(points.mean()), tuple(map(float, quartiles)), tuple(map(int, counts)))


def _correlation(points: np.ndarray, rest: np.ndarray) -> float | None:
    if len(points) < FEWEST or np.ptp(points) == 0 or np.ptp(rest) == 0:
        return None
    return float(np.corrcoef(points, rest)[0, 1])


def _commonest(said: list[str]) -> tuple[tuple[str, int], ...]:
    """Return the commonest reasons; those that differ in numbers only are one, and it says "…" for them."""
    alike: dict[str, list[str]] = {}
    for why in said:
        alike.setdefault(NUMBER.sub("…", PLACE.sub(".", why)), []).append(why)
    counts = Counter({general: len(whys) for general, whys in alike.items()})
    return tuple(
        (alike[general][0] if len(set(alike[general])) == 1 else general, count)
        for general, count in counts.most_common(REASONS)
    )


def _tests_cells(folder: Path) -> dict[tuple[str, str], float]:
    """Return the possible points of all tests cells, by notebook and grade id, in the order of the cells."""
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            about = cell["metadata"].get("nbgrader", {})
            if cell["cell_type"] == "code" and about.get("grade"):
                found[path.stem, about["grade_id"]] = float(about["points"])
    return found


def _scores(assignment: str, db_url: str) -> dict[str, dict[tuple[str, str], tuple[float, bool]]]:
    """Return points, and whether a human has to look, by student and by tests cell; graded students only."""
    found: dict[str, dict[tuple[str, str], tuple[float, bool]]] = {}
    ungraded = set()
    with opened(db_url) as gradebook:
        columns = Grade.score, Grade.needs_manual_grade, Grade.auto_score, Grade.manual_score
        rows = (
            gradebook.db.query(SubmittedAssignment.student_id, Notebook.name, BaseCell.name, *columns)
            .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .filter(Assignment.name == assignment, BaseCell.type == GradeCell.__name__)
            .order_by(SubmittedAssignment.student_id)
        )
        for student, notebook, cell, score, waits, auto, manual in rows:
            found.setdefault(student, {})[notebook, cell] = score, waits
            if auto is None and manual is None:
                ungraded.add(student)
    return {student: cells for student, cells in found.items() if student not in ungraded}


def _reasons(folder: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield what a student's graded notebooks say of each tests cell."""
    for path in sorted(folder.glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            about = cell["metadata"].get("nbgrader", {})
            for output in cell.get("outputs", ()) if about.get("grade") else ():
                if report := output.get("data", {}).get(MIME):
                    yield (path.stem, about["grade_id"]), report["sentence"]
