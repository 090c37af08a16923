"""Broken twins of system/batch_syscalls: answer source, and the points each tests cell may give (exact, or a range)."""

CORRECT, PRICE = "batch_syscalls_correct", "batch_syscalls_price"


def points(correct, price):
    return {CORRECT: correct, PRICE: price}


GROUPED = """
def fetch(file, rows):
    records = np.empty((rows.size, RECORD), np.uint8)
    if rows.size == 0:
        return records
    order = np.argsort(rows)
    wanted = rows[order]
    starts = [0] + [k for k in range(1, rows.size) if wanted[k] - wanted[k - 1] > GAP] + [rows.size]
    table = os.open(file, os.O_RDONLY)
    for k in range(len(starts) - 1):
        here = slice(starts[k], starts[k + 1])
        low, high = int(wanted[here][0]), int(wanted[here][-1]) + 1
        data = os.pread(table, (high - low) * RECORD, low * RECORD)
        picked = np.frombuffer(data, np.uint8).reshape(-1, RECORD)[wanted[here] - low]
        records[order[here]] = picked
    os.close(table)
    return records
"""
NONE = """    if rows.size == 0:
        return records
"""
IN_BLOCKS = GROUPED.replace("wanted[k] - wanted[k - 1] > GAP", "wanted[k] // BLOCK > wanted[k - 1] // BLOCK")
# Python's own buffer of some KiB, read again for each row that does not lie in it.
BUFFERED = """
def fetch(file, rows):
    records = np.empty((rows.size, RECORD), np.uint8)
    with open(file, "rb") as table:
        for i in ORDER:
            table.seek(int(rows[i]) * RECORD)
            records[i] = np.frombuffer(table.read(RECORD), np.uint8)
    return records
"""

