"""The judge inside nbgrader: preprocessors that `perflab.course.classroom` puts in place of a kernel."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Enum, Unicode

from perflab.check.report import MIME
from perflab.course.grade_id import grade_id_of
from perflab.judge.examine import MOST_BYTES, examine, refused
from perflab.judge.settings import SANDBOXES, Settings
from perflab.judge.store import Store, key
from perflab.judge.verdict import CellVerdict, Shown, Verdict

VERDICTS = "verdicts"  # the folder of a class that keeps them
unkept: dict[str, Verdict] = {}  # by name, what a batch could not find out: nobody tries again for nbgrader alone
KEPT = "perflab_verdict"  # where one preprocessor finds what another found


class Judge(NbGraderPreprocessor):
    """Replaces a submission's outputs by the judge's: points of tests cells, and what the others displayed."""

    root = Unicode(help="The folder of the class.").tag(config=True)
    sandbox = Enum(list(SANDBOXES), "bubblewrap", help="What isolates student code.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the submission with the outputs of its verdict, which is made now if there is none yet."""
        about = resources["nbgrader"]
        name = f"{about['notebook']}.ipynb"
        trusted = Path(self.root, "source", about["assignment"], name).read_text()
        submitted = Path(self.root, "submitted", about["student"], about["assignment"], name)
        name, verdict = judged(Path(self.root), trusted, text_of(submitted), Settings(self.sandbox))
        resources[KEPT] = verdict
        # So that it is found again whatever has changed meanwhile: for an appeal, or to delete it.
        nb.metadata[KEPT] = name
        return with_outputs(nb, verdict), resources


class FlagForHuman(NbGraderPreprocessor):
    """Asks a human to look at what the judge could not say for sure; the points are provisional until then."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Mark the grades in the gradebook; the notebook stays as it is."""
        verdict: Verdict = resources[KEPT]
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            for cell in verdict.cells:
                if cell.flag:
                    where = about["notebook"], about["assignment"], about["student"]
                    gradebook.find_grade(cell.grade_id, *where).needs_manual_grade = True
            gradebook.db.commit()
        return nb, resources


def judged(root: Path, trusted: str, submitted: str, settings: Settings) -> tuple[str, Verdict]:
    """Return the verdict on a submission and its name, from the class's store, or make one and keep it."""
    store, name = Store(root / VERDICTS), key(trusted, submitted, settings)
    verdict = store.get(name)
    if verdict is None and name in unkept:
        return name, unkept[name]
    for quiet in (False, True):
        if verdict is None or not verdict.final:
            # nbgrader grades one after the other: a second try has the machine for itself too.
            verdict = Verdict.from_json(
                examine(trusted, submitted, settings.to_dict(), quiet=quiet, pictures=True)
            )
    store.put(name, verdict)
    return name, verdict


def verdict_of(graded: Path) -> str | None:
    """Return the name of the verdict that a graded notebook shows, if it says so."""
    try:
        name = json.loads(graded.read_text())["metadata"][KEPT]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def text_of(path: Path) -> str:
    """Return the text of a submitted file, of a large one the beginning; whatever else it is is no notebook."""
    try:
        with open(path, "rb", opener=_opener) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return file.read(MOST_BYTES + 1).decode(errors="replace") if regular else ""
    except OSError:
        return ""


def _opener(path: str, flags: int) -> int:
    # A link is not followed, and nobody waits for the other end of a pipe.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def with_outputs(nb: NotebookNode, verdict: Verdict) -> NotebookNode:
    """Return a notebook whose outputs are what a verdict says, and nothing else."""
    graded = {cell.grade_id: cell for cell in verdict.cells}
    shown = {one.name: one for one in verdict.shown if one.role != "own"}
    own = [one for one in verdict.shown if one.role == "own"]
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        name = grade_id_of(cell) or ""
        if is_grade(cell):
            # No verdict is no points: nbgrader gives a silent cell full marks.
            cell.outputs = [_points(graded[name])] if name in graded else [_points(_missing(cell))]
        elif name in shown:
            cell.outputs = _displayed(shown[name])
        elif found := next((one for one in own if one.source == cell.source), None):
            own.remove(found)
            cell.outputs = _displayed(found)
    return nb


def _missing(cell: NotebookNode) -> CellVerdict:
    return refused(NotebookNode(cells=[cell]), "There is no verdict on this cell.").cells[0]


def _points(cell: CellVerdict) -> NotebookNode:
    report = cell.report
    data = {"text/plain": repr(float(report.points)), **report.as_bundle()}
    data[MIME]["hidden"] = cell.hidden
    return new_output("execute_result", data, execution_count=1)


def _displayed(shown: Shown) -> list[NotebookNode]:
    outputs = []
    for one in shown.outputs:
        if "data" in one:
            outputs.append(new_output("display_data", one["data"]))
        else:
            outputs.append(new_output("stream", name="stdout", text=one["text"]))
    return outputs
