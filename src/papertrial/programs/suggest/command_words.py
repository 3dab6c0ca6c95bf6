"""The words of a command, into which placeholders are filled."""

from __future__ import annotations

import re
from collections.abc import Sequence

from papertrial.programs.suggest.options import ScriptOption

_ASSIGNED = re.compile(r"\+{0,2}(?P<key>[A-Za-z_][\w.]*)=(?P<value>.*)")  # Hydra and make: "seed=1"


class Words:
    """The words of a command.

    Args:
        words: as a README has them, or the script alone.
        options: those of the script.
    """

    def __init__(self, words: Sequence[str], options: Sequence[ScriptOption]) -> None:
        self.words = list(words)
        self._options = [one for one in options if one.takes_value]

    def option(self, names: Sequence[str]) -> ScriptOption | None:
        """Return the first option with one of the names, in their order."""
        by_key = {option.key: option for option in reversed(self._options)}
        return next((by_key[name] for name in names if name in by_key), None)

    def fill(self, names: Sequence[str], value: str) -> bool:
        """Set the first option, or word "key=value", of one of the names; say if there is one."""
        option = self.option(names)
        if option is None:
            place = self._assigned(names)
            if place is not None:
                key = self.words[place].partition("=")[0]
                self.words[place] = f"{key}={value}"
            return place is not None
        for at, word in enumerate(self.words):
            if word.startswith(f"{option.flag}="):
                self.words[at] = f"{option.flag}={value}"
                return True
            if word == option.flag and at + 1 < len(self.words):
                self.words[at + 1] = value
                return True
        self.words += [option.flag, value]
        return True

    def fill_length(self, names: Sequence[str]) -> dict[str, str]:
        """Make the first number of epochs or steps with one of the names a parameter; return it."""
        option, place = self.option(names), self._assigned(names)
        if option is not None:
            key, value = option.key, self.value(option) or option.default
        elif place is not None and (found := _ASSIGNED.fullmatch(self.words[place])):
            key, value = found["key"].rpartition(".")[2].lower(), found["value"]
        else:
            return {}
        if value is None:
            return {}
        self.fill((key,), f"{{{key}}}")
        return {key: value}

    def fill_place(self, at: int, value: str) -> bool:
        """Set a word, or append it as the next one; return whether that is possible."""
        if at > len(self.words):
            return False
        self.words[at : at + 1] = [value]
        return True

    def value(self, option: ScriptOption) -> str | None:
        """Return the value that the command has for an option."""
        for at, word in enumerate(self.words):
            if word.startswith(f"{option.flag}="):
                return word.partition("=")[2]
            if word == option.flag and at + 1 < len(self.words):
                return self.words[at + 1]
        return None

    def missing(self) -> tuple[str, ...]:
        """Return the flags that the script needs and the command lacks."""
        return tuple(
            option.flag
            for option in self._options
            if option.required and self.value(option) is None
        )

    def _assigned(self, names: Sequence[str]) -> int | None:
        """Return the place of the first word such as "model.seed=1" with one of the names."""
        for at, word in enumerate(self.words):
            match = _ASSIGNED.fullmatch(word)
            if match and match["key"].rpartition(".")[2].lower() in names:
                return at
        return None
