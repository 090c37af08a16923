"""What lies in submitted/: each notebook under the name that nbgrader looks for, and readable; nothing is lost.

A file under another name is copied, not renamed: what was handed in stays as evidence. A note in the student's
folder says which files are copies, so that a copy is made anew when its original is handed in again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from perflab.course.grade_id import grade_id_of
from perflab.course.naming import Reading, may_be_notebook, reading
from perflab.judge.examine import MOST_BYTES, read
from perflab.judge.intake import make_readable
from perflab.judge.plugin import text_of

NOTE = ".perflab-names.json"  # in a student's folder: of each copy its original, and what both held
MISNAMED = ".misnamed"  # is appended to a file that has the name of a notebook and is another one
MOST_FILES = 1000  # of a student's folder that are looked at
LISTED = 3  # files that a sentence names

Released = Mapping[str, Collection[str]]


def released(root: Path, assignment: str) -> dict[str, set[str]]:
    """Return the grade ids of an assignment's notebooks, by their names; the instructor's notebooks say them."""
    return {path.stem: _ids(path) for path in sorted((root / "source" / assignment).glob("*.ipynb"))}


def arrive(assignment: str, student: str, notebooks: list[str]) -> None:
    """Put what was handed in where nbgrader looks for it; nbgrader's hook before a conversion.

    Parameters
    ----------
    assignment : str
    student : str
        Given by nbgrader; it may be a pattern, and is not needed.
    notebooks : list of str
        Paths of the notebooks that nbgrader has found. It is nbgrader's own list, and gets those that are put in
        place.
    """
    for folder in {Path(path).parent for path in notebooks}:
        asked = {os.path.basename(path) for path in notebooks if Path(path).parent == folder}
        found = receive(folder, released(folder.parents[2], folder.name))
        placed = [str(folder / f"{name}.ipynb") for name, path in found.matched.items() if path in asked]
        notebooks[:] = sorted({path for path in notebooks if os.path.lexists(path)} | set(placed))


class FlagMissing(NbGraderPreprocessor):
    """Asks a human to look at a missing notebook that a file of the student may be: nbgrader gives it nothing."""

    root = Unicode(help="The folder of the class.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Mark the grades of missing notebooks in the gradebook; this notebook stays as it is."""
        about = resources["nbgrader"]
        assignment, student = about["assignment"], about["student"]
        folder = Path(self.root, "submitted", student, assignment)
        wanted = released(Path(self.root), assignment)
        missing = [name for name in wanted if not os.path.lexists(folder / f"{name}.ipynb")]
        if not missing:
            return nb, resources
        found = look(folder, wanted)
        with Gradebook(about["db_url"]) as gradebook:
            for name in missing:
                for grade in gradebook.find_submission_notebook(name, assignment, student).grades:
                    grade.needs_manual_grade = bool(found.doubts(name))
            gradebook.db.commit()
        return nb, resources


def receive(folder: Path, wanted: Released) -> Reading:
    """Put the notebooks of a student's folder in place and make them readable; return what they are."""
    found = _put_in_place(folder, wanted)
    paths = [str(folder / f"{name}.ipynb") for name in found.matched]
    make_readable(folder.name, folder.parent.name, paths)
    note = {name: [path, of, _hash(folder / f"{name}.ipynb")] for name, (path, of, _) in _noted(folder).items()}
    _write_down(folder, note)
    return found


def look(folder: Path, wanted: Released) -> Reading:
    """Return what the files of a student's folder are; nothing is written.

    Parameters
    ----------
    folder : Path
    wanted : mapping of collection of str
        See `released`.
    """
    copies = {
        f"{name}.ipynb"
        for name, (path, _, copy) in _noted(folder).items()
        if os.path.lexists(folder / path) and _hash(folder / f"{name}.ipynb") == copy
    }
    files = {path: _notebook(folder / path) for path in _files(folder) if path not in copies}
    # Whatever else bears the very name, a folder or a link: nbgrader would stop at it.
    for name in {f"{name}.ipynb" for name in wanted} - copies:
        if os.path.lexists(folder / name):
            files.setdefault(name, None)
    return reading(files, wanted)


