"""Collect what an LMS hands over: nbgrader's zip_collect, with a safe unpacker, for Moodle and Canvas.

Layouts, as their sources write them (Moodle: mod/assign/locallib.php; Canvas: lib/content_zipper.rb):

    Moodle   Ada Lovelace_4711_assignsubmission_file_/soa_vs_aos.ipynb      with folders
             Ada Lovelace_4711_assignsubmission_file_soa_vs_aos.ipynb      without
    Canvas   lovelaceada_4711_123456_soa_vs_aos.ipynb                      on time
             lovelaceada_LATE_4711_123456_soa_vs_aos-1.ipynb               late, and the second of that name

The number behind the name is the participant's in Moodle's assignment, the user's in Canvas. A student of the
gradebook whose lms_user_id it is gets the submission; else the number is the student's id.
"""

import os
import re
import shutil
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from traitlets import Unicode

from perflab.lms.archive import is_archive, stem, unpack

LAYOUTS = (
    r"(?P<name>[^/]*?)_(?P<late>LATE_)?(?P<student_id>\d+)_"
    r"(?:assignsubmission_file_?/?(?:[^/]+/)*|\d+_(?:[^/]+/)*)"
    r"(?P<file_id>[^/]+?)(?:-\d+| \(\d+\))?\.ipynb$"
)
MOODLE = "_assignsubmission_file"
JUNK = ("._", "__MACOSX", ".ipynb_checkpoints")  # what systems leave in archives beside a notebook
REFUSED = "refused.txt"  # beside the archives: what stayed inside, and why


class SafeExtractor(ExtractorPlugin):
    """Unpacks archives without trusting what is in them; see `perflab.lms.archive`."""

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack all archives of a folder, each into a folder of its own, and copy other files.

        Parameters
        ----------
        archive_path, extracted_path : str
            Folders.
        """
        refused = []
        for path in sorted(Path(archive_path).rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            target = Path(extracted_path, path.relative_to(archive_path))
            target.parent.mkdir(parents=True, exist_ok=True)
            if is_archive(path.name):
                self.log.info("Extracting from: %s", path)
                refused += unpack(path, target.with_name(stem(path.name)), owner).refused
            else:
                shutil.copy2(path, target)
        told = Path(archive_path).with_name(REFUSED)
        told.unlink(missing_ok=True)
        if refused:
            told.write_text("\n".join(refused) + "\n")
        for sentence in refused:
            self.log.warning(sentence)


class LmsCollector(FileNameCollectorPlugin):
    """Tells from the names that Moodle and Canvas give whose a file is, and from the archive when it came.

    A student chooses the end of a name, and everything inside an archive that is handed in: only the start counts,
    and the time is that of the entry which the LMS wrote. No timestamp.txt is taken from anybody.
    """

    named_regexp = Unicode(
        LAYOUTS, help="Applied to a file's path below the folder of its archive; it must match all of it."
    ).tag(config=True)

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Return what nbgrader has to know of a file, or None if it is to be left.

        Parameters
        ----------
        submitted_file : str
            Path below the extracted folder.
        """
        path = Path(submitted_file)
        if path.suffix not in self.valid_ext or any(part.startswith(JUNK) for part in path.parts):
            return None
        found = self._match(_below(submitted_file, self._extracted))
        if not found:
            return None
        number = found["student_id"]
        came = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
        if MOODLE not in submitted_file and not found["late"] and self._due is not None:
            # Canvas dates all entries at the download and says by LATE who missed the due date.
            came = min(came, self._due)
        return {
            "student_id": self._ids.get(number, number),
            "file_id": f"{found['file_id']}.ipynb",
            "timestamp": came.isoformat(" ", "seconds"),
        }

    @cached_property
    def _extracted(self) -> Path:
        return Path(self.parent._format_collect_path(self.parent.extracted_directory))

    @cached_property
    def _ids(self) -> dict[str, str]:
        with Gradebook(self.parent.coursedir.db_url, self.parent.coursedir.course_id) as gradebook:
            return {student.lms_user_id: student.id for student in gradebook.students if student.lms_user_id}

    @cached_property
    def _due(self) -> datetime | None:
        with Gradebook(self.parent.coursedir.db_url, self.parent.coursedir.course_id) as gradebook:
            try:
                return gradebook.find_assignment(self.parent.coursedir.assignment_id).duedate
            except MissingEntry:
                return None


def owner(name: str) -> str:
    """Return whose an entry of an LMS's archive is: its start up to the number, or its first folder."""
    found = re.match(r"[^/]*?_(?:LATE_)?(\d+)_(?:assignsubmission_|\d+_)", name)
    return found.group(1) if found else name.partition("/")[0]


def _below(path: str, extracted: Path) -> str:
    """Return a path below the folder of its archive; a file that came without one has none."""
    relative = Path(os.path.relpath(path, extracted))
    return "/".join(relative.parts[1:] if len(relative.parts) > 1 else relative.parts)
