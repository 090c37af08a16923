# ---
# perflab:
#   title: A cheap clock
#   covers: [system/syscalls/vdso, system/syscalls/user-space-alternatives]
#   lever: stamp with the processor's counter, and ask the clock only as often as accuracy demands
#   stars: 2
#   minutes: 20
#   chapter: system/syscalls
# ---

# %% [markdown]
# # A cheap clock
# An event loop has a tracer: behind each event it notes what the time is, so that somebody can see later which
# handler was slow. It was cheap on your desk. On the rented machine the tracer is the slowest part of the loop: the
# hypervisor offers no clock that a program can read by itself, so the vDSO falls back to a system call, for each
# stamp. Servers in production have been found that spent much of their time in this way.
#
# The processor's counter can still be read there. But it says neither when it began nor how long a tick is. You
# cannot change the machine, and yours may not have this trouble. So here you get simulated machines: what a reading
# costs is counted, and is the same everywhere.

# %% role="given" grade_id="cheap_clock_given"
import numpy as np

from perflab import check

CLOCK, COUNTER = 400, 10  # nanoseconds that a reading takes
NOMINAL = 2.0  # ticks a nanosecond, as the data sheet says


class Machine:
    """A machine with a clock, a counter, and events to wait for.

    machine("event")  waits for the next event; False when there is none
    machine("clock")  the time in ns, an int: a system call
    machine("ticks")  what the counter reads, an int
    """

    def __init__(self, rng, events, adjusted=False):
        self.events = np.cumsum(rng.integers(20_000, 20_000_000, events))
        self.start = int(rng.integers(2**40, 2**50))
        self.since = int(rng.integers(10**12, 10**15))
        self.rate = NOMINAL * rng.uniform(0.7, 1.4)
        # When the speed of the clock changes, and how far ahead it is then.
        self.changes = np.cumsum(rng.integers(6e8, 12e8, 40))
        speeds = 50e-6 * adjusted * (-1.0) ** np.arange(40)
        self.ahead = np.cumsum(speeds * np.diff(self.changes, prepend=0))
        self.now = self.seen = self.spent = 0

    def __call__(self, what):
        if what == "event":
            if self.seen == len(self.events):
                return False
            self.now = max(self.now, int(self.events[self.seen]))
            self.seen += 1
            return True
        cost = {"clock": CLOCK, "ticks": COUNTER}[what]
        self.now += cost
        self.spent += cost
        if what == "clock":
            return int(self.time_at(self.now))
        return self.start + int(self.now * self.rate)

    def time_at(self, now):
        """What the clock shows at a moment, or at many."""
        return self.since + now + np.interp(now, self.changes, self.ahead)


MANY = range(300, 400)


def steady(rng, events=MANY):
    """A machine whose clock goes at one speed, and some of its events."""
    return (check.oracle(Machine(rng, int(rng.choice(events)))),)


def adjusted(rng, events=MANY):
    """One whose clock the network corrects: its speed changes."""
    return (check.oracle(Machine(rng, int(rng.choice(events)), True)),)


def stamps_by_clock(machine):
    """Return the time of each event in nanoseconds."""
    stamps = []
    while machine("event"):
        stamps.append(machine("clock"))
    return np.array(stamps, float)


# %% role="given" grade_id="cheap_clock_example"
machine = Machine(np.random.default_rng(1), 3)
while machine("event"):
    print(machine("ticks"), machine("clock"))
print(machine.spent, "ns were spent on six readings")

# %% [markdown]
# A stamp has to be right to 10,000 ns, ten microseconds. Asking the clock each time is right to less than one, and
# costs 400 ns an event. The events come 10 ms apart on average, and never more than 20 ms.
#
# What you know of a machine: its counter goes at one speed, which is not quite the one of the data sheet. The clock of
# some machines is corrected by the network: about once a second its speed changes, by a hundred millionths.
#
# ## Predict
# How many nanoseconds an event will a tracer spend on readings, if it is right to ten microseconds?

# %% role="predict" grade_id="cheap_clock_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `stamps(machine)` waits for all events and returns the time of each, as `stamps_by_clock` does. It is right to ten
# microseconds, and spends as little as it can. All points take at most 60 ns an event.
#
# <details><summary>Hint 1</summary>
#
# Read the counter behind each event: that costs 10 ns. What do you have to know to turn a tick into a time? Two
# readings of the clock, each with a reading of the counter beside it, tell you.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Nobody needs the times before the loop ends. So keep the ticks, and convert all of them at the end, when you have
# read both a second time. The data sheet does not help: its ticks are not those of this machine.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Where the speed of the clock changes, one rate for the whole run is wrong. Read both together now and then, before
# the first event and behind the last one too, and go in a straight line from one such pair to the next (NumPy has a
# function for that). How often? Between two pairs the line misses a change of speed by at most a quarter of their
# distance times the change. That must stay below ten microseconds, and a pair costs 410 ns, shared by all events
# between. The gaps between events vary, so leave room.
#
# </details>


