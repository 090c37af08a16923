"""MESI against a slow model of caches that talk to each other, and false against true sharing in small stories."""

import numpy as np
import pytest
from numba import njit

from perflab import atomics, hints
from perflab.models import instrument
from perflab.models.accesses import Accesses
from perflab.models.coherence import Report, ThreadTrace, replay, simulate


class Core:
    """A cache that answers what it hears on a bus; lines are dictionaries of bytes and their last writer."""

    def __init__(self, number, bus):
        self.number, self.bus, self.state, self.lost, self.vain = number, bus, {}, {}, set()
        bus.append(self)

    def access(self, line, span, write, counts):
        state = self.state.get(line, "I")
        others = [core for core in self.bus if core is not self]
        if state == "I":
            self.vain.discard(line)
            if line not in self.lost:
                counts["cold"] += 1
                self.lost[line] = set()
            else:
                counts["false"] += 1
                self.vain.add(line)
            shared = [core.hear("write" if write else "read", line, counts) for core in others]
            self.state[line] = "M" if write else "S" if any(shared) else "E"
        elif write:
            if state == "S":
                for core in others:
                    core.hear("write", line, counts)
            self.state[line] = "M"
        if line in self.vain and self.lost[line] & span:  # not in vain, then
            self.vain.discard(line)
            counts["false"] -= 1
            counts["true"] += 1
        if write:
            for core in others:
                if line in core.lost and core.state[line] == "I":
                    core.lost[line] |= span
        counts[state + self.state[line]] = counts.get(state + self.state[line], 0) + 1

    def hear(self, what, line, counts):
        """Say whether this core had the line."""
        state = self.state.get(line, "I")
        if state == "I":
            return False
        after = "I" if what == "write" else "S"
        if after != state:
            counts[state + after] = counts.get(state + after, 0) + 1
        counts["invalidations"] += what == "write"
        if what == "write":
            self.lost[line] = set()
        self.state[line] = after
        return True


