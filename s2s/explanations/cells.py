"""The cells: `model.cell`, and `model.reset` of the GRU."""

from s2s.explanations.explanation import Explanation, Paper, Part, Weight

ELMAN = Paper("Elman", 1990, "Finding structure in time", "Cognitive Science 14")
LSTM = Paper("Hochreiter & Schmidhuber", 1997, "Long short-term memory", "Neural Computation 9")
FORGET = Paper(
    "Gers, Schmidhuber & Cummins", 2000, "Learning to forget: continual prediction with LSTM", "Neural Computation 12"
)
PEEPHOLE = Paper("Gers & Schmidhuber", 2000, "Recurrent nets that time and count", "IJCNN")
ODYSSEY = Paper(
    "Greff, Srivastava, Koutník, Steunebrink & Schmidhuber",
    2017,
    "LSTM: a search space odyssey",
    "IEEE Transactions on Neural Networks and Learning Systems 28",
)
CHO = Paper(
    "Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk & Bengio",
    2014,
    "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    "EMNLP",
)

ONE_CELL = "one cell"


def _cell_weights(blocks: str, of: str) -> tuple[Weight, ...]:
    """What every cell has: `blocks` times H rows."""
    return (
        Weight("W", f"{blocks}H × E", f"reads the input, for {of}"),
        Weight("U", f"{blocks}H × H", "reads the state before, for the same"),
        Weight("b", f"{blocks}H", "shifts each of them"),
    )


HIDDEN_BIAS = Weight("b_hn", "H", "stands inside the reset, so it cannot be one with b_n")

