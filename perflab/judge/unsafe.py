"""No sandbox at all: the judge's protocol with a plain process. For code that you trust as your own."""

from perflab.judge.library import boot, library
from perflab.judge.limits import Limits
from perflab.judge.process import ProcessSandbox
from perflab.judge.sandbox import Sandbox, Shell


def start(limits: Limits, shell: Shell, forbids: tuple[str, ...] = ()) -> Sandbox:
    """Start a process that can do all that you can do."""

    def command(*fds: int) -> tuple[list[str], tuple[int, ...]]:
        return boot(str(library(forbids)), fds, shell), ()

    return ProcessSandbox(limits, command, lambda process: process.pid, {"sandbox": "none: unsafe"})


def missing() -> None:
    """Say that nothing stands in the way."""
