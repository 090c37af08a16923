"""No stale machine code: the sources of the primitives become a part of the key of Numba's caches.

A function with ``cache=True`` is compiled again when its own file changes, but Numba does not see that what was
compiled into it came from elsewhere. Its machine code holds our instructions, not calls of them; so where the
primitives are imported, machine code is looked up by what their sources say, too.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

from numba.core.caching import Cache

PACKAGE = Path(__file__).parents[1]
ROOMS = ("intrinsics", "atomics", "hints", "threads", "simd")


def digest(package: Path = PACKAGE) -> str:
    """Return a hash of the sources, names and contents, of the rooms whose code is compiled into others'."""
    found = sha256()
    for room in ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            found.update(str(path.relative_to(package)).encode() + b"\0" + sha256(path.read_bytes()).digest())
    return found.hexdigest()


def sign_caches() -> None:
    """Let every cached function of this process have the hash in its key.

    There is no official way in: `Cache._index_key` is where Numba collects what machine code depends on. All
    functions get the hash, whether they use a primitive or not: nobody could tell for one that calls another
    that calls a third. Code compiled where no primitive was imported keeps its own key, so nothing is lost.
    """
    original, now = Cache._index_key, digest()

    def key(self: Cache, sig: Any, codegen: Any) -> tuple:
        return (*original(self, sig, codegen), now)

    Cache._index_key = key
