"""nbgrader's configuration of the class in class/; run nbgrader and JupyterLab from this folder.

What is no business of the course, as late rules and passwords, goes into class/settings.py.
"""

from pathlib import Path

from perflab.course.classroom import class_config

c = get_config()  # noqa: F821  Jupyter provides it
c.merge(class_config(Path(__file__).resolve().parent / "class"))
