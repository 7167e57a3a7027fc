"""1 FEED: the outside world becomes readings."""
