"""The protocol between a check and a function under test, and its local implementation.

A check never calls the function itself. It speaks four verbs to the function's bench:

stage    lay out a fresh copy of the input where the function will find it
run      let the function run on it; the clock covers this alone
collect  bring back what it returned and what its arguments became, as plain data
count    say how often something exact happened: oracle calls, lines of memory

`LocalBench` does this in the learner's own kernel. A judge gives its own: the object that stands for a student's
function there is a handle whose attribute ``bench`` speaks the same verbs to a sandbox.
"""

import contextlib
import inspect
import io
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from perflab import codegen, counters
from perflab.check import given, teams, values
from perflab.check.oracles import Oracle
from perflab.check.report import NOT_WRITTEN
from perflab.check.teams import Explored, Raced
from perflab.counters.syscalls import SEEN
from perflab.models import lines, metrics
from perflab.models.instrument import UninstrumentableError
from perflab.timing import Clock, seconds_of


class FunctionFailedError(Exception):
    """The function under test raised; the text says what and where, for its author."""


class ForbiddenError(ValueError):
    """Code that no instrument may run beside; the text says what, where, and what to do."""


class Bench(Protocol):
    """Where a function under test lives, and how it is called.

    Attributes
    ----------
    seed : int or None
        Of all inputs, where a judge keeps one so that a verdict can be reproduced. None in a learner's kernel:
        exact checks then use the same inputs on every run, timed checks never the same twice.
    """

    seed: int | None

    def stage(self, args: tuple) -> Any:
        """Lay out a private copy of `args`; return a token for the other verbs. A token is run at most once."""

    def run(self, staged: Any, clock: Clock) -> float:
        """Call the function on what was staged; return the seconds that it took.

        Raises
        ------
        FunctionFailedError
            If it raised, died or ran out of time.
        """

    def turn(self) -> AbstractContextManager:
        """Return a context for runs whose time counts: nothing else on this machine is timed meanwhile."""

    def collect(self, staged: Any) -> tuple[Any, tuple]:
        """Return the materialized result and the materialized arguments after the run.

        Raises
        ------
        FunctionFailedError
            If one of them is nothing that may cross.
        """

    def oracles(self, staged: Any) -> list[Oracle]:
        """Return the oracles among the arguments of a run, in their order, as the run left them."""

    def count(self, staged: Any, metric: str, first: Any = None) -> float:
        """Return an exact count: a key of `METRICS`, or "syscalls:NAME", or "syscalls:NAME+NAME" for both.

        "invalidations:4" calls the function on four threads; see `perflab.models.metrics.measure`. "calls" asks
        about a staged input that has been run; all others run it themselves, or look at the code for it. Where
        `runs_before` tells so, the function runs on `first` before, another staged input: what is done only once
        is not counted, and who remembers an input gains nothing. By default that is the same input again.

        Raises
        ------
        FunctionFailedError
            If it raised, or if this machine cannot count that; the text says what to do.
        """

    def explore(self, args: tuple, team: "Team", refused: int | None = None, parts: "Team" = ()) -> Explored:
        """Return what all schedules of a team do with a small input; see `perflab.check.teams.explored`.

        With `parts`, the functions of the team are the course's own, and call those of the learner by name.

        Raises
        ------
        FunctionFailedError
            If the team cannot be explored; the text says what to change.
        """

    def race(self, args: tuple, team: "Team", seconds: float, parts: "Team" = ()) -> tuple[Raced, tuple]:
        """Run a team on real threads once; return that, and what the arguments became.

        Raises
        ------
        FunctionFailedError
            If a thread raised, or if it is no compiled code.
        """


Team = Sequence[Callable[..., Any]]  # the functions of the threads; they all live where the bench is

METRICS = {
    "calls": "calls of the oracle",
    "lines": "lines of 64 bytes fetched",
    **metrics.METRICS,
    **counters.METRICS,
    **codegen.METRICS,
}


# What a judge counts from outside of a sandbox, besides system calls.
OUTSIDE = (*SEEN, "page_faults", "voluntary_switches")


@dataclass
class LocalCall:
    """One staged call of a local function."""

    args: tuple
    result: Any = None
    ran: bool = field(default=False)


