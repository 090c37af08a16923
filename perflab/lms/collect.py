"""Collect what an LMS hands over: nbgrader's zip_collect, with a safe unpacker, for Moodle and Canvas.

Whose a file is say its name (`perflab.lms.names`) and the class's roster (`perflab.lms.roster`); which released
notebook it is, `perflab.course.naming`. What is not clear is not guessed: it stays, and refused.txt says why.
"""

import json
import os
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin

from perflab.course.grade_id import grade_id_of
from perflab.course.naming import JUNK, may_be_notebook, reading
from perflab.lms.archive import is_archive, is_closed, stem, unpack
from perflab.lms.names import Named, readings
from perflab.lms.roster import Roster, Student, UnknownStudentError, plain, read_worksheet

WORKSHEET = ".csv"  # beside the archives
REFUSED = "refused.txt"  # beside the folder of archives: what stayed, and why
CAME = "came.json"  # when the LMS got each file
NUMBER = re.compile(r"\d+_")
SYSTEM = {"thumbs.db", "desktop.ini", ".ds_store"}


class SafeExtractor(ExtractorPlugin):
    """Unpacks archives without trusting what is in them; see `perflab.lms.archive`."""

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack all archives of a folder, each into a folder of its own, and copy other files.

        Parameters
        ----------
        archive_path, extracted_path : str
            Folders.
        """
        refused, came = [], {}
        for path in sorted(Path(archive_path).rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            relative = path.relative_to(archive_path)
            target = Path(extracted_path, relative)
            if is_archive(path.name):
                self.log.info("Extracting from: %s", path)
                done = unpack(path, target.with_name(stem(path.name)), owner)
                refused += done.refused
                came |= {os.path.relpath(file, extracted_path): when for file, when in done.came.items()}
            elif relative.suffix.lower() != WORKSHEET or len(relative.parts) > 1:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
        renamed = _as_notebooks(Path(extracted_path))
        times = {renamed.get(name, name): when.isoformat() for name, when in came.items()}
        Path(archive_path).with_name(CAME).write_text(json.dumps(times, indent=1))
        told = Path(archive_path).with_name(REFUSED)
        told.unlink(missing_ok=True)
        _tell(told, refused)
        for sentence in refused:
            self.log.warning(sentence)


@dataclass(frozen=True)
class File:
    """A file that a student has handed in.

    Attributes
    ----------
    path : Path
    named : Named
    student : str
    came : datetime
        When the LMS got it.
    """

    path: Path
    named: Named
    student: str
    came: datetime

    @property
    def place(self) -> tuple[datetime, int]:
        """Which of two of the same name is the later one."""
        return self.came, self.named.upload


@dataclass
class Plan:
    """What is done with an archive's files.

    Attributes
    ----------
    collected : dict of (File, str)
        By path: the file, and where it goes below its student's folder.
    refused : list of str
        A sentence for each other file.
    renamed : list of str
        A sentence for each file that goes by another name.
    """

    collected: dict[Path, tuple[File, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)


class LmsCollector(FileNameCollectorPlugin):
    """Tells from the names that Moodle and Canvas give whose a file is, and from the archive when it came.

    A student chooses the end of a name, and everything inside an archive that is handed in: only the start counts,
    and the time is that of the entry which the LMS wrote. No timestamp.txt is taken from anybody.
    """

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Return what nbgrader has to know of a file, or None if it is to be left.

        Parameters
        ----------
        submitted_file : str
            Path below the extracted folder.
        """
        found = self._plan.collected.get(Path(submitted_file))
        if found is None:
            return None
        file, target = found
        came = file.came.astimezone(UTC).replace(tzinfo=None)
        if file.named.lms == "canvas" and not file.named.late and self._due is not None:
            # Canvas dates all entries at the download and says by LATE who missed the due date.
            came = min(came, self._due)
        return {"student_id": file.student, "file_id": target, "timestamp": came.isoformat(" ", "seconds")}

    @cached_property
    def _plan(self) -> Plan:
        """What to do with all files: each is looked at beside the others of its student."""
        released = self._released
        worksheet, refused = self._worksheet
        paths = [path for path in sorted(self._extracted.rglob("*")) if path.is_file() and not path.is_symlink()]
        paths = [path for path in paths if not _is_junk(path.relative_to(self._extracted).parts)]
        read = {path: _readings(path, self._extracted) for path in paths}
        participants = {who for several in read.values() for who in several[:1] if who.lms == "moodle"}
        names = Counter(plain(name) for name, _ in {(who.name, who.number) for who in participants})
        roster = Roster(self._students, worksheet, names, self.parent.coursedir.assignment_id)
        plan = Plan(refused=refused)
        files: list[File] = []
        for path, several in read.items():
            relative = path.relative_to(self._extracted)
            try:
                who = chosen(several, roster, released)
                student = roster.student(who)
                files.append(File(path, who, student, self._came(path, relative)))
            except UnknownStudentError as why:
                plan.refused.append(f"{relative} was not collected: {why}")
        for theirs in _by_student(files, self._extracted, plan):
            _sort_out(theirs, released, self._extracted, plan)
        _tell(self._downloaded / REFUSED, plan.refused)
        for sentence in (*plan.refused, *plan.renamed):
            self.log.warning(sentence)
        return plan

    @cached_property
    def _extracted(self) -> Path:
        return Path(self.parent._format_collect_path(self.parent.extracted_directory))

    @cached_property
    def _downloaded(self) -> Path:
        return self._extracted.parent

    @cached_property
    def _worksheet(self) -> tuple[dict, list[str]]:
        folder = Path(self.parent._format_collect_path(self.parent.archive_directory))
        found, refused = {}, []
        for path in sorted(folder.glob("*")):
            if path.suffix.lower() == WORKSHEET and path.is_file():
                try:
                    found |= read_worksheet(path)
                except ValueError as why:
                    refused.append(f"{path.name} names nobody: {why}.")
        return found, refused

    @cached_property
    def _times(self) -> dict[str, str]:
        try:
            found = json.loads((self._downloaded / CAME).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _came(self, path: Path, relative: Path) -> datetime:
        when = self._times.get(str(relative))
        return datetime.fromisoformat(when) if when else datetime.fromtimestamp(path.stat().st_mtime, UTC)

    @cached_property
    def _released(self) -> dict[str, set[str]]:
        course = self.parent.coursedir
        folder = Path(course.format_path(course.release_directory, ".", course.assignment_id))
        found = {}
        for path in sorted(folder.glob("*.ipynb")):
            notebook = _notebook(path)
            cells = notebook.cells if notebook else []
            found[path.stem] = {name for cell in cells if (name := grade_id_of(cell)) is not None}
        return found

    @cached_property
    def _students(self) -> tuple[Student, ...]:
        with self._gradebook() as gradebook:
            return tuple(
                Student(s.id, s.first_name or "", s.last_name or "", s.email or "", s.lms_user_id or "")
                for s in gradebook.students
            )

    @cached_property
    def _due(self) -> datetime | None:
        with self._gradebook() as gradebook:
            try:
                return gradebook.find_assignment(self.parent.coursedir.assignment_id).duedate
            except MissingEntry:
                return None

    def _gradebook(self) -> Gradebook:
        return Gradebook(self.parent.coursedir.db_url, self.parent.coursedir.course_id)


def chosen(several: list[Named], roster: Roster, released: Iterable[str]) -> Named:
    """Return the reading of a file's name that holds.

    The only one; of several, the one that names somebody of the class and ends with a released notebook.

    Raises
    ------
    UnknownStudentError
        If there is none, or if several may hold.
    """
    if not several:
        raise UnknownStudentError("no LMS names files so. Put it into submitted/ yourself, or mend its name.")
    if len(several) == 1:
        return several[0]
    called = dict.fromkeys(released, ())
    fits = [
        who
        for who in several
        # A number in front is the LMS's rather than the student's.
        if roster.knows(who) and not NUMBER.match(who.file) and reading({who.file: None}, called).matched
    ]
    if len(fits) == 1 and fits[0].likely:
        return fits[0]
    likely = [who for who in several if who.likely]
    if len(likely) == 1 and not fits:
        return likely[0]
    users = " or ".join(dict.fromkeys(f"user {who.number} ({who.file})" for who in several))
    raise UnknownStudentError(
        f"it may be of {users}. Give the right one its lms_user_id in the gradebook, or put it into submitted/ "
        "yourself."
    )


def owner(name: str) -> str:
    """Return whose an entry of an LMS's archive is, to bound each: its start, or its first folder."""
    found = re.match(r"([^/]*?_\d+)_(?:assignsubmission_|\d+_)", name)
    return found.group(1) if found else name.partition("/")[0]


def _by_student(files: list[File], extracted: Path, plan: Plan) -> Iterator[list[File]]:
    """Yield each student's files; none of a student whom two different people of the LMS would be."""
    by_student: dict[str, list[File]] = defaultdict(list)
    for file in files:
        # Two ids that differ by the size of a letter are one folder on some disks.
        by_student[file.student.casefold()].append(file)
    for theirs in by_student.values():
        numbers = {(file.named.lms, file.named.number) for file in theirs}
        if len({lms for lms, _ in numbers}) == len(numbers):
            yield theirs
            continue
        who = ", ".join(sorted(f"{file.named.name} {file.named.number}".strip() for file in theirs))
        why = f"{who} would all be the student {theirs[0].student}"
        plan.refused += [f"{file.path.relative_to(extracted)} was not collected: {why}." for file in theirs]


def _sort_out(theirs: list[File], released: dict[str, set[str]], extracted: Path, plan: Plan) -> None:
    """Decide which of a student's files are the released notebooks; say what the others are."""
    latest: dict[str, File] = {}
    for file in sorted(theirs, key=lambda file: file.place):
        relative = file.path.relative_to(extracted)
        inside = file.named.file
        if not may_be_notebook(inside):
            kind = "no archive that is unpacked: ask for a .zip" if is_closed(inside) else "no notebook"
            plan.refused.append(f"{relative} was not collected: it is {kind}.")
            continue
        if (before := latest.get(inside)) is not None:
            plan.refused.append(f"{before.path.relative_to(extracted)} was not collected: {relative} came later.")
        latest[inside] = file
    found = reading({inside: _notebook(file.path) for inside, file in latest.items()}, released)
    goes = {inside: f"{name}.ipynb" for name, inside in found.matched.items()}
    for one in found.left:
        # So that grading has a row for it; below a folder of its own nobody takes it for a released notebook.
        if not set(one.may_be) & set(found.matched):
            goes[one.path] = f"unclear/{one.path}"
    for one in latest.keys() - goes.keys() - {one.path for one in found.left}:
        plan.refused.append(f"{latest[one].path.relative_to(extracted)} was not collected: it is no notebook.")
    plan.refused += [f"{one.why} ({latest[one.path].student})" for one in found.left]
    for inside, target in goes.items():
        file = latest[inside]
        plan.collected[file.path] = file, target
        if target != inside and not target.startswith("unclear/"):
            plan.renamed.append(f"{file.path.relative_to(extracted)} is collected as {target} of {file.student}.")


def _readings(path: Path, extracted: Path) -> list[Named]:
    """Return how the LMS's name of a file reads: below its archive's folder, or where it was put without one."""
    parts = path.relative_to(extracted).parts
    return readings("/".join(parts)) or readings("/".join(parts[1:]))


def _as_notebooks(extracted: Path) -> dict[str, str]:
    """Give notebooks under another ending their own, which nbgrader looks for; return the new names by the old."""
    renamed = {}
    for path in sorted(extracted.rglob("*")):
        relative = path.relative_to(extracted)
        if path.suffix != ".ipynb" and path.is_file() and may_be_notebook(str(relative)):
            target = path.with_name(f"{path.name}.ipynb")
            if not target.exists():
                renamed[str(relative)] = str(path.rename(target).relative_to(extracted))
    return renamed


def _is_junk(parts: tuple[str, ...]) -> bool:
    """Tell whether systems leave such a file beside a notebook."""
    return parts[-1].lower() in SYSTEM or any(JUNK.search(part) for part in parts)


def _notebook(path: Path) -> NotebookNode | None:
    try:
        return nbformat.reads(path.read_bytes().decode(errors="replace"), as_version=4)
    except Exception:  # nbformat raises whatever a broken file makes it raise
        return None


def _tell(path: Path, sentences: list[str]) -> None:
    """Append to what was said of an archive."""
    if sentences:
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n".join(sentences) + "\n")
