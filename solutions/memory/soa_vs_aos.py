# ---
# perflab:
#   title: Structure of arrays
#   covers: [memory/locality/structure-arrays-array-structures, memory/locality/memory-access-patterns]
#   lever: give a field an array of its own, so that a loop loads only what it uses, and a vector of it at once
#   stars: 1
#   minutes: 15
#   chapter: memory/locality
# ---

# %% [markdown]
# # Structure of arrays
# Every frame, a UI toolkit moves what is animated: lists that scroll, drawers that slide, buttons that bounce.
# Each animation is a spring with a brake. To be stable, a frame takes many small time steps, one after the other.
#
# Somebody has cleaned up the record already. It has 32 bytes, two records share a **cache line** of 64 bytes, and
# `advance_aos` uses every byte that it loads. All the springs of a screen fit into a near cache. So there is no
# cold field to split off. What is left to gain?
#
# There is a second loop. Once a frame the toolkit counts the springs that still move. If none does, the screen
# goes to sleep. `moving_aos` uses one field of eight.

# %% role="given" grade_id="soa_vs_aos_given"
import numpy as np
from numba import njit

from perflab import check

FIELDS = (
    "at",  # where the spring is, and how fast it moves
    "speed",
    "target",  # where it pulls to, and how strongly
    "pull",
    "drag",  # how strong its brake is, and how easily it moves
    "give",
    "low",  # between which places it stays
    "high",
)
SPRING = np.dtype([(field, np.float32) for field in FIELDS])  # 32 bytes


def make_springs(rng, n=2_000, steps=1_500):
    """Arguments of one frame: `n` springs, and the time steps in seconds."""
    table = np.zeros(n, SPRING)
    for field in FIELDS:
        table[field] = rng.random(n, np.float32)
    table["pull"] = 50 + 100 * table["pull"]
    table["drag"] = 2 + 2 * table["drag"]
    table["give"] += 0.5
    table["high"] += table["low"]
    return table, rng.uniform(0.5e-3, 1.5e-3, steps).astype(np.float32)


@njit
def advance_aos(table, dt):
    """Move every spring by every time step, record after record."""
    for step in dt:
        for i in range(table.size):
            s = table[i]
            force = (s.target - s.at) * s.pull - s.speed * s.drag
            s.speed += force * s.give * step
            s.at = min(max(s.at + s.speed * step, s.low), s.high)


@njit
def moving_aos(table, least):
    """Count the springs that are faster than `least`, up or down."""
    count = 0
    for i in range(table.size):
        count += abs(table[i].speed) > least
    return count


# %% [markdown]
# ## Predict
# `advance` uses all fields, so it fetches the same lines in every layout. How many times as fast can a layout make
# it nevertheless? Write your guess before you measure anything. 1 means no change.

# %% role="predict" grade_id="soa_vs_aos_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# You decide how the springs lie in memory, and you write both loops for it.
#
# `layout` returns groups of field names. The course copies each group into an array of its own and hands you all
# of them as the tuple `parts`, in your order:
#
# - a group of one field, `("at",)`, becomes a plain array, `part[i]`;
# - a group of several fields, `("at", "speed")`, becomes an array of records, `part[i].at`.
#
# `advance(parts, dt)` then does what `advance_aos` does, and `moving(parts, least)` what `moving_aos` does. Both
# get the same layout. Moving the data is not timed; your loop is. So `advance` works in the arrays of `parts` and
# makes none of its own: in one time step it loads and stores elements at most 1.5 times as often as `advance_aos`.
#
# Write loops over the elements. An expression over a whole array, such as `np.abs(part)`, stores its result in
# memory, and those lines count too.
#
# | what the tests ask | nothing | full points |
# | --- | --- | --- |
# | `moving`: how many times fewer lines it fetches than `moving_aos` | 2.5 | 7 |
# | `advance`: how many times as fast it is as `advance_aos` | 1.75 | 2.2 |
#
# <details><summary>Hint 1</summary>
#
# Take one line that `moving_aos` fetches. How many of its 64 bytes does the loop use? Which layout would let it
# use all of them?
#
# </details>
# <details><summary>Hint 2</summary>
#
# One vector instruction handles eight numbers that lie side by side. In the table, the next `speed` is 32 bytes
# further on. So the compiler has to collect eight of them, one by one, before it can compute, and to scatter the
# results afterwards.
#
# </details>
# <details><summary>Hint 3</summary>
#
# A group of one field is a plain array of it. If all eight groups are such, no field has any other between its
# values. In the loops, give the members of `parts` names first: a tuple can be unpacked.
#
# </details>


# %% role="answer" grade_id="soa_vs_aos_answer"
def layout():
    """Return groups of field names; each group becomes one array of `parts`.

    `(FIELDS,)` is the slow layout.
    """
    ### BEGIN SOLUTION
    return tuple((field,) for field in FIELDS)
    ### END SOLUTION


@njit
def advance(parts, dt):
    """Move every spring by every time step, in place, as `advance_aos` does."""
    ### BEGIN SOLUTION
    at, speed, target, pull, drag, give, low, high = parts
    for step in dt:
        for i in range(at.size):
            force = (target[i] - at[i]) * pull[i] - speed[i] * drag[i]
            speed[i] += force * give[i] * step
            at[i] = min(max(at[i] + speed[i] * step, low[i]), high[i])
    ### END SOLUTION


