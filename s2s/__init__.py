"""Recurrent sequence-to-sequence translation: two text files in; a translator, its BLEU and its pictures out."""

__version__ = "0.1.0"
