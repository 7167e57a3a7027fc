"""2 SERIES: readings become Redis time series."""
