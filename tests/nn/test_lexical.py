"""The lexical reading against the equations of Nguyen & Chiang (2018), written out in NumPy."""

import numpy as np
import torch
from torch import Tensor, nn

from s2s.nn.embedding import OutputLayer
from s2s.nn.lexical import LexicalReading, NoLexicon, TiedLexicalReading

ROWS, STEPS, HOPS, SRC, EMBED, VOCAB = 3, 4, 2, 5, 6, 7


def lexicon_of() -> LexicalReading:
    lexicon = LexicalReading(embed_size=EMBED, vocab_size=VOCAB).double()
    nn.init.normal_(lexicon.output.bias)
    return lexicon


def weights_of() -> Tensor:
    return torch.softmax(torch.randn(ROWS, STEPS, HOPS, SRC, dtype=torch.double), dim=-1)


def embedded_source() -> Tensor:
    return torch.randn(ROWS, SRC, EMBED, dtype=torch.double)


def output_of() -> OutputLayer:
    output = OutputLayer(weight=nn.Parameter(torch.randn(VOCAB, EMBED, dtype=torch.double)))
    nn.init.normal_(output.double().bias)
    return output


def readouts_of() -> Tensor:
    return torch.randn(ROWS, STEPS, EMBED, dtype=torch.double)


def test_a_lexical_reading_is_its_equations() -> None:
    """f_i = tanh(sum_j alpha_ij e_j);  l_i = tanh(W f_i) + f_i;  W_l l_i + b_l, with the weights of the last hop."""
    lexicon, weights, embedded = lexicon_of(), weights_of(), embedded_source()
    output, readouts = output_of(), readouts_of()
    logits = output(readouts).detach()
    found = lexicon.speak(output, readouts, lexicon.read(weights, lexicon.remember(embedded)))
    w, w_l, b_l = (p.detach().numpy() for p in (lexicon.hidden.weight, lexicon.output.weight, lexicon.output.bias))
    for row in range(ROWS):
        for step in range(STEPS):
            alpha, e = weights[row, step, -1].numpy(), embedded[row].numpy()
            f = np.tanh(sum(alpha[j] * e[j] for j in range(SRC)))
            expected = logits[row, step].numpy() + w_l @ (np.tanh(w @ f) + f) + b_l
            np.testing.assert_allclose(found[row, step].detach(), expected, atol=1e-12)


def test_a_tied_one_is_one_whose_own_output_is_the_output_layer() -> None:
    """W_l = W_o and b_l = 0, in values and gradients."""
    own, tied, output = lexicon_of(), TiedLexicalReading(embed_size=EMBED).double(), output_of()
    tied.hidden.weight.data = own.hidden.weight.data.clone()
    own.output.weight, own.output.bias.data = output.weight, torch.zeros(VOCAB, dtype=torch.double)
    readouts, read = readouts_of(), torch.randn(ROWS, STEPS, EMBED, dtype=torch.double)
    found, expected = (lexicon.speak(output, readouts, read) for lexicon in (tied, own))
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    pull = torch.randn_like(found)
    gradients, others = (
        torch.autograd.grad((said * pull).sum(), (output.weight, lexicon.hidden.weight))
        for said, lexicon in ((found, tied), (expected, own))
    )
    for gradient, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-12, rtol=0)


def test_words_without_weight_say_nothing() -> None:
    """So that padding, whose weight is exactly 0, does not, whatever stands in it."""
    lexicon, weights, embedded = lexicon_of(), weights_of(), embedded_source()
    weights[..., -2:] = 0.0
    littered = embedded.clone()
    littered[:, -2:] = 1e6
    read = lexicon.read(weights, lexicon.remember(embedded))
    assert torch.equal(read, lexicon.read(weights, lexicon.remember(littered)))


def test_gradients_equal_finite_differences() -> None:
    """By weights, words and every parameter: attention is taught by what its words say, too."""
    lexicon, output = lexicon_of(), output_of()
    inputs = (weights_of().requires_grad_(), embedded_source().requires_grad_())

    def said(weights: Tensor, embedded: Tensor, *parameters: Tensor) -> Tensor:
        read = lexicon.read(weights, lexicon.remember(embedded))
        return lexicon.speak(output, read.new_zeros(ROWS, STEPS, EMBED), read)

    assert torch.autograd.gradcheck(said, (*inputs, *lexicon.parameters()))


def test_states_alone_add_nothing_and_remember_nothing() -> None:
    lexicon, weights, embedded = NoLexicon(), weights_of(), embedded_source()
    words = lexicon.remember(embedded)
    assert words.shape == (ROWS, SRC, 0)
    read = lexicon.read(weights, words)
    assert read.shape == (ROWS, STEPS, 0)
    output, readouts = output_of(), readouts_of()
    assert torch.equal(lexicon.speak(output, readouts, read), output(readouts))
    assert not list(lexicon.parameters())


def test_logits_under_bf16_autocast_are_near_the_full_ones() -> None:
    lexicon, weights, embedded = lexicon_of().float(), weights_of().float(), embedded_source().float()
    output, readouts = output_of().float(), readouts_of().float()
    expected = lexicon.speak(output, readouts, lexicon.read(weights, lexicon.remember(embedded)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = lexicon.speak(output, readouts, lexicon.read(weights, lexicon.remember(embedded)))
    torch.testing.assert_close(found.float(), expected, atol=0.1, rtol=0)
