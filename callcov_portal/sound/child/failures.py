"""How the work in the child ends when there is nothing to hear."""

from typing import NoReturn


class Failure(Exception):
    """Ends the work with a code (`not_audio`, `too_long`) and a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def refuse(sentence: str) -> NoReturn:
    """Nothing in this file can be heard."""
    raise Failure("not_audio", sentence)


def clock(seconds: float) -> str:
    """A length in words people use: `3 min 20 s`."""
    whole = round(seconds)
    parts = [(whole // 3600, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"
