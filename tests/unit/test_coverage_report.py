"""The coverage report: what it takes for covered, and what it says about what is not."""

import json
import pkgutil
import sys

import pytest

from perflab import cli
from perflab.course import CourseError, chapter
from perflab.course.coverage import coverage
from perflab.course.evidence import INSTRUMENTS, MODELS, Evidence

CURRICULUM = """\
opening: {id: opening/why, points: []}
workflow: []
areas:
  - id: memory
    topics:
      - id: memory/sums
        title: Sums
        points:
          - {id: memory/sums/fast, text: Sum fast, kind: measured}
          - {id: memory/sums/counted, text: Count lines, kind: modelled}
          - {id: memory/sums/said, text: Say why, kind: explained}
          - {id: memory/sums/next, text: Go on, see: memory/other}
      - id: memory/other
        title: Other
        points: [{id: memory/other/one, text: One, kind: measured}]
patterns: []
projects: []
interviews: []
closing: {id: closing/end, points: []}
"""

PAGE = """\
---
kernelspec: {name: python3, display_name: Python 3}
---
# Sums

```{code-cell}
from perflab import timing
from perflab.models import lines as models_lines
```

## Fast

```{point} memory/sums/fast
```

Sums take time.

```{code-cell}
def both(make):
    return timing.compare(sum, max, make)
```

```{code-cell}
:tags: [hide-input]
print(both(make))
```

## Counted

```{point} memory/sums/counted
```

```{code-cell}
models_lines.fetched(sum, (1, 2))
```

### Said

```{point} memory/sums/said
```

It says why. See {doc}`the other one <other>`.

```{code-cell}
print(1)
```
"""

OTHER = """\
# Other

## One

```{point} memory/other/one
```

```{code-cell}
import time
time.perf_counter()
```
"""


@pytest.fixture
def book(tmp_path):
    """Return a function that writes a course of two chapters, the first changed, and returns its coverage."""

    def write(*changes, other=OTHER):
        page = PAGE
        for old, new in changes:
            assert old in page
            page = page.replace(old, new)
        folder = tmp_path / "book" / "memory"
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "book" / "curriculum.yml").write_text(CURRICULUM)
        (folder / "sums.md").write_text(page)
        if other:
            (folder / "other.md").write_text(other)
        return {topic.id: topic for topic in coverage(tmp_path)}

    return write


def states(topic):
    return {point.id.split("/")[-1]: point.state for point in topic.points}


def test_a_chapter_that_covers_everything(book):
    found = book()
    assert set(states(found["memory/sums"]).values()) == {"covered"}
    assert found["memory/sums"].problems == ()
    assert found["memory/sums"].count("measured") == (1, 1)
    assert [point.line for point in found["memory/sums"].points] == [13, 30, 39, None]


def test_a_topic_without_a_chapter_is_open(book):
    found = book(("See {doc}`the other one <other>`.", ""), other=None)
    assert found["memory/other"].chapter is None
    assert states(found["memory/other"]) == {"one": "open"}
    assert states(found["memory/sums"])["next"] == "open"
    assert not any(topic.problems for topic in found.values())


