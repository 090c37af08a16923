"""Attacks on a grader: one file each, with the points that it must get. See attacks/."""

import copy
import json
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tempo import patience

from perflab.course import read
from perflab.course.notebook import instructor, student, to_bytes
from perflab.judge.limits import Limits
from perflab.judge.settings import Settings

HERE = Path(__file__).parent
TARGET = read(HERE / "target.py")
CELLS = ("correct", "speed", "found", "calls", "lines")
HONEST_POINTS = dict(zip(CELLS, (4, 4, 1, 1, 1), strict=True))
NOTHING = dict.fromkeys(CELLS, 0)
# What honest but slow code earns: it asks about every number and fetches the lines of every window anew.
SLOW_POINTS = {**NOTHING, "correct": 4, "found": 1}

# A hostile submission need not take long; an honest one takes a tenth of this.
SETTINGS = Settings(limits=Limits(memory=1 << 30, file=64 << 20, call=patience(6), wall=patience(90)))

HONEST = next(cell.source for cell in TARGET.of_role("answer"))
SLOW = """
@njit
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)
    for i in range(sums.size):
        for j in range(1024):
            sums[i] += numbers[i + j]
    return sums

def find(ask, n):
    return next(i for i in range(n) if ask(i))
"""
WRONG = """
def moving(numbers):
    return np.zeros(max(numbers.size - 1023, 0), np.int64)

def find(ask, n):
    return 0
"""


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    name, section, what : str
    points : dict
        What it must earn, by the last part of the grade id.
    text : str
        The file that is handed in.
    stock : str
        Why it is not tried on a stock configuration, or nothing.
    """

    name: str
    section: str
    what: str
    points: dict[str, float]
    text: str
    stock: str


def attacks() -> list[Attack]:
    """Return all attacks in attacks/, in the order of their names."""
    return [_load(path) for path in sorted((HERE / "attacks").glob("*.py"))]


def trusted() -> str:
    """Return the instructor's notebook."""
    return to_bytes(instructor(TARGET)).decode()


def submission(answer: str = HONEST, damage: Callable[[NotebookNode], NotebookNode | None] | None = None) -> str:
    """Return the file of a submission with that answer, as a learner would hand it in, or damaged."""
    notebook = student(TARGET)
    for cell in notebook.cells:
        if cell.id == "target_answer":
            cell.source = answer
    if damage is not None:
        notebook = damage(copy.deepcopy(notebook)) or notebook
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT)


def _load(path: Path) -> Attack:
    given = {
        **{"HONEST": HONEST, "SLOW": SLOW, "WRONG": WRONG, "NOTHING": NOTHING},
        **{"SLOW_POINTS": SLOW_POINTS, "HONEST_POINTS": HONEST_POINTS},
    }
    module = runpy.run_path(str(path), init_globals=given)
    if "TEXT" in module:
        text = module["TEXT"]
    elif "damage" in module:
        notebook = student(TARGET)
        for cell in notebook.cells:
            if cell.id == "target_answer":
                cell.source = module.get("ANSWER", SLOW)
        text = json.dumps(
            module["damage"](notebook) or notebook
        )  # nbformat does not write all that can be handed in
    else:
        text = submission(module["ANSWER"])
    return Attack(
        path.stem, module["SECTION"], module["__doc__"], module["POINTS"], text, module.get("NOT_ON_STOCK", "")
    )
