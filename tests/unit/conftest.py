"""A clock that only moves when it is told to, and a tiny course with one complete exercise."""

from pathlib import Path

import pytest

from perflab import timing
from perflab.check import seen

CURRICULUM = """\
opening: {id: opening/why, points: []}
workflow: []
areas:
  - id: memory
    topics:
      - {id: memory/sums, points: [{id: memory/sums/once, text: Add each number once, kind: measured}]}
      - {id: memory/other, points: []}
  - id: cpu
    topics:
      - {id: cpu/loops, points: []}
patterns: []
projects: []
interviews: []
closing: {id: closing/end, points: []}
"""

TINY = '''\
# ---
# perflab:
#   title: Tiny sums
#   covers: [memory/sums/once]
#   lever: add each number once
#   stars: 1
#   minutes: 10
#   chapter: memory/sums
# ---

# %% [markdown]
# # Tiny sums
# Adding takes time.

# %% role="given" grade_id="tiny_given"
import numpy as np

from perflab import check


def make(rng, n=20_000):
    """Arguments: a list of numbers."""
    return (rng.random(n).tolist(),)


def slow(numbers):
    """Add every number, and do everything thirty times."""
    for _ in range(30):
        total = 0.0
        for number in numbers:
            total += number
    return total


# %% [markdown]
# ## Predict
# How many times faster?

# %% role="predict" grade_id="tiny_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
#
# <details><summary>Hint 1</summary>
#
# Once is enough.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Python has a function for it.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Call `math.fsum`.
#
# </details>


# %% role="answer" grade_id="tiny_answer"
def add(numbers):
    """Return the sum of `numbers`."""
    ### BEGIN SOLUTION
    secret_solution = sum(numbers)
    return secret_solution
    ### END SOLUTION


# %% role="tests" grade_id="tiny_correct" points=2
cases = [lambda rng, n=n: make(rng, n) for n in (0, 1, 5)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make(rng, n) for n in (4242,)]
### END HIDDEN TESTS
check.correct(add, against=slow, on=cases, points=2)

# %% role="tests" grade_id="tiny_speed" points=1.5
check.faster(add, than=slow, on=make, zero=1.5, full=3, points=1.5)

# %% role="show" grade_id="tiny_show"
check.predicted(guess, "tiny_speed")

# %% [markdown] role="explain" grade_id="tiny_explain" points=2
# ## Interview question
# When is once not enough?
#
# ### BEGIN MARK SCHEME
# The rubric says: never.
# ### END MARK SCHEME
'''


class Ticks:
    """A clock that stands still but for what functions under test add to it."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def spend(self, nanoseconds: float) -> None:
        self.now += round(nanoseconds)


@pytest.fixture(autouse=True)
def fresh_process():
    """Forget what earlier tests passed, measured and tried."""
    seen.start_over()


@pytest.fixture
def ticks(monkeypatch):
    """Take the place of the CPU clock."""
    clock = Ticks()
    monkeypatch.setitem(timing.CLOCKS, "cpu", clock)
    return clock


@pytest.fixture
def tiny():
    """Return the text of a complete exercise that breaks no rule."""
    return TINY


@pytest.fixture
def course(tmp_path):
    """Return the root of a course with that exercise and nothing else."""
    write_source(tmp_path, "memory/tiny", TINY)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "curriculum.yml").write_text(CURRICULUM)
    (tmp_path / "assignments.yml").write_text("")
    return tmp_path


def write_source(root: Path, name: str, text: str) -> Path:
    """Write an exercise source; return its path."""
    path = root / "solutions" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def add_source(course):
    """Return a function that adds an exercise to the course; without a text, a twin of the tiny one."""

    def add(name: str, text: str | None = None) -> Path:
        if text is None:
            area, stem = name.split("/")
            chapter = "memory/sums" if area == "memory" else "cpu/loops"
            text = TINY.replace("tiny_", f"{stem}_").replace("memory/sums\n", f"{chapter}\n")
        return write_source(course, name, text)

    return add
