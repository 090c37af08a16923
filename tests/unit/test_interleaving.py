"""The explorer: it sees every outcome and no other, finds each kind of failure, and says what to do."""

import importlib.util
import itertools
import random

import numpy as np
import pytest
from numba import njit

from perflab import atomics, hints
from perflab.models import interleaving
from perflab.models.interleaving import TooManySchedulesError, UnrewritableError, explore


def outcomes(calls, **options):
    """Return what the threads return, over all schedules."""
    seen = set()
    found = explore(calls, check=lambda *results: seen.add(results) or True, **options)
    assert found.passed, str(found)
    return seen


# Every outcome and no other: litmus tests of x86-TSO (Owens, Sarkar and Sewell 2009), and random programs


@njit
def store_then_load(x, y, fenced):
    atomics.store(x, 0, 1, "relaxed")
    if fenced:
        atomics.fence("seq_cst")
    return atomics.load(y, 0, "relaxed")


@njit
def store_first(x, y):
    x[0] = 1
    y[0] = 1


@njit
def load_second_first(x, y):
    seen = y[0]
    return seen, x[0]


@njit
def load_then_store(x, y):
    seen = x[0]
    y[0] = 1
    return seen


@njit
def set_to(x, value):
    x[0] = value


@njit
def load_both(x, y):
    first = x[0]
    return first, y[0]


@njit
def own_then_other(x, y):
    x[0] = 1
    own = x[0]
    return own, y[0]


@pytest.fixture
def x():
    return np.zeros(1, np.int64)


@pytest.fixture
def y():
    return np.zeros(1, np.int64)


def test_store_buffering_needs_a_fence(x, y):
    plain = [(store_then_load, (x, y, False)), (store_then_load, (y, x, False))]
    fenced = [(store_then_load, (x, y, True)), (store_then_load, (y, x, True))]
    assert (0, 0) in outcomes(plain)
    assert (0, 0) not in outcomes(plain, memory="sc")
    assert outcomes(fenced) == outcomes(plain, memory="sc") == {(0, 1), (1, 0), (1, 1)}


def test_message_passing_needs_none(x, y):
    seen = outcomes([(store_first, (x, y)), (load_second_first, (x, y))])
    assert seen == {(None, pair) for pair in ((0, 0), (0, 1), (1, 1))}


def test_loads_are_not_overtaken_by_stores(x, y):
    seen = outcomes([(load_then_store, (x, y)), (load_then_store, (y, x))])
    assert seen == {(0, 0), (0, 1), (1, 0)}


def test_all_see_stores_in_one_order(x, y):
    calls = [(set_to, (x, 1)), (set_to, (y, 1)), (load_both, (x, y)), (load_both, (y, x))]
    seen = {results[2:] for results in outcomes(calls)}
    assert ((1, 0), (1, 0)) not in seen
    assert len(seen) == 15


def test_a_thread_sees_its_own_stores_first(x, y):
    seen = outcomes([(own_then_other, (x, y)), (own_then_other, (y, x))])
    assert ((1, 0), (1, 0)) in seen
    assert all(own == 1 for results in seen for own, _ in results)


# Of each operation: its line in a program, and what it does to a register of its own.
OPERATIONS = {
    "load": "r{r} = {a}[0]",
    "store": "{a}[0] = {v}",
    "put": "atomics.store({a}, 0, {v})",
    "add": "r{r} = atomics.fetch_add({a}, 0, {v})",
    "swap": "r{r} = atomics.compare_exchange_value({a}, 0, {v}, 2)",
    "fence": 'atomics.fence("seq_cst")',
    "if": "if r{r} == {v}: {a}[0] = 5",
}


