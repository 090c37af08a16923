# ---
# perflab:
#   title: A cheap clock
#   covers: [system/syscalls/vdso, system/syscalls/cost-system-calls, system/syscalls/user-space-alternatives]
#   lever: read the time without a trip into the kernel, and know what the cheap reading means
#   stars: 3
#   minutes: 35
#   chapter: system/syscalls
# ---

# %% [markdown]
# # A cheap clock
# An event loop has a tracer: behind each event it notes what the time is, so that somebody can see later which
# handler was slow. A handler that has nothing to do is through in two nanoseconds. Asking the kernel for the time
# takes a hundred. The tracer is nearly all that the loop does.
#
# That is no invention: on virtual machines whose clock the kernel cannot hand out, each reading of the time is a
# real system call, and servers have been found that spent much of their time asking what time it is.

# %% role="given" grade_id="cheap_clock_given"
import math
import platform
import time

import numpy as np
from numba import njit, types

from perflab import check, hints

MONOTONIC = (
    1  # the clock's number: seconds since the machine started, never set back
)
NUMBER = (
    113 if platform.machine() in ("aarch64", "arm64") else 228
)  # of the system call clock_gettime

# Functions of the C library, for compiled code. `syscall` makes the trip itself, whatever the library could do.
syscall = types.ExternalFunction(
    "syscall", types.intp(types.intp, types.intp, types.uintp)
)
clock_gettime = types.ExternalFunction(
    "clock_gettime", types.int32(types.int32, types.uintp)
)


@njit
def handle(event, turns):
    """Handle an event: `turns` steps, each of which waits for the one before."""
    state = np.uint64(event + 1)
    for _ in range(turns):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
    return state


def make_events(rng, n=30_000):
    """Arguments of one run: how many steps the handler of each event takes."""
    return (rng.integers(0, 4, n),)


@njit
def trace_by_call(turns):
    """Return what the handlers return, and the time in seconds behind each of them."""
    results = np.empty(turns.size, np.uint64)
    stamps = np.empty(turns.size)
    now = np.zeros(
        2, np.int64
    )  # where the kernel writes seconds and nanoseconds
    for i in range(turns.size):
        results[i] = handle(i, turns[i])
        syscall(NUMBER, MONOTONIC, now.ctypes.data)
        stamps[i] = now[0] + now[1] * 1e-9
    return results, stamps


# %% role="given" grade_id="cheap_clock_example"
results, stamps = trace_by_call(np.array([0, 1, 1_000_000]))
print("nanoseconds of the second and the third event:", np.diff(stamps) * 1e9)
before, now = hints.cycles(), time.monotonic()
while time.monotonic() < now + 0.01:
    pass
print("ticks of hints.cycles() in 10 ms:", hints.cycles() - before)

# %% [markdown]
# There are two ways around the trip.
#
# The kernel shares a page with every program, on which it keeps what one needs to compute the time, and the code
# that does so: the **vDSO**. The C library's `clock_gettime(MONOTONIC, address)` goes there. It is no system call,
# although its name is that of one.
#
# The processor has a counter of its own that ticks evenly. `hints.cycles()` reads it. It says neither when it
# began nor how long a tick is. And it counts no cycles of the core: the core's frequency changes, the counter's
# does not.
#
# ## Predict
# How many times faster does the loop get when no event makes a trip any more?

# %% role="predict" grade_id="cheap_clock_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write two functions.
#
# `in_seconds(ticks, first, last)` turns readings of the counter into times. `first` and `last` are two readings
# that were taken together with the clock, each a tuple `(ticks, seconds)`. A counter may have run for years: its
# readings are so large that a float cannot hold them exactly.
#
# `trace(turns)` returns what `trace_by_call` returns, with stamps in seconds of the same clock, and makes no
# system call for an event.
#
# <details><summary>Hint 1</summary>
#
# Begin with one change: in `trace_by_call`, replace `syscall(NUMBER, ...)` by `clock_gettime(...)`. That saves the
# trip, and is worth most of the points. What is left is about twice what the counter costs.
#
# </details>
# <details><summary>Hint 2</summary>
#
# In `in_seconds`, two readings tell you the length of a tick: seconds that have passed over ticks that have
# passed. Subtract the integers first. Their difference is small, and a float holds it exactly.
#
# </details>
# <details><summary>Hint 3</summary>
#
# In `trace`, keep the loop free of clocks: store `hints.cycles()` behind each event in an array of int64. Read the
# clock and the counter together once before the loop and once after it, and let `in_seconds` turn all ticks into
# times at the end. Those two readings of the clock may cost what they like.
#
# </details>


