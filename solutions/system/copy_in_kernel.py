# ---
# perflab:
#   title: Copy in the kernel
#   covers: [system/syscalls/kernel-operations]
#   lever: say from where to where, and let the kernel move the bytes
#   stars: 2
#   minutes: 25
#   chapter: system/syscalls
# ---

# %% [markdown]
# # Copy in the kernel
# A media service of a phone keeps recordings. It does two things with them all day. It cuts: the user picks parts
# of a recording, and they become a file of their own. And it stores: another program sends a recording through a
# pipe, and it has to go into a file.
#
# The service looks at none of these bytes. Yet its first version brings all of them into its own memory, 4 KiB at
# a time, and hands them back: two trips into the kernel for each block, and each byte copied twice.

# %% role="given" grade_id="copy_in_kernel_given"
import os
import select

import numpy as np

from perflab import check

BLOCK = 4096  # bytes


def make_cut(rng, spans=10, size=1 << 20, most=200_000):
    """Arguments of a cut: a recording, an empty file, and `spans` of (start, length), one a row."""
    starts = rng.integers(0, max(size - most, 1), spans)
    lengths = rng.integers(most // 2, most, spans)
    return (
        check.file(rng.bytes(size)),
        check.file(),
        np.column_stack([starts, lengths]),
    )


def make_upload(rng, size=1 << 20):
    """Arguments of an upload: what the other program sends, and an empty file."""
    return check.file(rng.bytes(size)), check.file()


def arrivals(upload):
    """Play the other program: fill a pipe, again and again; yield the pipe, and how many bytes wait in it."""
    sender = os.open(upload, os.O_RDONLY)
    out, into = os.pipe()
    os.set_blocking(
        out, False
    )  # who asks for more than there is gets an error, and does not wait forever
    try:
        while count := os.splice(sender, into, 1 << 16):
            yield out, count
            if select.select([out], [], [], 0)[0]:
                raise RuntimeError(
                    f"{count} bytes came, and the pipe has not been emptied"
                )
    finally:
        for descriptor in (sender, out, into):
            os.close(descriptor)


def cut_by_hand(source, target, spans):
    """Write the spans of a recording to the target, one behind the other."""
    recording, part = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY)
    for start, length in spans.tolist():
        while length > 0 and (
            block := os.pread(recording, min(length, BLOCK), start)
        ):
            os.write(part, block)
            start, length = start + len(block), length - len(block)
    os.close(recording)
    os.close(part)


def store_by_hand(upload, target):
    """Write all that arrives to the target."""
    stored = os.open(target, os.O_WRONLY)
    for pipe, count in arrivals(upload):
        while count:
            block = os.read(pipe, min(count, BLOCK))
            os.write(stored, block)
            count -= len(block)
    os.close(stored)


# %% [markdown]
# Three system calls move bytes and never show them to you.
#
# | call | moves bytes |
# | --- | --- |
# | `os.copy_file_range(src, dst, count, offset_src)` | from a file to a file |
# | `os.sendfile(dst, src, offset, count)` | from a file to a file or a socket |
# | `os.splice(src, dst, count)` | where one of both is a pipe |
#
# Each returns how many bytes it has moved. That may be fewer than you asked for, and at the end of a file it is 0.
# None of them likes a target that was opened for appending.
#
# ## Predict
# `cut_by_hand` makes some 700 system calls for ten spans of 150 KB each. How many times fewer can it be?

# %% role="predict" grade_id="copy_in_kernel_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `cut(source, target, spans)` and `store(upload, target)` leave the same bytes in the target, and none of them
# comes into your own memory. In `store`, take what arrives from `arrivals(upload)`, as `store_by_hand` does, and
# empty the pipe each time: that is your only way to those bytes.
#
# <details><summary>Hint 1</summary>
#
# Which of the three calls fits which function? Look at what stands at both ends.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Keep both loops of `cut_by_hand`, and let one call take the place of the read and of the write. Ask for all that
# is left of the span. What it returns plays the part of `len(block)`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# A span may reach beyond the end of the recording. Then the call returns 0, now and forever: leave the loop. In
# `store` that cannot happen: `count` bytes are waiting, so `count -= os.splice(pipe, stored, count)` until nothing
# is left.
#
# </details>


# %% role="answer" grade_id="copy_in_kernel_answer"
def cut(source, target, spans):
    """Write the spans of a recording to the target, one behind the other; no byte comes into user space.

    Parameters
    ----------
    source, target : path
    spans : ndarray of int64, shape (n, 2)
        Start and length in bytes. What would lie beyond the end of the recording is left out.
    """
    ### BEGIN SOLUTION
    recording = os.open(source, os.O_RDONLY)
    part = os.open(target, os.O_WRONLY)
    for start, left in spans.tolist():
        while left > 0:
            moved = os.copy_file_range(recording, part, left, offset_src=start)
            if moved == 0:
                break
            start += moved
            left -= moved
    os.close(recording)
    os.close(part)
    ### END SOLUTION


