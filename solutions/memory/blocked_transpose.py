# ---
# perflab:
#   title: Turn the picture
#   covers: [memory/locality/memory-access-patterns]
#   lever: walk in blocks whose lines find room, in bytes and in places, so that each is used up while it is there
#   stars: 3
#   minutes: 35
#   chapter: memory/locality
# ---

# %% [markdown]
# # Turn the picture
# The user turns the tablet, and the compositor turns the picture on its screen: rows become columns. Every
# pixel is read once and written once, there is nothing to compute, and still it is one of the slowest passes
# of the frame.
#
# A pixel has four bytes, so a cache line holds 16 of them. The loop below reads along the rows and uses each
# line up at once. But it writes down a column, one pixel a line, and comes back to a line of `turned` only
# when it has been through all the others.
#
# And then there is the **pitch**, the bytes from one row to the next. Here it is 4,096 bytes, a power of two, as
# display hardware likes it. A cache finds a line by its address, and has only a few places for all lines whose
# addresses are such a distance apart.

# %% role="given" grade_id="blocked_transpose_given"
import numpy as np
from numba import njit

from perflab import check


def make_picture(rng, height=1024, width=1024):
    """Arguments: a picture of random pixels, an array for the turned one."""
    picture = rng.integers(0, 1 << 32, (height, width), dtype=np.uint32)
    return picture, np.zeros((width, height), np.uint32)


@njit
def turn_rows(picture, turned):
    """Turn one row after the other."""
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            turned[x, y] = picture[y, x]


# %% [markdown]
# ## Predict
# The first-level cache of the tests has 32 KB: 64 sets of 8 lines of 64 bytes, of which the one used least
# recently goes. How many times fewer misses can a better order of the same reads and writes have? Write your
# guess.

# %% role="predict" grade_id="blocked_transpose_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `turn(picture, turned)` does what `turn_rows` does, for pictures of any height and width, and visits the
# pixels in an order of your choice. Where they lie is not yours to change: the display reads them there. An array
# of your own as a buffer is allowed, and its misses count. A copy of a view counts as NumPy makes it: it writes in
# order, and reads the view wherever that lies. So there it is the reads that cross rows.
#
# The tests run it on a picture of 1,024 x 1,024 pixels and count the misses of two caches:
#
# | level | bytes | sets | places in a set | line | sets that a column meets |
# | --- | --- | --- | --- | --- | --- |
# | first | 32 KB | 64 | 8 | 64 bytes | 1 |
# | second | 1 MB | 1,024 | 16 | 64 bytes | 16 |
#
# The set of a line is its number, `address // 64`, modulo the number of sets. Nothing is timed. The tests divide the
# misses of `turn_rows` by yours:
#
# | level | nothing | full points |
# | --- | --- | --- |
# | first | 3.5 | 5 |
# | second | 5 | 8 |
#
# <details><summary>Hint 1</summary>
#
# Follow one line of `turned`. When is its first pixel written, when the next? Which lines come in between,
# and do they all fit? Exchanging the two loops only gives the same trouble to `picture`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Go through the picture in blocks, and turn one block completely before the next. A line has 16 pixels, which
# suggests 16 x 16. Now look at the table: how many of the lines that the inner loop goes through does one set
# hold?
#
# </details>
# <details><summary>Hint 3</summary>
#
# A block need not be a square. Two loops go over the corners of blocks, `h` high and `w` wide; a block is a slice
# of each picture, and slices end at the border by themselves. The inner loop goes through `w` lines of `turned`, all
# of one set: how many fit? From which `h` on are these lines used up? And if `w` is less than a line of `picture`,
# the next block wants the same `h` lines of it again: how many of them does the second level keep?
#
# </details>


# %% role="answer" grade_id="blocked_transpose_answer"
@njit
def turn(picture, turned):
    """Write rows as columns: `turned[x, y]` becomes `picture[y, x]`.

    Parameters
    ----------
    picture : ndarray of uint32, shape (height, width)
    turned : ndarray of uint32, shape (width, height)
        Overwritten.
    """
    ### BEGIN SOLUTION
    height, width = picture.shape
    for top in range(0, height, 128):
        for left in range(0, width, 8):
            turn_rows(
                picture[top : top + 128, left : left + 8],
                turned[left : left + 8, top : top + 128],
            )
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Pictures with sides that no block divides, narrow and wide ones, and one without pixels.

