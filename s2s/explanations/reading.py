"""How the decoder reads the source: scores, who asks, hops, values."""

from s2s.explanations.cells import CHO
from s2s.explanations.explanation import Explanation, Paper, Part, Weight

BAHDANAU = Paper(
    "Bahdanau, Cho & Bengio", 2015, "Neural machine translation by jointly learning to align and translate", "ICLR"
)
LUONG = Paper(
    "Luong, Pham & Manning", 2015, "Effective approaches to attention-based neural machine translation", "EMNLP"
)
VASWANI = Paper(
    "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser & Polosukhin", 2017, "Attention is all you need", "NIPS"
)
SUTSKEVER = Paper("Sutskever, Vinyals & Le", 2014, "Sequence to sequence learning with neural networks", "NIPS")
FIRAT = Paper(
    "Firat & Cho", 2016, "Conditional gated recurrent unit with attention mechanism", "notes on the dl4mt tutorial"
)
NEMATUS = Paper("Sennrich et al.", 2017, "Nematus: a toolkit for neural machine translation", "EACL")
SUKHBAATAR = Paper("Sukhbaatar, Szlam, Weston & Fergus", 2015, "End-to-end memory networks", "NIPS")
MILLER = Paper(
    "Miller, Fisch, Dodge, Karimi, Bordes & Weston",
    2016,
    "Key-value memory networks for directly reading documents",
    "EMNLP",
)
NGUYEN = Paper("Nguyen & Chiang", 2018, "Improving lexical choice in neural machine translation", "NAACL")

THE_SCORE = "the score, shared by all steps and hops"
BESIDE_A_GRU = "what this order has beside one gru cell over E y_{i-1}, and attention"

WEIGHTS_AND_CONTEXT = ("α_ij = exp(e_ij) / (exp(e_i1) + ... + exp(e_in))", "c_i = α_i1 h_1 + ... + α_in h_n")
WEIGHT_PARTS = (
    Part("α_ij", "weights: the scores made positive and to sum to 1, by a softmax over j"),
    Part("c_i", "context: the source as step i sees it, mostly the h_j with large weights"),
)
READOUT = (
    Weight("W_r", "R × (2D + E)", "makes the readout of [s_i; c_i; E y_{i-1}]"),
    Weight("b_r", "R", "shifts it"),
)

SCORES = (
    Explanation(
        setting="attention",
        value="additive",
        title="Additive attention",
        short="e_ij = v · tanh(W q + U h_j + b)",
        equations=("e_ij = v · tanh(W q + U h_j + b)", *WEIGHTS_AND_CONTEXT),
        parts=(
            Part("q", "query: the decoder's state that asks (see `attend`)"),
            Part("h_j", "the encoder's state at source piece j, which knows its neighbours, too"),
            Part("e_ij", "score: how well h_j answers what step i asks; the lesson's fc over [q; h_j]"),
            Part("tanh", "lets the decoder have a say: were the layer linear, W q would cancel in the softmax"),
            *WEIGHT_PARTS,
        ),
        weights=(
            Weight("W", "D × D", "reads the query"),
            Weight("U", "D × D", "reads a source state"),
            Weight("b", "D", "shifts their sum"),
            Weight("v", "D", "turns it into one number"),
        ),
        counted=THE_SCORE,
        differs=(
            "A small network compares q and h_j, where dot and general multiply them. It copes with queries and "
            "states that mean different things, and costs a tanh for each pair of them."
        ),
        papers=(BAHDANAU,),
    ),
    Explanation(
        setting="attention",
        value="dot",
        title="Dot-product attention",
        short="e_ij = q · h_j",
        equations=("e_ij = q · h_j", *WEIGHTS_AND_CONTEXT),
        parts=(
            Part("e_ij", "score: large where query and source state point the same way"),
            *WEIGHT_PARTS,
        ),
        weights=(),
        counted=THE_SCORE,
        differs=(
            "It is general with W = 1: no parameters, so encoder and decoder must learn to speak one language. "
            "`scaled` divides it by the square root of its width."
        ),
        papers=(LUONG,),
    ),
    Explanation(
        setting="attention",
        value="general",
        title="General (bilinear) attention",
        short="e_ij = q · (W h_j)",
        equations=("e_ij = q · (W h_j)", *WEIGHTS_AND_CONTEXT),
        parts=(
            Part("W", "translates a source state into what queries look like; W h_j is made once for each sentence"),
            *WEIGHT_PARTS,
        ),
        weights=(Weight("W", "D × D", "reads a source state"),),
        counted=THE_SCORE,
        differs="It is dot with a matrix between the two sides; with W = 1 it is dot.",
        papers=(LUONG,),
    ),
    Explanation(
        setting="attention",
        value="none",
        title="No attention: one fixed vector",
        short="c_i = c = [h_last forward; h_first backward], the same at every step",
        equations=("c = [h_last forward; h_first backward]", "c_i = c"),
        parts=(
            Part("c", "the whole sentence in one vector: the bottleneck that attention was made to remove"),
            Part("e_ij, α_ij", "do not exist, so there is no alignment to show"),
        ),
        weights=(),
        counted="the attention",
        differs=(
            "Every attention makes a new c_i for each step; here long sentences must fit where short ones do. "
            "`context` says whether c is read at every step, or only starts the decoder."
        ),
        papers=(CHO, SUTSKEVER),
    ),
    Explanation(
        setting="scaled",
        value="true",
        title="Scaled dot-product attention",
        short="e_ij = q · h_j / sqrt(D)",
        equations=("e_ij = q · h_j / sqrt(D)",),
        parts=(Part("sqrt(D)", "products of wide vectors are large; divided by it, the softmax starts out soft"),),
        weights=(),
        counted=THE_SCORE,
        differs="It is dot, divided by a number that depends on the width alone.",
        papers=(VASWANI,),
    ),
)

