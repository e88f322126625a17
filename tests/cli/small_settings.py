"""Settings with which training takes a second."""

SMALL = (
    "training.max_updates=6",
    "training.batch_tokens=200",
    "training.threads=1",
    "training.precision=fp32",
    "training.device=cpu",
    "model.embed_size=16",
    "model.hidden_size=16",
    "tokenizer.size=310",
    "tokenizer.joint=true",
    "model.tie=all",
    "decoding.max_length=0.1",
)


def overrides(*settings: str) -> list[str]:
    return [part for setting in (*SMALL, *settings) for part in ("--set", setting)]
