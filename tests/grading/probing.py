"""Programs that run in a sandbox and look round from inside."""

import inspect
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tempo import patience

from perflab.judge import bubblewrap
from perflab.judge.limits import Limits
from perflab.judge.process import ProcessSandbox
from perflab.judge.sandbox import Sandbox

# What serves the judge in a sandbox: a Python that started there, or a fork of one that came from outside.
WAYS = ("started", "forked") if os.geteuid() == 0 else ("started",)
way = [WAYS[0]]
LIMITS = Limits(memory=512 << 20, processes=24, file=8 << 20, call=patience(10), wall=patience(60))


def started(limits: Limits = LIMITS, forbids: tuple[str, ...] = ()) -> ProcessSandbox:
    with ExitStack() as stack:
        if way == ["forked"]:
            start = stack.enter_context(bubblewrap.kin(limits, forbids))
            sandbox = start("plain", forbids)
        else:
            sandbox = bubblewrap.start(limits, "plain", forbids)
        sandbox.ready()
        # What it is a fork of ends with it.
        rest, close = stack.pop_all(), sandbox.close
    sandbox.close = lambda: (close(), rest.close())
    return sandbox


def inside(sandbox: Sandbox, probe: Callable[..., Any], *args: Any) -> Any:
    """Run a function of a test file in a sandbox; it takes and returns what JSON can hold."""
    source = f"import json\n\n{inspect.getsource(probe)}\ndef run():\n"
    source += f"    return json.dumps({probe.__name__}(*json.loads({json.dumps(args)!r})))\n"
    answer, _, _ = sandbox.ask({"do": "cell", "source": source})
    assert answer.get("ok"), answer
    answer, _, _ = sandbox.ask({"do": "call", "name": "run", "args": ["tuple", []], "after": False})
    assert "result" in answer, answer
    return json.loads(answer["result"][1])


def nap(seconds):
    import time

    time.sleep(seconds)
    return True


def ordinary():
    """Do what exercises do: threads, processes, sockets between them, files, shared memory, mappings."""
    import mmap
    import multiprocessing
    import os
    import socket
    import tempfile
    from concurrent.futures import ThreadPoolExecutor
    from multiprocessing import shared_memory

    done = [sum(ThreadPoolExecutor(2).map(len, ["a", "bc"]))]
    lock, pipe = multiprocessing.Lock(), multiprocessing.SimpleQueue()
    with lock:
        child = multiprocessing.get_context("fork").Process(target=pipe.put, args=(4,))
        child.start()
        child.join()
    done.append(pipe.get())
    left, right = socket.socketpair()
    left.sendmsg([b"ab", b"c"])
    done.append(right.recv(3).decode())
    with tempfile.TemporaryFile() as file:
        file.write(bytes(1 << 16))
        file.flush()  # Python 3.14 holds back more than that
        os.fsync(file.fileno())
        with mmap.mmap(file.fileno(), 1 << 16) as mapping:
            done.append(len(mapping))
        done.append(os.pread(file.fileno(), 4, 0).hex())
    memory = shared_memory.SharedMemory(create=True, size=100)
    done.append(memory.size >= 100)
    memory.close()
    memory.unlink()
    return done


def start_counting():
    import os
    import time

    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        while True:
            with open("/tmp/beat", "a") as file:
                file.write(".")
            time.sleep(0.01)
    return True
