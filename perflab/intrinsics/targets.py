"""The processors whose instructions are known here."""

import platform

ARCHITECTURES = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "arm64", "arm64": "arm64"}


def require(machine: str | None = None) -> None:
    """Raise ImportError unless this machine's processor is one of those known.

    Parameters
    ----------
    machine : str, optional
        As `platform.machine` says it, which is asked by default.
    """
    machine = platform.machine() if machine is None else machine
    if machine.lower() not in ARCHITECTURES:
        known = ", ".join(dict.fromkeys(ARCHITECTURES.values()))
        raise ImportError(
            f"atomics, hints, simd and threads are written for {known}, and this machine is {machine or 'unknown'}"
        )


def architecture(triple: str) -> str:
    """Return "x86-64" or "arm64" for an LLVM target such as ``x86_64-unknown-linux-gnu``."""
    return ARCHITECTURES[triple.partition("-")[0].lower()]
