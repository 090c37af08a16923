"""Schedules do every task once, as independent simulations do, and never beat the best one there is."""

import itertools

import numpy as np
import pytest

from perflab.models.schedule import Schedule, Span, assigned, block, cyclic, dynamic, guided, stealing
from perflab.models.schedule.stealing import victim_stream

POLICIES = {
    "block": block,
    "cyclic": cyclic,
    "cyclic 3": lambda d, p: cyclic(d, p, chunk=3),
    "dynamic": dynamic,
    "dynamic 2": lambda d, p: dynamic(d, p, chunk=2, cost=1),
    "guided": guided,
    "guided 2": lambda d, p: guided(d, p, least=2, cost=2),
    "stealing": stealing,
    "stealing from one": lambda d, p: stealing(d, p, owner=np.zeros(len(d), int), cost=2, seed=7),
}


def tasks(seed, most=30):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 20, rng.integers(0, most)), int(rng.integers(1, 6))


def check(schedule):
    """Every task once and whole, no worker in two places, no task before its parent's end; the books balance."""
    done = {s.task: s for s in schedule.spans if s.kind == "task"}
    assert sorted(s.task for s in schedule.spans if s.kind == "task") == list(range(schedule.durations.size))
    assert all(s.end - s.start == schedule.durations[t] for t, s in done.items())
    for worker in range(schedule.workers):
        mine = sorted((s.start, s.end) for s in schedule.spans if s.worker == worker)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(mine))
    for task, parent in enumerate(schedule.parents):
        assert parent < 0 or done[task].start >= done[parent].end
    assert schedule.busy.sum() == schedule.durations.sum()
    total = schedule.busy.sum() + schedule.overhead.sum() + schedule.idle.sum()
    assert total == schedule.makespan * schedule.workers
    assert (schedule.idle >= 0).all()
    assert schedule.makespan >= schedule.bound
    assert schedule.owner.tolist() == [done[t].worker for t in range(schedule.durations.size)]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(12))
def test_every_task_is_done_once_and_the_books_balance(policy, seed):
    durations, workers = tasks(seed)
    schedule = POLICIES[policy](durations, workers)
    check(schedule)
    assert POLICIES[policy](durations, workers).spans == schedule.spans


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(6))
def test_nothing_beats_the_best_of_all_assignments(policy, seed):
    rng = np.random.default_rng(seed)
    durations, workers = rng.integers(1, 20, 7), int(rng.integers(2, 4))
    loads = [np.bincount(owner, durations, workers).max() for owner in itertools.product(range(workers), repeat=7)]
    best = min(loads)
    schedule = POLICIES[policy](durations, workers)
    assert schedule.makespan >= best >= schedule.bound
    assert assigned(durations, next(itertools.product(range(workers), repeat=7)), workers).makespan == max(loads)
    if policy == "dynamic":
        assert schedule.makespan <= (2 - 1 / workers) * best  # Graham


@pytest.mark.parametrize("seed", range(20))
def test_dynamic_is_list_scheduling(seed):
    durations, workers = tasks(seed)
    free, owner, begin = [0] * workers, [], []
    for duration in durations.tolist():
        worker = free.index(min(free))
        owner.append(worker)
        begin.append(free[worker])
        free[worker] += duration
    schedule = dynamic(durations, workers)
    assert schedule.owner.tolist() == owner
    assert {s.task: s.start for s in schedule.spans} == dict(enumerate(begin))
    assert schedule.makespan == max(free)


def test_static_policies_deal_as_openmp_does():
    even = np.ones(10, int)
    assert block(even, 4).owner.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    assert cyclic(even, 4).owner.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert cyclic(even, 4, chunk=2).owner.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 0, 0]