COUNTED = "models_lines.fetched(sum, (1, 2))"
BROKEN = [  # old, new, the point, its state, where the problem is, what it says
    ("```{point} memory/sums/fast\n```\n", "", "fast", "missing", 1, "memory/sums/fast has no place"),
    ("print(both(make))", "print(both)", "fast", "covered", None, None),
    (
        "print(both(make))",
        "pass",
        "fast",
        "not its kind",
        13,
        "measured, but no cell of its section runs an instr",
    ),
    ("[hide-input]", "[skip-execution]", "fast", "not its kind", 13, "memory/sums/fast is measured"),
    ("[hide-input]", "hide-input, skip-execution", "fast", "not its kind", 13, "memory/sums/fast is measured"),
    ("timing.compare(sum", "timing.interval(sum", "fast", "not its kind", 13, "memory/sums/fast is measured"),
    (COUNTED, "timing.seconds_of(sum)", "counted", "not its kind", 30, "counted is modelled, but no cell"),
    (
        COUNTED,
        "def never(): models_lines.fetched()",
        "counted",
        "not its kind",
        30,
        "move the place there, or name",
    ),
    ("It says why. See", "## More\nSee", "said", "not its kind", 39, "no prose beside a cell that runs"),
    ("print(1)\n```", "```\n\n## More\n```{code-cell}\nprint(1)\n```", "said", "covered", None, None),
    ("{doc}`the other one <other>`", "it", "next", "missing", 1, "memory/sums/next belongs to memory/other: link"),
    ("{doc}`the other one <other>`", "{ref}`memory/other/one`", "next", "covered", None, None),
    ("{doc}`the other one <other>`", "{doc}`/book/memory/other`", "next", "covered", None, None),
    ("{doc}`the other one <other>`", "{doc}`../memory/other`", "next", "covered", None, None),
    ("{doc}`the other one <other>`", "{doc}`../cpu/other`", "next", "missing", 1, "belongs to memory/other"),
]


@pytest.mark.parametrize(("old", "new", "point", "state", "line", "says"), BROKEN)
def test_one_change(book, old, new, point, state, line, says):
    topic = book((old, new))["memory/sums"]
    expected = dict.fromkeys(("fast", "counted", "said", "next"), "covered") | {point: state}
    assert states(topic) == expected
    assert [problem.line for problem in topic.problems] == [line] * (line is not None)
    assert all(says in problem.message for problem in topic.problems)


def test_code_belongs_to_the_place_above_it_and_to_no_other(book):
    """The cell that counts is in a section below, which has a place of its own."""
    moved = (COUNTED, "pass"), ("print(1)", COUNTED)
    assert states(book(*moved)["memory/sums"])["counted"] == "not its kind"
    shared = *moved, ("### Said\n", "")
    assert states(book(*shared)["memory/sums"])["counted"] == "covered"
    below = *moved, ("```{point} memory/sums/said\n```\n", "")
    assert states(book(*below)["memory/sums"])["counted"] == "covered"


def test_what_the_page_itself_defines_has_to_be_named_and_to_run(book):
    own = COUNTED, "def spans(n):\n    return n\n\n\nspans(3)"
    by = "memory/sums/counted\n", "memory/sums/counted\n:by: spans\n"
    assert states(book(own)["memory/sums"])["counted"] == "not its kind"
    assert states(book(own, by)["memory/sums"])["counted"] == "covered"
    assert states(book(own, by, ("\nspans(3)", ""))["memory/sums"])["counted"] == "not its kind"
    nobody = "memory/sums/counted\n", "memory/sums/counted\n:by: print\n"
    assert states(book(own, nobody, ("spans(3)", "print(3)"))["memory/sums"])["counted"] == "not its kind"


def test_a_place_of_no_point_of_the_topic_is_a_problem(book):
    (problem,) = book(("memory/sums/said\n", "memory/sums/said\n```\n```{point} memory/other/one\n"))[
        "memory/sums"
    ].problems
    assert "memory/other/one is no point of memory/sums: copy the id from book/curriculum.yml" in problem.message


def test_a_topic_may_have_a_further_page(book, tmp_path):
    """Its points count wherever they are placed; each page has its own cells and names."""
    folder = tmp_path / "book" / "memory"
    folder.mkdir(parents=True)
    place = "```{point} memory/sums/fast\n```\n"
    (folder / "longer.md").write_text(f"# Longer\n\n## Fast\n\n{place}\n```{{code-cell}}\nboth(make)\n```\n")
    topic = book((place, ""))["memory/sums"]
    assert [path.name for path in topic.pages] == ["sums.md", "longer.md"]
    assert states(topic)["fast"] == "not its kind"  # both() is defined on the other page
    (problem,) = topic.problems
    assert problem.path.name == "longer.md"
    (folder / "longer.md").write_text(
        f"# Longer\n\n## Fast\n\n{place}\n```{{code-cell}}\nimport timeit\ntimeit\n```\n"
    )
    topic = book((place, ""))["memory/sums"]
    assert set(states(topic).values()) == {"covered"}
    assert topic.problems == ()


