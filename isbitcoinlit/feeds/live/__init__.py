"""The feed `live`: a price from exchanges, a mood from news headlines."""
