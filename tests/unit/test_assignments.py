"""Which exercises make which assignment, and that a released assignment is never changed."""

import pytest

from perflab.course import CourseError, publish
from perflab.course.assignments import assignments, build

DEFAULT = {"cpu-loops": ["cpu/other"], "memory-sums": ["memory/more", "memory/tiny"]}


@pytest.fixture
def three(course, add_source):
    """Return a course with three exercises in two chapters."""
    add_source("memory/more")
    add_source("cpu/other")
    return course


def wanted(course, text=""):
    (course / "assignments.yml").write_text(text)
    found = assignments(course / "assignments.yml", publish.sources(course))
    return {name: [exercise.name for exercise in members] for name, members in found.items()}


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "{}"])
def test_a_chapter_is_an_assignment(three, text):
    assert wanted(three, text) == DEFAULT


def test_the_file_says_otherwise(three):
    found = wanted(three, "week-1: [memory/tiny, cpu/other]\n")
    assert found == {"week-1": ["memory/tiny", "cpu/other"], "memory-sums": ["memory/more"]}


def test_exercises_without_a_line_join_the_assignment_of_their_chapter(three):
    assert wanted(three, "memory-sums: [cpu/other]\n") == {
        "memory-sums": ["cpu/other", "memory/more", "memory/tiny"],
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("week-1: [memory/none]", "week-1 wants 'memory/none'; there are cpu/other, memory/more, memory/tiny"),
        ("week-1: [3]", "week-1 wants 3; there are"),
        ("week-1: [[memory/tiny]]", r"week-1 wants \['memory/tiny'\]; there are"),
        ("week-1: [{memory/tiny: 2}]", "week-1 wants .*; there are"),
        ("a: [memory/tiny]\nb: [memory/tiny]", "memory/tiny is in a and in b; leave it in one"),
        ("a: [memory/tiny, memory/tiny]", "memory/tiny is in a and in a; leave it in one"),
        ("'week 1': [memory/tiny]", "'week 1' is no name; use letters, digits"),
        ("a+b: [memory/tiny]", r"'a\+b' is no name"),
        ("../up: [memory/tiny]", "'../up' is no name"),
        ("-x: [memory/tiny]", "'-x' is no name"),
        ("'': [memory/tiny]", "'' is no name"),
        ("1: [memory/tiny]", "1 is no name"),
        ("true: [memory/tiny]", "True is no name"),
        ("week-1: memory/tiny", r"expected lines like `memory-locality: \[memory/soa_vs_aos\]`"),
        ("week-1: []", "expected lines like"),
        ("week-1:", "expected lines like"),
        ("[memory/tiny]", "expected lines like"),
        ("text", "expected lines like"),
        ("week-1: [memory/tiny", "cannot be read"),
    ],
)
def test_a_broken_file_is_explained(three, text, sentence):
    with pytest.raises(CourseError, match=f"assignments.yml: {sentence}"):
        wanted(three, text)


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00 no text"], ids=["missing", "no text"])
def test_a_file_that_cannot_be_read_is_explained(three, data):
    path = three / "other.yml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CourseError, match=r"other\.yml: cannot be read"):
        assignments(path, [])


def test_two_exercises_of_one_name_cannot_share_an_assignment(three, add_source):
    add_source("cpu/tiny")
    assert wanted(three)["cpu-loops"] == ["cpu/other", "cpu/tiny"]
    with pytest.raises(CourseError, match="week-1 has two exercises of the same name; put them apart"):
        wanted(three, "week-1: [memory/tiny, cpu/tiny]")


# --- class/source


@pytest.fixture
def assigned(three):
    def assign():
        return assignments(three / "assignments.yml", publish.sources(three))

    return assign


def states(built):
    return {one.name: one.state for one in built}


def test_the_instructors_notebooks_are_written(three, assigned):
    built = build(three / "class", assigned())
    assert [(one.name, one.exercises, one.points) for one in built] == [
        ("cpu-loops", ("cpu/other",), 3.5),
        ("memory-sums", ("memory/more", "memory/tiny"), 7.0),
    ]
    assert set(states(built).values()) == {"written"}
    paths = {path.relative_to(three / "class").as_posix() for path in (three / "class").rglob("*.ipynb")}
    assert paths == {
        "source/cpu-loops/other.ipynb",
        "source/memory-sums/more.ipynb",
        "source/memory-sums/tiny.ipynb",
    }
    assert b"secret_solution" in (three / "class/source/memory-sums/tiny.ipynb").read_bytes()


def test_a_second_build_changes_nothing(three, assigned):
    build(three / "class", assigned())
    path = three / "class/source/memory-sums/tiny.ipynb"
    before = path.stat().st_mtime_ns
    assert set(states(build(three / "class", assigned())).values()) == {"unchanged"}
    assert path.stat().st_mtime_ns == before


def test_a_released_assignment_is_frozen(three, assigned, add_source, tiny):
    build(three / "class", assigned())
    (three / "class/release/memory-sums").mkdir(parents=True)
    assert states(build(three / "class", assigned())) == {"cpu-loops": "unchanged", "memory-sums": "frozen"}
    path = three / "class/source/memory-sums/tiny.ipynb"
    before = path.read_bytes()
    add_source("memory/tiny", tiny.replace("takes time", "takes long"))
    built = build(three / "class", assigned())
    assert states(built) == {"cpu-loops": "unchanged", "memory-sums": "frozen, differs from the course"}
    assert path.read_bytes() == before


def test_a_released_assignment_gets_no_new_notebook(three, assigned, add_source):
    build(three / "class", assigned())
    (three / "class/release/memory-sums").mkdir(parents=True)
    add_source("memory/new")
    assert states(build(three / "class", assigned()))["memory-sums"] == "frozen, differs from the course"
    assert not (three / "class/source/memory-sums/new.ipynb").exists()


def move_tiny(course):
    (course / "assignments.yml").write_text("week-1: [memory/tiny]\n")


def test_an_exercise_that_moved_leaves_the_old_folder(three, assigned):
    """Every notebook in the folder of an assignment is released; in two of them it would count twice."""
    build(three / "class", assigned())
    move_tiny(three)
    assert states(build(three / "class", assigned()))["memory-sums"] == "written"
    assert not (three / "class/source/memory-sums/tiny.ipynb").exists()
    assert (three / "class/source/week-1/tiny.ipynb").exists()
    assert (three / "class/source/memory-sums/more.ipynb").exists()


def test_an_exercise_that_moved_stays_where_it_was_released(three, assigned):
    build(three / "class", assigned())
    (three / "class/release/memory-sums").mkdir(parents=True)
    move_tiny(three)
    assert states(build(three / "class", assigned()))["memory-sums"] == "frozen, differs from the course"
    assert (three / "class/source/memory-sums/tiny.ipynb").exists()


@pytest.mark.parametrize("folder", ["exam", "memory-sums"])
def test_an_instructors_own_notebooks_stay(three, assigned, folder):
    own = three / "class/source" / folder / "questions.ipynb"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    build(three / "class", assigned())
    assert own.read_text() == "mine"
