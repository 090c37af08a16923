"""Which released notebook a handed-in file is: by its cells, else by its name, and never by a guess."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from perflab.course.naming import may_be_notebook, reading

RELEASED = {
    "small": {"small_given", "small_answer", "small_correct"},
    "strength_reduction": {"strength_given", "strength_answer"},
}
RENAMED = [
    *("small(1).ipynb", "small (1).ipynb", "small-1.ipynb", "small_1.ipynb", "small 2.ipynb", "small-2-1.ipynb"),
    *(
        "Copy of small.ipynb",
        "small-Copy1.ipynb",
        "small - Copy.ipynb",
        "small (Kopie).ipynb",
        "Copie de small.ipynb",
    ),
    *("Small.ipynb", "SMALL.ipynb", "small.IPYNB", "small .ipynb", "small+(1).ipynb", "small%20(1).ipynb"),
    *(
        "small.ipynb.txt",
        "small.ipynb.json",
        "small.json",
        "small.ipynb.1",
        "small.ipynb (1)",
        "small_final_v2.ipynb",
    ),
    *("week-1/small.ipynb", "hw/week-1/small (1).ipynb", "\uff53mall.ipynb", "small (1) (2).ipynb"),
]


def notebook(*ids, answer="def find(): ..."):
    cells = [new_code_cell(answer, metadata={"nbgrader": {"grade_id": name}}) for name in ids]
    return new_notebook(cells=[new_markdown_cell("# Mine"), *cells])


def small(answer="def find(): ..."):
    return notebook(*sorted(RELEASED["small"]), answer=answer)


STRIPPED = notebook()


@pytest.mark.parametrize("path", RENAMED)
@pytest.mark.parametrize("handed_in", [small(), STRIPPED, None], ids=["cells", "stripped", "unreadable"])
def test_a_renamed_file_is_what_it_was(path, handed_in):
    assert may_be_notebook(path)
    found = reading({path: handed_in}, RELEASED)
    assert (found.matched, found.left) == ({"small": path}, ())


@pytest.mark.parametrize("path", ["my homework.ipynb", "Untitled.ipynb", "strength_reduction.ipynb", "1.ipynb"])
def test_cells_count_more_than_the_name(path):
    assert reading({path: small()}, RELEASED).matched == {"small": path}


def test_one_cell_that_is_left_is_enough():
    assert reading({"x.ipynb": notebook("small_answer")}, RELEASED).matched == {"small": "x.ipynb"}


def test_a_cells_own_id_says_it_where_the_metadata_is_lost():
    bare = new_notebook(cells=[new_code_cell("1", id="small_answer")])
    assert reading({"x.ipynb": bare}, RELEASED).matched == {"small": "x.ipynb"}


def test_two_files_that_have_each_others_name():
    other = notebook("strength_given", "strength_answer")
    found = reading({"small.ipynb": other, "strength_reduction.ipynb": small()}, RELEASED)
    assert found.matched == {"small": "strength_reduction.ipynb", "strength_reduction": "small.ipynb"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Strength_Reduction_final.ipynb", "strength_reduction"),
        ("StrengthReduction.ipynb", "strength_reduction"),
        ("strength-reduction (1).ipynb", "strength_reduction"),
        ("strength reduction.ipynb", "strength_reduction"),
    ],
)
def test_words_of_a_name(path, name):
    assert reading({path: None}, RELEASED).matched == {name: path}


@pytest.mark.parametrize("path", ["smaller.ipynb", "small_ada.ipynb", "reduction.ipynb", "notes.ipynb", "2.ipynb"])
def test_a_name_that_says_more_or_less_is_none(path):
    found = reading({path: STRIPPED}, RELEASED)
    assert found.matched == {}
    (left,) = found.left
    assert left.may_be == ()
    assert path in left.why


def test_a_number_may_belong_to_the_name_or_be_added():
    released = {"lab": {"lab_a"}, "lab_2": {"lab_2_a"}}
    (left,) = reading({"lab 2 (1).ipynb": STRIPPED}, released).left
    assert left.may_be == ("lab", "lab_2")
    assert reading({"lab 2 (1).ipynb": notebook("lab_2_a")}, released).matched == {"lab_2": "lab 2 (1).ipynb"}
    assert reading({"lab_2.ipynb": STRIPPED}, released).matched == {"lab_2": "lab_2.ipynb"}


def test_ids_that_two_released_notebooks_share_say_nothing():
    released = {"one": {"setup", "one_a"}, "two": {"setup", "two_a"}}
    assert reading({"x.ipynb": notebook("setup", "two_a")}, released).matched == {"two": "x.ipynb"}
    assert reading({"x.ipynb": notebook("setup")}, released).matched == {}


def test_cells_of_two_notebooks_in_one():
    both = notebook("small_answer", "strength_answer")
    found = reading({"all.ipynb": both}, RELEASED)
    assert found.matched == {}
    assert found.left[0].may_be == ("small", "strength_reduction")
    assert reading({"small.ipynb": both}, RELEASED).matched == {"small": "small.ipynb"}


def test_two_that_differ_are_never_guessed_between():
    found = reading({"small (1).ipynb": small("a"), "small (2).ipynb": small("b")}, RELEASED)
    assert found.matched == {}
    assert {one.path: one.may_be for one in found.left} == {
        "small (1).ipynb": ("small",),
        "small (2).ipynb": ("small",),
    }
    assert all("small (1).ipynb and small (2).ipynb" in one.why for one in found.left)


def test_two_that_are_equal_are_one():
    found = reading({"small (1).ipynb": small(), "small (2).ipynb": small()}, RELEASED)
    assert set(found.matched) == {"small"}
    assert found.left == ()


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("small.ipynb", "small (1).ipynb"),
        ("small.ipynb", "versions/small.ipynb"),
        ("hw/small.ipynb", "hw/versions/small.ipynb"),
        ("hw/small.ipynb", "hw/more/small.ipynb"),
        ("hw/small.ipynb", "hw/small (1).ipynb"),
        ("hw/small.ipynb", "backup/small.ipynb"),
    ],
)
def test_what_nobody_could_mean_is_left_and_named(better, worse):
    for files in ({better: small("a"), worse: small("b")}, {worse: small("b"), better: small("a")}):
        found = reading(files, RELEASED)
        assert found.matched == {"small": better}
        (left,) = found.left
        assert left.path == worse
        assert better in left.why


@pytest.mark.parametrize(
    "paths",
    [("small (1).ipynb", "hw/small.ipynb"), ("a/small.ipynb", "b/small.ipynb"), ("Small.ipynb", "small 2.ipynb")],
)
def test_better_in_one_respect_and_worse_in_another_is_no_answer(paths):
    assert reading(dict(zip(paths, (small("a"), small("b")), strict=True)), RELEASED).matched == {}


def test_a_file_that_is_no_notebook_gives_way():
    found = reading({"small.ipynb": None, "small (1).ipynb": small()}, RELEASED)
    assert found.matched == {"small": "small (1).ipynb"}
    assert reading({"small.ipynb": small(), "small.html": None}, RELEASED).left == ()


def test_what_is_in_place_stays_though_its_cells_say_nothing():
    """The other one may be the untouched notebook, downloaded once more."""
    found = reading({"small.ipynb": STRIPPED, "small (1).ipynb": small()}, RELEASED)
    assert found.matched == {"small": "small.ipynb"}
    assert [one.path for one in found.left] == ["small (1).ipynb"]


@pytest.mark.parametrize(
    "path",
    [
        *("timestamp.txt", ".ipynb_checkpoints/small-checkpoint.ipynb", "__MACOSX/._small.ipynb", "._small.ipynb"),
        *("small.ipynb.damaged", "small.ipynb.damaged-2", "notes.csv", "helper.py", "picture.png"),
    ],
)
def test_junk_is_no_notebook(path):
    assert not may_be_notebook(path)


def test_a_file_with_no_name_of_ours_and_no_cells_is_nothing():
    assert reading({"data.json": None, "notes.txt": None}, RELEASED) == reading({}, RELEASED)
