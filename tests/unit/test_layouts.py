"""Tables go to a learner's layout and come back; what a layout leaves out keeps its value."""

import numpy as np
import pytest

from perflab.check import LayoutError, groups
from perflab.check.subjects import make_subject
from perflab.check.values import LINE

FIELDS = ("x", "y", "hp", "tag")
RECORD = np.dtype([("x", np.float32), ("y", np.float64), ("hp", np.uint16), ("tag", np.int64)])


def make_table(n=5):
    rng = np.random.default_rng(1)
    table = np.zeros(n, RECORD)
    for field in FIELDS:
        table[field] = rng.integers(100, size=n)
    return table


@pytest.mark.parametrize(
    "layout",
    [
        (FIELDS,),
        (("tag", "y"), ("x", "hp")),
        tuple((field,) for field in FIELDS),
        [["x"], ["hp", "y"], ["tag"]],
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [0, 1, 5])
def test_split_and_merge_give_the_table_back(layout, n):
    table = make_table(n)
    split = groups(layout, table.copy(), 0.5)
    blank = np.zeros(n, RECORD)
    merged, step = groups.merge(layout, split, blank, 0.5)
    assert merged.tobytes() == table.tobytes()
    assert step == 0.5


def test_a_group_of_one_is_a_plain_array_and_others_are_records_without_padding():
    (x, rest), dt = groups((("x",), ("hp", "y")), make_table(), 0.5)
    assert (x.dtype, rest.dtype.names, rest.itemsize, dt) == (np.float32, ("hp", "y"), 10, 0.5)
    assert x.tolist() == make_table()["x"].tolist()


def test_parts_share_nothing_with_the_table_and_start_on_cache_lines():
    table = make_table()
    parts, *_ = groups((("x",), ("hp", "y")), table)
    for part in parts:
        assert not np.shares_memory(part, table)
        assert part.ctypes.data % LINE == 0
        assert part.flags.c_contiguous


def test_a_field_left_out_keeps_its_old_value():
    table = make_table()
    before = table.copy()
    parts, *rest = groups((("x",),), table)
    parts[0][:] = -1
    merged, *_ = groups.merge((("x",),), (parts, *rest), table)
    assert (merged["x"] == -1).all()
    for field in ("y", "hp", "tag"):
        assert (merged[field] == before[field]).all()


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        ((("z",),), r"names 'z'; the fields are x, y, hp, tag"),
        ((("x",), ("x", "y")), r"names 'x' twice"),
        ((("x", "x"),), r"names 'x' twice"),
        (((),), r"an empty group"),
        ((), r"no group"),
        ([], r"no group"),
        (("x", "y"), r"return groups of field names, e\.g\. \(\('x',\), \('y', 'hp',\)\)"),
        ("x", r"returned 'x'"),
        (None, r"returned None"),
        (7, r"returned 7"),
        (((1,),), r"names 1;"),
        (((None,),), r"names None;"),
        (((["x"],),), r"names \['x'\];"),
    ],
    ids=str,
)
def test_a_layout_that_cannot_be_used_is_explained(layout, sentence):
    with pytest.raises(LayoutError, match=sentence):
        groups(layout, make_table())


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        (np.zeros(3), "returned a ndarray"),
        ((("x", np.zeros(3)),), "returned a ndarray"),
        (("x" * 7_000_000,), r"returned the text 'x+'\.\.\. of 7,000,000 characters"),
        ((("x",) * 2000,), "more than 1,000 names"),
        (([],) * 2000, "more than 1,000 names"),
        (None, "returned None"),
        (({"x": 1},), "returned a dict"),
        (("x", np.str_("y")), "returned a str_"),
    ],
    ids=range(8),
)
def test_a_layout_of_anything_but_names_is_refused_unseen(layout, sentence):
    with pytest.raises(LayoutError, match=sentence) as error:
        make_subject(lambda parts: None, (groups, lambda: layout))
    assert len(str(error.value)) < 200


def test_a_part_that_changed_its_shape_is_explained():
    table = make_table()
    with pytest.raises(LayoutError, match=r"now has shape \(3,\), not \(5,\)"):
        groups.merge((("x",),), ((np.zeros(3, np.float32),),), table)
