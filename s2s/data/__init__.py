"""Text to tensors: corpora, tokenizers and batches."""
