"""Type stubs of arithmetic.pyx."""

INSTRUCTION_SETS: dict[str, int]

def use_instruction_set(name: str | None = None) -> str: ...
