"""Readings as files: what was exported here or elsewhere, and what will be."""
