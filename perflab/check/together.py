"""Is concurrent code correct: in every schedule of small inputs, and on real threads with larger ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perflab.check import values
from perflab.check.bench import Bench, FunctionFailedError, Team, bench_of, quiet
from perflab.check.report import Report, refused
from perflab.check.subjects import Maker, draw, exact_rng
from perflab.check.teams import Explored, Outcome
from perflab.models.metrics import BY_THREADS

# ``holds(results, before, after)``: what the threads returned, their arguments before and after. It raises
# AssertionError or returns False where that is not allowed.
Holds = Callable[[tuple, tuple, tuple], Any]

ROUNDS = 3  # of real threads
SECONDS = 5.0  # that one of them may last
FIRST_ROUND = 1_000  # its case: small inputs have those below


class ScheduleFailedError(FunctionFailedError):
    """A schedule of small inputs fails.

    Attributes
    ----------
    listing : str
        Its table.
    """

    def __init__(self, sentence: str, listing: str) -> None:
        super().__init__(sentence)
        self.listing = listing


class NeverEndedError(FunctionFailedError):
    """Real threads were not over in time: most likely they never are, but a busy machine may be the reason."""


@dataclass(frozen=True)
class Together:
    """A team under test.

    Attributes
    ----------
    team : tuple of callable
        One function for each thread.
    bench : Bench
    holds : callable
        See `Holds`.
    parts : tuple of callable
        What a learner wrote, where the team's functions are the course's own and call them by name.
    """

    team: tuple[Callable[..., Any], ...]
    bench: Bench
    holds: Holds
    parts: tuple[Callable[..., Any], ...] = ()

    def explore(self, args: tuple, nonblocking: bool = False) -> Explored:
        """Run all schedules of a small input.

        Raises
        ------
        FunctionFailedError
            If one of them fails; with `nonblocking`, also if a thread waits for one that is stopped.
        """
        found = self.bench.explore(args, self.team, None, self.parts)
        if found.failure:
            raise ScheduleFailedError(_sentence(found.failure), found.listing)
        for number, outcome in enumerate(found.outcomes):
            if wrong := _refusal(self.holds, args, outcome):
                listing = self.bench.explore(args, self.team, number, self.parts).listing
                raise ScheduleFailedError(f"In some schedule, {wrong}", listing)
        if nonblocking and found.blocked:
            raise FunctionFailedError(_sentence(found.blocked))
        return found

    def invalidations(self, args: tuple) -> float:
        """Return how many lines the threads take from each other, one access of each in turn.

        Raises
        ------
        FunctionFailedError
            If that cannot be counted, or if what they do then is wrong.
        """
        if self.parts or len(set(self.team)) > 1:
            raise ValueError(
                "threads: 'invalidations' are counted where all threads call the learner's one function"
            )
        staged = self.bench.stage(args)
        count = self.bench.count(staged, f"{BY_THREADS}{len(self.team)}")
        results, after = self.bench.collect(staged)
        if wrong := _refusal(self.holds, args, (results, after)):
            raise FunctionFailedError(f"In the counted run, {wrong}")
        return count

    def race(self, make: Maker) -> str:
        """Run real threads some rounds; return how that went.

        Raises
        ------
        NeverEndedError
            If a round has not come to an end in time.
        FunctionFailedError
            If an outcome is wrong.
        """
        at_once = 0
        for case in range(FIRST_ROUND, FIRST_ROUND + ROUNDS):
            args = draw(make, exact_rng(self.bench, case))
            raced, after = self.bench.race(args, self.team, SECONDS, self.parts)
            if not raced.ended:
                raise NeverEndedError(f"The threads were not over within {SECONDS:g} s on the larger input.")
            if wrong := _refusal(self.holds, args, (raced.results, after)):
                raise FunctionFailedError(f"On real threads, {wrong}")
            at_once += raced.parallel
        if not at_once:
            return f"{ROUNDS} runs agree, but no second core was free, so they say little"
        return f"{ROUNDS} runs agree, {at_once} of them on two cores at once"


def team_of(fn: Any, threads: int | tuple | None) -> tuple[Team, Team]:
    """Return the functions of the threads, and what those call that a learner wrote, if they are the course's own.

    Raises
    ------
    ValueError
        If the number of threads makes no sense.
    """
    theirs = fn if isinstance(fn, tuple) else (fn,)
    if isinstance(threads, tuple):
        if len(threads) < 2 or not all(callable(one) for one in threads):
            raise ValueError(f"threads: at least 2 functions, or how many threads there are; got {threads!r}")
        team, parts = threads, theirs
    else:
        team, parts = fn if isinstance(fn, tuple) else (fn,) * (threads or 0), ()
        if len(team) < 2 or (threads is not None and threads != len(team)):
            raise ValueError(f"threads: at least 2, and as many as there are functions; got {threads}")
    for one in theirs:
        if not callable(one):
            raise FunctionFailedError(f"Expected a function, got {one!r}.")
    return team, parts


def correct_together(
    title: str,
    together: Together,
    on: Sequence[Maker],
    stress: Maker | None,
    points: float,
    nonblocking: bool = False,
) -> Report:
    """Return the report of a correctness check: all points or none."""
    states = 0
    rows: list[tuple[str, str]] = []
    case = 0
    try:
        for case, make in enumerate(on, 1):
            rows = [("case", f"{case} of {len(on)}")]
            states += together.explore(draw(make, exact_rng(together.bench, case)), nonblocking).states
        case = 0
        rows = [("schedules", f"all of {len(on)} small inputs: {states:,} states of x86's memory (TSO)")]
        if nonblocking:
            rows.append(("a thread is stopped", "at any of its steps, and no other one waits for it"))
        if stress is not None:
            rows.append(("real threads", together.race(stress)))
    except ScheduleFailedError as error:
        return replace(refused(title, points, error, tuple(rows), case), listing=error.listing)
    except FunctionFailedError as error:
        report = refused(title, points, error, tuple(rows), case)
        return replace(report, unsure=isinstance(error, NeverEndedError))
    return Report(title, points, points, "No schedule fails on a memory like x86's.", tuple(rows))


def bench_of_team(team: Team, parts: Team = ()) -> Bench:
    """Return the bench of a team: that of the first function that a learner wrote."""
    return bench_of((parts or team)[0])


def _refusal(holds: Holds, before: tuple, outcome: Outcome) -> str | None:
    """Return what is wrong with an outcome, or None. It may be anything that a learner's code hands back."""
    results, after = outcome
    try:
        with quiet():
            verdict = holds(values.copy(results), values.copy(before), values.copy(after))
    except AssertionError as error:
        return _sentence(str(error) or "the outcome is not allowed")
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        return _sentence(f"the outcome cannot be looked at ({type(error).__name__}: {error})")
    return None if verdict is None or verdict else "the outcome is not allowed."


def _sentence(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return first if first.endswith(".") else f"{first}."
