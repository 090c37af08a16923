# ---
# perflab:
#   title: Measure your noise
#   covers: [workflow/measure/establish-baseline-metrics]
#   lever: run the two programs in pairs, change the order, and take the median of the ratios
#   stars: 2
#   minutes: 25
#   chapter: workflow/measure
#   forbids: []
# ---

# %% [markdown]
# # Measure your noise
#
# You have rewritten the dispatcher of an event loop. Program `a` is the old one, program `b` the new one. A
# colleague measured both and says that the new one is 0.8 times as fast. An hour later the same script says 1.1
# times.
#
# The script is not broken, and neither is the machine: it does what all machines do. Each program is compiled on
# its first run. The speed drifts while the chip heats up and the neighbors come and go. Other programs burst in. A
# chip that reaches its power limit runs at half speed for a while. On a real machine you never learn the true
# answer. So here you get simulated machines in which a true ratio is planted, and your measurement is checked
# against it.

# %% role="given" grade_id="noise_given"
import math

import numpy as np

from perflab import check, figures

BUDGET = 1000  # runs that a machine grants


class Machine:
    """A noisy machine: `machine("a")` runs program a once, `machine("b")` b.

    Each returns its seconds.
    """

    def __init__(
        self, rng, ratio, disturbed=False, throttled=False, rhythmic=False
    ):
        self.rng, self.ratio, self.disturbed = rng, ratio, disturbed
        self.turn = int(rng.integers(8, 16)) if throttled else None
        self.rhythm = rng.uniform(1.05, 1.07) if rhythmic else 1
        self.beat = int(rng.integers(2)) if rhythmic else 0
        self.compiled = {"a": False, "b": False}
        self.runs, self.burst, self.drift = 0, 0, 0.0

    def __call__(self, program):
        if program not in ("a", "b"):
            raise ValueError(f"the programs are 'a' and 'b', not {program!r}")
        if self.runs == BUDGET:
            raise RuntimeError(f"the budget of {BUDGET} runs is spent")
        self.runs += 1
        seconds = 1e-3 / (self.ratio if program == "b" else 1)
        # The drift is a random walk: each run starts where the last one ended.
        self.drift += self.rng.normal(0, 0.02)
        # And every run has a jitter of its own.
        seconds *= math.exp(self.drift + self.rng.normal(0, 0.035))
        if self.disturbed:
            seconds *= self.disturbance()
        if self.turn and self.runs // self.turn % 2:
            seconds *= 2  # half speed for `turn` runs, then full speed again
        if self.runs % 2 == self.beat:
            seconds *= self.rhythm  # a collector that wakes up every second run
        if not self.compiled[program]:
            self.compiled[program] = True
            seconds += self.rng.uniform(0.05, 0.2)
        return seconds

    def disturbance(self):
        """Bursts of 3 to 8 runs; now and then one slow or lucky run."""
        if self.burst == 0 and self.rng.random() < 0.02:
            self.burst = int(self.rng.integers(3, 9))
            self.slowdown = self.rng.uniform(1.5, 4)
        factor = self.slowdown if self.burst else 1.0
        self.burst = max(0, self.burst - 1)
        if self.rng.random() < 0.06:
            factor *= 3.0 if self.rng.random() < 0.5 else 0.7
        return factor


def plant(rng, **kind):
    """A machine of this kind whose b is 0.7 to 1.4 times as fast as its a."""
    return (check.oracle(Machine(rng, rng.uniform(0.7, 1.4), **kind)),)


def drifting(rng):
    """A machine that compiles, jitters and drifts."""
    return plant(rng)


def disturbed(rng):
    """The same with bursts and hiccups."""
    return plant(rng, disturbed=True)


def throttled(rng):
    """A machine that drifts, and runs at full and at half speed in turns."""
    return plant(rng, throttled=True)


def rhythmic(rng):
    """Disturbed, and every second run takes longer, whichever it is."""
    return plant(rng, disturbed=True, rhythmic=True)


def truth(machine):
    """What was planted; your function cannot see it."""
    return machine.ratio


def naive(machine):
    """The colleague's script: 100 runs of a, then 100 of b, ratio of means."""
    a = [machine("a") for _ in range(100)]
    b = [machine("b") for _ in range(100)]
    return np.mean(a) / np.mean(b)


# %% [markdown]
# ## The slow way to a wrong answer
#
# Ask six drifting machines. The right answer is in the second column.

# %% role="given" grade_id="noise_naive"
print("naive   truth")
for seed in range(6):
    rng = np.random.default_rng(seed)
    planted = rng.uniform(0.7, 1.4)
    print(f"{naive(Machine(rng, planted)):5.2f}   {planted:5.2f}")

