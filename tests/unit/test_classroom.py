"""The class's own nbgrader_config.py counts, and its gradebook is opened once."""

import subprocess
from pathlib import Path

import pytest
import sqlalchemy
from nbgrader import api

from perflab.course import CourseError
from perflab.course.classroom import class_config, configured
from perflab.judge.gradebook import one_engine, opened, url_of

FILE = """from pathlib import Path
from perflab.course.classroom import class_config
c = get_config()
c.merge(class_config(Path(__file__).resolve().parent / "class"))
c.PercentPerUnit.percent = 10
c.CourseDirectory.db_url = "sqlite:///elsewhere.db"
"""


def test_what_an_instructor_adds_counts_for_perflab_too(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(FILE)
    config = configured(tmp_path / "class")
    assert config.PercentPerUnit.percent == 10
    assert url_of(tmp_path / "class", config) == "sqlite:///elsewhere.db"
    assert config.Judge.sandbox == "bubblewrap"


def test_the_command_line_counts_more(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(FILE)
    config = configured(tmp_path / "class", sandbox="none", gradebook="sqlite:///mine.db")
    assert (config.Judge.sandbox, config.CourseDirectory.db_url) == ("none", "sqlite:///mine.db")


def test_the_file_of_another_class_does_not_count(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(FILE)
    other = tmp_path / "other"
    assert configured(other) == class_config(other)
    assert url_of(other, configured(other)) == f"sqlite:///{other / 'gradebook.db'}"


@pytest.mark.parametrize("text", ["1 / 0", "c = (", "import nothing_of_that_name"])
def test_a_broken_file_is_a_sentence(tmp_path, text):
    (tmp_path / "nbgrader_config.py").write_text(text)
    with pytest.raises(CourseError, match=r"nbgrader_config\.py: cannot be read"):
        configured(tmp_path / "class")


def test_a_classs_own_settings_count(tmp_path):
    """In a file that git ignores, for nbgrader and perflab; the command line counts more."""
    (tmp_path / "class").mkdir()
    settings = tmp_path / "class" / "settings.py"
    settings.write_text("c.PercentPerUnit.percent = 20\nc.CourseDirectory.db_url = 'sqlite:///secret.db'\n")
    for config in (class_config(tmp_path / "class"), configured(tmp_path / "class")):
        assert config.PercentPerUnit.percent == 20
        assert config.CourseDirectory.db_url == "sqlite:///secret.db"
    assert configured(tmp_path / "class", gradebook="sqlite:///x.db").CourseDirectory.db_url == "sqlite:///x.db"
    settings.write_text("c = get_config()\nc.PercentPerUnit.percent = 30\n")
    assert class_config(tmp_path / "class").PercentPerUnit.percent == 30
    settings.write_text("c.PercentPerUnit.percent = \n")
    with pytest.raises(CourseError, match=r"settings\.py: cannot be read: SyntaxError"):
        class_config(tmp_path / "class")


@pytest.mark.parametrize("path", ["class/settings.py", "class/grades.csv", "grades.csv", "moodle.csv"])
def test_git_ignores_what_is_about_students(path):
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        pytest.skip("no repository")
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=root).returncode == 0


def test_all_gradebooks_of_a_batch_share_an_engine(tmp_path, monkeypatch):
    class_config(tmp_path)  # nbgrader finds alembic
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with api.Gradebook(url) as gradebook:
        gradebook.add_student("ada")
    made = []

    def counted(*args, **options):
        made.append(args)
        return sqlalchemy.create_engine(*args, **options)

    monkeypatch.setattr(api, "create_engine", counted)
    with one_engine():
        for i in range(3):
            with api.Gradebook(url) as gradebook:
                gradebook.add_student(f"bob{i}")
    assert len(made) == 1
    assert api.create_engine is counted
    with opened(url) as gradebook:
        assert len(gradebook.students) == 4


def test_a_class_is_found_from_any_folder(tmp_path, monkeypatch):
    from pathlib import Path

    from perflab.course.classroom import class_config

    monkeypatch.chdir(tmp_path)
    config = class_config(Path("class"))
    assert config.Judge.root == config.CourseDirectory.root == str(tmp_path / "class")
