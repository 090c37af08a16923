"""The same attacks on nbgrader as it comes: its own preprocessors, and tests that run beside student code.

Started by attack_table.py, contained: what is tried here would otherwise reach this machine. Reads submissions by
name from texts.json in its folder, writes a line of JSON for each.
"""

import json
import logging
import shutil
import sys
import warnings
from pathlib import Path

from attacking import TARGET, trusted
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from perflab.course.notebook import student, to_bytes

ASSIGNMENT = NOTEBOOK = "target"
NEIGHBOR = "honest-neighbor"  # handed in the untouched notebook


def config(root: Path) -> Config:
    """Return no more than nbgrader needs to find its folders."""
    found = Config()
    found.CourseDirectory.root = str(root)
    found.CourseDirectory.course_id = "stock"
    return found


def submit(root: Path, who: str, text: str) -> None:
    """Put a file where nbgrader collects it."""
    path = root / "submitted" / who / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def prepare(root: Path) -> None:
    """Make a course with a released assignment and one graded student."""
    path = root / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(trusted())
    api = NbGraderAPI(config=config(root))
    reply = api.generate_assignment(ASSIGNMENT)
    assert reply["success"], reply
    submit(root, NEIGHBOR, to_bytes(student(TARGET)).decode())
    reply = api.autograde(ASSIGNMENT, NEIGHBOR)
    assert reply["success"], reply


def score(root: Path, who: str) -> float | None:
    """Return what the gradebook says, or None where it has no grade."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "stock") as gradebook:
        try:
            grades = gradebook.find_submission_notebook(NOTEBOOK, ASSIGNMENT, who).grades
        except Exception:  # nbgrader has none
            return None
        given = [g.manual_score if g.manual_score is not None else g.auto_score for g in grades]
        return None if all(one is None for one in given) else sum(one or 0.0 for one in given)


def attack(base: Path, root: Path, text: str) -> dict[str, float | bool | None]:
    """Grade one submission in a copy of the course; return its points, and those of its neighbor."""
    shutil.copytree(base, root)
    submit(root, "attacker", text)
    try:
        reply = NbGraderAPI(config=config(root)).autograde(ASSIGNMENT, "attacker")
        graded = bool(reply["success"])
    except Exception:  # it stops the whole batch
        graded = False
    found = {"points": score(root, "attacker") if graded else None, "neighbor": score(root, NEIGHBOR)}
    shutil.rmtree(root)
    return found


def main() -> None:
    """Grade all submissions."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    base = folder / "base"
    prepare(base)
    for name, text in json.loads((folder / "texts.json").read_text()).items():
        print(json.dumps({"name": name, **attack(base, folder / name, text)}), flush=True)


if __name__ == "__main__":
    main()
