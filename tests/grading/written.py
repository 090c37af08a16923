"""The small exercise with a written question, and a class that has it."""

from pathlib import Path

import nbformat
from quick import ASSIGNMENT, Class, write

from perflab.course import read
from perflab.course.notebook import instructor, student, to_bytes

WRITTEN = """

# %% [markdown] role="explain" grade_id="small_explain" points=2
# **Explain** why halving asks so few questions.
#
# ### BEGIN MARK SCHEME
# - two points for the logarithm
# ### END MARK SCHEME
"""


def exercise(folder: Path, more: str = WRITTEN):
    """Return the small exercise with more cells."""
    path = folder / "solutions" / "memory" / "small.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Path(__file__).with_name("small.py").read_text() + more)
    return read(path)


class WrittenClass(Class):
    """A class whose exercise has a written question."""

    def __init__(self, folder: Path) -> None:
        self.exercise = exercise(folder)
        super().__init__(folder, source=to_bytes(instructor(self.exercise)))

    def hand_in(self, who: str, answer: str, text: str, when: str = "2026-11-19 12:00:00 UTC") -> Path:
        """Hand in an answer and a written one."""
        notebook = student(self.exercise)
        for cell in notebook.cells:
            if cell.id == "small_answer":
                cell.source = answer
            if cell.id == "small_explain_answer":
                cell.source = text
        path = self.root / "submitted" / who / ASSIGNMENT / "small.ipynb"
        write(path, nbformat.writes(notebook).encode())
        path.with_name("timestamp.txt").write_text(when)
        return path
