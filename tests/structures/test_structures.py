"""Structures from the literature and their broken twins: all schedules of a small program, then real threads.

The right one fails nowhere. Every twin is caught by the explorer, and by real threads where these show it in a few
rounds; a machine without a second free core can't say, and that is a skip by name.
"""

import chase_lev
import hazard
import michael_scott
import mpmc
import pytest
import rcu
import seqlock
import sharded
import spsc
import ticket
import treiber
import treiber_pair
from tempo import NET, patience

from perflab import threads
from perflab.models.interleaving import explore

MODULES = (spsc, mpmc, treiber, treiber_pair, hazard, michael_scott, chase_lev, seqlock, rcu, sharded, ticket)
STRUCTURES = [module.STRUCTURE for module in MODULES]
ROUNDS, MOST_ROUNDS = 2, 4  # of the right one on real threads: with all at once, and in all
TWIN_ROUNDS = 12  # at most
HANGS = 20  # times what the right one takes: a twin that has not ended by then hangs, and is caught
PARALLEL = 3  # rounds at once in which a twin that shows its flaw has to show it

each = pytest.mark.parametrize("structure", STRUCTURES, ids=lambda structure: structure.name)


def explored(structure, broken, **options):
    program = structure.small(broken)
    return explore(program.calls, check=program.check, against=program.against, **options)


def patience_with(structure):
    """Return the seconds after which a structure hangs, on this machine now."""
    run = threads.run(structure.large(False).calls, seconds=NET)
    return min(NET, patience(1) + HANGS * max(run.seconds))


@each
def test_no_schedule_of_the_right_one_fails(structure):
    found = explored(structure, broken=False)
    assert found.passed, str(found)


@each
def test_the_explorer_catches_the_twin(structure):
    found = explored(structure, broken=True)
    assert not found.passed
    assert found.violation.memory == ("tso" if structure.needs_buffers else "sc")
    assert explored(structure, broken=True, memory="sc").passed == structure.needs_buffers


@each
def test_the_right_one_holds_on_real_threads(structure):
    at_once = 0
    for _ in range(MOST_ROUNDS):
        program = structure.large(False)
        run = threads.run(program.calls, seconds=NET)
        program.check(*run.results)
        at_once += run.parallel
        if at_once == ROUNDS:
            return
    if not at_once:
        pytest.skip(f"inconclusive: the threads took turns in {MOST_ROUNDS} rounds; no second core was free")


@pytest.mark.parametrize("structure", [s for s in STRUCTURES if s.shows], ids=lambda structure: structure.name)
def test_real_threads_catch_the_twin(structure):
    at_once = 0
    for _ in range(TWIN_ROUNDS):
        program, seconds = structure.large(True), patience_with(structure)
        try:
            run = threads.run(program.calls, seconds=seconds)
            program.check(*run.results)
        except (AssertionError, TimeoutError):
            return
        at_once += run.parallel
    if at_once < PARALLEL:
        pytest.skip(f"inconclusive: the threads ran at once in {at_once} of {TWIN_ROUNDS} rounds")
    pytest.fail(f"{structure.name}: {at_once} rounds at once, and the flaw ({structure.flaw}) did not show")


def test_the_deque_is_exhausted_in_time():
    """Two pushes and two takes against two steals, with store buffers, in at most 5 s."""
    found = explored(chase_lev.STRUCTURE, broken=False)
    assert found.passed
    assert found.schedules > 1_000_000
    assert found.seconds <= patience(5)
