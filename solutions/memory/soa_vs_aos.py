# ---
# perflab:
#   title: Structure of arrays
#   covers: [memory/locality/structure-arrays-array-structures, memory/locality/memory-access-patterns]
#   lever: store a field's values side by side, so that a loop loads only bytes it uses
#   stars: 1
#   minutes: 20
#   chapter: memory/locality
# ---

# %% [markdown]
# # Structure of arrays
# Every frame, a game or a UI toolkit moves everything that moves: particles, sprites, list rows that scroll. The
# work is two multiplications and two additions an entity. On a fast machine that should cost a fraction of a
# nanosecond. In the table below it costs ten times that and more, and no better arithmetic will help: the loop
# waits for memory.
#
# The framework keeps one record an entity, with all that anyone ever wanted to know about it. A record takes 64
# bytes, which is exactly one **cache line**, the smallest piece that moves between memory and the processor.

# %% role="given" grade_id="soa_vs_aos_given"
import numpy as np
from numba import njit

from perflab import check

FIELDS = (
    "x",
    "y",
    "vx",
    "vy",
    "name",
    "mesh",
    "hp",
    "team",
    "ai",
    "seed",
    "r",
    "g",
    "b",
    "a",
    "age",
    "tag",
)
MOTION = FIELDS[
    :4
]  # positions and velocities; the other fields are handles, counters and colors
ENTITY = np.dtype(
    [(field, np.float32 if field in MOTION else np.uint32) for field in FIELDS]
)  # 64 bytes


def make_table(rng, n=300_000):
    """Arguments of one frame: a table of `n` entities, all of them on the move, and the time step in seconds."""
    table = np.zeros(n, ENTITY)
    table.view(np.float32).reshape(n, len(FIELDS))[:, : len(MOTION)] = (
        rng.random((n, len(MOTION)), np.float32)
    )
    return table, np.float32(1 / 60)


@njit
def advance_aos(table, dt):
    """Move every entity, record after record."""
    for i in range(table.size):
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt


# %% [markdown]
# ## Predict
# `advance_aos` uses 16 of the 64 bytes of each record. Suppose that memory held just those bytes, and nothing
# between them. How many times faster would the loop be? Write your guess before you measure anything. 1 means no
# change.

# %% role="predict" grade_id="soa_vs_aos_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# You decide how the table lies in memory, and you write the loop for it.
#
# `layout` returns groups of field names. The course copies each group into an array of its own and hands you all
# of them as the tuple `parts`, in your order:
#
# - a group of one field, `("x",)`, becomes a plain array, `part[i]`;
# - a group of several fields, `("x", "y")`, becomes an array of records, `part[i].x`;
# - fields that you leave out stay behind in the old table, untouched.
#
# `advance(parts, dt)` then does what `advance_aos` does. Moving the data is not timed; your loop is.
#
# The tests ask three questions. Is it correct? How many cache lines does it fetch? How much faster is it?
#
# <details><summary>Hint 1</summary>
#
# Which bytes of each 64-byte line does the slow loop never read? They travel with the others all the same.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `(FIELDS,)` is the slow layout: one group of all fields. With `("x",)` as a group of its own, one line holds
# the x of 16 entities, and the loop uses all of it.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Return four groups of one field each. In the loop, unpack `x, y, vx, vy = parts` first; then the body reads
# `x[i] += vx[i] * dt`, and the same for y.
#
# </details>


# %% role="answer" grade_id="soa_vs_aos_answer"
def layout():
    """Return groups of field names; each group becomes one array of `parts`. `(FIELDS,)` is the slow layout."""
    ### BEGIN SOLUTION
    return ("x",), ("y",), ("vx",), ("vy",)
    ### END SOLUTION


@njit
def advance(parts, dt):
    """Add `vx * dt` to x and `vy * dt` to y of every entity, in place."""
    ### BEGIN SOLUTION
    x, y, vx, vy = parts
    for i in range(x.size):
        x[i] += vx[i] * dt
        y[i] += vy[i] * dt
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Tables of no, one and a few entities are moved by both functions and compared field by field, those you left
# out included.

# %% role="tests" grade_id="soa_vs_aos_correct" points=3
cases = [lambda rng, n=n: make_table(rng, n) for n in (0, 1, 5)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_table(rng, n) for n in (17, 1001)]
### END HIDDEN TESTS
check.correct(
    advance,
    against=advance_aos,
    on=cases,
    view=(check.groups, layout),
    returns=0,
    points=3,
)

# %% [markdown]
# ### How many lines does it fetch?
# Your function runs on 2,000 entities while every access is watched. The slow loop fetches one line an entity.
# Nothing is timed here, so the count is the same on every machine.

# %% role="tests" grade_id="soa_vs_aos_lines" points=2
small = lambda rng: make_table(rng, 2_000)
check.counts(
    advance,
    "lines",
    than=advance_aos,
    on=small,
    view=(check.groups, layout),
    zero=1.5,
    full=3.5,
    points=2,
)

# %% [markdown]
# ### How much faster is it?
# Both functions run on the same 300,000 entities, in turns and many times.

# %% role="tests" grade_id="soa_vs_aos_speed" points=3
check.faster(
    advance,
    than=advance_aos,
    on=make_table,
    view=(check.groups, layout),
    returns=0,
    zero=1.6,
    full=2,
    points=3,
)

# %% [markdown]
# ## Before and after
# Each row is one cache line, each cell four bytes of it. Colored cells are those that the loop uses.

# %% role="show" grade_id="soa_vs_aos_show"
from perflab import figures

fig, axes = figures.subplots(2, 1, size=(6, 3.4), height_ratios=(1, 4))
for ax, title, groups in zip(
    axes, ("before", "after: your layout"), ((FIELDS,), layout()), strict=True
):
    for row, group in enumerate(groups[:4]):
        for word in range(16):
            field = group[word % len(group)]
            used = figures.COLORS["blue" if field in MOTION else "gray"]
            ax.barh(
                row,
                0.92,
                height=0.8,
                left=word,
                align="edge",
                color=used,
                alpha=0.4,
            )
            ax.text(
                word + 0.46,
                row + 0.4,
                field,
                ha="center",
                va="center",
                fontsize=8,
            )
    ax.set(xlim=(0, 16), ylim=(max(1, min(4, len(groups))), -0.1), title=title)
    ax.axis("off")
figures.show(
    fig,
    "Before, 4 of 16 words of a line are used. After, the lines hold what layout() put there.",
)
check.predicted(guess, "soa_vs_aos_speed")

# %% [markdown]
# Lines explain a factor of four. Did the clock show more? Two other things changed with the layout. The fetched
# bytes of the new arrays fit into a nearer cache. And with equal fields side by side, the compiler moves 8 or 16
# entities with one vector instruction; between records it cannot.
#
# **Next bottleneck.** This loop visits all entities in order. A real frame often visits a few of them in no
# order at all, and then one array a field turns from a gain into a loss: try `hot_cold_split`.

# %% [markdown] role="explain" grade_id="soa_vs_aos_explain" points=2
# ## Interview question
# When would you keep an array of structures? Name a workload, and say how many cache lines one operation touches
# in each of the two layouts.
#
# ### BEGIN MARK SCHEME
# One point for the workload: access to most fields of one entity at a time, in an order that no prefetcher can
# guess, such as looking up, inserting, deleting, saving or sending single entities.
#
# One point for the lines: with the record of this exercise, one line an operation against up to 16, one a field.
# Half a point if the direction is right but the numbers are missing.
# ### END MARK SCHEME
