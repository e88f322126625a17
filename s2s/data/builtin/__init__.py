"""The built-in corpus: an English-French grammar that makes a sentence in both languages and its alignment.

English determines French: each English sentence has one translation. A sentence's way through the files: words
and their forms (`lexicon`), which of them go together (`selection`), phrases and clauses in both languages
(`phrases`, `grammar`), what is drawn to say (`dice`, `drawing`, `sentences`), its text and links (`surface`),
and its place in a split (`corpus`).
"""

from s2s.data.builtin.corpus import LESSON_SENTENCES, generate, require_new_files, write
from s2s.data.builtin.surface import Example, pharaoh

__all__ = ["LESSON_SENTENCES", "Example", "generate", "pharaoh", "require_new_files", "write"]
