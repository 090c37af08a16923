"""Broken twins of system/copy_in_kernel: answer source, and the points each tests cell may give (exact, or a range)."""

STORE, CARRIED = "copy_in_kernel_store", "copy_in_kernel_carried"


def points(store, carried):
    return {STORE: store, CARRIED: carried}


BY_BLOCKS = """
def store(stream, sizes, target):
    pipe, stored = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    for waiting in sizes.tolist():
        place = int.from_bytes(os.read(pipe, HEADER), "little")
        left = waiting - HEADER
        while left:
            block = os.read(pipe, min(left, SIZE))
            os.pwrite(stored, block, place)
            place, left = place + len(block), left - len(block)
    os.close(pipe)
    os.close(stored)
"""
BY_SPLICE = """
def store(stream, sizes, target):
    pipe, stored = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    for waiting in sizes.tolist():
        place = int.from_bytes(os.read(pipe, HEADER), "little")
        left = waiting - HEADER
        while left:
            moved = os.splice(pipe, stored, left, offset_dst=place)
            place, left = place + moved, left - moved
    os.close(pipe)
    os.close(stored)
"""
# Reads much with the header, as a buffered file does, and lets the kernel move the rest.
PEEKING = """
def store(stream, sizes, target):
    pipe, stored = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    for waiting in sizes.tolist():
        seen = os.read(pipe, PEEK)
        place = int.from_bytes(seen[:HEADER], "little")
        os.pwrite(stored, seen[HEADER:], place)
        place, left = place + len(seen) - HEADER, waiting - len(seen)
        while left:
            moved = os.splice(pipe, stored, left, offset_dst=place)
            place, left = place + moved, left - moved
    os.close(pipe)
    os.close(stored)
"""
HALF = """        while left and place % 2:
            block = os.read(pipe, left)
            os.pwrite(stored, block, place)
            place, left = place + len(block), left - len(block)
        while left:"""