ORDERS = (
    Explanation(
        setting="attend",
        value="first",
        title="The state before asks",
        short="q = s_{i-1};  s_i = cell([E y_{i-1}; c_i], s_{i-1})",
        equations=(
            "q = s_{i-1}",
            "s_i = cell([E y_{i-1}; c_i], s_{i-1})",
            "r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r)",
        ),
        parts=(
            Part("q", "the query is the state before the step: it does not know yet which piece was said last"),
            Part("s_i", "the new state, made of the last piece and of what was found"),
            Part("r_i", "readout: what the output layer sees"),
        ),
        weights=(Weight("W_c", "3D × D", "brings c_i into the cell's gates"), *READOUT),
        counted=BESIDE_A_GRU,
        differs=(
            "The lesson's order. With between the cell hears the last piece before it asks, with last it has made "
            "its whole step."
        ),
        papers=(BAHDANAU,),
    ),
    Explanation(
        setting="attend",
        value="between",
        title="The conditional cell: asks halfway",
        short="s'_i = cell1(E y_{i-1}, s_{i-1});  q = s'_i;  s_i = cell2(c_i, s'_i)",
        equations=(
            "s'_i = cell1(E y_{i-1}, s_{i-1})",
            "q = s'_i",
            "s_i = cell2(c_i, s'_i)",
            "r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r)",
        ),
        parts=(
            Part("s'_i", "a state halfway: it has heard the last piece, and asks"),
            Part("s_i", "the state after a second cell has read what was found"),
            Part("r_i", "readout: what the output layer sees"),
        ),
        weights=(
            Weight("W", "3D × D", "of cell2: reads c_i"),
            Weight("U", "3D × D", "of cell2: reads s'_i"),
            Weight("b", "3D", "of cell2"),
            Weight("b_hn", "D", "of cell2"),
            *READOUT,
        ),
        counted=BESIDE_A_GRU,
        differs="first has one cell that reads the last piece and c_i together, so its query knows one piece less.",
        papers=(FIRAT, NEMATUS),
    ),
    Explanation(
        setting="attend",
        value="last",
        title="The new state asks",
        short="s_i = cell([E y_{i-1}; feed_{i-1}], s_{i-1});  q = s_i;  feed_i = tanh(W_c [s_i; c_i] + b_c)",
        equations=(
            "s_i = cell([E y_{i-1}; feed_{i-1}], s_{i-1})",
            "q = s_i",
            "feed_i = tanh(W_c [s_i; c_i] + b_c)",
        ),
        parts=(
            Part("q", "the query is the state after the step"),
            Part("feed_i", "state and context made one: the output layer sees it, and, by `input_feeding`, step i + 1"),
        ),
        weights=(
            Weight("W_c", "R × 2D", "makes feed_i of [s_i; c_i]"),
            Weight("b_c", "R", "shifts it"),
        ),
        counted=BESIDE_A_GRU,
        differs="With first and between the context is a part of s_i; here it goes to the output and, as the feed, on.",
        papers=(LUONG,),
    ),
    Explanation(
        setting="input_feeding",
        value="true",
        title="Input feeding",
        short="s_i = cell([E y_{i-1}; feed_{i-1}], s_{i-1});  feed_0 = 0",
        equations=("s_i = cell([E y_{i-1}; feed_{i-1}], s_{i-1})", "feed_0 = 0"),
        parts=(Part("feed_{i-1}", "tells the step where the one before looked, so that nothing is said twice"),),
        weights=(Weight("W_f", "3D × R", "brings feed_{i-1} into the gates of a gru"),),
        counted="what the feed adds",
        differs="Without it, the decoder's states do not know what was read; it belongs to attend = last.",
        papers=(LUONG,),
    ),
    Explanation(
        setting="input_feeding",
        value="false",
        title="No input feeding",
        short="s_i = cell(E y_{i-1}, s_{i-1})",
        equations=("s_i = cell(E y_{i-1}, s_{i-1})",),
        parts=(Part("s_i", "waits for no reading: all steps of a known sentence run in one call, which is faster"),),
        weights=(),
        counted="what the feed adds",
        differs="With input feeding each step knows where the one before looked; it belongs to attend = last.",
        papers=(LUONG,),
    ),
)

