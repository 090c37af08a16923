"""nbgrader's configuration of a class, for nbgrader_config.py and for a sample class alike."""

import os
import sys
import warnings
from pathlib import Path

from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from perflab.course.notebook import STUBS
from perflab.course.submission import SANITIZE

CELL_SECONDS = 120  # nbgrader's own limit of 30 s is short for a timed cell on a loaded machine
# Without these a kernel warns on every start that it talks over loopback, and writes a history to disk.
KERNEL_ARGUMENTS = ["--IPKernelApp.log_level=ERROR", "--HistoryManager.hist_file=:memory:"]


def class_config(root: Path) -> Config:
    """Return the configuration of the nbgrader course at `root`: source, release, submitted, ... and gradebook.db.

    Also puts this environment's programs first on the PATH: nbgrader calls alembic by its bare name.
    """
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    config = Config()
    config.CourseDirectory.course_id = "performance"
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py", "*.md"]
    config.merge(STUBS)
    # One damaged submission costs only itself, and no tag can skip a tests cell.
    config.RestoreForm.release = str(root / "release")
    config.Autograde.sanitize_preprocessors = SANITIZE
    config.Execute.skip_cells_with_tag = ""
    config.Execute.timeout = CELL_SECONDS
    config.Execute.extra_arguments = KERNEL_ARGUMENTS
    # nbgrader 0.9.6 fills its tables in an order that SQLAlchemy 2 remarks on, many times a submission.
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")
    return config
