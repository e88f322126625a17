"""Gates and gradients of a run: numbers of the ordinary pass, named by the tokens of the sentence."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import PAIRS, Finished, Told, small

from s2s.data.batches import EncodedPair, collate
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS, SPACE
from s2s.errors import S2SError, UsageError
from s2s.workflow.gates import choose_cells, describe_tokens, gate_panels, record_gates
from s2s.workflow.reach import measure_reach
from s2s.workflow.training import train
from s2s.workflow.translation import Run, load_run

PAIR = Pair(*PAIRS[3])


@pytest.fixture(scope="module")
def gru(finished: Finished) -> Run:
    """The default: both directions, a conditional decoder."""
    return load_run(finished.path, device="cpu", threads=1)


@pytest.fixture(scope="module")
def lstm(corpus: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two layers that read forward only, and whole words as pieces."""
    model = {"cell": "lstm", "num_layers": 2, "bidirectional": False, "attend": "last"}
    config = small({"data": corpus, "model": model, "tokenizer": {"kind": "word"}, "training": {"max_updates": 1}})
    path = tmp_path_factory.mktemp("runs") / "lstm"
    train(config, path, Told())
    return load_run(path, device="cpu", threads=1)


def chosen(run: Run, part: str = "encoder", layer: int = 1, direction: str | None = None) -> list:  # type: ignore[type-arg]
    return choose_cells(run, part=part, layer=layer, direction=direction)


def test_the_cells_of_a_layer_are_chosen_by_part_and_direction(gru: Run, lstm: Run) -> None:
    assert [cell.which for cell in chosen(gru)] == ["forward", "backward"]
    assert [cell.which for cell in chosen(gru, direction="backward")] == ["backward"]
    assert [cell.which for cell in chosen(gru, "decoder")] == ["first", "second"]
    assert [cell.which for cell in chosen(lstm, "decoder", 2)] == [""]


