"""What is claimed, measured side by side: `scripts/bench`."""
