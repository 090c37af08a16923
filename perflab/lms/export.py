"""Grades as the CSV files that Canvas and Moodle import, through nbgrader's export plugins.

    nbgrader export                                                grades.csv, for the class's own use
    nbgrader export --exporter=perflab.lms.export.CanvasExport     canvas.csv
    nbgrader export --exporter=perflab.lms.export.MoodleExport     moodle.csv

They are written to the folder of the class unless --to says otherwise. Who was not graded has no points in any of
them: neither who handed in nothing, nor whose files could not be graded.

Canvas (lib/gradebook_importer.rb) finds a student by ID, then by SIS ids, then by name; an assignment by its
title, or by "title (number)" where that is ambiguous; a row of possible points stands first. Moodle
(grade/import/csv) asks at the upload which column identifies a student and which is which grade item; it knows
user names, ID numbers, e-mail addresses and user ids.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, Student, SubmittedAssignment
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Unicode

from perflab import words

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins so


class ClassExport(ExportPlugin):
    """What all have in common: where they write, and what they warn of."""

    default_to = ""

    def destination(self) -> str:
        """Return where to write: the class's folder, if nobody says otherwise."""
        to = self.to or str(Path(self.parent.coursedir.root, self.default_to))
        self.log.info("Exporting grades to %s", to)
        return to

    def warn(self, submissions: Iterable[SubmittedAssignment]) -> None:
        """Say how many submissions wait for a human, and how many could not be graded."""
        graded = [is_graded(submission) for submission in submissions]
        waiting = sum(one.needs_manual_grade for one, done in zip(submissions, graded, strict=True) if done)
        if waiting:
            who = words.counted(waiting, "submission waits", "submissions wait")
            self.log.warning("%s for a human; points so far are exported", who)
        if open := graded.count(False):
            who = words.counted(open, "submission is", "submissions are")
            self.log.warning("%s not graded and exported without points", who)


class GradesExport(ClassExport):
    """Writes a line for each student and assignment, in nbgrader's own columns."""

    default_to = "grades.csv"

    def export(self, gradebook: Gradebook) -> None:
        """Write the file; it has a line for who handed in nothing, too, without points."""
        rows = []
        for assignment in gradebook.assignments:
            if self.assignment and assignment.name not in map(str, self.assignment):
                continue
            handed_in = {submission.student.id: submission for submission in assignment.submissions}
            self.warn(handed_in.values())
            for student in gradebook.students:
                if not self.student or student.id in map(str, self.student):
                    rows.append(_line(assignment, student, handed_in.get(student.id)))
        with open(self.destination(), "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)


class LmsExport(ClassExport):
    """What both LMS have in common: one row a student, one column an assignment."""

    titles = Dict(
        default_value={},
        key_trait=Unicode(),
        value_trait=Unicode(),
        help='Title of an assignment in the LMS, where it is another one: {"memory-locality": "Week 3 (1234)"}.',
    ).tag(config=True)
    not_handed_in = Unicode("", help="Written for who handed in nothing: empty leaves the LMS as it is.").tag(
        config=True
    )
    fields = Dict(
        default_value={},
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Which field of a student in the gradebook goes into which column: id, email, lms_user_id, "
        "first_name, last_name, or nothing.",
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file; what is late has lost its points, what waits for a human counts as it is."""
        wanted = [a for a in gradebook.assignments if not self.assignment or a.name in self.assignment]
        assignments = sorted(wanted, key=lambda assignment: assignment.name)
        students = [s for s in gradebook.students if not self.student or s.id in map(str, self.student)]
        handed_in = {(s.assignment.name, s.student.id): s for a in assignments for s in a.submissions}
        self.warn(handed_in.values())
        to = self.destination()
        with open(to, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerows(self.head(assignments))
            for student in students:
                grades = [self._grade(handed_in.get((a.name, student.id))) for a in assignments]
                writer.writerow([*self.about(student), *grades])

    def head(self, assignments: list[Assignment]) -> list[list[Any]]:
        """Return the rows above those of students."""
        return [[*self.fields, *map(self.title, assignments)]]

    def about(self, student: Student) -> list[str]:
        """Return the cells that say who a student is."""
        return [_cell(getattr(student, field, None) if field else None) for field in self.fields.values()]

    def title(self, assignment: Assignment) -> str:
        """Return what the LMS calls an assignment."""
        return self.titles.get(assignment.name, assignment.name)

    def _grade(self, submission: SubmittedAssignment | None) -> str:
        if submission is None or not is_graded(submission):
            return self.not_handed_in
        return f"{max(0.0, submission.score - submission.late_submission_penalty):.10g}"


class CanvasExport(LmsExport):
    """Writes what Canvas's gradebook imports."""

    default_to = "canvas.csv"
    fields = Dict(
        default_value={"ID": "lms_user_id", "SIS User ID": "", "SIS Login ID": "id", "Section": ""},
        help=LmsExport.fields.help,
    ).tag(config=True)

    def head(self, assignments: list[Assignment]) -> list[list[Any]]:
        """Return the header and the row of possible points, as Canvas exports them."""
        (header,) = super().head(assignments)
        blank = [""] * len(self.fields)
        return [
            ["Student", *header],
            ["    Points Possible", *blank, *(f"{a.max_score:.10g}" for a in assignments)],
        ]

    def about(self, student: Student) -> list[str]:
        """Return the name as Canvas sorts it, or the id, and the fields."""
        name = ", ".join(part for part in (student.last_name, student.first_name) if part)
        return [_cell(name or student.id), *super().about(student)]


class MoodleExport(LmsExport):
    """Writes what Moodle's grade import reads.

    What the gradebook calls lms_user_id is no number that Moodle knows: its "ID number" is an institution's own.
    """

    default_to = "moodle.csv"
    fields = Dict(
        default_value={
            "First name": "first_name",
            "Last name": "last_name",
            "Username": "id",
            "Email address": "email",
        },
        help=LmsExport.fields.help,
    ).tag(config=True)


def _cell(value: str | None) -> str:
    text = value or ""
    return f"'{text}" if text.startswith(FORMULA) else text


def is_graded(submission: SubmittedAssignment) -> bool:
    """Tell whether anybody gave points for it; nbgrader has a row of zeros for what it could not grade."""
    grades = (grade for notebook in submission.notebooks for grade in notebook.grades)
    return any(grade.auto_score is not None or grade.manual_score is not None for grade in grades)


def _line(assignment: Assignment, student: Student, submission: SubmittedAssignment | None) -> list[Any]:
    who = [_cell(text) for text in (student.id, student.last_name, student.first_name, student.email)]
    when, points = "", ["", "", ""]
    if submission is not None:
        when = submission.timestamp or ""
        if is_graded(submission):
            taken = submission.late_submission_penalty
            points = [submission.score, taken, max(0.0, submission.score - taken)]
    return [assignment.name, assignment.duedate or "", when, *who, *points, assignment.max_score]