def by_brute_force(threads, tso):
    """Return all outcomes of threads, each a list of (operation, cell, register, value)."""
    start = (tuple((0, (0, 0)) for _ in threads), (0, 0), tuple(() for _ in threads))
    seen, open_, ends = {start}, [start], set()
    while open_:
        local, memory, buffers = open_.pop()
        following = []
        for t, (at, registers) in enumerate(local):
            if buffers[t]:
                (cell, value), *rest = buffers[t]
                following.append((local, _with(memory, cell, value), _with(buffers, t, tuple(rest))))
            if at == len(threads[t]):
                continue
            kind, cell, r, v = threads[t][at]
            waiting = [value for c, value in buffers[t] if c == cell]
            sees = waiting[-1] if waiting else memory[cell]
            after, new = registers, None
            if kind in ("put", "add", "swap", "fence") and buffers[t]:
                continue
            if kind == "load":
                after = _with(registers, r, sees)
            elif kind in ("store", "put"):
                new = v
            elif kind == "add":
                after, new = _with(registers, r, sees), sees + v
            elif kind == "swap":
                after, new = _with(registers, r, sees), 2 if sees == v else None
            elif kind == "if" and registers[r] == v:
                new = 5
            changed, queues = memory, buffers
            if new is not None and tso and kind in ("store", "if"):
                queues = _with(buffers, t, (*buffers[t], (cell, new)))
            elif new is not None:
                changed = _with(memory, cell, new)
            following.append((_with(local, t, (at + 1, after)), changed, queues))
        if not following:
            ends.add((memory, tuple(registers for _, registers in local)))
        for state in following:
            if state not in seen:
                seen.add(state)
                open_.append(state)
    return ends


def _with(values, place, value):
    return (*values[:place], value, *values[place + 1 :])


def random_threads(rng, count, length):
    kinds = list(OPERATIONS)
    return [
        [(rng.choice(kinds), rng.randrange(2), rng.randrange(2), rng.randrange(1, 4)) for _ in range(length)]
        for _ in range(count)
    ]


