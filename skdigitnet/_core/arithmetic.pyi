"""Types of what arithmetic.pyx has for Python."""

INSTRUCTION_SETS: dict[str, int]

def use_instruction_set(name: str | None = None) -> str: ...
