"""Broken twins of io/buffered_writer: answer source, and the points each tests cell may give (exact, or a range)."""

CORRECT, CALLS, SPEED = "buffered_writer_correct", "buffered_writer_calls", "buffered_writer_speed"


def points(correct, calls, speed):
    return {CORRECT: correct, CALLS: calls, SPEED: speed}


MUTANTS = {
    "naive": (
        """
def log_buffered(file, records):
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    for record in records:
        os.write(log, record)
    os.close(log)
""",
        points(3, 0, 0),
    ),
    # Forgets what is left in the buffer at the end.
    "wrong_but_fast": (
        """
def log_buffered(file, records):
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    rows = BUFFER // RECORD
    for first in range(0, len(records) - rows + 1, rows):
        os.write(log, records[first:first + rows])
    os.close(log)
""",
        points(0, 0, 0),
    ),
    # Saves Python's own time, not trips.
    "wrong_lever": (
        """
def log_buffered(file, records):
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    write = os.write
    any(write(log, record) < 0 for record in records)
    os.close(log)
""",
        points(3, 0, 0),
    ),
    # Remembers what it wrote last time, and writes nothing if the records look the same.
    "memo": (
        """
seen = set()

def log_buffered(file, records):
    key = (len(records), records[:1].tobytes())
    if key in seen:
        return
    seen.add(key)
    with open(file, "ab", buffering=0) as log:
        for record in records:
            log.write(record)
""",
        {CORRECT: (0, 3), CALLS: 0, SPEED: 0},
    ),
    # Puts all records together before it writes: as few trips, and no bound on what is lost.
    "one_write": (
        """
def log_buffered(file, records):
    with open(file, "ab", buffering=0) as log:
        text = records.tobytes()
        while text:
            text = text[log.write(text):]
""",
        points(3, 3, (0, 2)),
    ),
    "vector": (
        """
def log_buffered(file, records):
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    for first in range(0, len(records), 900):
        os.writev(log, list(records[first:first + 900]))
    os.close(log)
""",
        points(3, (2, 3), (0, 1.5)),
    ),
    # As large as Python makes a buffer that is not asked for, until 3.14 made it sixteen times as large.
    "pythons_own_buffer": (
        """
def log_buffered(file, records):
    with open(file, "ab", buffering=8192) as log:
        for record in records:
            log.write(record)
""",
        points(3, (1.5, 2.5), (0, 1.5)),
    ),
    "four_records": (
        """
def log_buffered(file, records):
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    for first in range(0, len(records), 4):
        os.write(log, records[first:first + 4])
    os.close(log)
""",
        points(3, (0, 0.5), (0, 1.5)),
    ),
}
