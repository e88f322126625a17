"""What stands around cells and attention: start state, directions, layers, embeddings."""

from s2s.explanations.explanation import Explanation, Paper, Part, Weight
from s2s.explanations.reading import BAHDANAU, SUTSKEVER

SCHUSTER = Paper("Schuster & Paliwal", 1997, "Bidirectional recurrent neural networks", "IEEE TSP 45")
HE = Paper("He, Zhang, Ren & Sun", 2016, "Deep residual learning for image recognition", "CVPR")
PRESS = Paper("Press & Wolf", 2017, "Using the output embedding to improve language models", "EACL")
SRIVASTAVA = Paper(
    "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov",
    2014,
    "Dropout: a simple way to prevent neural networks from overfitting",
    "JMLR 15",
)
GAL = Paper(
    "Gal & Ghahramani",
    2016,
    "A theoretically grounded application of dropout in recurrent neural networks",
    "NIPS",
)
SENNRICH = Paper("Sennrich & Zhang", 2019, "Revisiting low-resource neural machine translation: a case study", "ACL")

EMBEDDINGS = "embeddings and output layer"
LOGITS = "logits_i = W_o r_i + b_o"
SRC_EMBEDDING = Weight("E_src", "V × E", "a row for each source piece")
TRG_EMBEDDING = Weight("E_trg", "V × E", "a row for each target piece")
OUTPUT_BIAS = Weight("b_o", "V", "how frequent each piece is anyway")

STARTS = (
    Explanation(
        setting="start",
        value="bridge",
        title="A layer makes the start state",
        short="s_0 = tanh(W [h_last forward; h_first backward] + b)",
        equations=("s_0 = tanh(W [h_last forward; h_first backward] + b)",),
        parts=(
            Part("h_last, h_first", "the last state of each direction: each has read the whole sentence"),
            Part("W", "translates what the encoder ends with into what the decoder begins with"),
        ),
        weights=(Weight("W", "D × D", "reads the last states"), Weight("b", "D", "shifts the result")),
        counted="one layer and one tensor of its state (an lstm has two, h and c)",
        differs="last takes the encoder's states as they are, zero takes nothing.",
        papers=(BAHDANAU,),
    ),
    Explanation(
        setting="start",
        value="last",
        title="The encoder's last states as they are",
        short="s_0 = [h_last forward; h_first backward]",
        equations=("s_0 = [h_last forward; h_first backward]", "c_0 = 0 (of cells with a memory)"),
        parts=(Part("s_0", "where the encoder ends, the decoder goes on"),),
        weights=(),
        counted="the start state",
        differs="bridge puts a layer in between.",
        papers=(SUTSKEVER,),
    ),
    Explanation(
        setting="start",
        value="zero",
        title="The decoder starts at zero",
        short="s_0 = 0",
        equations=("s_0 = 0",),
        parts=(Part("s_0", "knows nothing: all that the decoder learns of the source, it learns by attention"),),
        weights=(),
        counted="the start state",
        differs="last and bridge tell the decoder beforehand what the sentence is about.",
        papers=(),
    ),
)