MEMORY = (
    Explanation(
        setting="hops",
        value="K",
        title="Several reads in a step: a memory network",
        short="u^1 = q;  u^{k+1} = H u^k + R o^k;  c_i = o^K",
        equations=(
            "u^1 = q",
            "p^k_j = softmax_j(score(u^k, h_j))",
            "o^k = p^k_1 h_1 + ... + p^k_n h_n",
            "u^{k+1} = H u^k + R o^k",
            "c_i = o^K",
        ),
        parts=(
            Part("u^k", "the k-th question: the one before, changed by what it found"),
            Part("p^k", "the k-th weights; the last ones, p^K, are shown as the alignment"),
            Part("o^k", "what the k-th question found"),
        ),
        weights=(
            Weight("H", "D × D", "keeps the question; it starts as 1"),
            Weight("R", "D × D", "adds what was found"),
        ),
        counted="what hops beyond the first add, however many they are",
        differs=(
            "With K = 1 there is no H and no R, and it is attention as it is. All hops share the score, so a second "
            "look costs time and hardly any parameters."
        ),
        papers=(SUKHBAATAR,),
    ),
    Explanation(
        setting="values",
        value="states",
        title="Reads states",
        short="c_i = sum_j α_ij h_j",
        equations=("c_i = sum_j α_ij h_j",),
        parts=(Part("h_j", "serves twice: it is compared with the query, and it is what is read"),),
        weights=(),
        counted="the lexical reading",
        differs="lexical reads the source words beside the states.",
        papers=(BAHDANAU,),
    ),
    Explanation(
        setting="values",
        value="lexical",
        title="Reads states, and words for the output",
        short="f_i = tanh(sum_j α_ij e_j);  l_i = tanh(W f_i) + f_i;  logits += W_l l_i",
        equations=(
            "f_i = tanh(sum_j α_ij e_j)",
            "l_i = tanh(W f_i) + f_i",
            "logits_i = W_o r_i + b_o + W_l l_i",
            "W_l = W_o where the output layer is tied",
        ),
        parts=(
            Part("e_j", "the embedding of source piece j itself, without its neighbours (not the score e_ij)"),
            Part("f_i", "the words that the last hop looks at, mixed by its weights"),
            Part("W_l", "a dictionary: which target pieces the words looked at speak for"),
        ),
        weights=(Weight("W", "E × E", "turns words over"),),
        counted="the lexical reading",
        differs=(
            "A key-value memory: keys are the states, values the words. With states alone a rare word's identity "
            "must survive encoder and decoder; here it goes straight to the output. With tie = none W_l has weights "
            "and a bias of its own, V × E and V, as in the paper; shared, they learn about as fast for next to nothing."
        ),
        papers=(NGUYEN, MILLER),
    ),
    Explanation(
        setting="context",
        value="every_step",
        title="The fixed vector is read at every step",
        short="s_i = cell([E y_{i-1}; c], s_{i-1})",
        equations=("s_i = cell([E y_{i-1}; c], s_{i-1})", "r_i = tanh(W_r [s_i; c; E y_{i-1}] + b_r)"),
        parts=(Part("c", "the encoder's last state, at hand for each piece that is said"),),
        weights=(Weight("W_c", "3D × D", "brings c into the gates of a gru"), *READOUT),
        counted=BESIDE_A_GRU,
        differs="With start the decoder sees c once, and must carry it. Both belong to attention = none.",
        papers=(CHO,),
    ),
    Explanation(
        setting="context",
        value="start",
        title="The source is in the start state alone",
        short="s_i = cell(E y_{i-1}, s_{i-1});  the source is in s_0 alone",
        equations=("s_i = cell(E y_{i-1}, s_{i-1})", "r_i = tanh(W_r [s_i; E y_{i-1}] + b_r)"),
        parts=(Part("s_0", "all that the decoder ever learns of the source"),),
        weights=(
            Weight("W_r", "R × (D + E)", "makes the readout of [s_i; E y_{i-1}]"),
            Weight("b_r", "R", "shifts it"),
        ),
        counted=BESIDE_A_GRU,
        differs="every_step lets each step read c again. Both belong to attention = none.",
        papers=(SUTSKEVER,),
    ),
)
