"""A kernel for one check: it finds nothing of this machine's in its way, and no cell can hold it for ever."""

import asyncio
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

# Without these a kernel warns on every start that it talks over loopback, and writes a history to disk.
ARGUMENTS = ["--IPKernelApp.log_level=ERROR", "--HistoryManager.hist_file=:memory:"]
MOST_OUTPUT = 5 << 20  # characters of one cell; whoever prints in an endless loop fills no memory here
GRACE = 1.0  # seconds that a cell has to end after an interrupt
WITNESS = signal.SIGUSR1
# Of the caller's environment: what changes how Python, IPython and Numba behave.
OWN = re.compile(r"^(PYTHON|IPYTHON|IPYKERNEL|NUMBA|JUPYTER)")
# Run in the kernel, in a namespace of its own: where it is is written to a file when it crashes or is asked, even
# while compiled code runs. It ends with the process that started it. Numba asks IPython where to keep what it
# compiles of a cell, and finds an empty folder.
SETUP = """exec('''
import ctypes, faulthandler, sys
import IPython.paths
IPython.paths.get_ipython_cache_dir = lambda: {cache!r}
file = open({witness!r}, "a")
faulthandler.enable(file, all_threads=False)
faulthandler.register({number}, file, all_threads=False)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
''', {{}})"""


@dataclass(frozen=True)
class Place:
    """A line that was running.

    Attributes
    ----------
    file : str
        The name of the file without its folder; of a cell, `file_of`.
    line : int
        Counted from 1.
    function : str
    """

    file: str
    line: int
    function: str


@dataclass(frozen=True)
class Ending:
    """How a cell ended.

    Attributes
    ----------
    how : str
        "done", with or without an error; "late", if it was interrupted; "killed", if it went on after that; or
        "died", if the kernel ended by itself.
    stack : tuple of Place
        Where it was, innermost first; nothing if it is done.
    status : int
        The exit status of a kernel that died; negative for a signal.
    """

    how: str
    stack: tuple[Place, ...] = field(default=())
    status: int = 0


class Kernel:
    """A running kernel; see `start`."""

    def __init__(self, client: "_Client", witness: Path) -> None:
        self._client = client
        self._witness = witness

    async def run(self, cell: NotebookNode, limit: float | None) -> Ending:
        """Run a cell for at most `limit` seconds; its outputs are in it afterwards.

        A kernel that was killed, or died, runs nothing any more.
        """
        self._client.timeout_func = lambda _: limit  # its trait takes whole seconds only
        self._client.left = MOST_OUTPUT
        self._client.nb.cells = [cell]
        try:
            await self._client.async_execute_cell(cell, 0)
        except CellTimeoutError:
            stack = await self._where()
            return Ending("late" if await self._interrupted() else "killed", stack)
        except DeadKernelError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # Ctrl-C; nbclient takes every cancellation for a kernel that died.
                raise asyncio.CancelledError from None
            return Ending("died", self._read(), await self._status())
        return Ending("done")

    async def _where(self) -> tuple[Place, ...]:
        """Ask the kernel where it is."""
        os.kill(self._client.km.provisioner.pid, WITNESS)
        for _ in range(20):
            await asyncio.sleep(0.02)
            if stack := self._read():
                return stack
        return ()

    def _read(self) -> tuple[Place, ...]:
        found = re.findall(r'^  File "(.*)", line (\d+) in (.*)$', self._witness.read_text(), re.MULTILINE)
        os.truncate(self._witness, 0)
        return tuple(Place(Path(file).name, int(line), function) for file, line, function in found)

    async def _interrupted(self) -> bool:
        """Interrupt the cell; if it does not end, end the kernel and return False."""
        await self._client.km.interrupt_kernel()
        asked = self._client.kc.kernel_info()
        try:
            await asyncio.wait_for(self._client.async_wait_for_reply(asked), GRACE)
        except (TimeoutError, DeadKernelError):
            await self.end()
            return False
        return True

    async def end(self) -> None:
        """End the kernel and all processes that its cells have started."""
        group = self._client.km.provisioner.pgid if self._client.km.provisioner else None
        if await self._client.km.is_alive():
            await self._client.km.shutdown_kernel(now=True)
        if group and group != os.getpgrp():
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    async def _status(self) -> int:
        status = await self._client.km.provisioner.poll()
        return 0 if status is None else status


class _Client(NotebookClient):
    """nbclient's, which takes no more output of a cell than fits."""

    left: int

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str, cell_index: int) -> Any:
        """Keep an output, or drop it where the cell has had its share."""
        self.left -= len(str(msg["content"]))
        return super().output(outs, msg, display_id, cell_index) if self.left >= 0 else None


@asynccontextmanager
async def start(environment: Mapping[str, str] | None = None) -> AsyncIterator[Kernel]:
    """Start a kernel in an empty folder, with no start-up files, no history and an empty cache of compiled code.

    Parameters
    ----------
    environment : mapping of str, optional
        What is added to the environment.
    """
    # The course's own Python, whatever kernels are installed for this user.
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
    )
    client = _Client(
        new_notebook(),
        km=manager,
        allow_errors=True,
        skip_cells_with_tag="",
        extra_arguments=ARGUMENTS,
        iopub_timeout=60,  # on a busy machine outputs come late
        startup_timeout=120,
    )
    client.log.disabled = True  # what goes wrong is said in our own words
    with tempfile.TemporaryDirectory(prefix="perflab-check-", ignore_cleanup_errors=True) as folder:
        places = {name: Path(folder, name) for name in ("cwd", "ipython", "numba")}
        for place in places.values():
            place.mkdir()
        inherited = {name: value for name, value in os.environ.items() if not OWN.match(name)}
        own = {"IPYTHONDIR": str(places["ipython"]), "NUMBA_CACHE_DIR": str(places["numba"])}
        witness = Path(folder, "witness")
        witness.touch()
        kernel = Kernel(client, witness)
        # What a cell says comes as messages; what the C library says of a crash is nothing for a learner.
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            await client.async_start_new_kernel(
                cwd=str(places["cwd"]), env={**inherited, **own, **(environment or {})}, **silent
            )
            await client.async_start_new_kernel_client()
            client.kc.execute(
                SETUP.format(cache=str(places["numba"]), witness=str(witness), number=int(WITNESS)), silent=True
            )
            yield kernel
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            await kernel.end()
            await ensure_async(manager.cleanup_resources())


def file_of(source: str) -> str:
    """Return the name of the file that stands for a cell in a kernel's stack."""
    from ipykernel.compiler import get_file_name  # a kernel's own rule; it takes its time

    return Path(get_file_name(source)).name
