"""A self-hosted time-series API for the price of Bitcoin and the mood about it."""

__version__ = "0.1.0"
