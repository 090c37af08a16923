"""Broken twins of system/copy_in_kernel: answer source, and the points each tests cell may give (exact, or a range)."""

CUT, STORE = "copy_in_kernel_cut", "copy_in_kernel_store"
CALLS, CARRIED, BYTES = "copy_in_kernel_calls", "copy_in_kernel_carried", "copy_in_kernel_bytes"


def points(cut, store, calls, carried, stored):
    return {CUT: cut, STORE: store, CALLS: calls, CARRIED: carried, BYTES: stored}


CUT_BY_BLOCKS = """
def cut(source, target, spans):
    inside, outside = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY)
    for start, length in spans.tolist():
        while length > 0:
            block = os.pread(inside, min(length, SIZE), start)
            if not block:
                break
            os.write(outside, block)
            start += len(block)
            length -= len(block)
    os.close(inside)
    os.close(outside)
"""
STORE_BY_BLOCKS = """
def store(upload, target):
    outside = os.open(target, os.O_WRONLY)
    for pipe, count in arrivals(upload):
        while count:
            count -= os.write(outside, os.read(pipe, min(count, SIZE)))
    os.close(outside)
"""
CUT_BY_SENDFILE = """
def cut(source, target, spans):
    inside, outside = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY)
    for start, length in spans.tolist():
        while length > 0 and (count := os.sendfile(outside, inside, start, length)):
            start, length = start + count, length - count
    os.close(inside)
    os.close(outside)
"""
STORE_BY_SPLICE = """
def store(upload, target):
    outside = os.open(target, os.O_WRONLY)
    for pipe, count in arrivals(upload):
        while count:
            count -= os.splice(pipe, outside, count)
    os.close(outside)
"""

MUTANTS = {
    "naive": (
        CUT_BY_BLOCKS.replace("SIZE", "4096") + STORE_BY_BLOCKS.replace("SIZE", "4096"),
        points(1, 1, 0, 0, 0),
    ),
    # Believes that one call moves all, and that there is always enough: the end of a file comes as a surprise.
    "wrong_but_fast": (
        """
def cut(source, target, spans):
    inside, outside = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY)
    for start, length in spans.tolist():
        os.lseek(outside, os.copy_file_range(inside, outside, length, start, 0), 0)
    os.close(inside)
    os.close(outside)

def store(upload, target):
    outside = os.open(target, os.O_WRONLY)
    for pipe, count in arrivals(upload):
        os.splice(pipe, outside, min(count, 30_000))
        if count > 30_000:
            os.read(pipe, count)
    os.close(outside)
""",
        points(0, 0, 0, 0, 0),
    ),
    # Larger blocks: fewer trips, and each byte still comes into user space and leaves it.
    "wrong_lever": (
        CUT_BY_BLOCKS.replace("SIZE", "1 << 20") + STORE_BY_BLOCKS.replace("SIZE", "1 << 20"),
        points(1, 1, (0.5, 1), 0, 0),
    ),
    "blocks_of_16_k": (
        CUT_BY_BLOCKS.replace("SIZE", "1 << 14") + STORE_BY_SPLICE,
        points(1, 1, (0, 0.5), 0, 3),
    ),
    # A mapping: no call reads, but all is written out of memory.
    "mapped": (
        """
import mmap

def cut(source, target, spans):
    size = os.path.getsize(source)
    with open(source, "rb") as inside, open(target, "r+b", buffering=0) as outside:
        if size:
            with mmap.mmap(inside.fileno(), size, access=mmap.ACCESS_READ) as everything:
                for start, length in spans.tolist():
                    outside.write(everything[start : start + length])
"""
        + STORE_BY_BLOCKS.replace("SIZE", "4096"),
        points(1, 1, (0.5, 1), 0, 0),
    ),
    # All by sendfile, where splice was asked for; it takes no pipe.
    "only_sendfile": (
        CUT_BY_SENDFILE
        + STORE_BY_SPLICE.replace("os.splice(pipe, outside, count)", "os.sendfile(outside, pipe, 0, count)"),
        points(1, 0, 1, 3, 0),
    ),
    # Remembers the first bytes of what it copied last.
    "memo": (
        """
remembered = {}

def cut(source, target, spans):
    key = spans.tobytes()
    if key not in remembered:
        with open(source, "rb") as inside:
            content = inside.read()
        remembered[key] = b"".join(content[start : start + length] for start, length in spans.tolist())
    with open(target, "r+b") as outside:
        outside.write(remembered[key])
"""
        + STORE_BY_BLOCKS.replace("SIZE", "65536"),
        points((0, 1), 1, (0, 1), 0, 0),
    ),
    # One vectored read and one vectored write: the fewest calls there can be, and each byte carried twice.
    "vectored": (
        """
def cut(source, target, spans):
    content = bytearray(os.path.getsize(source))
    inside, outside = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY)
    if content:
        os.preadv(inside, [content], 0)
    parts = [content[start : start + length] for start, length in spans.tolist()]
    if any(parts):
        os.pwritev(outside, parts, 0)
    os.close(inside)
    os.close(outside)

def store(upload, target):
    outside, place = os.open(target, os.O_WRONLY), 0
    for pipe, count in arrivals(upload):
        block = bytearray(count)
        os.readv(pipe, [block])
        os.pwritev(outside, [block], place)
        place += count
    os.close(outside)
""",
        points(1, 1, 1, 0, 0),
    ),
    # Both files are mapped: not one call carries a byte, and all of them are copied by hand.
    "both_mapped": (
        """
import mmap

def cut(source, target, spans):
    with open(source, "rb") as inside, open(target, "r+b", buffering=0) as outside:
        size = os.path.getsize(source)
        old = np.memmap(source, np.uint8, "r") if size else np.empty(0, np.uint8)
        part = b"".join(bytes(old[start : start + length]) for start, length in spans.tolist())
        if part:
            outside.truncate(max(len(part), os.path.getsize(target)))
            with mmap.mmap(outside.fileno(), len(part)) as new:
                new[:] = part

def store(upload, target):
    with open(target, "r+b", buffering=0) as stored:
        place = 0
        for pipe, count in arrivals(upload):
            stored.truncate(place + count)
            with mmap.mmap(stored.fileno(), place + count) as new:
                os.readv(pipe, [memoryview(new)[place : place + count]])
            place += count
""",
        points(1, 1, (0.5, 1), 0, 0),
    ),
}