def test_guided_chunks_shrink():
    schedule = guided(np.ones(20, int), 2, cost=1)
    grabbed = [s for s in schedule.spans if s.kind == "queue"]
    sizes = []
    for worker in (0, 1):
        begins = [s.end for s in grabbed if s.worker == worker]
        mine = [s.start for s in schedule.spans if s.worker == worker and s.kind == "task"]
        sizes += [sum(a <= t < b for t in mine) for a, b in itertools.pairwise([*begins, 99])]
    assert sorted(sizes) == [1, 1, 3, 5, 10]


def ticking(durations, workers, parents, cost, seed, owner):
    """Simulate work stealing one tick after the other; return (worker, start, end, task, victim) of each span."""
    victims = victim_stream(seed)
    deques = [
        [t for t in reversed(range(len(durations))) if parents[t] < 0 and owner[t] == w] for w in range(workers)
    ]
    job = [("none", 0, None)] * workers  # kind, until, what
    left, spans, tick = set(range(len(durations))), [], 0
    while left or any(kind == "task" for kind, _, _ in job):
        again = True
        while again:  # tasks of no length end in the tick in which they begin
            again = False
            for w in range(workers):
                kind, until, what = job[w]
                if kind == "gone" or until > tick:
                    continue
                again, found = True, None
                if kind == "task":
                    deques[w] += [t for t in range(len(durations)) if parents[t] == what]
                if kind == "steal":
                    found = deques[what].pop(0) if deques[what] else None
                    spans.append((w, tick - cost, tick, -1 if found is None else found, what))
                elif deques[w]:
                    found = deques[w].pop()
                if found is not None:
                    left.remove(found)
                    spans.append((w, tick, tick + durations[found], found, -1))
                    job[w] = ("task", tick + durations[found], found)
                elif left and workers > 1:
                    others = [(w + 1 + k) % workers for k in range(workers - 1)]
                    job[w] = ("steal", tick + cost, others[next(victims) % len(others)])
                else:
                    job[w] = ("gone", tick, None)
        tick += 1
    return spans