# %% role="answer" grade_id="cheap_clock_answer"
@njit
def in_seconds(ticks, first, last):
    """Return the times at which a counter was read.

    Parameters
    ----------
    ticks : ndarray of int64, shape (n,)
        Readings of the counter.
    first, last : tuple of int and float
        Ticks of the counter and seconds of the clock, read together, at two moments.

    Returns
    -------
    ndarray of float64, shape (n,)
        Seconds of the clock.
    """
    ### BEGIN SOLUTION
    tick = (last[1] - first[1]) / max(last[0] - first[0], 1)
    seconds = np.empty(ticks.size)
    for i in range(ticks.size):
        seconds[i] = first[1] + (ticks[i] - first[0]) * tick
    return seconds
    ### END SOLUTION


@njit
def trace(turns):
    """Return what the handlers return, and the time in seconds behind each of them; no system call for an event.

    Parameters
    ----------
    turns : ndarray of int64, shape (n,)

    Returns
    -------
    results : ndarray of uint64, shape (n,)
    stamps : ndarray of float64, shape (n,)
        Seconds of the clock MONOTONIC.
    """
    ### BEGIN SOLUTION
    results = np.empty(turns.size, np.uint64)
    ticks = np.empty(turns.size, np.int64)
    clock = np.zeros(2, np.int64)
    clock_gettime(MONOTONIC, clock.ctypes.data)
    first = (np.int64(hints.cycles()), clock[0] + clock[1] * 1e-9)
    for i in range(turns.size):
        results[i] = handle(i, turns[i])
        ticks[i] = hints.cycles()
    clock_gettime(MONOTONIC, clock.ctypes.data)
    last = (np.int64(hints.cycles()), clock[0] + clock[1] * 1e-9)
    return results, in_seconds(ticks, first, last)
    ### END SOLUTION


# %% [markdown]
# ### Is a tick converted correctly?
# To five nanoseconds. Some counters have just started, some have run for years.


# %% role="tests" grade_id="cheap_clock_ticks" points=2 hints=[2, 2]
def make_ticks(rng, start, rate, seconds=0.5, n=200):
    """Return readings of a counter that ticks `rate` times a second, and two that were taken with the clock."""
    passed = np.sort(rng.integers(0, int(seconds * rate), n))
    since = 1000.0 + rng.integers(0, 1000)
    return (
        start + passed,
        (start, since),
        (start + int(seconds * rate), since + seconds),
    )


def by_integers(ticks, first, last):
    """Return what yours has to return, computed without rounding before the end."""
    passed = last[0] - first[0]
    return np.array(
        [
            first[1] + (int(tick) - first[0]) / passed * (last[1] - first[1])
            for tick in ticks
        ]
    )


readings = [
    lambda rng: make_ticks(rng, 5_000, 1_000_000_000),
    lambda rng: make_ticks(rng, 10**12, 24_000_000),
]
### BEGIN HIDDEN TESTS
readings += [
    lambda rng: make_ticks(rng, 10**18, 3_000_000_000),
    lambda rng: make_ticks(rng, 2**60, 2_247_000_000),
]
readings += [
    lambda rng: make_ticks(rng, 7, 2_700_000_000, seconds=20.0),
    lambda rng: make_ticks(rng, 0, 999, n=1),
]
### END HIDDEN TESTS
check.correct(
    in_seconds, against=by_integers, on=readings, rtol=0.0, atol=5e-9, points=2
)

# %% [markdown]
# ### Is it the right clock, in seconds?
# The results are compared to the bit, the stamps to ten seconds with those of a run that comes right afterwards.
# Ten seconds are generous. A clock that shows the time of day is off by half a century, ticks are off by more.

# %% role="tests" grade_id="cheap_clock_correct" points=2
cases = [
    lambda rng: make_events(rng, 100),
    lambda rng: make_events(rng, 1),
    lambda rng: make_events(rng, 0),
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_events(rng, 5_000),
    lambda rng: (rng.integers(0, 3_000, 300),),
]
### END HIDDEN TESTS
check.correct(
    trace, against=trace_by_call, on=cases, rtol=0.0, atol=10.0, points=2
)

# %% [markdown]
# ### Does it see a slow event?
# Every hundredth handler takes 20,000 steps, which no core does in 4 µs. How many of them are not seen: their two
# stamps are less than that apart, or a stamp comes before the one above it? A clock that stands still for
# milliseconds sees none, and stamps that are spread evenly afterwards see none either.


# %% role="tests" grade_id="cheap_clock_slow" points=3
def make_slow(rng):
    """Return 2,000 events, of which every hundredth is slow."""
    turns = rng.integers(0, 4, 2_000)
    turns[50::100] = 20_000
    return (turns,)


