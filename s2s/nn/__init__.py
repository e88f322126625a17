"""Tensors to logits: cells, attention, encoder and decoder. Knows no configuration and no text."""
