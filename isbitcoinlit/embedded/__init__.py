"""The embedded Redis Stack: found, started, joined and stopped."""
