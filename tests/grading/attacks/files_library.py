"""Changes the library of the grader on the disk."""

SECTION = "files"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import perflab.check.values
from pathlib import Path

path = Path(perflab.check.values.__file__)
if not str(path).startswith("/opt"):
    raise SystemExit  # a copy of somebody's: leave it alone
path.write_text("def difference(*args, **more): return None")
"""
)
