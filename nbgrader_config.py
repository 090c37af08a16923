"""nbgrader's configuration of the class in class/; run nbgrader and JupyterLab from this folder."""

import os
import sys
from pathlib import Path

from perflab.course.notebook import STUBS
from perflab.course.submission import SANITIZE

root = Path(__file__).resolve().parent
# nbgrader calls alembic by its bare name, also where nobody activated the environment.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821  Jupyter provides it
c.CourseDirectory.course_id = "performance"
c.CourseDirectory.root = str(root / "class")
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py", "*.md"]
c.ClearSolutions.code_stub = STUBS.ClearSolutions.code_stub

# One damaged submission costs only itself, and a tag cannot skip a test.
c.Autograde.sanitize_preprocessors = SANITIZE
c.Execute.skip_cells_with_tag = ""
c.Execute.timeout = 120
