"""One program has one room: where each function of a student's is asked, and when that is decided."""

import pytest

from perflab.check.bench import ForbiddenError, FunctionFailedError
from perflab.judge import rooms
from perflab.judge.rooms import Group, Rooms, groups

COUNTED = "check.correct(f, against=g, on=[m], points=1)\ncheck.counts(f, 'lines', on=m, zero=1, full=2, points=1)"


def counted(*tests, given=()):
    return {frozenset(group.functions): group.counted for group in groups(tests, given)}


def test_functions_that_are_counted_inside_need_a_clean_room():
    tests = [
        "check.correct(a, against=x, on=[m], points=1)",
        "check.counts(a, 'calls', on=m, zero=1, full=2, points=1)",
        "check.counts(b, 'lines', on=m, zero=1, full=2, points=1)",
        "check.faster(b, than=x, on=m, zero=2, full=3, points=1)",
        "check.counts(c, 'syscalls:read', on=m, zero=1, full=2, points=1)",
        "check.counts(d, metric='peak_bytes', on=m, zero=1, full=2, points=1)",
        "def share(result): return 1\ncheck.counts(e, share, on=m, zero=1, full=2, points=1)",
        "check.counts(f, lambda result: 1, on=m, zero=1, full=2, points=1)",
        "check.faster(g, than=x, on=m, zero=2, full=3, points=1)",
        "check.faster(h, than=x, on=m, zero=2, full=3, points=1, within=('accesses', m, 1.5))",
    ]
    found = {min(names): inside for names, inside in counted(*tests).items()}
    assert found == {"a": False, "b": True, "c": False, "d": True, "e": False, "f": False, "g": False, "h": True}


def test_a_metric_with_a_name_is_looked_up_and_one_that_is_computed_counts_as_inside():
    tests = ["check.counts(a, IN, on=m)", "check.counts(b, OUT, on=m)", "check.counts(c, metrics.SOME, on=m)"]
    tests += ["WHERE = f'misses:{level}'\ncheck.counts(d, WHERE, on=m)", "check.counts(e, 'mis' + 'ses', on=m)"]
    found = counted(*tests, given=["IN, more = 1, 2\nIN = 'misses'\nOUT = 'read_bytes'"])
    assert {min(names): inside for names, inside in found.items()} == {name: name != "b" for name in "abcde"}


def test_what_is_checked_together_shares_a_room():
    tests = [
        "check.correct(push, threads=2, against=x, on=[m], points=1)",
        "check.correct((push, take), threads=(own, rob), against=x, on=[m], points=1)",
        "check.faster(advance, than=slow, on=m, view=(check.groups, layout), zero=2, full=3, points=1)",
        "check.counts(advance, 'lines', on=m, view=(check.groups, layout), zero=2, full=3, points=1)",
    ]
    first, second = groups(tests)
    assert (first.functions, first.teams, first.counted) == ({"push", "take"}, {"own", "rob"}, True)
    assert (second.functions, second.counted) == ({"advance", "layout"}, True)


def test_other_calls_of_checks_group_nothing():
    found = groups(["cases = [check.file(b''), check.oracle(Threshold(3))]\ncheck.predicted(guess, 'id')"])
    assert found == [Group({"guess"}, set(), False)]


class Home:
    """Stands for a residence."""

    def __init__(self, start=None):
        self.told, self.closed, self.alone = [], False, 0

    def ready(self):
        pass

    def tell(self, source):
        self.told.append(source)

    def now(self):
        return self

    def twin(self, alone):
        self.alone += 1
        return Twin(self)

    def close(self):
        self.closed = True


class Twin:
    """Stands for a sandbox."""

    alive = True

    def __init__(self, home):
        self.home = home


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(rooms, "Residence", Home)

    def make(*cells, tests=(COUNTED,), given=(), names=None):
        home = Home()
        found = Rooms(home, tests, given, names or {}, None)
        for cell, defines in cells:
            found.add(cell, defines)
        return home, found

    return make


