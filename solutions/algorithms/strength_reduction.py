# ---
# perflab:
#   title: Strength reduction
#   covers: [algorithms/techniques/strength-reduction]
#   lever: carry along with an addition what a loop computes anew with a division
#   stars: 1
#   minutes: 25
#   chapter: algorithms/loops
# ---

# %% [markdown]
# # Strength reduction
# A window system fills the background with a small pattern, again and again in both directions, and shifted, since
# the user may scroll. The frame buffer is one long row of pixels. So for pixel `i` the code below asks: in which
# line and column of the screen is it, and which pixel of the pattern lies there? These are two divisions and two
# remainders. Width and pattern are the user's choice, and nobody knows them when the code is compiled.
#
# An integer division has a latency of ten cycles and more. Here no division waits for another pixel's, so what
# counts is how often the core can start one: every six to ten cycles on recent cores, less often on older ones. And
# x86 has no vector instruction for it.

# %% role="given" grade_id="strength_reduction_given"
import numpy as np
from numba import njit

from perflab import check


def make_wallpaper(rng, pixels=400_000, width=None, size=None):
    """A pattern, the width of the screen, two shifts, and room for pixels."""
    size = rng.integers(30, 120, 2) if size is None else size
    pattern = rng.integers(0, 256, tuple(size), dtype=np.uint8)
    width = int(rng.integers(800, 2000)) if width is None else width
    down, right = (int(shift) for shift in rng.integers(0, 10_000, 2))
    # Memory that was used before: a first use costs the system's time.
    return pattern, width, down, right, np.full(pixels, 1, np.uint8)


@njit
def fill_dividing(pattern, width, down, right, out):
    """Fill the screen with the pattern, shifted; the last line may be short."""
    rows, columns = pattern.shape
    for i in range(out.size):
        y, x = i // width, i % width
        out[i] = pattern[(y + down) % rows, (x + right) % columns]


# %% role="given" grade_id="strength_reduction_example"
letters = np.array([list(b"abc"), list(b"def")], np.uint8)
screen = np.empty(24, np.uint8)
fill_dividing(letters, 8, 0, 1, screen)
print("\n".join(bytes(line).decode() for line in screen.reshape(3, 8)))

# %% [markdown]
# ## Predict
# Suppose that the loop needed no division at all. How many times as fast would it be? Write your guess before you
# measure anything.

# %% role="predict" grade_id="strength_reduction_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `fill`, which does what `fill_dividing` does. Before its loops you may divide as you like, in them not; a loop
# that prepares a table is one of them. Both numbers of the pattern's size, the width and the shifts may be any, and
# differ from call to call.
#
# The tests ask three questions. Is it correct? How many divisions are left in the machine code of its loops? How
# many times as fast is it? Full points need no division, and 2.4 times the speed. A single loop can do that.
#
# <details><summary>Hint 1</summary>
#
# Row and column in the pattern are known for pixel `i`. What is different at pixel `i + 1`? Mostly very little.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Carry them along. A column grows by one, and where it has reached the number of columns, it starts again at 0. At
# the end of a line of the screen, the row of the pattern does the same, and the column goes back to where lines
# begin.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Four numbers tell it all: row and column in the pattern, the column in which a line begins, and how many pixels of
# the line are left. Divide once for each before the loop. With one loop over all pixels you reach full points. With a
# loop over lines and one over the pixels of a line, the inner loop asks one question less: that is where another
# factor of two lies.
#
# </details>


# %% role="answer" grade_id="strength_reduction_answer"
@njit
def fill(pattern, width, down, right, out):
    """Fill the screen with the pattern, shifted.

    Parameters
    ----------
    pattern : ndarray of uint8, shape (rows, columns)
    width : int
        Pixels of a line of the screen.
    down, right : int
        Which row and column of the pattern the first pixel shows, modulo its
        size; not negative.
    out : ndarray of uint8, shape (n,)
        The screen, line after line; the last one may be cut off.
    """
    ### BEGIN SOLUTION
    rows, columns = pattern.shape
    y = down % rows
    # Unsigned: Numba need not ask whether a column is negative.
    begin, end, one = np.uintp(right % columns), np.uintp(columns), np.uintp(1)
    for first in range(0, out.size, width):
        row, line = pattern[y], out[first : first + width]
        x = begin
        for k in range(line.size):
            line[k] = row[x]
            x += one
            if x == end:
                x = np.uintp(0)
        y += 1
        if y == rows:
            y = 0
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Screens of no, one and a few pixels, wide ones and narrow ones.

# %% role="tests" grade_id="strength_reduction_correct" points=1
cases = [
    lambda rng, n=n, w=w: make_wallpaper(rng, n, w)
    for n, w in ((0, 5), (1, 1), (24, 8), (1000, 300))
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n, w=w: make_wallpaper(rng, n, w)
    for n, w in ((7, 8), (8, 8), (9, 8), (2000, 1))
]
cases += [
    lambda rng, n=n, w=w: make_wallpaper(rng, n, w, (9, 200))
    for n, w in ((3001, 1000), (50_000, 801))
]
cases += [
    lambda rng, r=r, c=c: make_wallpaper(rng, 999, 50, (r, c))
    for r, c in ((1, 7), (5, 1), (2, 49), (3, 51))
]
cases += [
    lambda rng, size=size: make_wallpaper(rng, 1000, 600, size)
    for size in ((1, 1), (2, 300), (5, 1))
]
cases += [
    lambda rng: (np.array([[7]], np.uint8), 3, 2, 2, np.empty(10, np.uint8))
]
### END HIDDEN TESTS
check.correct(fill, against=fill_dividing, on=cases, returns=4, points=1)

