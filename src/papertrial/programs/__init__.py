"""Run one seed of a program in isolation, and read its scores.

The program may be in any language. Nothing here knows a recipe: all arguments are plain. Linux and
macOS only.
"""
