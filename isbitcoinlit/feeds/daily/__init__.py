"""Companions of the live feed: series of one value a day, never part of the snapshot."""
