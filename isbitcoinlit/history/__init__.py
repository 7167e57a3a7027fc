"""What was, on one clock: rows, candles, readings, and what they say together."""