MUTANTS = {
    "naive": (BY_BLOCKS.replace("SIZE", "4096"), points(2, 0)),
    "delegated": (
        "\ndef store(stream, sizes, target):\n    store_by_hand(stream, sizes, target)\n",
        points(2, 0),
    ),
    # Lets the kernel move the headers too, and all in the order in which it came.
    "wrong_but_fast": (
        """
def store(stream, sizes, target):
    pipe, stored = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    for waiting in sizes.tolist():
        while waiting:
            waiting -= os.splice(pipe, stored, waiting)
    os.close(pipe)
    os.close(stored)
""",
        points(0, 0),
    ),
    # Larger blocks: fewer calls, and each byte still comes into user space and leaves it.
    "wrong_lever": (BY_BLOCKS.replace("SIZE", "1 << 20"), points(2, 0)),
    # Opened as one opens a file in Python, which cuts it off.
    "cut_off": (BY_SPLICE.replace("os.O_WRONLY", "os.O_WRONLY | os.O_TRUNC"), points(0, 0)),
    "in_order": (BY_SPLICE.replace(", offset_dst=place", ""), points(0, 0)),
    # Takes the call of the chapter, which takes no pipe.
    "from_file_to_file": (
        BY_SPLICE.replace("os.splice(pipe, stored, left, offset_dst=place)", "os.sendfile(stored, pipe, 0, left)"),
        points(0, 0),
    ),
    # The lever half done.
    "peeks": (PEEKING.replace("PEEK", "min(waiting, 4096)"), points(2, (2, 3.5))),
    "peeks_much": (PEEKING.replace("PEEK", "min(waiting, 8192)"), points(2, (1, 2.5))),
    # Half of the pieces pass in the kernel, the others are carried, as before.
    "every_other": (
        BY_SPLICE.replace("        while left:", HALF),
        points(2, (1, 3)),
    ),
    # Takes a buffer for whatever comes, and with it the beginning of the next message.
    "reads_on": (PEEKING.replace("PEEK", "4096"), points(0, 0)),
    # Buffered files read ahead: carried as by hand, and what was read ahead is carried, too.
    "buffered": (
        """
def store(stream, sizes, target):
    with open(stream, "rb") as pipe, open(target, "r+b") as stored:
        for size in sizes.tolist():
            stored.seek(int.from_bytes(pipe.read(HEADER), "little"))
            stored.write(pipe.read(size - HEADER))
""",
        points(2, 0),
    ),
    # The target is mapped: no call writes, and each byte comes all the same, and goes.
    "mapped": (
        """
import mmap

def store(stream, sizes, target):
    end = int(sizes.sum()) - HEADER * sizes.size
    with open(target, "r+b", buffering=0) as stored:
        old = os.path.getsize(target)
        stored.truncate(max(old, end))
        pages = mmap.mmap(stored.fileno(), 0) if max(old, end) else None
        pipe = os.open(stream, os.O_RDONLY | os.O_NONBLOCK)
        for waiting in sizes.tolist():
            place = int.from_bytes(os.read(pipe, HEADER), "little")
            if waiting > HEADER:
                os.readv(pipe, [memoryview(pages)[place : place + waiting - HEADER]])
        os.close(pipe)
        if pages:
            pages.close()
""",
        points(2, 0),
    ),
    # One vectored read and one vectored write a piece: the fewest calls there can be, and each byte carried twice.
    "vectored": (
        """
def store(stream, sizes, target):
    pipe, stored = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    for waiting in sizes.tolist():
        header, piece = bytearray(HEADER), bytearray(waiting - HEADER)
        os.readv(pipe, [header, piece])
        os.pwritev(stored, [piece], int.from_bytes(header, "little"))
    os.close(pipe)
    os.close(stored)
""",
        points(2, 0),
    ),
    # Takes the pipe for a file, as the chapter's copy in the kernel does: there is no way past it.
    "past_the_pipe": (
        """
def store(stream, sizes, target):
    sent, stored = os.open(stream, os.O_RDONLY), os.open(target, os.O_WRONLY)
    start = 0
    for size in sizes.tolist():
        place = int.from_bytes(os.pread(sent, HEADER, start), "little")
        done = HEADER
        while done < size:
            done += os.copy_file_range(sent, stored, size - done, start + done, place + done - HEADER)
        start += size
""",
        points(0, 0),
    ),
    # All of the pipe goes into a file in the kernel, and from there by the chapter's call: headers alone are carried.
    "by_a_file_between": (
        """
import tempfile

def store(stream, sizes, target):
    pipe, stored = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    with tempfile.TemporaryFile(buffering=0, dir=os.path.dirname(target)) as between:
        left, start = int(sizes.sum()), 0
        while left:
            left -= os.splice(pipe, between.fileno(), left)
        for size in sizes.tolist():
            place = int.from_bytes(os.pread(between.fileno(), HEADER, start), "little")
            done = HEADER
            while done < size:
                done += os.copy_file_range(
                    between.fileno(), stored, size - done, start + done, place + done - HEADER
                )
            start += size
    os.close(pipe)
    os.close(stored)
""",
        points(2, 5),
    ),
    # Remembers the pieces of a stream that was as long.
    "memo": (
        """
remembered = {}

def store(stream, sizes, target):
    key = sizes.tobytes()
    if key not in remembered:
        pipe = os.open(stream, os.O_RDONLY | os.O_NONBLOCK)
        remembered[key] = b"".join(os.read(pipe, size) for size in sizes.tolist())
        os.close(pipe)
    with open(target, "r+b") as stored:
        start = 0
        for size in sizes.tolist():
            message = remembered[key][start : start + size]
            stored.seek(int.from_bytes(message[:HEADER], "little"))
            stored.write(message[HEADER:])
            start += size
""",
        points((0, 2), 0),
    ),
    # Hands the slow code to a thread that was there before.
    "kept_pool": (
        """
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)

def store(stream, sizes, target):
    return pool.submit(store_by_hand, stream, sizes, target).result()
""",
        points(2, 0),
    ),
}
