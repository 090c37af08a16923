# ---
# perflab:
#   title: Hot and cold
#   covers: [memory/locality/hot-cold-data-separation, memory/locality/data-structure-layout-optimization]
#   lever: keep together what is used together, and nothing else beside it
#   stars: 2
#   minutes: 25
#   chapter: memory/locality
# ---

# %% [markdown]
# # Hot and cold
# Records grow. This one belongs to a framework that has been popular for years: 64 fields, 256 bytes, four cache
# lines an entity. Every team added its fields where there was room, so what the flight code needs lies scattered
# over all four lines.
#
# Each frame, the visibility pass hands over the entities on screen: about one in sixteen, sorted by depth, which
# means in no order that memory knows. The loop below flies them. Each entity is somewhere else, and each of its
# four lines is a miss.

# %% role="given" grade_id="hot_cold_split_given"
import numpy as np
from numba import njit

from perflab import check

HALVES = (  # of the four cache lines of a record: eight names of four bytes
    "x name mesh skin shader layer parent sibling",
    "scale_x scale_y scale_z pivot_x pivot_y pivot_z depth vx",
    "mass drag bounce y grip shape filter island",
    "group mask sleep contact sensor vy weld joint",
    "color_r color_g spin color_b color_a glow fade blend",
    "atlas frame fps loop clip rig bone angle",
    "script state team health armor fuel owner score",
    "sound volume pitch refuels burn net_id version tag",
)
FIELDS = tuple(name for half in HALVES for name in half.split())
# What `fly` uses; the rest is ballast.
FLIGHT = ("x", "vx", "y", "vy", "angle", "spin", "fuel", "burn", "refuels")
ENTITY = np.dtype([(field, np.float32) for field in FIELDS])  # 256 bytes


def make_frame(rng, n=16_000, visible=1_000, dt=1 / 60):
    """Arguments of one frame: `n` entities, which are visible, the time step.

    The visible ones come in depth order.
    """
    table = rng.random((n, len(FIELDS)), np.float32).view(ENTITY)[:, 0]
    return table, rng.permutation(n)[:visible].astype(np.int32), np.float32(dt)


@njit
def fly_records(table, visible, dt):
    """Fly the visible entities; about one in 120 runs dry and refuels."""
    for k in range(visible.size):
        i = visible[k]
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt
        table[i].angle += table[i].spin * dt
        table[i].fuel -= table[i].burn * dt
        if table[i].fuel < 0:
            table[i].fuel += 1
            table[i].refuels += 1


# %% [markdown]
# ## Predict
# For each visible entity, `fly_records` fetches four lines. The visible ones are single entities, far from each
# other. How many times fewer lines can the best layout fetch? Write your guess.

# %% role="predict" grade_id="hot_cold_split_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# As before, `layout` returns groups of field names. Each group becomes one array of `parts`: a plain one for one
# field, an array of records without gaps for several. Fields that you leave out stay behind.
#
# `fly(parts, visible, dt)` then does what `fly_records` does.
#
# The tests count cache lines on two kinds of frame. In both, one entity in sixteen is visible, in depth order.
#
# | frame | visible are | lines of `fly_records` over yours: nothing | full points |
# | --- | --- | --- | --- |
# | swarm | single entities | 1.5 | 3.5 |
# | formations | four neighbors in the table at a time | 4 | 6.9 |
#
# The first frame asks whether what is used together lies together. The second asks whether anything else lies
# there too: then a line cannot hold two of the four.
#
# <details><summary>Hint 1</summary>
#
# Take one visible entity and count: how many lines does each layout touch for it? One array a field touches one
# line a field, for four bytes each. Then count again for four neighbors.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A group of several fields is an array of small records. A record of 32 bytes never crosses the border of a
# line; one of 36 bytes does so every second time.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Eight fields are used for every visible entity, the ninth, `refuels`, for one in 120. So the eight are one group,
# and the ninth is a group of its own: a line more for those few, and four bytes less for all.
#
# </details>


# %% role="answer" grade_id="hot_cold_split_answer"
def layout():
    """Return groups of field names; each group becomes one array of `parts`.

    `(FIELDS,)` is the slow layout.
    """
    ### BEGIN SOLUTION
    return ("x", "vx", "y", "vy", "angle", "spin", "fuel", "burn"), ("refuels",)
    ### END SOLUTION


@njit
def fly(parts, visible, dt):
    """Fly the entities whose numbers are in `visible`, in place.

    A fuel below 0 gains 1 and counts in refuels.
    """
    ### BEGIN SOLUTION
    hot, refuels = parts
    for k in range(visible.size):
        i = visible[k]
        hot[i].x += hot[i].vx * dt
        hot[i].y += hot[i].vy * dt
        hot[i].angle += hot[i].spin * dt
        hot[i].fuel -= hot[i].burn * dt
        if hot[i].fuel < 0:
            hot[i].fuel += 1
            refuels[i] += 1
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Small frames, with a long time step so that many entities refuel. All 64 fields are compared.

