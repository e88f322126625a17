"""Search: what a model, seen as a table of probabilities, would say."""
