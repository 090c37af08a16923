"""The interface of a sandbox: a place for one submission's code, stopped unless the judge waits for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from perflab.check.files import File

Shell = Literal["notebook", "plain"]  # how it runs cells; see perflab.guest.shells


class SandboxError(Exception):
    """The machinery failed, not the student: worth another try."""


class NoSandboxError(Exception):
    """There is no sandbox on this machine; the text says how to get one. Trying again does not help."""


class DiedError(Exception):
    """What runs in the sandbox ended, was killed, or broke the protocol; the text says so to its author."""


class Sandbox(Protocol):
    """A running sandbox.

    Attributes
    ----------
    in_force : dict
        Which limits hold, and by what.
    alive : bool
        Whether it can be asked: not after it died, nor after it was closed.
    last : dict
        The answer that it gave last, as the very object that `ask` returned.
    """

    in_force: dict[str, str]
    alive: bool
    last: dict[str, Any]

    def ready(self) -> None:
        """Wait until it has started; several can start side by side.

        Raises
        ------
        SandboxError
            If it does not start.
        """

    def ask(
        self, message: dict[str, Any], oracle: Callable[[dict], dict] | None = None
    ) -> tuple[dict[str, Any], float, float]:
        """Send a message and wait for the answer; it runs in between only.

        Parameters
        ----------
        message : dict
        oracle : callable, optional
            Answers what the code in the sandbox asks meanwhile.

        Returns
        -------
        answer : dict
        cpu, wall : float
            Seconds that passed in the sandbox.

        Raises
        ------
        DiedError
            If no answer came.
        """

    def count(self, message: dict[str, Any], metric: str) -> tuple[dict[str, Any], float]:
        """Ask, and count from outside what it does meanwhile: see `perflab.judge.outside`, or "syscalls[:NAME]".

        Raises
        ------
        DiedError
            If no answer came.
        UncountedError
            If there is no such count.
        """

    def write(self, arrays: list[tuple[int, np.ndarray]], size: int) -> None:
        """Write arrays into the memory for arguments; the offset of each, in bytes, and how much it is in all."""

    def read(self, outbox: bool, offset: int, into: memoryview) -> None:
        """Fill bytes from the memory for results, or from that for arguments."""

    def put(self, file: File) -> Path:
        """Make a file, or a pipe, in the sandbox's folder on a disk; return where it lies here.

        Raises
        ------
        SandboxError
            If the system lets so many bytes wait in no pipe.
        """

    def inside(self, path: Path) -> str:
        """Return where a file of that folder lies for what runs in the sandbox."""

    def processes(self) -> list[int]:
        """Return the stopped processes of the sandbox."""

    def pin(self, cores: set[int]) -> None:
        """Keep all that runs in it to some cores."""

    def close(self) -> None:
        """Kill everything in it and forget it."""


Start = Callable[[Shell, tuple[str, ...]], Sandbox]
"""``start(shell, forbids)`` returns a sandbox that lacks some modules of perflab; wait until it is ready."""