# %% [markdown]
# Two hundred runs an answer, and five of the six are off by 10 % or more. More runs do not help: try 400 of each.
#
# ## Predict
#
# A single run jitters by about 4 %, and the speed drifts by 2 % from one run to the next. You have to be within 5 %
# of the truth on *every* machine of your tests, and on each of more than fifty that the grader draws. How many runs
# will your design spend on a machine, a's and b's together?

# %% role="predict" grade_id="noise_guess"
guess = None

# %% [markdown]
# ## Your turn
#
# Write `ratio`. It gets a machine and may call `machine("a")` and `machine("b")`, in any order, up to 1000 times.
# It returns how many times as fast b is as a: 1.25 if a takes 25 % longer than b.
#
# The machine hides its inside, as a real one does. The tests come in four steps: machines that drift, machines that
# are also disturbed, machines that change between two speeds, and machines with a rhythm. A last test counts your
# runs: 200 are good enough for all points.
#
# <details><summary>Hint 1</summary>
#
# Two runs that follow each other directly see nearly the same machine. Two runs that are 100 runs apart do not.
# What can you divide by what, so that all that they share cancels? Divide before you summarize: a summary of all
# a's forgets which b each of them ran beside.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Make pairs: run a and b side by side, and keep one number a pair, its ratio. A burst that begins within a pair
# spoils this one ratio, perhaps by a factor of 3. Which summary of all ratios does not care how far off a few of
# them are? And if something happens in every second run, which program does it hit if the order is always a, b, a,
# b?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Run each program once and forget the result: that was the compilation. Then measure pairs; in every second pair
# let b go first. Return the median of the ratios. How many pairs? One pair is off by 5 % or so, and the error of a
# median shrinks with the square root of the number of pairs. You want 5 % to be four or five typical errors, and
# the rhythm makes them half as large again.
#
# </details>


# %% role="answer" grade_id="noise_answer"
def ratio(machine):
    """Return how many times as fast program b is as program a.

    Parameters
    ----------
    machine : callable
        ``machine("a")`` and ``machine("b")`` run a program once and return
        its seconds; at most 1000 runs in all.

    Returns
    -------
    float
        Seconds of a over seconds of b, within 5 % of the truth.
    """
    ### BEGIN SOLUTION
    for program in "ab":
        machine(program)  # compiles; its time says nothing about later runs
    ratios = []
    for i in range(99):
        order = "ab" if i % 2 else "ba"
        seconds = {program: machine(program) for program in order}
        ratios.append(seconds["a"] / seconds["b"])
    return float(np.median(ratios))
    ### END SOLUTION


# %% [markdown]
# ## Tests
#
# **Drift.** Each machine has a planted ratio of its own, between 0.7 and 1.4; you must be within 5 % on all of
# them.

# %% role="tests" grade_id="noise_drift" points=1
cases = [drifting] * 6
### BEGIN HIDDEN TESTS
cases += [drifting] * 6
### END HIDDEN TESTS
check.correct(ratio, against=truth, on=cases, rtol=0.05, points=1)

# %% [markdown]
# **Bursts and hiccups.** Now other programs come and go, and some single runs are far too slow or suspiciously
# fast.

# %% role="tests" grade_id="noise_bursts" points=2 hints=[2, 3]
cases = [disturbed] * 6
### BEGIN HIDDEN TESTS
cases += [disturbed] * 8
### END HIDDEN TESTS
check.correct(ratio, against=truth, on=cases, rtol=0.05, points=2)

# %% [markdown]
# **Two speeds.** Now the chip runs at full speed for a dozen runs, then at half speed for as many, and so on. Half
# of all runs are slow, of both programs. A typical run is on the edge between the two.

# %% role="tests" grade_id="noise_speeds" points=1 hints=[1, 2]
cases = [throttled] * 6
### BEGIN HIDDEN TESTS
cases += [throttled] * 8
### END HIDDEN TESTS
check.correct(ratio, against=truth, on=cases, rtol=0.05, points=1)

# %% [markdown]
# **Rhythm.** Now every second run takes 5 to 7 % longer as well: on some machines the first run, the third one, and
# so on, on others those in between. If only this test fails, look at the order of your runs.

# %% role="tests" grade_id="noise_rhythm" points=1 hints=[2, 3]
cases = [rhythmic] * 6
### BEGIN HIDDEN TESTS
cases += [rhythmic] * 8
### END HIDDEN TESTS
check.correct(ratio, against=truth, on=cases, rtol=0.05, points=1)

# %% [markdown]
# **Economy.** Where all answers are right, runs count, for they cost time: the whole budget earns nothing, 200 runs
# earn everything. You can do with fewer, up to a point: with 15 pairs a good design is still off by more than 5 % on
# one rhythmic machine in ten or so, and the grader draws fourteen of them.

