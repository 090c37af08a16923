"""Whether the gradebook has what nbgrader's autograde would write now.

What autograde 0.9.6 writes of a submission depends on

- the files in the student's folder, all of them: they are copied, text and outputs included, and timestamp.txt is
  when it was handed in;
- the files in source/ and release/, the gradebook's cells, and the verdicts: points, and the cells that are put
  back;
- the settings of what takes part (`sections`), and nbgrader's version;
- what the gradebook has of the submission: a human may have removed it, or put an older one back.

A name of all of these is kept in the graded folder, beside the names of the verdicts. What lateness costs depends
on more (due date, extension, late settings, points given by hand) and is computed anew each time; see `penalties`.
"""

import hashlib
import json
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import nbgrader
from nbconvert.exporters import NotebookExporter
from nbconvert.writers import FilesWriter
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from perflab.judge.examine import MOST_BYTES

MARK = ".perflab"  # in a graded submission's folder, which nbgrader makes anew: a grading of its own takes it away
CHUNK = 1 << 20
SILENT = logging.Logger("silent")  # nbgrader tells of each late submission
SILENT.addHandler(logging.NullHandler())


class Marks:
    """What was written for the submissions of an assignment, and what would be.

    Parameters
    ----------
    root : Path
        The class.
    assignment : str
    config : Config
        nbgrader's.
    gradebook : Gradebook
        Open; it is read once, here.
    """

    def __init__(self, root: Path, assignment: str, config: Config, gradebook: Gradebook) -> None:
        self._root, self._assignment = root, assignment
        cells = _cells(gradebook, assignment)
        places = [root / name / assignment for name in ("source", "release")]
        self._common = _name([nbgrader.__version__, sections(config), cells, *map(_files, places)])
        self._states = _states(gradebook, assignment)

    def is_written(self, student: str, verdicts: dict[str, str]) -> bool:
        """Tell whether autograde would write what there is already.

        Parameters
        ----------
        student : str
        verdicts : dict of str
            The names of the verdicts on what the student has handed in, by notebook.
        """
        found = _read(self._path(student))
        return (
            found.get("verdicts") == verdicts
            and found.get("inputs") == self._inputs(student)
            and found.get("state") == self._states.get(student, "")
        )

    def keep(self, student: str, verdicts: dict[str, str], gradebook: Gradebook) -> None:
        """Keep that a student's grades have been written just now."""
        state = _states(gradebook, self._assignment, student).get(student, "")
        mark = {"verdicts": verdicts, "inputs": self._inputs(student), "state": state}
        self._path(student).write_text(json.dumps(mark))

    def _inputs(self, student: str) -> str:
        return _name([self._common, _files(self._root / "submitted" / student / self._assignment)])

    def _path(self, student: str) -> Path:
        return self._root / "autograded" / student / self._assignment / MARK


def marked(path: Path) -> dict[str, str]:
    """Return the names of the verdicts that a graded submission's mark lists, by notebook."""
    found = _read(path).get("verdicts")
    return found if isinstance(found, dict) else {}


def sections(config: Config) -> dict[str, dict[str, str]]:
    """Return the settings of all that takes part in nbgrader's autograde, but for what lateness costs."""
    steps = [*config.Autograde.sanitize_preprocessors, *config.Autograde.autograde_preprocessors]
    classes = [import_item(step) if isinstance(step, str) else step for step in steps]
    parts = (Autograde, CourseDirectory, NotebookExporter, FilesWriter, *classes)
    names = {base.__name__ for part in parts for base in part.__mro__} - {AssignLatePenalties.__name__}
    return {name: _plain(config[name]) for name in sorted(names) if name in config}


def penalties(gradebook: Gradebook, assignment: str, config: Config) -> list[str]:
    """Take for lateness what it costs now, as nbgrader computes it; return the students for whom that changed.

    nbgrader itself does so when it grades: not when a due date moves, somebody gets an extension, the late
    settings change, or a human gives points.
    """
    if not any(_is_penalty(step) for step in config.Autograde.autograde_preprocessors):
        return []
    step = AssignLatePenalties(config=config, log=SILENT)
    step.init_plugin()
    changed = []
    for submission in gradebook.assignment_submissions(assignment):
        late = submission.total_seconds_late
        for notebook in submission.notebooks:
            taken = None
            if late > 0:
                taken = step.plugin_inst.late_submission_penalty(submission.student.id, notebook.score, late)
            if taken is not None:
                taken = step._check_late_penalty(notebook, taken)
            if (taken or 0.0) != (notebook.late_submission_penalty or 0.0):
                notebook.late_submission_penalty = taken
                changed.append(submission.student.id)
    if changed:
        gradebook.db.commit()
    return list(dict.fromkeys(changed))


def _is_penalty(step: object) -> bool:
    found = import_item(step) if isinstance(step, str) else step
    return isinstance(found, type) and issubclass(found, AssignLatePenalties)


def _cells(gradebook: Gradebook, assignment: str) -> list[tuple]:
    found: list[tuple] = []
    for notebook in gradebook.find_assignment(assignment).notebooks:
        found.append((notebook.name, notebook.kernelspec))
        for cell in (*notebook.grade_cells, *notebook.task_cells):
            found.append((notebook.name, cell.name, cell.type, cell.max_score))
        found += [(notebook.name, cell.name, cell.type) for cell in notebook.solution_cells]
        for cell in notebook.source_cells:
            found.append((notebook.name, cell.name, cell.cell_type, cell.locked, cell.checksum, cell.source))
    return sorted(found, key=repr)


def _states(gradebook: Gradebook, assignment: str, student: str | None = None) -> dict[str, str]:
    """Return a name of what autograde has written of each submission, or of one: its time and automatic points."""
    found = defaultdict(list)
    rows = (
        gradebook.db.query(SubmittedAssignment.student_id, SubmittedAssignment.timestamp)
        .add_columns(Notebook.name, BaseCell.name, Grade.auto_score)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(BaseCell, BaseCell.id == Grade.cell_id)
        .filter(Assignment.name == assignment)
    )
    for who, *row in rows if student is None else rows.filter(SubmittedAssignment.student_id == student):
        found[who].append(row)
    return {who: _name(sorted(rows, key=repr)) for who, rows in found.items()}


def _files(folder: Path) -> list[tuple[str, str]]:
    """Return the path and a name of the content of each file in a folder."""
    return sorted((os.path.relpath(path, folder), _content(path)) for path in _walk(folder))


def _walk(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        yield from (os.path.join(place, name) for name in names)


def _content(path: str) -> str:
    try:
        if os.path.islink(path) or not os.path.isfile(path):
            return "no plain file"
        about = os.stat(path)
        if about.st_size > MOST_BYTES:
            return f"{about.st_size} bytes of {about.st_mtime_ns}"
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                digest.update(chunk)
    except OSError as error:
        return type(error).__name__
    return digest.hexdigest()


def _plain(value: object) -> object:
    """Return a setting as text that is the same in each run."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
    return repr(value)


def _name(of: object) -> str:
    return hashlib.sha256(json.dumps(of, default=str).encode()).hexdigest()


def _read(path: Path) -> dict:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    return {}
