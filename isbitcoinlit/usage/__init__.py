"""Who uses the service, and how it does."""
