"""nbgrader's configuration of a class, for nbgrader_config.py and for a sample class alike."""

import os
import sys
import warnings
from pathlib import Path

from sqlalchemy.exc import SAWarning
from traitlets.config import Config, ConfigFileNotFound, PyFileConfigLoader

from perflab.course.errors import CourseError
from perflab.course.kernel import ARGUMENTS
from perflab.course.notebook import STUBS
from perflab.course.submission import SANITIZE

# By name, since the judge and what speaks to an LMS stand above: nbgrader's own lists, with the judge in place of
# its kernel.
JUDGED = [
    "perflab.judge.plugin.Judge",
    "nbgrader.preprocessors.SaveAutoGrades",
    "perflab.judge.plugin.FlagForHuman",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
FEEDBACK = [
    "nbgrader.preprocessors.GetGrades",
    "perflab.judge.feedback.HideTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
FILE = "nbgrader_config.py"
COURSE = "performance"
CELL_SECONDS = 120  # nbgrader's own limit of 30 s is short for a timed cell on a loaded machine


def class_config(root: Path, sandbox: str = "bubblewrap", gradebook: str = "") -> Config:
    """Return the configuration of the nbgrader course at `root`: source, release, submitted, ... and gradebook.db.

    Parameters
    ----------
    root : Path
    sandbox : str
        What isolates student code; see `perflab.judge.settings`.
    gradebook : str
        URL of the database, e.g. ``postgresql+psycopg://user@host/name``; by default SQLite at `root`.

    Also puts this environment's programs first on the PATH: nbgrader calls alembic by its bare name.
    """
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    root = root.resolve()  # nbgrader works in a folder of its own
    config = Config()
    if gradebook:
        config.CourseDirectory.db_url = gradebook
    config.CourseDirectory.course_id = COURSE
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py", "*.md", "*.damaged*"]
    config.merge(STUBS)
    # One damaged submission costs only itself, and no tag can skip a tests cell.
    config.RestoreForm.release = str(root / "release")
    config.Autograde.pre_convert_hook = "perflab.judge.intake.make_readable"
    config.Autograde.sanitize_preprocessors = SANITIZE
    # Points come from the judge, whatever a notebook displays.
    config.Autograde.autograde_preprocessors = JUDGED
    config.Judge.root = str(root)
    config.Judge.sandbox = sandbox
    config.GenerateFeedback.preprocessors = FEEDBACK
    config.HTMLExporter.filters = {"markdown2html": "perflab.judge.feedback.markdown2html"}
    config.AssignLatePenalties.plugin_class = "perflab.lms.late.PercentPerUnit"
    config.ZipCollectApp.extractor_plugin = "perflab.lms.collect.SafeExtractor"
    config.ZipCollectApp.collector_plugin = "perflab.lms.collect.LmsCollector"
    config.Execute.skip_cells_with_tag = ""
    config.Execute.timeout = CELL_SECONDS
    config.Execute.extra_arguments = ARGUMENTS
    # nbgrader 0.9.6 fills its tables in an order that SQLAlchemy 2 remarks on, many times a submission.
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")
    return config


def configured(root: Path, sandbox: str = "", gradebook: str = "") -> Config:
    """Return the configuration of the class at `root` as nbgrader has it: with what its nbgrader_config.py says.

    Parameters
    ----------
    root : Path
        The class; the file is looked for beside it, where nbgrader is run.
    sandbox, gradebook : str
        See `class_config`; they count more than the file.

    Raises
    ------
    CourseError
        If the file cannot be read.
    """
    path = root.parent / FILE
    try:
        config = PyFileConfigLoader(path.name, str(path.parent)).load_config()
    except ConfigFileNotFound:
        config = Config()
    except Exception as error:  # whatever the file does when it runs
        raise CourseError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error
    if config.CourseDirectory.get("root") != str(root):
        config = class_config(root)
    if sandbox:
        config.Judge.sandbox = sandbox
    if gradebook:
        config.CourseDirectory.db_url = gradebook
    return config