@njit
def moving(parts, least):
    """Return how many springs are faster than `least`, in either direction.

    One that is exactly as fast as `least` does not count.
    """
    ### BEGIN SOLUTION
    speed = parts[1]
    count = 0
    for i in range(speed.size):
        count += abs(speed[i]) > least
    return count
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Tables of no, one and a few springs are moved by both functions and compared field by field, those that you left
# out included.

# %% role="tests" grade_id="soa_vs_aos_correct" points=1
cases = [lambda rng, n=n: make_springs(rng, n, 3) for n in (0, 1, 5)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_springs(rng, n, 40) for n in (17, 301)]
### END HIDDEN TESTS
check.correct(
    advance,
    against=advance_aos,
    on=cases,
    view=(check.groups, layout),
    returns=0,
    points=1,
)

# %% [markdown]
# ### Does it count right?
# The second loop, in the same layout. Some springs are exactly as fast as `least`: these do not count.


# %% role="tests" grade_id="soa_vs_aos_moving_correct" points=1
def make_count(rng, n=2_000, least=0.5):
    table, _ = make_springs(rng, n, 0)
    table["speed"] = rng.uniform(-1, 1, n)
    table["speed"][1::5] = least
    table["speed"][2::5] = -least
    return table, np.float32(least)


cases = [lambda rng, n=n: make_count(rng, n) for n in (0, 1, 50)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_count(rng, n, 0.9) for n in (7, 1_001)]
### END HIDDEN TESTS
check.correct(
    moving,
    against=moving_aos,
    on=cases,
    view=(check.groups, layout),
    points=1,
)

# %% [markdown]
# ### How many lines does the second loop fetch?
# `moving` runs on 2,000 springs while every access is watched. `moving_aos` fetches a line for every two springs.
# Nothing is timed here, so the count is the same on every machine.

# %% role="tests" grade_id="soa_vs_aos_lines" points=3
check.counts(
    moving,
    "lines",
    than=moving_aos,
    on=make_count,
    view=(check.groups, layout),
    zero=2.5,
    full=7,
    points=3,
)

# %% [markdown]
# ### How much faster is the first?
# Both functions move the same 2,000 springs by 1,500 time steps, in turns and many times. Before that, one step shows
# whether `advance` works in place.

# %% role="tests" grade_id="soa_vs_aos_speed" points=3 hints=[2, 3]
check.faster(
    advance,
    than=advance_aos,
    on=make_springs,
    view=(check.groups, layout),
    returns=0,
    zero=1.75,
    full=2.2,
    points=3,
    within=("accesses", lambda rng: make_springs(rng, steps=1), 1.5),
)

# %% [markdown]
# ## Before and after
# Each row is one cache line, each cell four bytes of it. Colored cells are those that `moving` uses. Below stands
# what the compiler made of `advance_aos` for a processor with registers of 256 bits, eight springs at once.

# %% role="show" grade_id="soa_vs_aos_show"
from perflab import codegen, figures

groups = layout()
order = sorted(range(len(groups)), key=lambda g: "speed" not in groups[g])
shown = [FIELDS], [groups[g] for g in order]
fig, axes = figures.subplots(2, 1, size=(6, 3.4), height_ratios=(1, 4))
for ax, title, lines in zip(
    axes, ("before", "after: your layout"), shown, strict=True
):
    for row, group in enumerate(lines[:4]):
        for word in range(16):
            field = group[word % len(group)]
            color = figures.COLORS["blue" if field == "speed" else "gray"]
            place = {"height": 0.8, "left": word, "align": "edge"}
            ax.barh(row, 0.92, color=color, alpha=0.4, **place)
            text = {"ha": "center", "va": "center", "fontsize": 8}
            ax.text(word + 0.46, row + 0.4, field, **text)
    ax.set(xlim=(0, 16), ylim=(max(1, min(4, len(lines))), -0.1), title=title)
    ax.axis("off")
figures.show(
    fig,
    "Before, 2 of 16 words of a line are speeds. After, the first row is the "
    "line where layout() puts them.",
)
hot = codegen.inspect(advance_aos, make_springs(np.random.default_rng())).hot
print(
    f"advance_aos: {len(hot.instructions)} instructions in the loop, "
    f"{hot.arithmetic} of them compute"
)
check.predicted(guess, "soa_vs_aos_speed")

# %% [markdown]
# `moving` gains by what it does not fetch. `advance` fetches the same as before and gains all the same: most
# instructions of the slow loop collect fields for vectors and scatter what comes out. Where fields of a kind lie
# side by side, one load fills a vector.
#
# **Next bottleneck.** Both loops visit all springs in memory order. A real frame often visits a few records in no
# order at all, and then one array a field turns from a gain into a loss. That is the exercise *Hot and cold*.

# %% [markdown] role="explain" grade_id="soa_vs_aos_explain" points=2
# ## Interview question
# When would you keep an array of structures? Name a workload, and say how many cache lines one operation touches
# in each of the two layouts.
#
# ### BEGIN MARK SCHEME
# One point for the workload: access to most fields of one entity at a time, in an order that no prefetcher can
# guess, such as looking up, inserting, deleting, saving or sending single entities.
#
# One point for the lines: with the record of this exercise, one line an operation against up to 8, one a field.
# Half a point if the direction is right but the numbers are missing.
#
# Nothing for "records are cleaner code" or "arrays are always faster": neither says what is touched. Nothing for a
# loop over all records in order, which is the case of the arrays.
# ### END MARK SCHEME