# %% role="tests" grade_id="noise_calls" points=2 hints=[3, 3]
check.counts(ratio, "calls", on=disturbed, zero=1000, full=200, points=2)

# %% [markdown]
# ## Before and after
#
# Left: one machine with two speeds, a and b in turns. The two series wander far, but they wander together. Right:
# the errors of six ways to compare, each on the same 40 machines: 20 are disturbed, and 20 have two speeds. The gray
# band is 5 % to each side of the truth.


# %% role="show" grade_id="noise_show"
def in_blocks(summary):
    """100 warm runs of a, then 100 of b: the ratio of two summaries."""

    def compare(machine):
        a, b = ([machine(program) for _ in range(101)][1:] for program in "ab")
        return summary(a) / summary(b)

    return compare


def one_pair(machine):
    """One warm run of each."""
    a, b = ([machine(program) for _ in range(2)][1] for program in "ab")
    return a / b


def unpaired(machine):
    """a and b in turns, and then the ratio of the two medians."""
    runs = [machine(program) for program in "ab" * 151][2:]
    return np.median(runs[0::2]) / np.median(runs[1::2])


ways = {
    "means of blocks": in_blocks(np.mean),
    "minima of blocks": in_blocks(min),
    "medians of blocks": in_blocks(np.median),
    "one pair": one_pair,
    "medians in turns": unpaired,
    "yours": ratio,
}
kinds = [{"disturbed": True}, {"throttled": True}]
errors = {}  # in percent
for name, way in ways.items():
    errors[name] = []
    for seed in range(40):
        rng = np.random.default_rng([seed, 5])
        planted = rng.uniform(0.7, 1.4)
        found = way(Machine(rng, planted, **kinds[seed % 2]))
        errors[name].append(100 * (found / planted - 1))

machine = Machine(np.random.default_rng(4), ratio=0.8, throttled=True)
runs = np.array([machine(program) for program in "ab" * 120])
runs = runs[2:] * 1e3  # milliseconds, without compilation

fig, (left, right) = figures.subplots(
    1, 2, size=(8, 3.2), width_ratios=(1, 1.2)
)
left.plot(runs[0::2], label="a", lw=1)
left.plot(runs[1::2], label="b", lw=1)
left.set(xlabel="pair", ylabel="time (ms)", ylim=(0, None))
left.set_title("One machine: b is 0.8 times as fast")
left.legend()
right.axvspan(-5, 5, color=figures.COLORS["gray"], alpha=0.3, lw=0)
for row, error in enumerate(errors.values()):
    right.plot(
        np.clip(error, -60, 60),
        np.full(40, row),
        "o",
        color=figures.COLORS["blue"],
        alpha=0.4,
        ms=5,
    )
right.set(yticks=range(len(ways)), yticklabels=ways, ylim=(5.5, -0.5))
right.set(xlabel="error (%), cut off at 60", title="40 machines")
worst = ", ".join(
    f"{name} {max(map(abs, error)):.0f} %" for name, error in errors.items()
)
figures.show(
    fig,
    "Left: the times of a and b drift together, and step up and down "
    f"together. Right: the largest error of each way: {worst}.",
)

check.predicted(guess, "noise_calls")

# %% [markdown]
# ## The next bottleneck
#
# The noise is tamed, and now the design pays the price of certainty: four times the runs for half the error. A
# fixed number of pairs is too many on a calm machine and too few on a wild one. `perflab.timing.compare` looks
# at the interval while it measures and stops when the question is decided. Read its source: it is your function
# plus that interval.
#
# ## Interview question

# %% [markdown] role="explain" grade_id="noise_explain" points=2
# A pull request claims to make startup 8 % faster. The evidence: the mean of 20 runs before and of 20 runs after
# the change, on a shared build server. What do you ask for before you believe it, and why? Name at least two
# weaknesses of the evidence and the design that removes each.
#
# ### BEGIN MARK SCHEME
# Half a point each, up to 2, for a weakness together with its remedy:
# - The blocks were measured at different times, so drift and neighbors land in the difference: run old and new
#   in pairs, interleaved.
# - A mean follows outliers: median of the paired ratios.
# - No interval: 8 % may be less than the noise. Ask for an interval of the ratio, or for an old-against-old
#   control.
# - Fixed order, warm-up and cold caches: change the order, discard warm-up runs, or say that cold startup is the
#   question.
# - One build, one layout, one machine: repeat over builds and machines, since the bias of one layout does not
#   average out.
#
# "More runs" alone earns nothing: they narrow the interval around a biased value.
# ### END MARK SCHEME