def store(upload, target):
    """Write all that arrives to the target; no byte comes into user space.

    Parameters
    ----------
    upload : path
        Of `arrivals`.
    target : path
    """
    ### BEGIN SOLUTION
    stored = os.open(target, os.O_WRONLY)
    for pipe, waiting in arrivals(upload):
        while waiting:
            waiting -= os.splice(pipe, stored, waiting)
    os.close(stored)
    ### END SOLUTION


# %% [markdown]
# ### Is the cut correct?
# The files are compared byte by byte: no span, one, many; empty ones; spans that overlap; spans that reach beyond
# the end.

# %% role="tests" grade_id="copy_in_kernel_cut" points=1 hints=[2, 3]
cuts = [lambda rng, n=n: make_cut(rng, n, 100_000, 20_000) for n in (0, 1, 5)]
cuts += [
    lambda rng: (
        check.file(rng.bytes(10_000)),
        check.file(),
        np.array([[9_000, 5_000], [0, 100]]),
    )
]
### BEGIN HIDDEN TESTS
cuts += [lambda rng: make_cut(rng, 30, 50_000, 40_000)]
cuts += [
    lambda rng: (
        check.file(rng.bytes(5_000)),
        check.file(),
        np.array([[0, 5_000], [5_000, 10], [7_000, 1]]),
    )
]
cuts += [
    lambda rng: (check.file(), check.file(), np.array([[0, 0], [0, 1], [3, 0]]))
]
cuts += [
    lambda rng: (
        check.file(rng.bytes(3_000)),
        check.file(b"older bytes"),
        np.array([[1, 2], [2_000, 5]]),
    )
]
### END HIDDEN TESTS
check.correct(cut, against=cut_by_hand, on=cuts, returns=1, points=1)

# %% [markdown]
# ### Is what was stored correct?

# %% role="tests" grade_id="copy_in_kernel_store" points=1 hints=[3, 3]
uploads = [lambda rng, n=n: make_upload(rng, n) for n in (0, 1, 100_000)]
### BEGIN HIDDEN TESTS
uploads += [
    lambda rng, n=n: make_upload(rng, n)
    for n in (4_095, 65_536, 65_537, 300_001)
]
### END HIDDEN TESTS
check.correct(store, against=store_by_hand, on=uploads, returns=1, points=1)

# %% [markdown]
# ### How many calls does a cut make?
# All system calls, counted from outside, against those of `cut_by_hand`.

# %% role="tests" grade_id="copy_in_kernel_calls" points=1 hints=[1, 2]
check.counts(
    cut, "syscalls", than=cut_by_hand, on=make_cut, zero=4, full=36, points=1
)

# %% [markdown]
# ### How many bytes does a cut carry?
# Larger blocks save trips, too. But what is read or written, by whichever call, still comes into your memory or
# leaves it. So does what is mapped: a mapping counts with all its bytes.

# %% role="tests" grade_id="copy_in_kernel_carried" points=3 hints=[1, 2]
check.counts(
    cut, "carried_bytes", on=make_cut, zero=100_000, full=1_000, points=3
)

# %% [markdown]
# ### How many bytes does an upload carry?
# The same for a million bytes that are stored.

# %% role="tests" grade_id="copy_in_kernel_bytes" points=3
check.counts(
    store, "carried_bytes", on=make_upload, zero=100_000, full=1_000, points=3
)

# %% [markdown]
# ## Before and after
# One recording of 8 MB, copied with blocks of many sizes and by the kernel. What do you save beside blocks of
# 4 KiB, and what beside large ones?

# %% role="show" grade_id="copy_in_kernel_show"
import tempfile
import time

from perflab import figures

SIZE = 8 << 20


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


SIZES = [1 << k for k in range(10, 24)]
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
    xlabel="bytes of a block",
    ylabel="ms for 8 MB",
    ylim=(0, None),
)
ax.set_title("The kernel's copy, and yours")
ax.legend()
ax.grid(True)
figures.show(
    fig,
    f"Time to copy 8 MB against the size of the block: {milliseconds[0]:.1f} ms with {SIZES[0]} bytes, "
    f"{min(milliseconds):.1f} ms at best. In the kernel: {in_kernel:.1f} ms.",
)
check.predicted(guess, "copy_in_kernel_calls")

# %% [markdown]
# Beside small blocks the kernel is clearly faster, beside large ones it hardly is: a copy within one file
# system still copies each byte once, unless the file system can share blocks between files. What you always save
# is your own memory and your own caches, which keep what you need.
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
# ### END MARK SCHEME
