"""In a real kernel every exercise gives the points that its gates, which run in forks, say."""

from pathlib import Path

import pytest

from perflab.course.results import results
from perflab.course.running import run
from perflab.course.source import read_all
from perflab.judge.sample import submissions

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("exercise", read_all(ROOT / "solutions"), ids=lambda e: e.name)
@pytest.mark.parametrize("who", ["solved", "untouched"])
def test_points_in_a_kernel(exercise, who):
    notebook = submissions(exercise, {})[who]
    run(notebook, limit=600, pictures=True)
    found = {result.grade_id: result.points for result in results(notebook)}
    assert found == {c.grade_id: c.points if who == "solved" else 0 for c in exercise.of_role("tests")}
    # Anything on stderr would have cost a cell its points; in the others it would be noise for a reader.
    streams = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"]
    assert [s.text for s in streams if s.name == "stderr"] == []
    if who == "solved":
        errors = [
            o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "error"
        ]
        assert not errors