# %% role="tests" grade_id="blocked_transpose_correct" points=2
cases = [
    lambda rng, h=h, w=w: make_picture(rng, h, w)
    for h, w in ((0, 3), (1, 1), (16, 16), (5, 40), (70, 33))
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, h=h, w=w: make_picture(rng, h, w)
    for h, w in ((129, 1), (3, 131), (70, 33), (97, 64))
]
### END HIDDEN TESTS
check.correct(turn, against=turn_rows, on=cases, returns=1, points=2)

# %% [markdown]
# ### What does it cost the first level?
# The misses of `turn_rows` over yours. Even the best order has to fetch every line once.

# %% role="tests" grade_id="blocked_transpose_near" points=3 hints=[2, 3]
check.counts(
    turn, "misses", than=turn_rows, on=make_picture, zero=3.5, full=5, points=3
)

# %% [markdown]
# ### And the second level?
# It is larger and has more places, but a miss costs more here: behind it come the cache that all cores share,
# and memory. Full points mean that nearly every line comes once.

# %% role="tests" grade_id="blocked_transpose_far" points=4 hints=[2, 3]
check.counts(
    turn, "misses:L2", than=turn_rows, on=make_picture, zero=5, full=8, points=4
)

# %% [markdown]
# ## Before and after
# Where the misses are, over a corner of the turned picture. Lines in orange missed with each of their 16
# pixels, blue ones with the first alone.

# %% role="show" grade_id="blocked_transpose_show"
from perflab import figures, hints, pictures, timing
from perflab.models import cache

fig, axes = figures.subplots(1, 2, size=(7.4, 3.2))
shares = []
for ax, title, fn in zip(
    axes, ("before", "after: your order"), (turn_rows, turn), strict=True
):
    report = cache.simulate(
        fn, make_picture(np.random.default_rng(1)), cache.L1
    )
    touched, missed = report.over("turned")
    shares.append(missed.sum() / touched.sum())
    pictures.misses(report, "turned", ax=ax)
    ax.set(xlim=(0, 64), ylim=(64, 0), title=title)
figures.show(
    fig,
    "Misses over a corner of the turned picture. "
    f"Before, {shares[0]:.0%} of writes miss, after {shares[1]:.0%}.",
)


def compare_with_rows(pitch):
    """Measure both orders; rows have `pitch` pixels, 1,024 of them used."""
    both = []
    for _ in range(2):  # each begins on a page, as in the model
        buffer = hints.empty(1024 * pitch, np.uint32, 4096)
        buffer[:] = 1
        both.append(buffer.reshape(1024, pitch)[:, :1024])
    return timing.compare(lambda: turn(*both), lambda: turn_rows(*both))


for pitch in (1024, 1040):
    speed = compare_with_rows(pitch)
    milliseconds = np.median(speed.pairs.baseline) * 1e3
    print(f"rows of {4 * pitch:,} bytes: turn_rows {milliseconds:.1f} ms")
    print(f"    yours: {speed}")
check.predicted(guess, "blocked_transpose_near")

# %% [markdown]
# Is a diagonal left in orange? There a block of the picture and its place in the turned one meet in the same
# set, which has no room for both.
#
# Now compare the two measured pitches. With sixteen pixels more in each row, which nobody ever sees, a column
# spreads over all sets, and the second level can keep it. On most machines far less is left for blocks to gain
# then, although the first level counts nearly the same misses at both pitches. So a clock grades the pitch as much
# as the loop, and the machine most of all; this is why you were graded by counts.
#
# It also shows the other way out. Whoever owns the buffer pads its rows; whoever does not walks in blocks.
#
# **Next bottleneck.** Read each line once, write each line once: with blocks, that is nearly reached. What is
# left is not to make this pass at all. Let the pass that draws write the turned picture, or let the display
# read it by columns. The chapter ends with such a fusion.

# %% [markdown] role="explain" grade_id="blocked_transpose_explain" points=2
# ## Interview question
# Your transpose in blocks is twice as fast as the plain one at 2,048 x 2,048 and no faster at 2,000 x 2,000,
# although the first-level cache counts four times fewer misses in both. Why? And how do you choose the size
# of a block?
#
# ### BEGIN MARK SCHEME
# One point for the cause: rows of a power of two put a whole column into a few sets, whose places do not
# suffice in the outer levels either, so that each line is fetched again from far away; with other rows the
# column spreads, an outer level keeps it, and misses of the first level are cheap and overlap. (Half a point
# for "conflicts" alone.)
#
# One point for the size: a block's lines of both arrays have to fit, by bytes and by the places of the sets
# that they fall into; each side should be a whole line where possible; then measure at the sizes and pitches
# that occur.
#
# Nothing for "2,000 x 2,000 fits into the cache and 2,048 x 2,048 does not", nor for "as large as the cache": sets
# are the point.
# ### END MARK SCHEME