@dataclass(frozen=True)
class LocalBench:
    """Calls a function in this very process.

    Attributes
    ----------
    fn : callable
        The function under test.
    seed : None
        See `Bench`.
    """

    fn: Callable[..., Any]
    seed: None = None

    def stage(self, args: tuple) -> LocalCall:
        """See `Bench.stage`."""
        return LocalCall(values.copy(args))

    def run(self, staged: LocalCall, clock: Clock) -> float:
        """See `Bench.run`."""
        if staged.ran:
            raise RuntimeError("a staged input runs once; stage another")
        staged.ran = True
        fn, args = self.fn, staged.args
        with quiet(), reported(fn), given.learner(fn):
            seconds, staged.result = seconds_of(lambda: fn(*args), clock)
        return seconds

    def turn(self) -> AbstractContextManager:
        """See `Bench.turn`: a learner's kernel waits for nobody."""
        return contextlib.nullcontext()

    def collect(self, staged: LocalCall) -> tuple[Any, tuple]:
        """See `Bench.collect`."""
        try:
            result = values.materialize(staged.result)
            names = argument_names(self.fn, len(staged.args))
            after = tuple(
                values.materialize(a, f"the argument {name}") for a, name in zip(staged.args, names, strict=True)
            )
        except TypeError as error:
            raise FunctionFailedError(f"{name_of(self.fn, YOURS)}: {error}.") from error
        return result, after

    def oracles(self, staged: LocalCall) -> list[Oracle]:
        """See `Bench.oracles`."""
        return values.oracles(staged.args)

    def count(self, staged: LocalCall, metric: str, first: LocalCall | None = None) -> float:
        """See `Bench.count`."""
        if metric == "calls":
            return float(sum(oracle.calls for oracle in self.oracles(staged)))
        if not is_metric(metric):
            raise ValueError(f"metric: one of {', '.join(map(repr, METRICS))} or a function, got {metric!r}")
        staged.ran = True
        fn, args = self.fn, staged.args
        if metric in codegen.METRICS and not codegen.inspectable(fn):
            raise FunctionFailedError(f"{name_of(fn, YOURS)} is not compiled by Numba: decorate it with @njit.")
        try:
            with quiet(), reported(fn), given.learner(fn):
                if metric in codegen.METRICS:
                    return codegen.measure(metric, fn, args)
                if metric == "lines":
                    count, staged.result = lines.watched(fn, args)
                elif metric in metrics.METRICS or metric.startswith(metrics.BY_THREADS):
                    count, staged.result = metrics.measure(metric, fn, args)
                else:
                    # Compiles, and does for the first time what is done only once.
                    fn(*(first.args if first else values.copy(args)))
                    count, staged.result = counters.measure(metric, lambda: fn(*args))
                return float(count)
        except FunctionFailedError as error:
            if isinstance(error.__cause__, counters.AbsentError | codegen.CodegenError | UninstrumentableError):
                raise FunctionFailedError(
                    f"{name_of(fn, YOURS)} cannot be counted here. {error.__cause__}"
                ) from error
            raise

    def explore(self, args: tuple, team: Team, refused: int | None = None, parts: Team = ()) -> Explored:
        """See `Bench.explore`."""
        team = _bound(team, parts)
        with quiet(), reported(self.fn), given.learner(self.fn):
            return teams.explored(team, args, refused)

    def race(self, args: tuple, team: Team, seconds: float, parts: Team = ()) -> tuple[Raced, tuple]:
        """See `Bench.race`."""
        mine, team = values.copy(args), _bound(team, parts)
        with quiet(), reported(self.fn), given.learner(self.fn):
            return teams.raced(team, mine, seconds), mine


def _bound(team: Team, parts: Team) -> Team:
    return teams.bound(tuple(team), tuple((name_of(part), part) for part in parts)) if parts else team


YOURS = "Your function"  # at the beginning of a sentence or a title


def is_metric(metric: object) -> bool:
    """Tell whether a bench can count this."""
    if not isinstance(metric, str):
        return False
    prefixes = counters.BY_NAME, metrics.BY_THREADS
    return metric in METRICS or (metric.startswith(prefixes) and metric not in prefixes)


def is_outside(metric: str) -> bool:
    """Tell whether a judge counts this from outside of a sandbox; code in it need not be admitted then."""
    return metric in OUTSIDE or metric.partition(":")[0] == "syscalls"


def hands_back(metric: str) -> bool:
    """Tell whether what a counted run did can be collected; where only code is looked at there is no run."""
    return metric not in codegen.METRICS


def runs_before(metric: str) -> bool:
    """Tell whether a count runs the function once before it counts."""
    return metric in counters.METRICS or metric.startswith(counters.BY_NAME)


def needs_run(metric: str) -> bool:
    """Tell whether a count asks about a run that was made, rather than making one of its own."""
    return metric == "calls"


def bench_of(fn: Callable[..., Any]) -> Bench:
    """Return the bench that `fn` brings along, as a judge's handle does, else a local one."""
    return getattr(fn, "bench", None) or LocalBench(fn)


def name_of(fn: Callable[..., Any], unnamed: str = "your function") -> str:
    """Return the name by which a report calls `fn`; a lambda has none and is called what it is there."""
    name = getattr(getattr(fn, "func", fn), "__name__", type(fn).__name__)
    return unnamed if name == "<lambda>" else name


def argument_names(fn: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Return the names that `fn` has for its first `count` arguments; their numbers where it has none."""
    try:
        known = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have no signature
        known = ()
    names = [one.name for one in known if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return tuple(names[:count]) + tuple(f"number {i + 1}" for i in range(len(names), count))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what a call prints or warns: nbgrader gives zero to a cell with any output on stderr."""
    sink = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(sink), contextlib.redirect_stdout(sink):
        warnings.simplefilter("ignore")
        # A kernel also shows what C code and child processes write to the descriptors themselves.
        kept = {fd: os.dup(fd) for fd in (1, 2)}
        try:
            with open(os.devnull, "wb") as null:
                for fd in kept:
                    os.dup2(null.fileno(), fd)
            yield
        finally:
            for fd, copy in kept.items():
                os.dup2(copy, fd)
                os.close(copy)


@contextlib.contextmanager
def reported(fn: Callable[..., Any]) -> Iterator[None]:
    """Turn what `fn` raises into a sentence for its author."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise FunctionFailedError(describe(fn, error)) from error


def describe(fn: Callable[..., Any], error: BaseException) -> str:
    """Say in a sentence or two what `fn` raised, and at which of its lines."""
    name = name_of(fn, YOURS)
    if isinstance(error, NotImplementedError):
        return f"{name} {NOT_WRITTEN}: replace `raise NotImplementedError` by your own code."
    text = str(error).strip().splitlines()
    first = next((line.strip() for line in text if line.strip()), "")
    sentence = f"{name} raised {type(error).__name__}{': ' + first if first else ''}"
    # The deepest frame that is not a library's is where the author has to look.
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    own = [f for f in frames if f.name == getattr(fn, "__name__", name)]
    if own and own[-1].line:
        sentence += f", in line {own[-1].lineno} of its cell: {own[-1].line.strip()}"
    elif len(text) > 1:
        details = [line.strip() for line in text[1:] if line.strip()][:4]
        sentence += " / " + " / ".join(details)
    return sentence + ("" if sentence.endswith(".") else ".")
