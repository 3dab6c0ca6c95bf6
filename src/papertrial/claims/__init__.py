"""Decide whether reported numbers hold: pure functions over scores; numpy and scipy only."""
