"""What a function becomes on arm64: compiled for it, on whatever machine this is, and read as assembly."""

import re

import llvmlite.binding
from numba.core import compiler
from numba.core.registry import cpu_target

TRIPLE = "aarch64-unknown-linux-gnu"
LSE = "+lse"  # one-instruction atomics, on all servers and on Apple's


def assembly(monkeypatch, function, *kinds, features=LSE):
    """Return the arm64 assembly of a Python function for some Numba types."""
    llvmlite.binding.initialize_all_targets()
    llvmlite.binding.initialize_all_asmprinters()
    monkeypatch.setattr("perflab.hints.waiting.architecture", lambda triple: "arm64")
    flags = compiler.Flags()
    flags.no_compile = True  # as far as LLVM's own language: this machine could not go on from there
    result = compiler.compile_extra(
        cpu_target.typing_context, cpu_target.target_context, function, kinds, None, flags, {}
    )
    text = re.sub(r"^target (triple|datalayout) = .*$", "", result.library.get_llvm_str(), flags=re.M)
    text = re.sub(r'"target-(cpu|features)"="[^"]*"', "", text)
    module = llvmlite.binding.parse_assembly(text)
    module.triple = TRIPLE
    machine = llvmlite.binding.Target.from_triple(TRIPLE).create_target_machine(features=features)
    return machine.emit_assembly(module)
