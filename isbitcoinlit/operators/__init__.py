"""Who runs the service, and how they prove it."""