LAYERS = (
    Explanation(
        setting="bidirectional",
        value="true",
        title="The source is read in both directions",
        short="h_j = [h_j forward; h_j backward]",
        equations=(
            "h_j forward = cell(x_j, h_{j-1} forward)",
            "h_j backward = cell'(x_j, h_{j+1} backward)",
            "h_j = [h_j forward; h_j backward]",
        ),
        parts=(
            Part("forward", "knows what stands before piece j"),
            Part("backward", "knows what comes after it; the lesson's encoder has the forward one alone"),
        ),
        weights=(
            Weight("W", "3H × E", "of the backward cell, a gru"),
            Weight("U", "3H × H", "of the backward cell"),
            Weight("b", "3H", "of the backward cell"),
            Weight("b_hn", "H", "of the backward cell"),
        ),
        counted="the backward cell of a first layer of gru cells (the decoder grows to D = 2H, too)",
        differs="One direction: h_j knows nothing of the words after it.",
        papers=(SCHUSTER, BAHDANAU),
    ),
    Explanation(
        setting="bidirectional",
        value="false",
        title="The source is read from left to right",
        short="h_j = cell(x_j, h_{j-1})",
        equations=("h_j = cell(x_j, h_{j-1})",),
        parts=(Part("h_j", "the sentence up to piece j, with a strong focus on j: the lesson's encoder"),),
        weights=(),
        counted="the backward cell",
        differs="With both directions h_j knows what follows, too; here the decoder is as narrow as one direction.",
        papers=(SUTSKEVER,),
    ),
    Explanation(
        setting="num_layers",
        value="L",
        title="Stacked layers",
        short="layer l reads the states of layer l - 1",
        equations=("h^l_t = cell^l(h^{l-1}_t, h^l_{t-1})", "h^0_t = x_t"),
        parts=(Part("h^L", "the top layer's states: what attention reads, and in the decoder what asks and speaks"),),
        weights=(
            Weight("W_enc", "2 × 3H × D", "of the encoder's two directions"),
            Weight("U_enc", "2 × 3H × H", "of the encoder's two directions"),
            Weight("b_enc", "2 × 3H", "of the encoder's two directions"),
            Weight("b_hn", "2 × H", "of the encoder's two directions"),
            Weight("W_dec", "3D × D", "of the decoder"),
            Weight("U_dec", "3D × D", "of the decoder"),
            Weight("b_dec", "3D", "of the decoder"),
            Weight("b_hn", "D", "of the decoder"),
        ),
        counted="each gru layer above the first, without a bridge to it",
        differs="One layer reads words; each further one reads what the layer below made of them.",
        papers=(SUTSKEVER,),
    ),
    Explanation(
        setting="residual",
        value="true",
        title="Residual connections",
        short="what layer l hands up = h^l_t + what it read",
        equations=("up^l_t = h^l_t + up^{l-1}_t", "up^1_t = h^1_t"),
        parts=(Part("+", "a way round the layer for values and gradients, so that deep stacks can be trained"),),
        weights=(),
        counted="the connections",
        differs="Without it a layer hands up its states alone.",
        papers=(HE,),
    ),
    Explanation(
        setting="dropout",
        value="p",
        title="Dropout",
        short="in training, x becomes x * mask / (1 - p)",
        equations=("x' = x * mask / (1 - p), with mask = 0 for a share p of the numbers and 1 for the rest",),
        parts=(
            Part("mask", "drawn anew each time, in training alone: no unit can rely on another one to be there"),
            Part("1 - p", "keeps the mean, so that nothing needs to change when translating"),
        ),
        weights=(),
        counted="dropout",
        differs="It is laid on embeddings, on what a layer hands up and on readouts, never between h_{t-1} and h_t.",
        papers=(SRIVASTAVA,),
    ),
    Explanation(
        setting="word_dropout",
        value="p",
        title="Word dropout",
        short="in training, a whole embedding x_t becomes x_t * m_t / (1 - p)",
        equations=("x_t' = x_t * m_t / (1 - p), with m_t = 0 for a share p of the tokens and 1 for the rest",),
        parts=(
            Part("m_t", "one number for all of an embedding: now and then a token of either side is not there"),
            Part("1 - p", "keeps the mean, so that nothing needs to change when translating"),
        ),
        weights=(),
        counted="word dropout",
        differs="dropout takes single numbers of an embedding; this takes the token, so that its neighbours must do.",
        papers=(GAL, SENNRICH),
    ),
)

TYING = (
    Explanation(
        setting="tie",
        value="none",
        title="Three separate tables",
        short="source embedding, target embedding and output layer have weights of their own",
        equations=(LOGITS,),
        parts=(Part("W_o", "a row for each target piece; the larger its product with r_i, the likelier the piece"),),
        weights=(SRC_EMBEDDING, TRG_EMBEDDING, Weight("W_o", "V × H", "the output layer"), OUTPUT_BIAS),
        counted=EMBEDDINGS,
        differs="target and all let tables share their weights; here the readout may be as wide as it likes, H.",
        papers=(),
    ),
    Explanation(
        setting="tie",
        value="target",
        title="The output layer is the target embedding",
        short="W_o = E_trg",
        equations=(LOGITS, "W_o = E_trg"),
        parts=(Part("E_trg", "reads the piece said last, and speaks the next one: one vector for each piece"),),
        weights=(SRC_EMBEDDING, TRG_EMBEDDING, OUTPUT_BIAS),
        counted=EMBEDDINGS,
        differs="none has a second table; all shares it with the source as well.",
        papers=(PRESS,),
    ),
    Explanation(
        setting="tie",
        value="all",
        title="One table for everything",
        short="W_o = E_trg = E_src",
        equations=(LOGITS, "W_o = E_trg = E_src"),
        parts=(Part("E", "one vector for each piece of a joint vocabulary, for names and cognates in both languages"),),
        weights=(Weight("E", "V × E", "a row for each piece of both languages"), OUTPUT_BIAS),
        counted=EMBEDDINGS,
        differs="target keeps a table for the source; all needs tokenizer.joint = true.",
        papers=(PRESS,),
    ),
)
