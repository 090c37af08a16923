"""Which student of the class somebody is whom an LMS names.

Canvas names a user by a number that stays: the lms_user_id of the gradebook. Moodle's number belongs to one
assignment (its table assign_user_mapping). Who it is says the assignment's grading worksheet, which an instructor
can download beside the archive; without it only the full name does.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perflab.lms.names import Named

IDENTIFIER = re.compile(r"\D+(\d+)")  # "Participant 4711", in the language of the site
IDENTITIES = ("Username", "ID number", "Email address")  # of the worksheet's columns, those that Moodle can add


class UnknownStudentError(ValueError):
    """Nobody can say whose a file is; the text says why, and what to do."""


@dataclass(frozen=True)
class Participant:
    """A line of a grading worksheet.

    Attributes
    ----------
    name : str
        The full name.
    identities : tuple of str
        User name, ID number and e-mail address, as far as the worksheet has them.
    """

    name: str
    identities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Student:
    """Somebody of the gradebook.

    Attributes
    ----------
    id, first_name, last_name, email, lms_user_id : str
        Empty where it is not known.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""


@dataclass(frozen=True)
class Roster:
    """Who is in a class, and what an assignment's worksheet says of its participants.

    Attributes
    ----------
    students : tuple of Student
    worksheet : dict of Participant
        By number.
    names : Counter of str
        How many participants of the archive have each full name; see `plain`.
    assignment : str
        Where nobody has a name, a number means somebody in it alone.
    """

    students: tuple[Student, ...] = ()
    worksheet: Mapping[str, Participant] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)
    assignment: str = ""

    def knows(self, who: Named) -> bool:
        """Tell whether somebody of the class is meant; no two are."""
        try:
            return self.student(who) in {student.id for student in self.students}
        except UnknownStudentError:
            return False

    def student(self, who: Named) -> str:
        """Return the id of the student, a new one for somebody new.

        Raises
        ------
        UnknownStudentError
            If several fit, or if the next archive would make somebody else of the same student.
        """
        if who.lms == "canvas":
            found = [s.id for s in self.students if s.lms_user_id == who.number] or [who.number]
            return _only(found, f"the user {who.number}", "Give each student an lms_user_id of their own.")
        row = self.worksheet.get(who.number, Participant(""))
        if found := self._identified(row):
            return found
        # Under blind marking all are called alike, and a worksheet names nobody either.
        alike = len(self.names) == 1 < self.names.total() and len(who.name.split()) == 1
        blind = alike or plain(who.name) == "participant"
        if row.name and not blind:
            if found := self._called(row.name):
                return _only(found, row.name, "Give them the e-mail addresses that the worksheet has.")
            same = sum(plain(other.name) == plain(row.name) for other in self.worksheet.values())
            return self._newcomer(row.name, same)
        for name in _without_groups(who.name):
            if found := self._called(name):
                return _only(found, name, WORKSHEET)
        if blind:
            return _as_id(f"{self.assignment} {who.name} {who.number}")
        return self._newcomer(who.name, self.names[plain(who.name)])

    def _identified(self, row: Participant) -> str:
        """Return the student whom a worksheet identifies otherwise than by name, or nothing."""
        theirs = {plain(one) for one in row.identities}
        for student in self.students:
            if theirs & {plain(one) for one in (student.id, student.email) if one}:
                return student.id
        if row.identities and not self._called(row.name):
            return _as_id(row.identities[0])
        return ""

    def _called(self, name: str) -> list[str]:
        wanted = plain(name)
        return [
            s.id
            for s in self.students
            if wanted in (plain(f"{s.first_name} {s.last_name}"), plain(f"{s.last_name} {s.first_name}"))
        ]

    def _newcomer(self, name: str, participants: int) -> str:
        if participants > 1:
            raise UnknownStudentError(f"{participants} participants are called {name}. {WORKSHEET}")
        found = _as_id(name)
        if not found:
            raise UnknownStudentError(f"the name {name!r} says nothing. {WORKSHEET}")
        others = [s for s in self.students if s.id == found and (s.first_name or s.last_name)]
        if others:
            raise UnknownStudentError(
                f"the class has a student {found} of another name: "
                f"{others[0].first_name} {others[0].last_name}. {WORKSHEET}"
            )
        return found


WORKSHEET = "Put the assignment's grading worksheet (.csv) beside the archive, with e-mail addresses."


def read_worksheet(path: Path) -> dict[str, Participant]:
    """Return the participants of a grading worksheet of Moodle by number.

    Parameters
    ----------
    path : Path
        A CSV file: identifier, full name, then other columns; the headers are in the language of the site.

    Raises
    ------
    ValueError
        If it is none; the text says why.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header, *lines = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"it cannot be read ({error})") from error
    found = {}
    for line in lines:
        if len(line) < 2 or not (number := IDENTIFIER.fullmatch(line[0].strip())):
            continue
        cells = dict(zip(header, line, strict=False))
        named = [cells.get(one, "").strip() for one in IDENTITIES]
        mails = [cell.strip() for cell in line[2:] if re.fullmatch(r"[^@\s]+@[^@\s]+", cell.strip())]
        identities = dict.fromkeys(filter(None, (*named, *mails[:1])))
        found[number[1]] = Participant(line[1].strip(), tuple(identities))
    if not found:
        raise ValueError(
            "it is no grading worksheet of Moodle: its lines begin with a participant and a full name"
        )
    return found


def plain(name: str) -> str:
    """Return a name as it is compared: in one form of Unicode, of small letters, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).replace("_", " ").casefold().split())


def _without_groups(name: str) -> Iterable[str]:
    """Yield a full name, and what is left of it where its start may be a group's: ``Group A-Ada Lovelace``."""
    parts = name.split("-")
    for i in range(len(parts)):
        yield "-".join(parts[i:])


def _as_id(name: str) -> str:
    """Return what becomes a folder and an id: letters, digits and a few signs."""
    kept = re.sub(r"[^\w@.+]+", "-", plain(name)).strip("-.")
    return kept[:100]


def _only(found: list[str], who: str, then: str) -> str:
    if len(found) > 1:
        raise UnknownStudentError(f"{who} may be {' or '.join(sorted(found))}. {then}")
    return found[0]
