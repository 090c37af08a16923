"""What the names say that Moodle and Canvas give to files: whose each is, and which part of it the student chose.

As their sources write them (Moodle: mod/assign/locallib.php; Canvas: lib/content_zipper.rb):

    Moodle   Ada Lovelace_4711_assignsubmission_file_/soa_vs_aos.ipynb      with folders
             Ada Lovelace_4711_assignsubmission_file_soa_vs_aos.ipynb       without
             Group A-Ada Lovelace_4711_assignsubmission_file_/...           of a group
    Canvas   lovelaceada_4711_123456_soa_vs_aos.ipynb                       on time
             lovelaceada_LATE_4711_123456_soa_vs_aos-1.ipynb                late, and the second of that name
             anon_Ab3dE_123456_soa_vs_aos.ipynb                             of an anonymous assignment
             LATE_anon_Ab3dE_123456_soa_vs_aos.ipynb

Moodle's number is a participant's in that one assignment, Canvas's a user's. A name of a user or of a group may
hold digits and underscores, and so may the end, which the student chose: then one name has several readings.
"""

import re
from dataclasses import dataclass

MOODLE = re.compile(r"([^/]*?)_(\d+)_assignsubmission_[a-z]+(?:_(.*))?")
# At every underscore: the readings of a name overlap.
CANVAS = re.compile(r"(?=_(LATE_)?(\d+)_(\d+)_(.+)$)")
ANONYMOUS = re.compile(r"(LATE_)?(anon_[0-9A-Za-z]+)_(\d+)_(.+)")
NUMBERED = re.compile(r"_\d+_")


@dataclass(frozen=True)
class Named:
    """One reading of a name.

    Attributes
    ----------
    lms : {"moodle", "canvas"}
    name : str
        Of the student or the group, as far as the LMS writes it.
    number : str
        Of the participant (Moodle) or the user (Canvas); of somebody anonymous, all that is known of them.
    file : str
        What the student chose: a path below the entry.
    late : bool
        Whether the LMS says so; Moodle never does.
    upload : int
        Canvas's number of the file: a later one is larger. 0 in Moodle.
    likely : bool
        Whether the LMS lets somebody have such a name without tricks.
    """

    lms: str
    name: str
    number: str
    file: str
    late: bool = False
    upload: int = 0
    likely: bool = True

    @property
    def anonymous(self) -> bool:
        """Whether Canvas hides who it is."""
        return not self.number.isdecimal()


def readings(path: str) -> list[Named]:
    """Return all readings of a path in an archive of an LMS, the one with the shortest name first.

    Parameters
    ----------
    path : str
        With slashes; its first part is the entry of the LMS.

    Returns
    -------
    list of Named
        Empty if no LMS names files so.
    """
    entry, _, below = path.partition("/")
    if found := MOODLE.fullmatch(entry):
        name, number, file = found.groups()
        return [Named("moodle", name.replace("_", " ").strip(), number, _joined(file or "", below))]
    read = []
    if found := ANONYMOUS.fullmatch(entry):
        late, who, upload, file = found.groups()
        read.append(Named("canvas", "", who, _joined(file, below), bool(late), int(upload)))
    for found in CANVAS.finditer(entry):
        name, (late, number, upload, file) = entry[: found.start()], found.groups()
        if re.fullmatch(r"\w*", name) and not name.endswith("_LATE"):
            # Canvas takes the underscores away from a number within a user's name, for the sake of those who read
            # it; some names slip through.
            likely = not NUMBERED.search(name)
            read.append(Named("canvas", name, number, _joined(file, below), bool(late), int(upload), likely))
    return read


def _joined(file: str, below: str) -> str:
    return "/".join(part for part in (file, below) if part)
