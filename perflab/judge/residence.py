"""Where a student's code lives: a sandbox that is started anew when the code has ended it.

A check may end it some times. Cells may end it as often as they like: what a learner has tried out beside an
answer costs no points of that answer. Only such cells have a time for all of them together, so that an answer, and
the checks of it, have the rest.
"""

import base64
import time
from collections.abc import Callable

from perflab.judge.sandbox import DiedError, Sandbox

RESTARTS = 2  # after a call that has ended it
OWN = 120.0  # seconds for what a student has added, with the restarts that it brings
NOT_RUN = f"not run: the cells that were added to the notebook have taken {OWN:g} s"


class Residence:
    """A student's sandbox and what has run in it.

    Parameters
    ----------
    start : callable
        ``start()`` returns a fresh sandbox, not yet ready.
    """

    def __init__(self, start: Callable[[], Sandbox]) -> None:
        self._start = start
        self._cells: list[str] = []
        self._left = RESTARTS
        self._seconds = OWN
        self._by_cell = False  # what has ended the last one
        self._sandbox = start()
        self._cores: set[int] = set()

    @property
    def in_force(self) -> dict[str, str]:
        """Which limits hold, and by what."""
        return self._sandbox.in_force

    def ready(self) -> None:
        """Wait until the sandbox has started."""
        self._sandbox.ready()

    def tell(self, source: str, keep: bool = True, own: bool = False) -> dict:
        """Run a cell; return what the sandbox says of it. One that ends the process is not run again.

        Parameters
        ----------
        source : str
        keep : bool
            Whether a fresh sandbox has to run it too.
        own : bool
            Whether it is neither of the course nor an answer.
        """
        if own and self._seconds <= 0:
            return {"error": NOT_RUN}
        try:
            sandbox = self.now()
        except DiedError as error:
            return {"error": f"{error}"}
        begun = time.monotonic()
        try:
            answer, _, _ = sandbox.ask({"do": "cell", "source": source})
        except DiedError as error:
            self._by_cell = True
            return {"error": f"{error}"}
        finally:
            self._seconds -= time.monotonic() - begun if own else 0.0
        if keep:
            self._cells.append(source)
        return answer

    def now(self) -> Sandbox:
        """Return the living sandbox, a fresh one with the same cells if the last has died.

        Raises
        ------
        DiedError
            If calls have ended it too often.
        """
        if self._sandbox.alive:
            return self._sandbox
        begun = time.monotonic()
        if not self._by_cell:
            if not self._left:
                raise DiedError("its process has ended too often")
            self._left -= 1
        self._sandbox = self.twin()
        self.pin(self._cores)
        if self._by_cell:
            self._by_cell = False
            self._seconds -= time.monotonic() - begun
        return self._sandbox

    def twin(self, alone: bytes = b"") -> Sandbox:
        """Return a further sandbox in which the same cells have run; who asks for it closes it.

        Parameters
        ----------
        alone : bytes
            A filter of system calls in addition: see `perflab.judge.seccomp.alone`.

        Raises
        ------
        DiedError
            If the cells end it.
        """
        sandbox = self._start()
        sandbox.ready()
        if alone:
            # It is the student's only from its first cell on: until then it does as it is told.
            sandbox.ask({"do": "alone", "filter": base64.b64encode(alone).decode()})
        for source in self._cells:
            sandbox.ask({"do": "cell", "source": source})
        return sandbox

    def pin(self, cores: set[int]) -> None:
        """Keep all that runs in it to some cores, in a fresh sandbox too."""
        self._cores = cores
        if cores:
            self._sandbox.pin(cores)

    def close(self) -> None:
        """Kill everything and forget it."""
        self._sandbox.close()