def unseen(result, turns):
    """Return how many slow events cannot be told from the others, or lie before the one above them."""
    durations = np.diff(np.asarray(result[1], float))
    if (
        durations.size != turns.size - 1
        or not (durations >= 0).all()
        or np.median(durations) > 2e-6
    ):
        return math.inf
    return int((durations[turns[1:] > 10_000] < 4e-6).sum())


check.counts(trace, unseen, on=make_slow, zero=10, full=0, points=3)

# %% [markdown]
# ### How often does it ask the kernel?
# Trips for the time, counted from outside, for 2,000 events.

# %% role="tests" grade_id="cheap_clock_calls" points=2
check.counts(
    trace, "syscalls:clock_gettime", on=make_slow, zero=40, full=2, points=2
)

# %% [markdown]
# ### Is it faster?

# %% role="tests" grade_id="cheap_clock_speed" points=3
check.faster(
    trace,
    than=trace_by_call,
    on=make_events,
    rtol=0.0,
    atol=10.0,
    zero=2,
    full=3,
    points=3,
)

# %% [markdown]
# ## Before and after
# Five clocks, each asked in a loop of compiled code: what a reading costs, and how far apart two different
# readings are at least. A clock whose reading is cheaper than its step tells you nothing about what is shorter.

# %% role="show" grade_id="cheap_clock_show"
from perflab import figures

COARSE, PROCESS = (
    6,
    2,
)  # Linux: the time of the last timer tick; CPU time of the process


@njit
def ask_call(stamps, clock, now):
    for i in range(stamps.size):
        syscall(NUMBER, clock, now.ctypes.data)
        stamps[i] = now[0] * 1_000_000_000 + now[1]


@njit
def ask_library(stamps, clock, now):
    for i in range(stamps.size):
        clock_gettime(clock, now.ctypes.data)
        stamps[i] = now[0] * 1_000_000_000 + now[1]


@njit
def ask_counter(stamps, clock, now):
    for i in range(stamps.size):
        stamps[i] = hints.cycles()


CLOCKS = [
    ("system call", ask_call, MONOTONIC),
    ("CPU time", ask_library, PROCESS),
    ("vDSO", ask_library, MONOTONIC),
    ("counter", ask_counter, 0),
    ("coarse", ask_library, COARSE),
]
costs = {}
for name, ask, clock in CLOCKS:
    stamps, now = np.empty(20_000, np.int64), np.zeros(2, np.int64)
    ask(stamps, clock, now)
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        ask(stamps, clock, now)
        seconds.append(time.perf_counter() - start)
    costs[name] = min(seconds) / stamps.size * 1e9
    print(
        f"{name:12}{costs[name]:8.1f} ns a reading, {np.unique(stamps).size:6,} different readings of 20,000"
    )
fig, ax = figures.subplots(size=(6, 2.6))
ax.barh(list(costs), list(costs.values()))
ax.invert_yaxis()
ax.set(xlabel="ns a reading", title="What it costs to ask for the time")
ax.grid(True, axis="x")
words = ", ".join(f"{name} {cost:.0f} ns" for name, cost in costs.items())
figures.show(fig, f"Bars, the time of a reading: {words}.")
check.predicted(guess, "cheap_clock_speed")

# %% [markdown]
# The coarse clock is the cheapest and has few different readings: it is right for a log line, and useless for a
# handler. CPU time has no page to be read from; it is always a trip.
#
# The counter has traps of its own. The core reads it out of order with what stands around it, so over ten
# instructions it says nothing. It ticks at a fixed rate while the core speeds up and slows down, so ticks are no
# cycles. And where one core's counter is not in step with another's, a thread that moves sees time jump; the
# kernel checks that when it starts, and takes another clock for the vDSO then.
#
# **Next bottleneck.** The loop asks nobody anything now. What it still hands to the kernel are bytes:
# `copy_in_kernel`.

# %% [markdown] role="explain" grade_id="cheap_clock_explain" points=2
# ## Interview question
# A service that took 20 ns to read the time on your desk takes 400 ns on a rented machine. What may be the reason,
# how do you find out, and what do you do if you cannot change the machine?
#
# ### BEGIN MARK SCHEME
# One point for the reason and how to see it: the machine's clock source is none that programs can read (a
# hypervisor's or a timer chip's in place of the time stamp counter), so that the vDSO falls back to a real call;
# strace shows clock_gettime, which it never does otherwise, or
# /sys/devices/system/clocksource/clocksource0/current_clocksource says so.
#
# One point for a way out: ask less (one reading for each turn of the loop, shared by all its timers; a coarse
# clock where milliseconds will do; sample one event in a hundred), or the counter with a rate measured against the
# clock again and again.
# ### END MARK SCHEME
