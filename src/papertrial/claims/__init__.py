"""Does a reported number hold? Pure functions over arrays of scores; numpy and scipy only."""
