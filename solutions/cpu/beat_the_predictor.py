# ---
# perflab:
#   title: Beat the predictor
#   covers: [cpu/branch-prediction/branch-prediction-mechanisms]
#   lever: a predictor knows nothing but its history; what the history does not tell apart, it cannot learn
#   stars: 2
#   minutes: 25
#   chapter: cpu/branch-prediction
# ---

# %% [markdown]
# # Beat the predictor
# The dispatcher of an event loop has one branch that matters: is this event input from the user, or not? You test
# a new processor, and want two recordings of events. On the first its predictor is always wrong, so that you know
# the worst case. The second it learns, although a predictor with a slightly shorter history is always wrong.
#
# Random events do not suffice. Any predictor guesses half of them right. To make it wrong *every* time you have to
# know what it will guess.
#
# ## The predictor
# It keeps the last `history` outcomes of the branch, and for each pattern that those can form, a counter from 0 to
# 3:
#
# | counter | 0 | 1 | 2 | 3 |
# | --- | --- | --- | --- | --- |
# | guess | not taken | not taken | taken | taken |
#
# For each event it looks up the counter of the last outcomes, guesses, and sees what happens. If the branch was
# taken, that counter goes up by one, at most to 3; if not, down by one, at least to 0. Then the new outcome enters
# the history and the oldest one leaves. In the beginning all counters are 2, and the history holds "not taken"
# everywhere. With a history of 0 outcomes there is one counter, for everything.

# %% role="given" grade_id="beat_the_predictor_given"
from itertools import product

import numpy as np

from perflab import check
from perflab.models.branch import Bimodal, Trace, TwoLevel, replay


def predictor(history):
    """Return the model of the predictor above."""
    return (
        TwoLevel("local", history=history, entries=1)
        if history
        else Bimodal(entries=1)
    )


def wrong_guesses(outcomes, history):
    """Return for each outcome whether the predictor guessed it wrong."""
    return replay(
        predictor(history), Trace(np.zeros(outcomes.size, np.int64), outcomes)
    ).wrong


def always_wrong(n, history):
    """Return the only `n` outcomes that it guesses wrong every time.

    Tries all 2**n: `n` is small.
    """
    for bits in product((False, True), repeat=n):
        outcomes = np.array(bits, bool)
        if wrong_guesses(outcomes, history).all():
            return outcomes


# %% role="given" grade_id="beat_the_predictor_example"
coin = np.random.default_rng(1).random(20_000) < 0.5
regular = np.tile([True, True, True, False], 5_000)
print("history     coin   regular")
for length in (0, 2, 4, 8):
    print(
        f"{length:7}   {wrong_guesses(coin, length).mean():6.1%}   "
        f"{wrong_guesses(regular, length).mean():7.1%}"
    )

# %% [markdown]
# ## Predict
# Take 20,000 outcomes that a history of 7 gets wrong every time. What share of them does a predictor with a history
# of 8 get wrong? Write a number between 0 and 1.

# %% role="predict" grade_id="beat_the_predictor_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `fool`, which returns `n` outcomes that the predictor gets wrong, all of them, whatever its history. And
# write `teach`, which returns `n` outcomes that the predictor learns, although one whose history is shorter by a
# single outcome gets every one of them wrong.
#
# `always_wrong` finds such outcomes by trying all there are. You need 20,000 of them, and 2**20,000 tries are too
# many. How you come to know the next guess is up to you. You may also ask `wrong_guesses`: it begins at the first outcome
# each time, which takes a while, and earns the same points.
#
# Four tests follow, and each says its target: both functions on a few outcomes, and both on 20,000.
#
# <details><summary>Hint 1</summary>
#
# The predictor rolls no dice. You know its rules and all that it has seen, so you know its next guess.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Do what it does: keep the history and the counters. At each step see what it would guess, let the opposite
# happen, and let your copy learn it. (A history of 8 outcomes can be a number of 8 bits.)
#
# </details>
# <details><summary>Hint 3</summary>
#
# For `teach`, write down what `fool` makes for a history of 1, ten outcomes. Look only at those that follow "taken".
# In which order do they come? What would a predictor have to know beside the last outcome, to tell which of them is
# next?
#
# </details>


# %% role="answer" grade_id="beat_the_predictor_answer"
def fool(n, history):
    """Return outcomes that a predictor with this history always guesses wrong.

    Parameters
    ----------
    n : int
        How many; at least 1.
    history : int
        How many past outcomes it knows; may be 0.

    Returns
    -------
    ndarray of bool, shape (n,)
        True is taken.
    """
    ### BEGIN SOLUTION
    counters = [2] * 2**history
    outcomes = np.empty(n, bool)
    past = 0
    for i in range(n):
        taken = counters[past] < 2  # it guesses the opposite
        # The counter stays between 1 and 2: it is never sure of itself.
        counters[past] += 1 if taken else -1
        outcomes[i] = taken
        past = (past << 1 | taken) % 2**history
    return outcomes
    ### END SOLUTION


