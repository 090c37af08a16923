"""A class in a throwaway course: what an instructor has after `perflab class`, and what learners hand in."""

import nbformat
import pytest
from throwaway import ASSIGNMENT, ROOT, Course

from perflab.course.gates import mutants
from perflab.judge.sample import submissions


@pytest.fixture(scope="session")
def course(tmp_path_factory) -> Course:
    """A released assignment and no submission yet."""
    course = Course(tmp_path_factory.mktemp("course"))
    assert ASSIGNMENT in course.run("perflab", "class")
    course.run("nbgrader", "generate_assignment", ASSIGNMENT)
    return course


@pytest.fixture(scope="session")
def notebooks(course) -> dict[str, nbformat.NotebookNode]:
    """The solved, the untouched and the naive notebook, as learners hand them in."""
    broken = mutants(ROOT / "tests" / "exercises" / f"{course.exercise.name}.py")
    return submissions(course.exercise, {"naive": broken["naive"][0]})