def test_a_counted_function_is_asked_in_one_room_for_everything(made):
    student, found = made(("import os\nK = 2\ndef f(x):\n    return x * K\nos.getpid()", ["f"]), given=("G = 1",))
    room = found.clean("f")
    assert room is not student
    assert found.home("f").now() is room
    assert found.watched("f", "writes").home is room
    assert [cell.strip() for cell in room.told] == ["G = 1", "K = 2\ndef f(x):\n    return x * K"]


def test_what_is_not_admitted_stays_in_the_session(made):
    student, found = made(("import os\ndef f(x):\n    return os.getpid()", ["f"]))
    assert found.home("f") is student
    assert found.watched("f", "writes").home is student
    with pytest.raises(ForbiddenError, match="line 1 has an import of os"):
        found.clean("f")


def test_what_nobody_counts_stays_in_the_session_and_starts_nothing(made):
    student, found = made(("def f(x):\n    return x", ["f"]), tests=("check.correct(f, against=g, on=[m])",))
    assert found.home("f") is student
    with pytest.raises(RuntimeError, match="no tests cell says in plain sight that f is counted"):
        found.clean("f")


def test_it_is_decided_once(made):
    student, found = made(("import os\ndef f(x):\n    return os.getpid()", ["f"]))
    assert found.home("f") is student
    found.add("def f(x):\n    return x")
    assert found.home("f") is student
    _, found = made(("def f(x):\n    return x", ["f"]))
    room = found.home("f")
    found.add("def f(x):\n    return x + 1")
    assert found.home("f") is room
    assert room.told == ["def f(x):\n    return x"]


TOGETHER = ("check.correct(f, threads=2)", "check.correct((f, g), threads=(a, b))")


def test_what_is_defined_later_joins_it(made):
    _, found = made(("def f(x):\n    return x", ["f"]), tests=TOGETHER)
    first = found.home("f")
    found.add("def g(x):\n    return x", ["g"])
    assert found.home("f") is found.home("g") is not first
    assert first.closed


@pytest.mark.parametrize("later", ["def f(x):\n    return x + 1", "import os\nf.x = os"])
def test_what_has_been_checked_cannot_change_then(made, later):
    _, found = made(("def f(x):\n    return x", ["f"]), tests=TOGETHER)
    found.home("f")
    found.add("def g(x):\n    return x", ["g"])
    found.add(later)
    for name in ("f", "g"):
        with pytest.raises(FunctionFailedError, match="What was checked before cannot change now"):
            found.home(name)


def test_a_part_stays_in_the_session_with_what_was_not_admitted_before(made):
    student, found = made(("import os\ndef f(x):\n    return os.getpid()", ["f"]), tests=TOGETHER)
    assert found.home("f") is student
    found.add("def f(x):\n    return x\ndef g(x):\n    return x", ["g"])
    assert found.home("g") is student


def test_the_courses_team_keeps_its_names(made):
    names = {}
    exec("LIMIT = 3\ndef a(me): return f(me) + LIMIT\ndef b(me): return g(me)", names)
    _, found = made(("LIMIT = 9\ndef f(x):\n    return LIMIT", ["f"]), tests=TOGETHER, names=names)
    with pytest.raises(ForbiddenError, match="line 1 has a definition of LIMIT, which is the course's"):
        found.clean("f")
    _, found = made(("def f(x):\n    global LIMIT\n    LIMIT = 9", ["f"]), tests=TOGETHER, names=names)
    with pytest.raises(ForbiddenError, match="a definition of LIMIT, which is the course's"):
        found.clean("f")


def test_all_rooms_are_closed(made):
    student, found = made(("def f(x):\n    return x", ["f"]))
    Twin.close = lambda self: setattr(self, "closed", True)
    room, twin = found.home("f"), found.watched("f", "writes")
    found.close()
    assert room.closed
    assert twin.closed
    assert not student.closed  # it is its owner's
