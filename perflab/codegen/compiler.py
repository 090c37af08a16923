"""Compile a Numba function for a fixed processor, in a process of its own.

So the code is the same on every machine, and neither the function nor its timings in this process change. This
file is also the program of that process.
"""

import json
import os
import subprocess
import sys
from functools import lru_cache
from typing import Any

from numba import cloudpickle, typeof, types
from numba.core import sigutils
from numba.core.dispatcher import Dispatcher

TARGET = "x86-64-v3"  # AVX2 and FMA: vector registers of 256 bits
SECONDS = 60.0  # until the compiler must be done
KEPT = 64  # compiled functions that are remembered


class CodegenError(RuntimeError):
    """A function that could not be compiled for inspection; the text says why."""


def inspectable(fn: Any) -> bool:
    """Tell whether `fn` is a function that Numba compiles when it is called, as @njit makes it."""
    return isinstance(fn, Dispatcher)


def compiled(fn: Dispatcher, args: tuple | str, seconds: float = SECONDS) -> dict[str, Any]:
    """Compile `fn` in a helper process; return its assembly and its intermediate code.

    Parameters
    ----------
    fn : Numba function
    args : tuple or str
        Example arguments, or Numba types, or a signature such as ``"f8(f8[:])"``.
    seconds : float
        When to give up.

    Returns
    -------
    dict
        "asm" and "ir", texts; "name" of the function in them; "signature".

    Raises
    ------
    TypeError
        If `fn` is no Numba function, or the arguments have no Numba type.
    CodegenError
        If it does not compile, or not in time.
    """
    if not inspectable(fn):
        kind = type(fn).__name__
        raise TypeError(f"fn: a function that Numba compiles, got a {kind}; decorate it with @njit")
    if fn.targetoptions.get("parallel"):
        raise CodegenError("fn: parallel=True splits a loop into functions of its own; inspect it without")
    signature = _signature(args)
    module = sys.modules.get(fn.py_func.__module__)
    by_value = module is not None and module.__name__ not in (
        "__main__",
        *cloudpickle.list_registry_pickle_by_value(),
    )
    if by_value:  # the helper must not run the module again
        cloudpickle.register_pickle_by_value(module)
    try:
        payload = cloudpickle.dumps((fn.py_func, dict(fn.targetoptions), signature, sys.path))
    except Exception as error:
        raise CodegenError(f"{fn.__name__}: what it refers to cannot be sent to the compiler: {error}") from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)
    return _in_helper(fn.__name__, payload, seconds)


def _signature(args: tuple | str) -> tuple[types.Type, ...]:
    if isinstance(args, str):
        try:
            return tuple(sigutils.normalize_signature(args)[0])
        except Exception as error:  # of any kind: Numba evaluates the text
            raise TypeError(f"args: no signature of Numba's, such as 'f8(f8[::1])': {args!r} ({error})") from error
    if not isinstance(args, tuple):
        raise TypeError(f"args: a tuple of arguments or types, got a {type(args).__name__}; write (x,) for one")
    try:
        return tuple(arg if isinstance(arg, types.Type) else typeof(arg) for arg in args)
    except ValueError as error:
        raise TypeError(f"args: {error}") from error


@lru_cache(KEPT)
def _in_helper(name: str, payload: bytes, seconds: float) -> dict[str, Any]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    environment |= {"NUMBA_CPU_NAME": TARGET, "NUMBA_CPU_FEATURES": ""}
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"from {__name__} import main; main()"],
            input=payload,
            capture_output=True,
            timeout=seconds,
            env=environment | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    except subprocess.TimeoutExpired as error:
        raise CodegenError(
            f"{name}: not compiled after {seconds:g} s; give it simpler types, or more time"
        ) from error
    try:
        found = json.loads(done.stdout)
    except ValueError as error:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise CodegenError(f"{name}: the compiler's process died (exit code {done.returncode}): {last}") from error
    if "error" in found:
        raise CodegenError(f"{name} does not compile: {found['error']}")
    return found


def main() -> None:
    """Compile what standard input brings, and print the result as JSON."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the function's own imports print
    import platform

    from numba import jit

    if platform.machine() not in ("x86_64", "AMD64"):
        json.dump({"error": f"only x86-64 is supported, and this is {platform.machine()}"}, answer)
        answer.close()
        return
    py_func, options, signature, path = cloudpickle.load(sys.stdin.buffer)
    sys.path[:] = path
    try:
        fn = jit(**options)(py_func)
        fn.compile(signature)
        (known,) = fn.signatures
        found = {
            "asm": fn.inspect_asm(known),
            "ir": fn.inspect_llvm(known),
            "name": fn.overloads[known].fndesc.llvm_func_name,
            "signature": f"({', '.join(map(str, signature))})",
        }
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        found = {"error": f"{type(error).__name__}: {' / '.join(lines[:4])}"}
    json.dump(found, answer)
    answer.close()