# %% role="tests" grade_id="hot_cold_split_correct" points=2
cases = [
    lambda rng, n=n, v=v: make_frame(rng, n, v, dt=1.0)
    for n, v in ((1, 0), (1, 1), (40, 10))
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n, v=v: make_frame(rng, n, v, dt=0.5)
    for n, v in ((7, 7), (500, 400))
]
### END HIDDEN TESTS
check.correct(
    fly,
    against=fly_records,
    on=cases,
    view=(check.groups, layout),
    returns=0,
    points=2,
)

# %% [markdown]
# ### Does it keep together what is used together?
# The swarm: 1,000 of 16,000 entities. Four lines an entity are where you start; one is the best there is.

# %% role="tests" grade_id="hot_cold_split_few" points=3
check.counts(
    fly,
    "lines",
    than=fly_records,
    on=make_frame,
    view=(check.groups, layout),
    zero=1.5,
    full=3.5,
    points=3,
)

# %% [markdown]
# ### And nothing else beside it?
# Formations: 250 times four neighbors, of 16,000 entities. Now a line should serve two of them.


# %% role="tests" grade_id="hot_cold_split_all" points=3 hints=[2, 3]
def make_formations(rng):
    """Arguments: as of `make_frame`, but four neighbors fly side by side."""
    table, leaders, dt = make_frame(rng)
    first = rng.permutation(table.size // 4)[: leaders.size // 4] * 4
    visible = first[:, None] + np.arange(4)
    return table, visible.ravel().astype(np.int32), dt


check.counts(
    fly,
    "lines",
    than=fly_records,
    on=make_formations,
    view=(check.groups, layout),
    zero=4,
    full=6.9,
    points=3,
)

# %% [markdown]
# ## Before and after
# The lines that one visible entity needs. Each row is a cache line, each cell four bytes of it; colored cells
# are used. Below is the time of both loops on your machine, for a larger frame in which every second entity is
# visible, not one in sixteen. It earns no points, because it depends on how far away the data is: on what your
# caches hold, and on who shares them with you.

# %% role="show" grade_id="hot_cold_split_show"
from perflab import figures, timing

fig, axes = figures.subplots(2, 1, size=(6, 4.4), height_ratios=(4, 2))
for ax, title, groups in zip(
    axes, ("before", "after: your layout"), ((FIELDS,), layout()), strict=True
):
    lines = [
        group[start : start + 16]
        for group in groups
        for start in range(0, len(group), 16)
    ]
    for row, line in enumerate(lines[:4]):
        for word in range(16):
            field = line[word % len(line)]
            used = field in FLIGHT and word < len(line)
            color = figures.COLORS["blue" if used else "gray"]
            place = {"height": 0.8, "left": word, "align": "edge"}
            ax.barh(row, 0.92, color=color, alpha=0.4, **place)
            text = {"ha": "center", "va": "center", "fontsize": 6}
            ax.text(word + 0.46, row + 0.4, field, **text)
    ax.set(xlim=(0, 16), ylim=(max(2, min(4, len(lines))), -0.1), title=title)
    ax.axis("off")
figures.show(
    fig,
    "Before, the nine fields lie in four lines. After, they lie where "
    "layout() put them.",
)

frame = make_frame(np.random.default_rng(), n=100_000, visible=50_000)
mine = check.groups(layout(), *frame)
speed = timing.compare(lambda: fly(*mine), lambda: fly_records(*frame))
print(f"50,000 of 100,000 entities: {speed}")
check.predicted(guess, "hot_cold_split_few")

# %% [markdown]
# The rule has two halves. Keep together what is used together: that is the first count, and there one array a
# field is the worst layout of all. Put nothing else beside it: that is the second, where a record that was padded
# to a whole line fetches twice as much as it needs.
#
# `refuels` shows that "used" means "used often". It costs a line of its own, but one entity in 120 pays for it.
# In the hot group it would make every record four bytes longer.
#
# **Next bottleneck.** One line an entity is the least there is, and the frame still makes several passes over
# the same entities: fly, then cull, then draw. Each pass fetches the hot lines again. Fuse the passes, and fetch
# them once: the chapter ends there.

# %% [markdown] role="explain" grade_id="hot_cold_split_explain" points=2
# ## Interview question
# You inherit a class with 40 fields, and a profile that says its update loop waits for memory. How do you decide
# which fields are hot, and what does splitting them off cost?
#
# ### BEGIN MARK SCHEME
# One point for the decision: by how often each field is used in the loops that matter (profile, access counts,
# samples of missed loads), not by what belongs together in the model; rarely taken branches are cold.
#
# One point for at least two costs: two allocations and an index or pointer to keep in step, a further line
# whenever both halves are needed (insert, delete, save), a changed interface, and that the split fits one access
# pattern and goes stale when the loops change.
#
# Nothing for "split the class into meaningful components": that groups by meaning, not by use.
# ### END MARK SCHEME