# %% [markdown]
# ### How many divisions are left?
# Counted in the machine code of that loop which has most of them, compiled for the same processor everywhere. What a
# loop calls counts with it, and so do the loops in it. The slow one has six: a division gives the remainder as well,
# so three would do, and LLVM writes each twice, once for operands that fit into 32 bits, which are divided faster. With
# two left there is no point yet.

# %% role="tests" grade_id="strength_reduction_divisions" points=2 hints=[1, 2]
check.counts(fill, "divisions", on=make_wallpaper, zero=2, full=0, points=2)

# %% [markdown]
# ### How many times as fast is it?
# Both functions fill the same 400,000 pixels. What takes the place of a division may cost more than it: time tells. Points are
# for loops that Numba compiles, with no more divisions than the slow one has.

# %% role="tests" grade_id="strength_reduction_speed" points=5 hints=[2, 3]
check.faster(
    fill,
    than=fill_dividing,
    on=make_wallpaper,
    returns=4,
    zero=1.4,
    full=2.4,
    points=5,
    within=("divisions", make_wallpaper, 1),
)

# %% [markdown]
# ## Before and after
# What does a division cost here? The loops below are written by a program. Each fills the screen with the last bits of
# a sum of no, one, two, three or four quotients. Without a division the code is vectors. The dotted line is the slow
# code: three divisions, and the rest of its work. The dashed line is yours.

# %% role="show" grade_id="strength_reduction_show"
from perflab import figures, timing

DIVISIONS = (0, 1, 2, 3, 4)


def with_divisions(count):
    """Return a loop that divides so many times for each pixel."""
    quotients = [f"(i + {j}) // divisors[{j}]" for j in range(count)]
    lines = [
        "def divide(divisors, out):",
        "    for i in range(out.size):",
        f"        out[i] = ({' + '.join(['i', *quotients])}) & 255",
    ]
    made = {}
    exec("\n".join(lines), made)
    return njit(made["divide"])


def nanoseconds(function, *args):
    """Return the best time a pixel of eight calls, after one that compiles."""
    function(*args)
    seconds = [timing.seconds_of(lambda: function(*args))[0] for _ in range(8)]
    return min(seconds) / args[-1].size * 1e9


rng = np.random.default_rng()
screen = np.ones(100_000, np.uint8)
divisors = tuple(int(d) for d in rng.integers(800, 2000, max(DIVISIONS)))
times = [
    nanoseconds(with_divisions(count), divisors, screen) for count in DIVISIONS
]
wallpaper = make_wallpaper(rng, 100_000)
slow, mine = (nanoseconds(f, *wallpaper) for f in (fill_dividing, fill))
each = np.polyfit(DIVISIONS[1:], times[1:], 1)[0]
fig, ax = figures.subplots()
ax.plot(DIVISIONS, times, marker="o", label="written by a program")
ax.axhline(slow, color="black", linestyle=":", label="dividing")
ax.axhline(mine, color="black", linestyle="--", label="yours")
ax.set(xlabel="divisions for each pixel", ylabel="ns a pixel", ylim=(0, None))
ax.set_xticks(DIVISIONS)
ax.legend()
figures.show(
    fig,
    f"Time a pixel against the divisions for each: {times[0]:.2f} ns without "
    f"one, then about {each:.1f} ns more for each division. Dividing takes "
    f"{slow:.1f} ns, yours {mine:.2f} ns.",
)
check.predicted(guess, "strength_reduction_speed")

# %% [markdown]
# A strong operation was replaced by a weak one, because something grows regularly: this is *strength reduction*.
# Compilers do it all the time: the address of `a[i]` is `start + 8 * i`, and no loop multiplies for it. The remainder
# by a number that it does not know, LLVM leaves as it is, although `k` only counts up.
#
# Where nothing grows regularly, as in `hash % buckets`, the chapter's reciprocal helps. It would do here as well, and
# multiply where a counter adds.
#
# The tests stop at 2.4. The next factor of two lies in the question "is the line at its end?": ask it once a line
# rather than once a pixel.
#
# **Next bottleneck.** One byte an iteration. A line of the screen is made of whole rows of the pattern, and a row
# can be copied with vector instructions, 32 pixels at a time; and when all rows of the pattern have been on screen
# once, what follows is a copy of what stands above.

# %% [markdown] role="explain" grade_id="strength_reduction_explain" points=2
# ## Interview question
# `hash % buckets` is the hottest line of a hash table. What do you do about the division if the number of buckets
# is fixed when you compile, if you may choose it, and if a user sets it at run time?
#
# ### BEGIN MARK SCHEME
# One point for the first two: a constant divisor is turned by the compiler into a multiplication and a shift, so
# make it a literal; if you may choose, a power of two turns the remainder into a mask (and then the hash must mix
# well, as only its low bits count).
#
# One point for the third: multiply by a reciprocal that is computed once (a fixed-point or floating-point number,
# with a correction), or choose among a few constant divisors by a switch, or map by multiplication instead of
# remainder (`hash * buckets >> 32`) where the exact remainder does not matter. Half a point if only one idea is
# named without saying why it is right.
#
# No point for "the compiler turns it into a shift": it may do so only for a constant power of two. None for a mask
# with a number of buckets that is no power of two.
# ### END MARK SCHEME