CELLS = (
    Explanation(
        setting="cell",
        value="rnn",
        title="Simple recurrent network",
        short="h_t = tanh(W x_t + U h_{t-1} + b)",
        equations=("h_t = tanh(W x_t + U h_{t-1} + b)",),
        parts=(
            Part("x_t", "the input at step t: an embedded word, or what the layer below says"),
            Part("h_{t-1}", "all that is left of the steps before"),
            Part("tanh", "keeps every number between -1 and 1, so that nothing explodes over hundreds of steps"),
        ),
        weights=_cell_weights("", "the new state"),
        counted=ONE_CELL,
        differs=(
            "It has no gates: each step overwrites the whole state, so what was read long ago fades, and so does "
            "the gradient that should tell the early steps what to keep. lstm and gru were made to mend that."
        ),
        papers=(ELMAN,),
    ),
    Explanation(
        setting="cell",
        value="lstm",
        title="Long short-term memory",
        short="c_t = f * c_{t-1} + i * g;  h_t = o * tanh(c_t)",
        equations=(
            "i = sigmoid(W_i x_t + U_i h_{t-1} + b_i)",
            "f = sigmoid(W_f x_t + U_f h_{t-1} + b_f)",
            "g = tanh(W_g x_t + U_g h_{t-1} + b_g)",
            "o = sigmoid(W_o x_t + U_o h_{t-1} + b_o)",
            "c_t = f * c_{t-1} + i * g",
            "h_t = o * tanh(c_t)",
        ),
        parts=(
            Part("f", "forget gate: how much of each number in the memory is kept, from 0 (erase) to 1 (keep)"),
            Part("g", "candidate: what could be written, read off the new input"),
            Part("i", "input gate: how much of the candidate is written, like a manager who filters proposals"),
            Part("c_t", "cell state: the memory; it is only scaled and added to, so that it lasts over many steps"),
            Part("o", "output gate: how much of the memory the outside sees now"),
            Part("h_t", "hidden state: what the other parts of the network are told"),
        ),
        weights=_cell_weights("4", "i, f, g and o"),
        counted=ONE_CELL,
        differs=(
            "Beside an rnn it has a second state c_t that no product with U rewrites, and three gates in front of "
            "it. Beside a gru it keeps memory and output apart, and forgets and writes independently. The forget "
            "gate's bias starts at 1: a fresh cell remembers."
        ),
        papers=(LSTM, FORGET),
    ),
    Explanation(
        setting="cell",
        value="peephole",
        title="LSTM with peepholes",
        short="f, i, o also see the cell state: + p_f * c_{t-1}, + p_i * c_{t-1}, + p_o * c_t",
        equations=(
            "i = sigmoid(W_i x_t + U_i h_{t-1} + p_i * c_{t-1} + b_i)",
            "f = sigmoid(W_f x_t + U_f h_{t-1} + p_f * c_{t-1} + b_f)",
            "g = tanh(W_g x_t + U_g h_{t-1} + b_g)",
            "c_t = f * c_{t-1} + i * g",
            "o = sigmoid(W_o x_t + U_o h_{t-1} + p_o * c_t + b_o)",
            "h_t = o * tanh(c_t)",
        ),
        parts=(
            Part("p_f, p_i", "peepholes: forget and input gate see the old memory itself, not only what o let out"),
            Part("p_o", "peephole of the output gate, which sees the memory just written, c_t"),
            Part("f, i, g, o", "as in an lstm: keep, write, what to write, show"),
        ),
        weights=(
            *_cell_weights("4", "i, f, g and o"),
            Weight("p", "3 × H", "p_i, p_f and p_o: a number for each number of the memory"),
        ),
        counted=ONE_CELL,
        differs=(
            "With p_i = p_f = p_o = 0 it is the lstm. An lstm whose output gate is shut cannot see its own memory; "
            "this one can, which helps to count and to time."
        ),
        papers=(PEEPHOLE,),
    ),
    Explanation(
        setting="cell",
        value="cifg",
        title="LSTM with coupled input and forget gates",
        short="c_t = f * c_{t-1} + (1 - f) * g;  h_t = o * tanh(c_t)",
        equations=(
            "f = sigmoid(W_f x_t + U_f h_{t-1} + b_f)",
            "g = tanh(W_g x_t + U_g h_{t-1} + b_g)",
            "o = sigmoid(W_o x_t + U_o h_{t-1} + b_o)",
            "c_t = f * c_{t-1} + (1 - f) * g",
            "h_t = o * tanh(c_t)",
        ),
        parts=(
            Part("f", "forget gate: how much of the old memory stays"),
            Part("1 - f", "takes the input gate's place: it forgets only where it writes, and writes only there"),
            Part("g, o", "as in an lstm: what to write, what to show"),
        ),
        weights=_cell_weights("3", "f, g and o"),
        counted=ONE_CELL,
        differs=(
            "It is an lstm with i = 1 - f, and so a quarter smaller. A gru couples the two in the same way, with z "
            "for f, and has no separate memory and no output gate besides."
        ),
        papers=(ODYSSEY, FORGET),
    ),
    Explanation(
        setting="cell",
        value="gru",
        title="Gated recurrent unit",
        short="h_t = (1 - z) * n + z * h_{t-1}",
        equations=(
            "r = sigmoid(W_r x_t + U_r h_{t-1} + b_r)",
            "z = sigmoid(W_z x_t + U_z h_{t-1} + b_z)",
            "n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b_hn))",
            "h_t = (1 - z) * n + z * h_{t-1}",
        ),
        parts=(
            Part("r", "reset gate: how much of the old state the candidate may see; 0 starts afresh"),
            Part("z", "update gate: how much of the old state stays; 1 - z of the candidate takes the rest"),
            Part("n", "candidate: what the new state could be"),
            Part("h_t", "the only state: memory and output in one"),
        ),
        weights=(*_cell_weights("3", "r, z and n"), HIDDEN_BIAS),
        counted=ONE_CELL,
        differs=(
            "It merges the lstm's forget and input gate into z, as cifg does, and the memory with the output, so it "
            "has three blocks of weights and not four. Some papers and the lesson's picture swap the names of z and "
            "1 - z. `reset` says whether r stands before or after the product with U_n."
        ),
        papers=(CHO,),
    ),
    Explanation(
        setting="reset",
        value="after",
        title="GRU that resets after the product",
        short="n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b_hn))",
        equations=("n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b_hn))",),
        parts=(Part("r", "lets through what U_n made of the old state, number by number"),),
        weights=(*_cell_weights("3", "r, z and n"), HIDDEN_BIAS),
        counted="one gru cell",
        differs=(
            "With reset = before the old state is reset first and then multiplied. Here one product U h_{t-1} serves "
            "all three gates, so it is the faster one: the form of cuDNN and of torch.nn.GRU."
        ),
        papers=(CHO,),
    ),
    Explanation(
        setting="reset",
        value="before",
        title="GRU that resets before the product",
        short="n = tanh(W_n x_t + b_n + U_n (r * h_{t-1}))",
        equations=("n = tanh(W_n x_t + b_n + U_n (r * h_{t-1}))",),
        parts=(Part("r", "lets through the old state itself, number by number, before U_n mixes them"),),
        weights=_cell_weights("3", "r, z and n"),
        counted="one gru cell",
        differs=(
            "As the lesson draws it. U_n must wait for r, so that a step takes two products, one after the other; in "
            "return no second bias is needed. It is ONNX's GRU with linear_before_reset = 0."
        ),
        papers=(CHO,),
    ),
)
"""Cells, from the simplest to the gated ones."""
