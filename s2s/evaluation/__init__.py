"""Scores: BLEU and its kin, and alignments against gold links."""