@pytest.mark.parametrize("seed", range(25))
def test_stealing_is_that_of_a_ticking_simulation(seed):
    rng = np.random.default_rng(seed)
    n, workers, cost = int(rng.integers(1, 25)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    durations = rng.integers(1, 9, n)
    parents = np.array([rng.integers(-1, t) if rng.random() < 0.8 else -1 for t in range(n)])
    owner = rng.integers(0, workers, n)
    schedule = stealing(durations, workers, parents=parents, owner=owner, cost=cost, seed=seed)
    check(schedule)
    plain = ticking(durations.tolist(), workers, parents.tolist(), cost, seed, owner.tolist())
    ours = [(s.worker, s.start, s.end, s.task, s.victim) for s in schedule.spans]
    last = max(end for _, _, end, _, _ in plain)
    assert sorted(s for s in ours if s[2] <= last) == sorted(s for s in plain if s[2] <= last)
    assert sorted(s for s in ours if s[4] < 0) == sorted(s for s in plain if s[4] < 0)


def test_the_owner_takes_the_youngest_and_the_thief_the_oldest():
    durations = np.array([1, 5, 5, 5])
    schedule = stealing(durations, 2, parents=np.array([-1, 0, 0, 0]), cost=1)
    begun = {s.task: (s.worker, s.start) for s in schedule.spans if s.kind == "task"}
    assert begun[3] == (0, 1)
    assert begun[1][0] == 1
    assert schedule.steals == 1


def test_a_thief_may_take_the_youngest_and_steals_more_often_in_a_tree():
    durations = np.array([4, 5, 3, 9])
    one = stealing(durations, 2, parents=np.array([-1, 0, 0, 0]), cost=1, loot="youngest")
    assert next(span.task for span in one.spans if span.kind == "steal" and span.task >= 0) == 2
    tree = np.ones(1023, int), 8, (np.arange(1023) - 1) // 2
    oldest, youngest = (
        stealing(tree[0], tree[1], parents=tree[2], cost=3, loot=loot).steals for loot in ("oldest", "youngest")
    )
    assert youngest > 2 * oldest


def test_a_tree_of_tasks_keeps_its_critical_path():
    durations, parents = np.array([3, 2, 7, 1, 4]), np.array([-1, 0, 0, 1, 3])
    schedule = stealing(durations, 4, parents=parents)
    assert schedule.critical_path == 10
    assert schedule.bound == 10
    assert schedule.makespan >= 10
    many = stealing(np.ones(1023, int), 4, parents=(np.arange(1023) - 1) // 2)
    assert many.critical_path == 10
    assert many.efficiency > 0.9


def test_skew_hurts_a_plan_and_not_a_queue():
    skewed = np.arange(1, 101)
    found = {policy: POLICIES[policy](skewed, 4).makespan for policy in ("block", "dynamic", "stealing")}
    assert found["block"] == sum(range(76, 101))
    assert found["dynamic"] < 1.1 * skewed.sum() / 4
    assert found["stealing"] < 1.1 * skewed.sum() / 4


def test_the_stream_of_victims_is_splitmix():
    # The reference values of the authors' C code for seed 1234567.
    stream = victim_stream(1234567)
    assert [next(stream) for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_floating_point_durations_stay_so():
    schedule = dynamic([0.5, 0.25, 0.25], 2)
    assert schedule.makespan == 0.5
    assert schedule.idle.tolist() == [0, 0]
    assert schedule.efficiency == 1


def test_no_tasks_take_no_time():
    for policy in POLICIES.values():
        schedule = policy(np.empty(0, int), 3)
        assert (schedule.makespan, schedule.bound, schedule.efficiency) == (0, 0, 1)


def test_a_schedule_says_what_it_costs():
    text = str(stealing(np.arange(1, 9), 3))
    assert text.startswith("work stealing: makespan ")
    assert "steals" in text
    assert Schedule("mine", np.array([2]), 1, (Span(0, 0, 2, "task", 0),)).makespan == 2


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: dynamic(["a"], 2), TypeError, "durations: a flat array of numbers"),
        (lambda: dynamic(np.ones((2, 2)), 2), TypeError, "durations: a flat array"),
        (lambda: dynamic([1, -1], 2), ValueError, "durations: numbers of 0 or more"),
        (lambda: dynamic([1, np.inf], 2), ValueError, "durations: numbers of 0 or more"),
        (lambda: block([1], 0), ValueError, "workers: a whole number of at least 1, got 0"),
        (lambda: block([1], 1.5), ValueError, "workers: a whole number"),
        (lambda: cyclic([1], 1, chunk=0), ValueError, "chunk: a whole number of at least 1"),
        (lambda: dynamic([1], 1, chunk=-1), ValueError, "chunk"),
        (lambda: dynamic([1], 1, cost=-1), ValueError, "cost: a time of 0 or more"),
        (lambda: guided([1], 1, least=0), ValueError, "least"),
        (lambda: stealing([1], 1, cost=0), ValueError, "cost: a time above 0"),
        (lambda: stealing([1], 1, loot="front"), ValueError, "loot: 'oldest' or 'youngest', got 'front'"),
        (lambda: stealing([1, 1], 1, parents=[-1]), TypeError, "parents: one integer for each of the 2 tasks"),
        (lambda: stealing([1, 1], 1, parents=[1, -1]), ValueError, "parents: task 0 has parent 1"),
        (lambda: stealing([1, 1], 1, owner=[0, 1]), ValueError, "owner: workers from 0 to 0"),
        (lambda: assigned([1, 1], [0], 2), TypeError, "owner: one integer for each of the 2 tasks"),
        (lambda: assigned([1, 1], [0, 2], 2), ValueError, "owner: workers from 0 to 1, got 0 to 2"),
    ],
)
def test_wrong_input_names_the_argument(make, error, said):
    with pytest.raises(error, match=said):
        make()
