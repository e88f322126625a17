"""The Python API: train, resume, load a run, translate, evaluate, align."""