MUTANTS = {
    "naive": (
        """
def fetch(file, rows):
    records = np.empty((len(rows), RECORD), np.uint8)
    table = os.open(file, os.O_RDONLY)
    for i, row in enumerate(rows):
        os.lseek(table, int(row) * RECORD, os.SEEK_SET)
        records[i] = np.frombuffer(os.read(table, RECORD), np.uint8)
    os.close(table)
    return records
""",
        points(2, 0),
    ),
    "delegated": ("\ndef fetch(file, rows):\n    return fetch_each(file, rows)\n", points(2, 0)),
    # Returns them in the order of the file.
    "wrong_but_fast": (GROUPED.replace("GAP", "50").replace("order[here]", "here"), points(0, 0)),
    # Few calls, and the whole file with them: a hundred times the bytes, copied for nothing.
    "whole_file": (
        """
def fetch(file, rows):
    with open(file, "rb", buffering=0) as table:
        everything = np.frombuffer(table.readall(), np.uint8)
    return everything.reshape(-1, RECORD)[rows]
""",
        points(2, 0),
    ),
    # Saves Python's time, and no call.
    "wrong_lever": (
        """
def fetch(file, rows):
    table = os.open(file, os.O_RDONLY)
    seek, read = os.lseek, os.read
    parts = [read(table, RECORD) for row in (rows * RECORD).tolist() if seek(table, row, 0) >= 0]
    os.close(table)
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, RECORD).copy()
""",
        points(2, 0),
    ),
    # Merges only rows that touch, or that nearly do.
    "no_gaps": (GROUPED.replace("GAP", "1"), points(2, 0)),
    "small_gaps": (GROUPED.replace("GAP", "2"), points(2, 0)),
    # The lever half done: neighbors come together, with a limit that nobody has computed.
    "near": (GROUPED.replace("GAP", "4"), points(2, 1)),
    "too_near": (GROUPED.replace("GAP", "16"), points(2, (1, 3.5))),
    "too_far": (GROUPED.replace("GAP", "160"), points(2, (1, 3.5))),
    "much_too_far": (GROUPED.replace("GAP", "256"), points(2, (1, 3.5))),
    # The right groups, and two calls for each: more than a better call for groups that are too small.
    "two_calls_a_group": (
        GROUPED.replace("GAP", "64").replace(
            "data = os.pread(table, (high - low) * RECORD, low * RECORD)",
            "os.lseek(table, low * RECORD, 0)\n        data = os.read(table, (high - low) * RECORD)",
        ),
        points(2, (1.5, 3.5)),
    ),
    # Blocks of a fixed size in place of gaps: neighbors on both sides of a border come apart.
    "blocks_of_a_page": (IN_BLOCKS.replace("BLOCK", "64"), points(2, (1, 3.5))),
    "blocks_of_a_thousand": (IN_BLOCKS.replace("BLOCK", "1000"), points(2, (0.5, 2))),
    # Never stops to merge: nearly the whole file comes.
    "all_gaps": (GROUPED.replace("GAP", "60_000"), points(2, 0)),
    "large_gaps": (GROUPED.replace("GAP", "900"), points(2, 0)),
    # Any limit near the break-even will do: the price is flat there.
    "break_even": (GROUPED.replace("GAP", "64"), points(2, 5)),
    "half_the_break_even": (GROUPED.replace("GAP", "40"), points(2, 5)),
    "more_than_the_break_even": (GROUPED.replace("GAP", "96"), points(2, 5)),
    # Forgets that nobody may be asked for.
    "none_asked_for": (GROUPED.replace(NONE, "").replace("GAP", "64"), points(0, 0)),
    # Remembers what it returned for as many rows of the same beginning.
    "memo": (
        """
seen = {}

def fetch(file, rows):
    key = rows[:2].tobytes()
    if key not in seen:
        table = os.open(file, os.O_RDONLY)
        parts = []
        for row in rows:
            os.lseek(table, int(row) * RECORD, os.SEEK_SET)
            parts.append(os.read(table, RECORD))
        os.close(table)
        seen[key] = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, RECORD).copy()
    return seen[key]
""",
        points((0, 2), 0),
    ),
    # A call of another name for each row, and none to say where: half of the calls.
    "vectored": (
        """
def fetch(file, rows):
    records = np.empty((rows.size, RECORD), np.uint8)
    table = os.open(file, os.O_RDONLY)
    for i, row in enumerate(rows.tolist()):
        os.preadv(table, [records[i]], row * RECORD)
    os.close(table)
    return records
""",
        points(2, (0, 0.5)),
    ),
    # Sorted, the buffer of a library does the merging, and reads more than it needs; unsorted it does not.
    "buffered": (BUFFERED.replace("ORDER", "range(rows.size)"), points(2, 0)),
    "buffered_in_order": (BUFFERED.replace("ORDER", "np.argsort(rows)"), points(2, (0, 3.5))),
    # Few calls, and all of the file is there for a hundredth of it.
    "mapped": (
        """
import mmap

def fetch(file, rows):
    with open(file, "rb") as table, mmap.mmap(table.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        return np.frombuffer(bytes(pages), np.uint8).reshape(-1, RECORD)[rows]
""",
        points(2, 0),
    ),
    "memmap": (
        """
def fetch(file, rows):
    return np.array(np.memmap(file, np.uint8, "r").reshape(-1, RECORD)[rows])
""",
        points(2, 0),
    ),
    # Mapped before anybody counts, and filled by the kernel: no call brings a byte.
    "kept_mapping": (
        """
import mmap, tempfile

kept = tempfile.TemporaryFile(buffering=0)
kept.truncate(60_000 * RECORD)
pages = mmap.mmap(kept.fileno(), 60_000 * RECORD)

def fetch(file, rows):
    table = os.open(file, os.O_RDONLY)
    size, done = os.fstat(table).st_size, 0
    kept.seek(0)
    while done < size:
        done += os.sendfile(kept.fileno(), table, done, size - done)
    os.close(table)
    return np.frombuffer(pages, np.uint8).reshape(-1, RECORD)[rows]
""",
        points(2, 0),
    ),
    # Hands the slow code to a thread that was there before.
    "kept_pool": (
        """
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)

def fetch(file, rows):
    return pool.submit(fetch_each, file, rows).result()
""",
        points(2, 0),
    ),
}