@pytest.mark.parametrize(
    ("part", "layer", "direction", "message"),
    [
        ("encoder", 3, None, r"--layer: the encoder of .*lstm has 2 layers, and none with the number 3\n  Layers are"),
        ("decoder", 0, None, r"--layer: the decoder of .*lstm has 2 layers, and none with the number 0"),
        ("encoder", 1, "backward", r"--direction: the encoder of .*lstm does not read backward\n.*bidirectional=true"),
        (
            "decoder",
            1,
            "forward",
            r"--direction: a decoder writes in one direction only\n  It belongs to --part encoder",
        ),
    ],
)
def test_cells_that_are_not_there(lstm: Run, part: str, layer: int, direction: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen(lstm, part, layer, direction)


def test_recorded_states_of_the_encoder_are_those_that_attention_reads(gru: Run) -> None:
    records = record_gates(gru, PAIR, chosen(gru))
    batch = collate([EncodedPair((*gru.tokenizers.src.encode(PAIR.src), EOS), ())])
    with torch.inference_mode():
        [states] = gru.model.encoder(batch.src, batch.src_mask).states
    found = np.concatenate([record.states["h"] for record in records], axis=1)
    np.testing.assert_allclose(found, states.numpy(), atol=1e-5)
    for record in records:
        assert list(record.gates) == ["r", "z", "n"]
        assert {len(values) for values in record.gates.values()} == {len(record.tokens)} == {len(states)}


def test_cell_state_and_gates_make_the_outer_state(lstm: Run) -> None:
    """h = o tanh(c), as the equations say."""
    for record in record_gates(lstm, PAIR, [*chosen(lstm), *chosen(lstm, "decoder", 2)]):
        made = record.gates["o"] * np.tanh(record.states["c"])
        np.testing.assert_allclose(record.states["h"], made, atol=1e-5)


def test_tokens_are_pieces_and_together_the_sentence(gru: Run, lstm: Run) -> None:
    [whole] = record_gates(lstm, PAIR, chosen(lstm))
    assert whole.tokens == (*PAIR.src.split(), "<end>")
    assert describe_tokens(whole) == "Columns: the pieces of the sentence, as they are read."
    [first, _] = record_gates(gru, PAIR, chosen(gru, "decoder"))
    assert first.tokens[-1] == "<end>"
    spelled = "".join(token.removeprefix("-") for token in first.tokens[:-1])
    assert spelled.replace(SPACE, "") == PAIR.trg.replace(" ", "")
    assert describe_tokens(first) == (
        "Columns: the pieces of the translation, as each step says them. A - goes on with a word."
    )


def test_a_piece_inside_a_word_is_marked_and_one_that_only_touches_it_is_not(gru: Run) -> None:
    [record, _] = record_gates(gru, Pair("redhouse.", ""), chosen(gru))
    *word, stop, end = [token for token in record.tokens if token != SPACE]
    assert (stop, end) == (".", "<end>")
    assert not word[0].startswith("-")
    assert all(piece.startswith("-") for piece in word[1:])


def test_an_empty_translation_is_one_step(gru: Run) -> None:
    assert [record.tokens for record in record_gates(gru, Pair("a man", ""), chosen(gru, "decoder"))] == [
        ("<end>",)
    ] * 2


@pytest.mark.parametrize("blank", ["", " ", "\t\u2028"])
def test_a_blank_sentence(gru: Run, blank: str) -> None:
    with pytest.raises(UsageError, match=r"SENTENCE: the sentence is blank: there is nothing to read\n  Give it some"):
        record_gates(gru, Pair(blank, ""), chosen(gru))
    with pytest.raises(UsageError, match="the sentence is blank"):
        measure_reach([gru], blank, layer=1, direction="forward")


def test_a_model_that_went_astray(gru: Run) -> None:
    model = copy.deepcopy(gru.model)
    with torch.no_grad():
        model.encoder.embedding.weight.fill_(torch.nan)
    astray = replace(gru, model=model)
    message = r"done: the model computes no numbers here .*\n  Train again with a lower training.learning_rate"
    with pytest.raises(S2SError, match=message):
        record_gates(astray, PAIR, chosen(astray))
    with pytest.raises(S2SError, match=message):
        measure_reach([astray], PAIR.src, layer=1, direction="forward")


def test_rows_are_gates_then_what_they_let_in_then_sizes(lstm: Run) -> None:
    records = record_gates(lstm, PAIR, chosen(lstm))
    [panel] = gate_panels(lstm, records, [])
    assert (panel.heading, panel.subheading) == ("encoder layer 1, forward", "mean of 16 units (lstm)")
    assert [row.name[-1] for row in panel.rows] == ["i", "f", "o", "g", "c", "h"]
    [record] = records
    for row in panel.rows[:4]:
        np.testing.assert_allclose(row.values, record.gates[row.name[-1]].mean(axis=1))
    for row in panel.rows[4:]:
        norms = np.linalg.norm(record.states[row.name[-1]], axis=1)
        np.testing.assert_allclose(row.values, norms / 16**0.5, rtol=1e-5)


def test_chosen_units_follow_the_mean_of_their_cell(gru: Run) -> None:
    records = record_gates(gru, PAIR, chosen(gru, "decoder"))
    panels = gate_panels(gru, records, [31, 0])
    assert [(panel.heading, panel.subheading) for panel in panels] == [
        ("decoder layer 1, first cell, before attention", "mean of 32 units (gru)"),
        ("", "unit 31"),
        ("", "unit 0"),
        ("decoder layer 1, second cell, after attention", "mean of 32 units (gru)"),
        ("", "unit 31"),
        ("", "unit 0"),
    ]
    unit = panels[4]
    assert [row.name[-1] for row in unit.rows] == ["r", "z", "n", "h"]
    np.testing.assert_array_equal(unit.rows[1].values, records[1].gates["z"][:, 31])
    np.testing.assert_array_equal(unit.rows[3].values, records[1].states["h"][:, 31])


@pytest.mark.parametrize("unit", [-1, 16])
def test_a_unit_that_is_not_there(lstm: Run, unit: int) -> None:
    records = record_gates(lstm, PAIR, chosen(lstm))
    message = rf"--units: there is no unit {unit}: the encoder layer 1, forward has 16 of them\n.* from 0 to 15"
    with pytest.raises(UsageError, match=message):
        gate_panels(lstm, records, [unit])


def test_runs_with_different_tokenizers_share_an_axis_of_words(gru: Run, lstm: Run) -> None:
    reach = measure_reach([gru, lstm], "a man sees xyzzy.", layer=1, direction="forward")
    assert reach.words == ("a", "man", "sees", "xyzzy", ".", "<end>")
    pieces, words = reach.curves
    assert (pieces.name, words.name) == ("gru", "lstm")
    np.testing.assert_array_equal(words.positions, [0, 1, 2, 3, 5])  # "xyzzy." is one piece there
    for curve in reach.curves:
        assert len(curve.positions) == len(curve.norms)
        assert (np.diff(curve.positions) > 0).all()
        assert curve.norms[-1] == pytest.approx(1.0)
    inside = pieces.positions[(pieces.positions > 2.5) & (pieces.positions < 3.5)]
    assert len(inside) > 1
    assert inside.mean() == pytest.approx(3.0)


def test_a_backward_reader_starts_at_the_end(gru: Run) -> None:
    [curve] = measure_reach([gru], PAIR.src, layer=1, direction="backward").curves
    assert curve.norms[0] == pytest.approx(1.0)


def test_runs_of_one_cell_are_told_apart(gru: Run, lstm: Run, tmp_path: Path) -> None:
    names = [curve.name for curve in measure_reach([gru, lstm, gru], "a man", layer=1, direction="forward").curves]
    assert names == [f"gru ({gru.directory.path})", "lstm", f"gru ({gru.directory.path})"]


def test_every_run_has_to_have_the_layer(gru: Run, lstm: Run) -> None:
    with pytest.raises(UsageError, match=r"the encoder of .*done has 1 layer, and none with the number 2"):
        measure_reach([lstm, gru], "a man", layer=2, direction="forward")