def teach(n, history):
    """Return outcomes that a predictor learns and a shorter one never.

    A predictor whose history is shorter by one outcome guesses all of them
    wrong.

    Parameters
    ----------
    n : int
        At least 1.
    history : int
        At least 1.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    ### BEGIN SOLUTION
    return fool(n, history - 1)
    ### END SOLUTION


# %% [markdown]
# ### Does it fool, on a small scale?
# There is only one way to be guessed wrong every time. For a few outcomes, `always_wrong` finds it by trying.

# %% role="tests" grade_id="beat_the_predictor_fool" points=1 hints=[1, 2]
cases = [
    lambda rng, n=n, h=h: (n, h)
    for n, h in ((1, 0), (1, 2), (6, 0), (8, 1), (9, 2))
]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n, h=h: (n, h) for n, h in ((9, 3), (9, 5), (10, 1))]
### END HIDDEN TESTS
check.correct(fool, against=always_wrong, on=cases, points=1)

# %% [markdown]
# ### And on a large one?
# The share of 20,000 outcomes that a history of 8 guesses wrong. Points begin beyond 0.55, so a coin earns none; 0.99
# earns all.


# %% role="tests" grade_id="beat_the_predictor_fooled" points=4 hints=[1, 2]
def share_guessed_wrong(outcomes, n, history):
    """Return the share of wrong guesses; without n outcomes, 0."""
    if (
        not isinstance(outcomes, np.ndarray)
        or outcomes.shape != (n,)
        or outcomes.dtype != bool
    ):
        return 0.0
    return wrong_guesses(outcomes, history).mean()


check.counts(
    fool,
    share_guessed_wrong,
    on=lambda rng: (20_000, 8),
    zero=0.55,
    full=0.99,
    points=4,
    verify=False,
)

# %% [markdown]
# ### Does it teach, on a small scale?
# A history shorter by one must be wrong every time, so again there is only one answer.


# %% role="tests" grade_id="beat_the_predictor_teach" points=1 hints=[3, 3]
def fools_a_shorter_one(n, history):
    """The only outcomes that a history of one less gets wrong every time."""
    return always_wrong(n, history - 1)


lessons = [lambda rng, n=n, h=h: (n, h) for n, h in ((1, 1), (6, 1), (8, 2))]
### BEGIN HIDDEN TESTS
lessons += [lambda rng, n=n, h=h: (n, h) for n, h in ((9, 3), (9, 4))]
### END HIDDEN TESTS
check.correct(teach, against=fools_a_shorter_one, on=lessons, points=1)

# %% [markdown]
# ### Is it learned?
# The share of 20,000 outcomes that a history of 8 guesses wrong. Points begin below 0.45; 0.05 earns all. The share
# counts as 1 unless a history of 7 is wrong at 99 outcomes of 100.


# %% role="tests" grade_id="beat_the_predictor_learned" points=2 hints=[3, 3]
def share_not_learned(outcomes, n, history):
    """Return the share guessed wrong; 1 unless a shorter history is fooled."""
    if share_guessed_wrong(outcomes, n, history - 1) < 0.99:
        return 1.0
    return share_guessed_wrong(outcomes, n, history)


check.counts(
    teach,
    share_not_learned,
    on=lambda rng: (20_000, 8),
    zero=0.45,
    full=0.05,
    points=2,
    verify=False,
)

# %% [markdown]
# ## Before and after
# Your two recordings and a coin, put to predictors of every history.

# %% role="show" grade_id="beat_the_predictor_show"
from perflab import figures

LENGTHS = range(13)
recordings = {
    "fool(n, 8)": fool(20_000, 8),
    "teach(n, 8)": teach(20_000, 8),
    "coin": coin,
}
fig, ax = figures.subplots()
for name, outcomes in recordings.items():
    ax.plot(
        LENGTHS,
        [100 * wrong_guesses(outcomes, length).mean() for length in LENGTHS],
        marker="o",
        label=name,
    )
ax.set(xlabel="history (outcomes)", ylabel="guessed wrong (%)", ylim=(-3, 103))
ax.legend()
longer = wrong_guesses(recordings["teach(n, 8)"], 8).mean()
figures.show(
    fig,
    "Wrong guesses against the length of the history. Of your recording to "
    f"learn, a history of 8 gets {longer:.1%} wrong; of the coin, every "
    "history about half.",
)
check.predicted(guess, "beat_the_predictor_learned")

# %% [markdown]
# Follow the curve of `fool(n, 8)`. Histories shorter than 8 get about as much wrong as of a coin, from two in five to
# two in three: what they have seen does not tell them what comes next. A history of 8 gets everything wrong. With one
# outcome more nearly nothing is wrong: from the 1,794th outcome on the recording repeats after 2**9, and each pattern
# of nine outcomes occurs once in that time. Mathematicians call such a sequence a *de Bruijn sequence*. What a
# history of 9 gets wrong it got wrong while it learned.
#
# The coin has no such step, and that is the practical lesson, in both directions. Predictors of today look back on
# hundreds of outcomes. What looks irregular to you may be regular to them, so a benchmark that repeats the same
# thousand "random" events measures a predictor that knows them by heart. And what is random stays wrong every second
# time, whatever you buy.
#
# **Next bottleneck.** You cannot improve the predictor. You can take the question away from it: the exercises on a
# branchless partition and on lookup tables do.

# %% [markdown] role="explain" grade_id="beat_the_predictor_explain" points=2
# ## Interview question
# A colleague measures that a branch on random data costs nothing: "I ran the loop a million times over an array of
# 500 random numbers, and it was as fast as on sorted ones." What happened, and how should the benchmark be built?
#
# ### BEGIN MARK SCHEME
# One point for the cause: the same 500 outcomes repeat; a predictor with a long history recognizes where in the
# sequence it is, and has learned every one of them after a few rounds. (Half a point for "the predictor learned
# it" without history or repetition.)
#
# One point for the remedy: fresh data in each round, or so many that tables cannot hold them (hundreds of
# thousands), like the real workload; check it by a counter of mispredictions where there is one, or by comparing
# with longer data.
#
# Nothing for "500 numbers fit into the cache": the sorted ones do as well, and a cache does not guess. Nothing for
# "repeat it more often": more rounds only teach the predictor better.
# ### END MARK SCHEME
