"""3 SNAPSHOT: series become the one answer."""
