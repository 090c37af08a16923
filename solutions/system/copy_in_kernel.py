# ---
# perflab:
#   title: Copy in the kernel
#   covers: [system/syscalls/kernel-operations]
#   lever: take the few bytes that you have to see, and let the kernel move all others
#   stars: 1
#   minutes: 15
#   chapter: system/syscalls
# ---

# %% [markdown]
# # Copy in the kernel
# A media service downloads recordings. Another program talks to the network and sends each recording through a pipe,
# in pieces, as they arrive: the end may come before the beginning. So each piece has a header of eight bytes that
# says at which place of the recording it belongs. The service writes the piece there. A pipe gives each byte once, in
# the order in which it was sent; nobody can read it at a place.
#
# The service has to see eight bytes of each piece. Yet its first version brings all of them into its own memory,
# 4 KiB at a time, and hands them back: two system calls for each block, and each byte copied twice.

# %% role="given" grade_id="copy_in_kernel_given"
import os

import numpy as np

from perflab import check

HEADER, BLOCK = 8, 4096  # bytes


def make_download(rng, pieces=40, most=20_000, target=b""):
    """The pipe, the size of each message, and a file.

    A message is a header and a piece. The pieces come in any order.
    """
    lengths = rng.integers(most // 2, most, pieces, endpoint=True)
    ends = lengths.cumsum()
    messages = [
        int(ends[k] - lengths[k]).to_bytes(HEADER, "little")
        + rng.bytes(int(lengths[k]))
        for k in rng.permutation(pieces)
    ]
    sizes = np.array([len(message) for message in messages], np.int64)
    return check.pipe(b"".join(messages)), sizes, check.file(target)


def store_by_hand(stream, sizes, target):
    """Write each piece to its place in the target."""
    # Where nothing waits, an error in place of waiting forever.
    pipe = os.open(stream, os.O_RDONLY | os.O_NONBLOCK)
    stored = os.open(target, os.O_WRONLY)
    for size in sizes.tolist():
        place = int.from_bytes(os.read(pipe, HEADER), "little")
        left = size - HEADER
        while left:
            block = os.read(pipe, min(left, BLOCK))
            os.pwrite(stored, block, place)
            place, left = place + len(block), left - len(block)
    os.close(pipe)
    os.close(stored)


# %% [markdown]
# All messages of a recording wait in the pipe already, one after the other. The target is a file that exists. It may be
# empty, or hold older bytes; those stay wherever no piece comes. A piece may be empty.
#
# ## Predict
# `store_by_hand` carries some 1,200,000 bytes for a recording of 600,000 in 40 pieces: each byte comes into memory and
# leaves it. How many have to come?

# %% role="predict" grade_id="copy_in_kernel_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `store(stream, sizes, target)` leaves the same bytes in the target. What you do not have to see does not come into
# your memory. All points take at most 2,000 bytes carried for 40 pieces.
#
# <details><summary>Hint 1</summary>
#
# The chapter copies from file to file. Here a pipe is at one end. Which of the calls that it names takes a pipe?
# Its manual page, and `help` of the function in `os`, tell what else it can be told.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Keep the loop over the sizes and the read of the header. When the header is gone, the piece comes next. One call can
# take the place of the read and of the write. It has an argument for the place in the target.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `os.splice` takes the descriptor to read from, the one to write to, a count, and `offset_dst`: the place in the
# target. It returns how many bytes it has moved, which plays the part of `len(block)`. Here all data wait already, so
# one call moves a whole piece; from a pipe that is still being filled it may move less, and you need the loop. A
# piece may be empty; then there is nothing to move. Open the target as `store_by_hand` does: some other ways to open
# a file cut it off.
#
# </details>


# %% role="answer" grade_id="copy_in_kernel_answer"
def store(stream, sizes, target):
    """Write each piece to its place in the target; only headers are carried.

    Parameters
    ----------
    stream : path
        Of a pipe. Open it as `store_by_hand` does.
    sizes : ndarray of int64, shape (n,)
        Bytes of each message, its header among them.
    target : path
        Of a file that exists.
    """
    ### BEGIN SOLUTION
    pipe = os.open(stream, os.O_RDONLY | os.O_NONBLOCK)
    stored = os.open(target, os.O_WRONLY)
    for size in sizes.tolist():
        place = int.from_bytes(os.read(pipe, HEADER), "little")
        left = size - HEADER
        while left:
            moved = os.splice(pipe, stored, left, offset_dst=place)
            place, left = place + moved, left - moved
    os.close(pipe)
    os.close(stored)
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# The files are compared byte by byte: no piece, one, many; pieces without bytes; a target that holds older bytes.


# %% role="tests" grade_id="copy_in_kernel_store" points=2 hints=[2, 3]
def over_older(rng):
    """A target that is longer than the recording."""
    return make_download(rng, 5, 3_000, rng.bytes(20_000))


cases = [
    lambda rng: make_download(rng, 0),
    lambda rng: make_download(rng, 1, 1),
    lambda rng: make_download(rng, 9, 5_000),
    over_older,
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_download(rng, 6, 0),
    lambda rng: make_download(rng, 30, 1_000),
    lambda rng: make_download(rng, 8, 20_000, b"older bytes"),
]
### END HIDDEN TESTS
check.correct(store, against=store_by_hand, on=cases, returns=2, points=2)

# %% [markdown]
# ### How many bytes does it carry?
# What is read or written, by whichever call, comes into your memory or leaves it. So does what is mapped: a mapping
# counts with all its bytes, also one that you made before. So does what a thread or process of yours reads or writes.
# What the kernel moves counts nothing, by whichever call and over whichever files of yours.

# %% role="tests" grade_id="copy_in_kernel_carried" points=5 hints=[1, 2]
check.counts(
    store,
    "carried_bytes",
    on=make_download,
    zero=1_000_000,
    full=2_000,
    points=5,
)

# %% [markdown]
# ## The other half: file to file
# Not your `store`, but the same choice where both ends are files: 8 MB are copied with blocks of many sizes and by the
# kernel. What do you save beside blocks of 4 KiB, and what beside large ones?

# %% role="show" grade_id="copy_in_kernel_show"
import tempfile
import time

from perflab import figures

SIZE = 8 << 20
SIZES = [1 << k for k in range(10, 24)]


def best_of(copy):
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        copy()
        seconds.append(time.perf_counter() - start)
    return min(seconds) * 1e3


def by_blocks(size):
    for place in range(0, SIZE, size):
        os.pwrite(after.fileno(), os.pread(before.fileno(), size, place), place)


def by_kernel():
    place = 0
    while place < SIZE:
        place += os.copy_file_range(
            before.fileno(), after.fileno(), SIZE - place, place, place
        )


with (
    tempfile.TemporaryFile(buffering=0) as before,
    tempfile.TemporaryFile(buffering=0) as after,
):
    before.write(np.random.default_rng(1).bytes(SIZE))
    by_kernel()
    milliseconds = [
        best_of(lambda size=size: by_blocks(size)) for size in SIZES
    ]
    in_kernel = best_of(by_kernel)
fig, ax = figures.subplots()
ax.plot(SIZES, milliseconds, marker="o", label="read and write")
ax.axhline(in_kernel, linestyle=":", color="gray", label="copy_file_range")
ax.set(
    xscale="log",
    xlabel="block (bytes)",
    ylabel="time for 8 MB (ms)",
    ylim=(0, None),
)
ax.set_title("The kernel's copy, and yours")
ax.legend()
ax.grid(True)
figures.show(
    fig,
    f"Time to copy 8 MB against the size of the block: "
    f"{milliseconds[0]:.1f} ms with {SIZES[0]} bytes, "
    f"{min(milliseconds):.1f} ms at best. In the kernel: {in_kernel:.1f} ms.",
)
check.predicted(guess, "copy_in_kernel_carried")

# %% [markdown]
# Compare the dotted line with the leftmost point, and with the lowest one. A copy within one file system still copies
# each byte once, unless the file system can share blocks between files. What you save on every machine is your own
# memory: there is no buffer.
#
# **Next bottleneck.** There is one copy left, from pages to pages. A system that shares them needs none: map the
# file, or hand over its descriptor.

# %% [markdown] role="explain" grade_id="copy_in_kernel_explain" points=2
# ## Interview question
# Your service sends files to clients with `sendfile`. Now the connection has to be encrypted. What becomes of the
# gain, and what can you do?
#
# ### BEGIN MARK SCHEME
# One point: encryption has to see and change each byte, so the file comes into user space again, is encrypted into
# a buffer and is written: read, transform, write. Whatever transforms or inspects (compression, checksums of the
# content) has the same effect.
#
# One point for a way out with its price: let the kernel or the network card encrypt (kernel TLS, then sendfile
# works again; needs support, keys in the kernel); keep files encrypted or compressed as they are sent; or large
# reused buffers, since the cipher, not the copy, is the bottleneck then.
#
# Nothing for "sendfile encrypts by itself", nor for "the gain stays, since the bytes still never leave the kernel".
# ### END MARK SCHEME