def test_a_further_page_covers_one_topic(book, tmp_path):
    folder = tmp_path / "book" / "memory"
    folder.mkdir(parents=True)
    places = "".join(f"```{{point}} memory/{name}\n```\n" for name in ("sums/said", "other/one"))
    (folder / "longer.md").write_text(f"# Longer\n\n{places}")
    (problem,) = book()["memory/sums"].problems
    assert "memory/other/one is no point of memory/sums" in problem.message


def test_exercises_cover_points_or_whole_topics(book, tmp_path, tiny):
    folder = tmp_path / "solutions" / "memory"
    folder.mkdir(parents=True)
    for name, covers in (("one", "memory/sums/fast"), ("all", "memory/sums"), ("none", "memory/other/one")):
        (folder / f"{name}.py").write_text(tiny.replace("memory/sums/once", covers))
    fast, counted, *_ = book()["memory/sums"].points
    assert fast.exercises == ("memory/all", "memory/one")
    assert counted.exercises == ("memory/all",)


def test_a_chapter_that_cannot_be_read(tmp_path):
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe")
    with pytest.raises(CourseError, match=r"bad\.md: cannot be read"):
        chapter.read(tmp_path / "bad.md")


@pytest.mark.parametrize(
    ("cells", "measures"),
    [
        (["import time", "time.perf_counter_ns()"], True),
        (["import time", "time.sleep(1)"], False),
        (["from time import process_time as now", "now()"], True),
        (["import perflab.machine as m", "m.ceilings(fresh=True).copy"], True),
        (["from perflab import machine", "machine.describe()"], False),
        (["from perflab.machine import throughput", "throughput.file_write()"], True),
        (["%matplotlib inline\nimport tracemalloc\ntracemalloc.start()"], True),
        (["this is no Python", "import cProfile"], False),
        (
            ["from perflab import timing\nclass Watch:\n    def see(self):\n        timing.paired()", "Watch()"],
            True,
        ),
        (["from perflab import timing\nclass Watch:\n    def see(self):\n        timing.paired()"], False),
        (["from perflab import timing\nfor _ in ():\n    def once():\n        timing.paired()\n    once()"], True),
        (["def a():\n    b()\ndef b():\n    a()", "a()"], False),
        (["timing = 3\ntiming"], False),
    ],
)
def test_which_cells_measure(cells, measures):
    assert Evidence(cells).measures(cells) is measures


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command; it returns the exit code and both streams."""

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["perflab", "coverage", "--root", str(tmp_path), *options])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code or 0, *capsys.readouterr()

    return run


def test_the_command_ends_well_where_chapters_cover_their_topics(book, run):
    book()
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "2 of 4 topics have a chapter. Of the 5 points of these, 5 are covered in their kind" in out
    assert "why" in out


def test_the_command_fails_where_a_chapter_misses_a_point(book, run):
    book(("print(both(make))", "pass"))
    code, out, err = run()
    assert code == 1
    assert "not its kind" in out
    assert "sums.md:13: memory/sums/fast is measured, but no cell" in err
    code, out, err = run("--json")
    assert code == 1
    assert "sums.md:13" in err
    sums = next(topic for topic in json.loads(out) if topic["id"] == "memory/sums")
    assert [point["state"] for point in sums["points"]] == ["not its kind", "covered", "covered", "covered"]
    assert sums["problems"][0]["line"] == 13


def test_the_command_without_a_course(run):
    code, _, err = run()
    assert code == 1
    assert "no curriculum" in err


@pytest.mark.parametrize("name", [name for name in INSTRUMENTS + MODELS if name.startswith("perflab.")])
def test_an_instrument_of_the_course_is_there(name):
    """One that is renamed would leave its points without evidence, or without a check."""
    pkgutil.resolve_name(name)
