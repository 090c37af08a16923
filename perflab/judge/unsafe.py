"""No sandbox at all: the judge's protocol with a plain process. For code that you trust as your own."""

from perflab.judge import scratch
from perflab.judge.library import WORKER, boot, library
from perflab.judge.limits import Limits
from perflab.judge.process import ProcessSandbox
from perflab.judge.sandbox import Sandbox, Shell


def start(limits: Limits, shell: Shell, forbids: tuple[str, ...] = ()) -> Sandbox:
    """Start a process that can do all that you can do."""
    files = scratch.make()

    def command(*fds: int) -> tuple[list[str], tuple[int, ...]]:
        # Its temporary files go when it does.
        return ["env", f"TMPDIR={files}", *boot(str(library(forbids)), WORKER, *fds, shell)], fds

    in_force = {"sandbox": "none: unsafe"}
    return ProcessSandbox(limits, command, lambda process, *_: [process.pid], in_force, files)


def missing() -> None:
    """Say that nothing stands in the way."""