def as_functions(programs, path):
    """Return the threads of each program as functions in a file."""
    lines = ["from perflab import atomics"]
    for p, threads in enumerate(programs):
        for t, thread in enumerate(threads):
            lines.append(f"def f{p}_{t}(x, y):\n    r0 = r1 = 0")
            lines += [f"    {OPERATIONS[k].format(a='xy'[c], r=r, v=v)}" for k, c, r, v in thread]
            lines.append("    return r0, r1")
    path.write_text("\n".join(lines))
    spec = importlib.util.spec_from_file_location("random_threads", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [[getattr(module, f"f{p}_{t}") for t in range(len(threads))] for p, threads in enumerate(programs)]


@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_random_programs_have_all_their_outcomes_and_no_other(memory, tmp_path, x, y):
    rng = random.Random(26)
    programs = [random_threads(rng, *shape) for shape in [(2, 3)] * 60 + [(2, 5)] * 30 + [(3, 3)] * 20]
    for threads, functions in zip(programs, as_functions(programs, tmp_path / "random_threads.py"), strict=True):
        seen = set()
        check = lambda *results, seen=seen: seen.add(((x[0], y[0]), results)) or True  # noqa: E731
        assert explore([(fn, (x, y)) for fn in functions], check=check, memory=memory).passed
        assert seen == by_brute_force(threads, memory == "tso"), threads


# What it finds


@njit
def add(counter):
    counter[0] += 1


@njit
def add_atomically(counter):
    atomics.fetch_add(counter, 0, 1)


def test_a_lost_update_is_found_and_mended(x):
    lost = explore([(add, (x,))] * 2, check=lambda *_: x[0] == 2)
    assert lost.violation.kind == "check"
    assert lost.violation.memory == "sc"
    assert "overwrites what thread" in str(lost)
    assert explore([(add_atomically, (x,))] * 2, check=lambda *_: x[0] == 2).passed


def test_arrays_are_as_before(x):
    x[0] = 7
    explore([(add, (x,))] * 2, check=lambda *_: x[0] == 9)
    assert x[0] == 7


def test_a_missing_fence_is_called_so(x, y):
    calls = [(store_then_load, (x, y, False)), (store_then_load, (y, x, False))]
    found = explore(calls, check=lambda a, b: a or b)
    assert found.violation.memory == "tso"
    assert "a fence is missing" in str(found)
    assert "reads memory while its own store of x[0]" in str(found)


@njit
def lock_both(locks, first, second):
    for lock in (first, second):
        while not atomics.compare_exchange(locks, lock, 0, 1):
            hints.pause()
    atomics.store(locks, second, 0, "release")
    atomics.store(locks, first, 0, "release")


def test_a_deadlock_is_found():
    locks = np.zeros(2, np.int64)
    found = explore([(lock_both, (locks, 0, 1)), (lock_both, (locks, 1, 0))])
    assert found.violation.kind == "deadlock"
    assert "thread 0 in lock_both, line" in found.violation.message
    assert "thread 1 in lock_both, line" in found.violation.message
    assert explore([(lock_both, (locks, 0, 1))] * 2).passed


@njit
def wait(flag, item, reset_first):
    if reset_first:
        atomics.store(flag, 0, 0)
    if atomics.load(item, 0) == 0:
        if not reset_first:
            atomics.store(flag, 0, 0)  # too late: the wake-up may have come
        turns = 0
        while atomics.load(flag, 0) == 0:
            turns = hints.back_off(turns)
    return atomics.load(item, 0)


@njit
def wake(flag, item):
    atomics.store(item, 0, 5)
    atomics.store(flag, 0, 1)


def test_a_lost_wake_up_is_found(x, y):
    lost = explore([(wait, (x, y, False)), (wake, (x, y))])
    assert lost.violation.kind == "deadlock"
    assert outcomes([(wait, (x, y, True)), (wake, (x, y))]) == {(5, None)}


@njit
def wait_plainly(flag):
    while flag[0] == 0:
        pass


def test_spinning_ends_where_somebody_ends_it(x):
    assert explore([(wait_plainly, (x,)), (set_to, (x, 1))]).passed
    stuck = explore([(wait_plainly, (x,)), (set_to, (x, 0))])
    assert stuck.violation.kind == "deadlock"


@njit
def pop(head, following):
    while True:
        first = atomics.load(head, 0)
        if first == 0:
            return 0
        after = atomics.load(following, first)
        if atomics.compare_exchange(head, 0, first, after):
            return first


@njit
def push(head, following, node):
    while True:
        first = atomics.load(head, 0)
        atomics.store(following, node, first)
        if atomics.compare_exchange(head, 0, first, node):
            return


@njit
def pop_twice(head, following):
    pop(head, following)
    return pop(head, following)


@njit
def pop_two_and_push(head, following):
    node = pop(head, following)
    pop(head, following)
    push(head, following, node)


class Stack:
    """Nodes 1 and 2 are on it, 1 above."""

    def __init__(self):
        self.nodes = [2, 1]

    def push(self, node):
        self.nodes.append(node)

    def pop(self):
        return self.nodes.pop() if self.nodes else 0


def test_aba_is_found_and_called_so():
    head, following = np.array([1]), np.array([0, 2, 0])
    calls = [(pop_twice, (head, following)), (pop_two_and_push, (head, following))]
    found = explore(calls, against=Stack)
    assert found.violation.kind == "history"
    assert "ABA: succeeds, although head[0] was changed" in str(found)


@njit
def count_down(counter):
    seen = counter[0]
    assert seen > 0
    counter[0] = seen - 1
    return seen


def test_an_assertion_of_a_thread_is_found():
    counter = np.ones(1, np.int64)
    found = explore([(count_down, (counter,))] * 2)
    assert found.violation.kind == "raised"
    assert "raised AssertionError" in found.violation.message
    assert explore([(count_down, (counter + 1,))] * 2).passed


@njit
def move(accounts):
    accounts[0] -= 1
    accounts[1] += 1


def test_an_invariant_is_watched_at_every_step():
    accounts = np.array([5, 5])
    found = explore([(move, (accounts,))], always=lambda: accounts.sum() == 10)
    assert found.violation.kind == "always"
    assert explore([(move, (accounts,))], always=lambda: accounts.sum() >= 9).passed


@njit
def read_past_the_end(a, i):
    return a[i]


def test_an_index_out_of_range_is_found():
    a = np.arange(4)
    found = explore([(read_past_the_end, (a, 4))])
    assert found.violation.kind == "raised"
    assert "a[4]" in found.violation.message
    assert outcomes([(read_past_the_end, (a, -1))]) == {(3,)}


# Code that it follows


@njit
def varied(a, table, n):
    """Use most of what a thread may be written with."""
    total = 0
    kept = np.zeros(3)
    kept[1] += 2.5
    for i, row in enumerate((1, 2, 3)):
        if i == 2:
            continue
        total += table[row % 2, i] if row > 1 else -table[0, 1]
    for i in range(n, 0, -1):
        a[i - 1], a[0] = a[0], a[i - 1] + i
        while total > 100 and a[0] > 0:
            break
    low = (0 <= a[1] < 5 and a[0] != 0) or not n
    return total, low, kept[1], a.size, len(a), table.shape[1], min(a[0], a[1]), np.int64(a[0]) << 2, a[:2].size


def test_rewritten_functions_compute_the_same():
    a, table = np.arange(4), np.arange(6).reshape(2, 3)
    (seen,) = outcomes([(varied, (a, table, 3))])
    assert seen[0] == pytest.approx(varied(a.copy(), table, 3))


@njit
def wrapped(a):
    a[0] += 1
    return a[0]


def test_integers_of_arrays_wrap_around():
    for dtype in (np.int8, np.uint8, np.int32, np.int64):
        a = np.array([np.iinfo(dtype).max], dtype)
        assert outcomes([(wrapped, (a,))]) == {(np.iinfo(dtype).min,)}


@njit
def mixed(a):
    seed = a[0]
    for _ in range(5):
        seed = seed * 6364136223846793005 + 1442695040888963407
        seed ^= seed >> 33
    return seed, seed << 40


def test_integers_of_variables_wrap_around():
    a = np.array([12345])
    assert outcomes([(mixed, (a,))]) == {(mixed(a),)}


def test_every_atomic_does_what_the_processor_does(x):
    def once(name, *args):
        fn = getattr(atomics, name)

        def thread(x):
            result = fn(x, 0, *args)
            return result, x[0]

        x[0] = 6
        return thread

    cases = [("load",), ("store", 9), ("exchange", 9), ("compare_exchange", 6, 1), ("compare_exchange", 5, 1)]
    cases += [("compare_exchange_value", 6, 1), ("compare_exchange_value", 5, 1)]
    cases += [(f"fetch_{name}", 3) for name in ("add", "sub", "and", "or", "xor", "max", "min")]
    for name, *args in cases:
        thread = once(name, *args)
        assert outcomes([(thread, (x,))]) == {(thread(x.copy()),)}, name


def test_two_words_are_exchanged_as_one():
    pair = hints.empty(2, np.int64)

    @njit
    def swap(pair):
        done = atomics.compare_exchange_pair(pair, 0, 1, 2, 3, 4)
        return done, pair[0], pair[1]

    pair[:] = 1, 2
    assert outcomes([(swap, (pair,))]) == {((True, 3, 4),)}
    pair[:] = 1, 3
    assert outcomes([(swap, (pair,))]) == {((False, 1, 3),)}


# What it refuses


def test_too_many_schedules_say_how_to_shrink(x):
    def count(x):
        for _ in range(1000):
            x[0] += 1

    with pytest.raises(TooManySchedulesError, match=r"500 states|fewer threads, fewer turns"):
        explore([(count, (x,))] * 3, states=500)


def with_try(x):
    try:
        x[0] = 1
    finally:
        x[0] = 2


def with_lambda(x):
    f = lambda: 1  # noqa: E731
    x[0] = f()


def with_comprehension(x):
    return [value for value in x]  # noqa: C416


def whole(x):
    return np.sum(x)


def slices(x):
    x[:] = 1


def forever(x):
    n = 0
    while True:
        n += 1


@pytest.mark.parametrize(
    ("fn", "says"),
    [
        (with_try, r"with_try, line \d+ \(try:\): .* return a flag"),
        (with_lambda, "write a def outside"),
        (with_comprehension, "write the loop"),
        (slices, "write the loop"),
    ],
)
def test_what_cannot_be_taken_apart_names_the_line_and_the_way_out(fn, says, x):
    with pytest.raises(UnrewritableError, match=says):
        explore([(fn, (x,))])


def test_an_array_read_at_once_is_a_failure_that_says_so(x):
    assert "write the loop" in explore([(whole, (x,))]).violation.message


def test_a_loop_that_never_ends_ends_here(x):
    found = explore([(forever, (x,))])
    assert found.violation.kind == "raised"
    assert "turns without any access to shared memory" in found.violation.message


def test_bad_arguments_are_named(x):
    for calls in ([], [add], [(add, x)], x):
        with pytest.raises(TypeError, match=r"calls: a pair \(function, tuple of arguments\)"):
            explore(calls)
    with pytest.raises(TypeError, match="argument counter is a list"):
        explore([(add, ([0],))])
    with pytest.raises(TypeError, match="argument counter is an array of object"):
        explore([(add, (np.array([None]),))])
    with pytest.raises(TypeError, match="overlaps counter"):
        explore([(add, (x,)), (add, (x[:],))])
    with pytest.raises(TypeError, match="add: missing a required argument"):
        explore([(add, ())])
    with pytest.raises(ValueError, match="memory: 'tso' or 'sc'"):
        explore([(add, (x,))], memory="arm")
    with pytest.raises(ValueError, match="states and buffer"):
        explore([(add, (x,))], states=0)


def test_a_read_only_array_can_be_read_only(x):
    x.flags.writeable = False
    assert "read-only" in explore([(add, (x,))]).violation.message
    assert explore([(read_past_the_end, (x, 0))]).passed


# Histories


class Queue:
    def __init__(self):
        self.items = []

    def put(self, item):
        self.items.append(item)

    def get(self):
        return self.items.pop(0) if self.items else None


def begin(thread, name, *args):
    return interleaving.Event(thread, name, True, args)


def end(thread, name, result=None):
    return interleaving.Event(thread, name, False, (), result)


PUT_BOTH = [begin(0, "put", 1), end(0, "put"), begin(1, "put", 2), end(1, "put")]
GET_2_FIRST = [begin(0, "get"), end(0, "get", 2), begin(0, "get"), end(0, "get", 1)]


def test_overlapping_calls_may_take_effect_in_any_order():
    together = [PUT_BOTH[0], PUT_BOTH[2], PUT_BOTH[3], PUT_BOTH[1]]
    assert interleaving.linearizable([*together, *GET_2_FIRST], Queue)


def test_calls_in_sequence_take_effect_in_their_order():
    assert not interleaving.linearizable([*PUT_BOTH, *GET_2_FIRST], Queue)


def test_a_call_without_end_may_have_taken_effect():
    for result, possible in ((1, True), (None, True), (3, False)):
        events = [begin(0, "put", 1), begin(1, "get"), end(1, "get", result)]
        assert interleaving.linearizable(events, Queue) == possible


def test_a_history_has_to_begin_what_it_ends():
    with pytest.raises(ValueError, match="thread 1 returns from get without calling it"):
        interleaving.linearizable([end(1, "get", 1)], Queue)


def test_agrees_with_trying_all_orders():
    rng = random.Random(5)
    for _ in range(300):
        events, open_ = [], {}
        for _ in range(8):
            thread = rng.randrange(3)
            if thread not in open_:
                open_[thread] = rng.choice(["put", "get"])
                args = (rng.choice([1, 2]),) if open_[thread] == "put" else ()
                events.append(interleaving.Event(thread, open_[thread], True, args))
            else:
                name = open_.pop(thread)
                result = rng.choice([None, 1, 2]) if name == "get" else None
                events.append(interleaving.Event(thread, name, False, (), result))
        assert interleaving.linearizable(events, Queue) == by_all_orders(events), events


def by_all_orders(events):
    """Tell whether some order explains a history, by trying each."""
    calls, open_ = [], {}
    for at, event in enumerate(events):
        if event.begins:
            open_[event.thread] = len(calls)
            calls.append([event.name, event.args, at, None, None])
        else:
            calls[open_.pop(event.thread)][3:] = at, event.result
    ended = [c for c in calls if c[3] is not None]
    for extra in itertools.chain.from_iterable(
        itertools.combinations([c for c in calls if c[3] is None], n) for n in range(4)
    ):
        for order in itertools.permutations([*ended, *extra]):
            ends = [c[3] if c[3] is not None else 99 for c in order]
            if any(ends[j] < order[i][2] for i in range(len(order)) for j in range(i + 1, len(order))):
                continue
            queue = Queue()
            if all(getattr(queue, name)(*args) == result or end is None for name, args, _, end, result in order):
                return True
    return False
