"""Tokenizers for recipes, which `data.text.words` names.

This import path is stable; the module that defines the tokenizers may move.
"""

from papertrial.data.texts.word_splits import basic_english, characters, whitespace

__all__ = ["basic_english", "characters", "whitespace"]
