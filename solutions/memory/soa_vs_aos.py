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
# A game or UI toolkit moves every entity on every frame: how their table lies in memory decides the frame rate.

# %% role="given" grade_id="soa_vs_aos_given"
import numpy as np
from numba import njit
from perflab import check
FIELDS = ("x", "y", "vx", "vy", "name", "mesh", "hp", "team", "ai", "seed", "r", "g", "b", "a", "age", "tag")
ENTITY = np.dtype([(field, np.float32) for field in FIELDS])  # 64 bytes: one cache line an entity

def make_table(rng, n=200_000):
    """Arguments of one frame: a table of `n` entities and the time step in seconds."""
    return rng.random((n, len(FIELDS)), np.float32).view(ENTITY)[:, 0], np.float32(1 / 60)

@njit
def advance_aos(table, dt):
    """Move every entity, one record after the other: each iteration drags in a whole line of 64 bytes."""
    for i in range(table.size):
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt

# %% [markdown]
# ## Predict
# How many times faster would the loop be if it loaded only the 16 bytes of an entity that it uses?

# %% role="predict" grade_id="soa_vs_aos_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `layout`, which returns groups of field names. The course copies each group into an array of its own (plain for
# one field, structured for several; fields you leave out stay behind) and calls `advance(parts, dt)`.
# <details><summary>Hint 1</summary>Which bytes of a 64-byte line does the slow loop never read?</details>
# <details><summary>Hint 2</summary>`("x",)` is a group of one field: a plain array, 16 values a line.</details>
# <details><summary>Hint 3</summary>Four groups of one field; then `x, y, vx, vy = parts` and one loop.</details>

# %% role="answer" grade_id="soa_vs_aos_answer"
def layout():
    """Groups of field names, e.g. `(FIELDS,)` for the slow layout; each group becomes one array of `parts`."""
    ### BEGIN SOLUTION
    return ("x",), ("y",), ("vx",), ("vy",)
    ### END SOLUTION

@njit
def advance(parts, dt):
    """Add `vx * dt` to x and `vy * dt` to y for every entity, in place; `parts` has one array a group."""
    ### BEGIN SOLUTION
    x, y, vx, vy = parts
    for i in range(x.size):
        x[i] += vx[i] * dt
        y[i] += vy[i] * dt
    ### END SOLUTION

# %% role="tests" grade_id="soa_vs_aos_correct" points=3
cases = [lambda rng, n=n: make_table(rng, n) for n in (0, 1, 5)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_table(rng, n) for n in (17, 1001)]
### END HIDDEN TESTS
check.correct(advance, against=advance_aos, on=cases, view=(check.groups, layout), returns=0, points=3)

# %% role="tests" grade_id="soa_vs_aos_misses" points=2
small = lambda rng: make_table(rng, 2_000)
check.counts(advance, "lines", than=advance_aos, on=small, view=(check.groups, layout), zero=1.5, full=3.5, points=2)

# %% role="tests" grade_id="soa_vs_aos_speed" points=3
check.faster(advance, than=advance_aos, on=make_table, view=(check.groups, layout), returns=0, zero=2.0, full=5.0, points=3)

# %% role="show" grade_id="soa_vs_aos_show"
check.predicted(guess, "soa_vs_aos_speed")

# %% [markdown]
# **Next bottleneck.** The loop now runs at the speed of memory. Fuse it with the next pass: `hot_cold_split`.

# %% [markdown] role="explain" grade_id="soa_vs_aos_explain" points=2
# When would you keep an array of structures? Name a workload and say which bytes it would touch in each layout.
# ### BEGIN MARK SCHEME
# Random access to most fields of one entity: one line against sixteen. 1 point each for workload and bytes.
# ### END MARK SCHEME