# %% role="answer" grade_id="cheap_clock_answer"
def stamps(machine):
    """Return the time of each event in nanoseconds, right to 10,000.

    Parameters
    ----------
    machine : callable
        See `Machine`; what is inside of it is hidden.

    Returns
    -------
    ndarray of float64, one for each event
    """
    ### BEGIN SOLUTION
    ticks, pairs = [], [(machine("ticks"), machine("clock"))]
    while machine("event"):
        ticks.append(machine("ticks"))
        if len(ticks) % 12 == 0:
            pairs.append((machine("ticks"), machine("clock")))
    pairs.append((machine("ticks"), machine("clock")))
    known = np.array(pairs, float)
    return np.interp(ticks, known[:, 0], known[:, 1])
    ### END SOLUTION


# %% [markdown]
# ### Is it right where the clock is steady?
# No event, one, many. Each machine has a counter of its own.


# %% role="tests" grade_id="cheap_clock_steady" points=1 hints=[1, 2]
def truth(machine):
    """When the events came; your function cannot see it."""
    return machine.time_at(machine.events)


cases = [steady] * 3
cases += [lambda rng: steady(rng, [0]), lambda rng: steady(rng, [1])]
### BEGIN HIDDEN TESTS
cases += [steady] * 3
### END HIDDEN TESTS
check.correct(stamps, against=truth, on=cases, rtol=0.0, atol=10_000, points=1)

# %% [markdown]
# ### What does it cost there?


# %% role="tests" grade_id="cheap_clock_cost" points=2 hints=[1, 2]
def spent(result, machine):
    """Return the nanoseconds of all readings, an event."""
    return machine.spent / len(machine.events)


check.counts(stamps, spent, on=steady, zero=200, full=60, points=2)

# %% [markdown]
# ### Is it right where the clock is corrected?
# Its speed changes about once a second. Two of the machines have long gaps where it does.

# %% role="tests" grade_id="cheap_clock_adjusted" points=1 hints=[3, 3]
others = [adjusted] * 3
others += [
    lambda rng, seed=seed: adjusted(np.random.default_rng(seed))
    for seed in (1017, 3605)
]
### BEGIN HIDDEN TESTS
others += [adjusted] * 4
### END HIDDEN TESTS
check.correct(stamps, against=truth, on=others, rtol=0.0, atol=10_000, points=1)

# %% [markdown]
# ### What does it cost there?


# %% role="tests" grade_id="cheap_clock_adjusted_cost" points=3 hints=[3, 3]
def spent_there(result, machine):
    """Return the nanoseconds of all readings, an event."""
    return machine.spent / len(machine.events)


check.counts(stamps, spent_there, on=adjusted, zero=200, full=60, points=3)

# %% [markdown]
# ## Before and after
# One machine whose clock is corrected. How wrong are stamps with a pair of readings each 20 ms to 3 s, and what do
# they cost? The gray bands are what is allowed, and what earns all points.

# %% role="show" grade_id="cheap_clock_show"
from perflab import figures


def with_pairs(every):
    """Return the worst error in us, and the cost of an event in ns."""
    machine = Machine(np.random.default_rng(2), 600, adjusted=True)
    at = np.append(machine.events[::every], machine.events[-1])
    line = np.interp(machine.events, at, machine.time_at(at))
    wrong = np.abs(line - machine.time_at(machine.events)).max()
    return wrong / 1e3, COUNTER + (CLOCK + COUNTER) / every


EVERY = [2, 4, 8, 16, 32, 64, 128, 300]
errors, costs = np.array([with_pairs(every) for every in EVERY]).T
fig, (left, right) = figures.subplots(1, 2, size=(6.6, 2.9))
left.plot(EVERY, errors, marker="o")
left.axhspan(0, 10, color=figures.COLORS["gray"], alpha=0.3, lw=0)
left.set(xscale="log", yscale="log", ylabel="worst error (us)")
right.plot(EVERY, costs, marker="o")
right.axhspan(0, 60, color=figures.COLORS["gray"], alpha=0.3, lw=0)
right.set(xscale="log", ylabel="cost of an event (ns)", ylim=(0, None))
for ax in (left, right):
    ax.set_xlabel("events between two pairs")
    ax.grid(True)
figures.show(
    fig,
    f"From a pair of readings each {EVERY[0]} events to one each "
    f"{EVERY[-1]}: the worst error grows from {errors[0]:.2g} to "
    f"{errors[-1]:.2g} us, the cost falls from {costs[0]:.0f} to "
    f"{costs[-1]:.0f} ns an event.",
)
check.predicted(guess, "cheap_clock_adjusted_cost")

# %% [markdown]
# Both curves lie in their bands from about ten events to about thirty. A kernel does the same for you: the page of
# the vDSO holds a pair of readings and a rate, and is renewed at each tick of the timer.
#
# Real counters have traps that this machine lacks. The core reads them out of order with what stands beside them, so
# over ten instructions they say nothing. A thread that moves to a core whose counter is not in step sees time jump.
# And a thread can lose the core between the two readings of a pair: take such a pair again if it took long.
#
# **Next bottleneck.** The loop asks nobody for the time now. What it still hands to the kernel are bytes: see the
# exercise "Copy in the kernel".

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
#
# Nothing for "the rented machine has a slower processor": computing is not twenty times slower there.
# ### END MARK SCHEME