def in_place(folder: Path, wanted: Released) -> Reading:
    """Return what lies under the very names of notebooks, whatever it is."""
    return Reading({name: f"{name}.ipynb" for name in wanted if os.path.lexists(folder / f"{name}.ipynb")}, ())


def nothing(folder: Path) -> str:
    """Return a sentence about a folder that holds no notebook to grade."""
    files = [path for path in _files(folder, every=True) if path != "timestamp.txt"]
    if not files:
        return "Handed in nothing that can be graded: the folder is empty."
    more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
    return f"Handed in nothing that can be graded: only {', '.join(files[:LISTED])}{more}."


def _put_in_place(folder: Path, wanted: Released) -> Reading:
    found = look(folder, wanted)
    moved = {name: path for name, path in found.matched.items() if path != f"{name}.ipynb"}
    note = {name: kept for name, kept in _noted(folder).items() if moved.get(name) == kept[0]}
    todo = {name for name in moved if name not in note or note[name][1] != _hash(folder / moved[name])}
    asides = {}
    for name in todo:
        target = folder / f"{name}.ipynb"
        if name in note and _hash(target) == note[name][2]:
            continue  # a copy of what was handed in before
        if os.path.lexists(target):
            asides[target.name] = _put_aside(target).name
    moved = {name: asides.get(path, path) for name, path in moved.items()}
    for name in todo:
        shutil.copyfile(folder / moved[name], folder / f"{name}.ipynb")
        digest = _hash(folder / moved[name])
        note[name] = [moved[name], digest, digest]
    _write_down(folder, note)
    return Reading({**found.matched, **moved}, found.left)


def _put_aside(path: Path) -> Path:
    """Rename a file; one that was put aside before stays too."""
    number, aside = 1, path.with_name(path.name + MISNAMED)
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.stem} ({number}){path.suffix}{MISNAMED}")
    path.rename(aside)
    return aside


def _files(folder: Path, every: bool = False) -> list[str]:
    """Return the paths of files that may be notebooks, or of all, below a student's folder."""
    found = []
    for path in _walk(folder):
        if every or may_be_notebook(path):
            found.append(path)
        if len(found) >= MOST_FILES:
            break
    return sorted(found)


def _walk(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            if not os.path.islink(path):
                yield os.path.relpath(path, folder)


def _notebook(path: Path) -> NotebookNode | None:
    with suppress(OSError, ValueError):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return read(text_of(path))
    return None


def _ids(path: Path) -> set[str]:
    cells = nbformat.read(path, as_version=4).cells
    return {name for cell in cells if "nbgrader" in cell.metadata and (name := grade_id_of(cell))}


def _hash(path: Path) -> str:
    """Return a name of what is in a plain file; a large one is known by its size."""
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        size = path.stat().st_size
        return hashlib.sha256(path.read_bytes()).hexdigest() if size <= MOST_BYTES else f"{size} bytes"
    except OSError:
        return ""


def _noted(folder: Path) -> dict[str, list[str]]:
    """Return the note of a folder; a student may have written it, so that it may be anything."""
    with suppress(OSError, ValueError, RecursionError):
        path = folder / NOTE
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            return {}
        found = json.loads(path.read_text())
        if isinstance(found, dict) and all(_is_kept(kept) for kept in found.values()):
            return {name: kept for name, kept in found.items() if "/" not in name}
    return {}


def _write_down(folder: Path, note: dict[str, list[str]]) -> None:
    if note == _noted(folder):
        return
    # A link that was handed in is replaced, not followed.
    fresh = folder / f"{NOTE}.part"
    fresh.unlink(missing_ok=True)
    fresh.write_text(json.dumps(note))
    os.replace(fresh, folder / NOTE)


def _is_kept(kept: object) -> bool:
    return isinstance(kept, list) and len(kept) == 3 and all(isinstance(one, str) for one in kept)