def slow(traces, order):
    bus, counts = [], dict.fromkeys(("cold", "true", "false", "invalidations"), 0)
    cores = [Core(number, bus) for number in range(len(traces))]
    position = [0] * len(traces)
    for thread in order:
        trace, k = traces[thread], position[thread]
        position[thread] += 1
        span = set(range(trace.addresses[k], trace.addresses[k] + trace.sizes[k]))
        for line in sorted({byte // 64 for byte in span}):
            cores[thread].access(line, {b for b in span if b // 64 == line}, trace.writes[k], counts)
    return counts


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_a_bus_of_caches_agrees(threads):
    rng = np.random.default_rng(threads)
    traces, order = [], []
    for thread in range(threads):
        n = int(rng.integers(50, 300))
        addresses = rng.integers(0, 900, n)
        traces.append(ThreadTrace(addresses, rng.random(n) < 0.4, rng.integers(1, 17, n)))
        order += [thread] * n
    order = rng.permutation(order)
    report = replay(traces, order=order)
    counts = slow(traces, order)
    found = (report.cold_misses, report.true_misses, report.false_misses, report.invalidations)
    assert found == tuple(counts[name] for name in ("cold", "true", "false", "invalidations"))
    names = {"I": "invalid", "S": "shared", "E": "exclusive", "M": "modified"}
    for a, before in names.items():
        for b, after in names.items():
            assert report.changes(before, after) == counts.get(a + b, 0)
    assert report.true_misses > 20
    assert report.false_misses > 20


@njit
def count(counters, mine, times):
    for _ in range(times):
        counters[mine] += 1


def test_adjacent_counters_fight_and_padded_ones_do_not():
    ones = np.zeros(16, np.int64)
    adjacent = simulate(count, [(ones, 0, 500), (ones, 1, 500)])
    padded = simulate(count, [(ones, 0, 500), (ones, 8, 500)])
    assert ones[[0, 1, 8]].tolist() == [1000, 500, 500]
    # Both load, then both store: each store takes the line away from the other one.
    assert adjacent.invalidations == 1000
    assert adjacent.true_misses == 0
    assert adjacent.false_misses > 900
    assert (padded.invalidations, padded.false_misses, padded.lines) == (0, 0, ())
    (line,) = adjacent.lines
    assert (line.name, line.threads, line.invalidations) == ("counters[0] to [7]", (0, 1), 1000)


def test_writes_alone_as_in_the_textbook():
    n = 10_000
    writer = ThreadTrace(np.zeros(n, np.int64), np.ones(n, bool))
    other = ThreadTrace(np.full(n, 8), np.ones(n, bool))
    assert replay([writer, other]).invalidations == 2 * n - 1
    assert replay([writer, ThreadTrace(np.full(n, 64), np.ones(n, bool))]).invalidations == 0


def test_true_sharing_is_told_from_false():
    def trace(*accesses):
        return ThreadTrace(np.array([a for a, _ in accesses]), np.array([w for _, w in accesses]))

    reader = trace((0, False), (0, False))
    same = replay([reader, trace((0, True))], order=np.array([0, 1, 0]))
    beside = replay([reader, trace((8, True))], order=np.array([0, 1, 0]))
    assert (same.true_misses, same.false_misses) == (1, 0)
    assert (beside.true_misses, beside.false_misses) == (0, 1)
    assert same.changes("exclusive", "invalid") == 1
    assert same.changes("modified", "shared") == 1
    # The second look at a line tells that the first one was not in vain.
    later = replay([trace((8, False), (8, False), (0, False)), trace((0, True))], order=np.array([0, 1, 0, 0]))
    assert (later.true_misses, later.false_misses) == (1, 0)
    # What was written before the line came is no reason for a miss after it went.
    late = replay([trace((0, False), (0, False)), trace((0, True), (8, True))], order=np.array([1, 0, 1, 0]))
    assert (late.true_misses, late.false_misses) == (0, 1)


QUEUE = np.dtype([("head", np.int64), ("tail", np.int64), ("pad", np.int64, 6), ("capacity", np.int64)])


@njit
def push(queue, times):
    for _ in range(times):
        queue[0].tail += queue[0].capacity


@njit
def pop(queue, times):
    for _ in range(times):
        queue[0].head += 1


def either(queue, producer, times):
    if producer:
        push(queue, times)
    else:
        pop(queue, times)


def test_sharing_is_told_by_field():
    queue = np.zeros(1, QUEUE)
    report = simulate(either, [(queue, True, 200), (queue, False, 200)])
    fields = {share.name: share for share in report.fields}
    assert set(fields) == {"queue.head", "queue.tail", "queue.capacity"}
    assert fields["queue.head"].false_misses > 100
    assert fields["queue.capacity"].false_misses == fields["queue.capacity"].invalidations == 0
    assert sum(share.invalidations for share in report.fields) == report.invalidations
    assert fields["queue.head"].threads == (1,)
    assert "queue.tail" in str(report)


def test_what_a_thread_makes_is_its_own():
    def fill(x, mine):
        own = np.zeros(8)
        for i in range(8):
            own[i] = x[i]
        return own[mine]

    report = simulate(fill, [(np_ones, 0), (np_ones, 1)])
    assert report.invalidations == 0
    assert [share.name for share in report.lines] == ["x[0] to [7]"]


np_ones = np.ones(8)


def test_order_matters_and_is_checked():
    a = ThreadTrace(np.zeros(3, np.int64), np.ones(3, bool))
    assert replay([a, a], order=np.array([0, 0, 0, 1, 1, 1])).invalidations == 1
    assert replay([a, a]).invalidations == 5
    short = ThreadTrace(np.zeros(1, np.int64), np.ones(1, bool))
    assert replay([a, short]).invalidations == 2
    for wrong, text in [("random", "order: 'random'"), (np.array([0, 1]), r"order: it has \[1, 1\]")]:
        with pytest.raises(ValueError, match=text):
            replay([a, a], order=wrong)
    with pytest.raises(ValueError, match="order: numbers from 0 to 1"):
        replay([a, a], order=np.array([0, 2]))
    with pytest.raises(TypeError, match="order: float64"):
        replay([a, a], order=np.zeros(6))


GOOD = ThreadTrace(np.zeros(3, np.int64), np.ones(3, bool))


@pytest.mark.parametrize(
    ("traces", "line", "error", "text"),
    [
        ([GOOD], 64, ValueError, "traces: 1 of them; give 2 to 16"),
        ([GOOD] * 17, 64, ValueError, "traces: 17"),
        ([GOOD, np.zeros(3)], 64, TypeError, r"traces\[1\]: a ndarray; make a ThreadTrace"),
        ([GOOD, ThreadTrace(np.zeros(3), np.ones(3, bool))], 64, TypeError, r"traces\[1\]: addresses are float64"),
        ([GOOD, ThreadTrace(np.zeros(3, int), np.ones(2, bool))], 64, TypeError, r"traces\[1\]: writes"),
        ([GOOD, ThreadTrace(np.array([-1]), np.ones(1, bool))], 64, ValueError, r"traces\[1\]: addresses are 0"),
        ([GOOD, GOOD], 48, ValueError, "line: 48 is no power of two"),
    ],
)
def test_bad_input_is_named(traces, line, error, text):
    with pytest.raises(error, match=text):
        replay(traces, line=line)


def test_threads_share_their_arrays():
    with pytest.raises(ValueError, match="args: the threads are given different arrays"):
        simulate(count, [(np.zeros(2, np.int64), 0, 1), (np.zeros(2, np.int64), 1, 1)])
    report = replay([GOOD, GOOD])
    assert isinstance(report, Report)
    with pytest.raises(ValueError, match="'owned': the states are"):
        report.changes("owned", "invalid")


@njit
def add_atomically(counters, mine, times):
    for _ in range(times):
        atomics.fetch_add(counters, mine, 2)


@njit
def look(counters, mine, times):
    total = 0
    for _ in range(times):
        total += atomics.load(counters, mine, "acquire")
    atomics.fence()
    return total


@njit
def swap_pairs(counters, mine, times):
    for _ in range(times):
        atomics.compare_exchange_pair(counters, mine, 0, 0, 0, 0)


def test_an_atomic_operation_is_one_access_that_writes():
    counters = np.zeros(16, np.int64)
    report = simulate(add_atomically, [(counters, 0, 100), (counters, 1, 100)])
    assert (report.accesses, report.invalidations, report.true_misses) == (200, 199, 0)
    assert counters.tolist() == [200, 200] + [0] * 14
    assert simulate(add_atomically, [(counters, 0, 100), (counters, 8, 100)]).invalidations == 0


def test_an_atomic_operation_is_watched_without_compiling_the_function():
    with pytest.raises(instrument.UninstrumentableError, match="an atomic operation"):
        instrument.instrument(add_atomically, (Accesses,))


def test_an_array_that_begins_on_a_line_does_so_in_the_model():
    """Wherever malloc puts what is around it: three arrays, so that not all begin on a line by luck."""
    for counters in [hints.empty(24, np.int64) for _ in range(3)]:
        counters[:] = 0
        assert simulate(add_atomically, [(counters, 7, 50), (counters, 8, 50)]).invalidations == 0
        assert simulate(add_atomically, [(counters, 8, 50), (counters, 15, 50)]).invalidations > 90


def test_an_atomic_load_does_not_write():
    counters = np.ones(16, np.int64)
    report = simulate(look, [(counters, 0, 100), (counters, 1, 100)])
    assert (report.accesses, report.invalidations, report.results) == (200, 0, (100, 100))


def test_an_operation_on_a_pair_touches_two_elements():
    counters = np.zeros(16, np.int64)
    report = simulate(swap_pairs, [(counters, 0, 50), (counters, 8, 50)])
    assert report.invalidations == 0
    by_words = simulate(swap_pairs, [(counters, 0, 50), (counters, 8, 50)], line=8)
    assert by_words.accesses == 200  # each is two lines of eight bytes


def test_an_atomic_operation_outside_of_its_array_is_refused():
    with pytest.raises(TypeError, match="IndexError"):
        simulate(add_atomically, [(np.zeros(4, np.int64), 7, 1), (np.zeros(4, np.int64), 7, 1)][:1] * 2)


def test_threads_share_no_lists_of_numbers():
    def count(counters, me):
        counters[me] += 1

    counters = [0, 0]
    with pytest.raises(ValueError, match="threads share arrays; give the numbers of a list"):
        simulate(count, [(counters, 0), (counters, 1)])
