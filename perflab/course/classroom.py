"""nbgrader's configuration of a class, for nbgrader_config.py and for a sample class alike."""

import os
import sys
import warnings
from pathlib import Path

from sqlalchemy.engine import URL
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
    "perflab.judge.arrival.FlagMissing",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# nbgrader's own list for a release, behind a look at what it would have to refuse.
RELEASED = [
    "perflab.judge.agreement.KeepCells",
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.InstantiateTests",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]
FEEDBACK = [
    "nbgrader.preprocessors.GetGrades",
    "perflab.judge.feedback.MarkUngraded",
    "perflab.judge.feedback.HideTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
FILE = "nbgrader_config.py"
SETTINGS = "settings.py"  # in the class's folder: lines as in nbgrader_config.py, of this class alone
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

    Raises
    ------
    CourseError
        If nbgrader cannot work in such a folder.

    Also puts this environment's programs first on the PATH: nbgrader calls alembic by its bare name.
    """
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    root = root.resolve()  # nbgrader works in a folder of its own
    if "[" in str(root):
        raise CourseError(f"{root}: nbgrader takes [ for the beginning of a pattern. Rename the folder.")
    config = Config()
    config.CourseDirectory.db_url = gradebook or sqlite_url(root)
    config.CourseDirectory.course_id = COURSE
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py", "*.md"]
    config.CourseDirectory.ignore += ["*.damaged*", "*.misnamed", ".perflab-names.json"]
    config.merge(STUBS)
    # One damaged submission costs only itself, and no tag can skip a tests cell.
    config.RestoreForm.release = str(root / "release")
    config.Autograde.pre_convert_hook = "perflab.judge.arrival.arrive"
    config.Autograde.sanitize_preprocessors = SANITIZE
    # Points come from the judge, whatever a notebook displays.
    config.Autograde.autograde_preprocessors = JUDGED
    config.Judge.root = str(root)
    config.FlagMissing.root = str(root)
    config.Judge.sandbox = sandbox
    # nbgrader adds and removes no cell of a notebook with submissions, and would find out too late.
    config.GenerateAssignment.preprocessors = RELEASED
    # A page is made anew: nbgrader would leave one that lacks points and comments given since.
    config.GenerateFeedback.force = True
    config.GenerateFeedback.exporter_class = "perflab.judge.feedback.Page"
    config.GenerateFeedback.preprocessors = FEEDBACK
    config.HTMLExporter.filters = {"markdown2html": "perflab.judge.feedback.markdown2html"}
    config.AssignLatePenalties.plugin_class = "perflab.lms.late.PercentPerUnit"
    # Grades are no part of the course's repository: they lie in the class, as all that is about students.
    config.ExportApp.plugin_class = "perflab.lms.export.GradesExport"
    config.ZipCollectApp.extractor_plugin = "perflab.lms.collect.SafeExtractor"
    config.ZipCollectApp.collector_plugin = "perflab.lms.collect.LmsCollector"
    config.Execute.skip_cells_with_tag = ""
    config.Execute.timeout = CELL_SECONDS
    config.Execute.extra_arguments = ARGUMENTS
    _read_settings(root / SETTINGS, config)
    if gradebook:
        config.CourseDirectory.db_url = gradebook
    # nbgrader 0.9.6 fills its tables in an order that SQLAlchemy 2 remarks on, many times a submission.
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")
    return config


def _read_settings(path: Path, config: Config) -> None:
    """Let a class's own settings count: late rules, passwords and the like are no part of the course."""
    if not path.is_file():
        return
    try:
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), {"c": config, "get_config": lambda: config})
    except Exception as error:  # whatever the file does when it runs
        raise CourseError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def sqlite_url(root: Path) -> str:
    """Return the URL of the gradebook in a class's folder, whatever letters its path has."""
    return URL.create("sqlite", database=str(root / "gradebook.db")).render_as_string()


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
