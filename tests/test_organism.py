"""The whole organism: its sizes, and that nothing but a sequence decides what is said of it."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import forward, random_tokens, scrambled

from mlx_gsa.config import ModelConfig
from mlx_gsa.dna.alphabet import N, reverse_complement
from mlx_gsa.model import organism
from mlx_gsa.model.organism import SparseOrganism, compiled, forward_budget, silence, stem_kernel

ATTENTIONS = ("softmax", "mlp", "full", "window", "random", "first")
SMALL = {"window": 9, "n_global": 3}


def one_row(output, row, length):
    """What is said of one sequence, without padding."""
    used = np.array(output.mask[row])
    kept, gates, contribution = (np.array(x[row])[used] for x in (output.kept, output.gates, output.contribution))
    relevance = np.array(output.relevance[row])[:length]
    return [np.array(output.prediction[row]), np.array(output.local[row]), relevance, kept, gates, contribution]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5, rtol=1e-5)


def test_the_organs_have_the_specified_sizes():
    model = SparseOrganism(ModelConfig())
    assert model.embeddings.bases.shape == (4, 16) and model.embeddings.table().shape == (6, 16)
    shapes = [
        layer.weight.shape for organ in (model.selector, model.approximator) for layer in (organ.input, organ.output)
    ]
    assert shapes == [(8, 16), (1, 8), (8, 48), (1, 8)]


def test_the_parameters_are_few_and_counted():
    model = SparseOrganism(ModelConfig(filter_width=20))
    parts = {
        "embeddings": 4 * 16 + 16, "stem": 20 * 16 * 16 + 2 * 16, "selector": 16 * 8 + 8 + 8 + 1,
        "readout": 17, "gate": 2, "attention": 3 * (16 * 16 + 16) + 16, "approximator": 48 * 8 + 8 + 8 + 1, "bias": 1,
    }  # fmt: skip
    trainable = model.trainable_parameters()
    assert {name: sum(v.size for _, v in tree_flatten(tree)) for name, tree in trainable.items()} == parts
    assert model.n_parameters() == sum(parts.values()) < 50_000


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_every_attention_has_the_same_parameters(attention, n_outputs):
    def shapes(kind):
        parameters = SparseOrganism(ModelConfig(attention=kind, n_outputs=n_outputs)).parameters()
        return {name: value.shape for name, value in tree_flatten(parameters)}

    assert shapes(attention) == shapes("softmax")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_neither_padding_nor_batch_mates_change_a_result(attention, seed):
    model = scrambled(seed, attention=attention, n_outputs=2, **SMALL)
    sequences = [*random_tokens([64, 1, 30, 47, 12], seed), np.full(33, N, np.uint8)]
    _, together = forward(model, sequences, padded=112)
    for row, sequence in enumerate(sequences):
        _, alone = forward(model, [sequence])
        assert_same(one_row(together, row, len(sequence)), one_row(alone, 0, len(sequence)))


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("length", range(1, 31))
def test_short_sequences_are_predicted(attention, length):
    model = scrambled(attention=attention, **SMALL)
    _, output = forward(model, random_tokens([length]), padded=32)
    assert np.isfinite(output.prediction).all()
    kept = np.array(output.kept)[np.array(output.mask)]
    assert len(kept) == (length if model.keeps_all else -(-length // 10)) and kept.max() < length


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_sequence_of_n_alone_is_predicted(attention):
    model = scrambled(attention=attention, **SMALL)
    tokens, output = forward(model, [np.full(50, N, np.uint8)])
    assert np.isfinite(output.prediction).all() and np.isfinite(model.attention_map(tokens, output)).all()


def gradient_of(model, tokens, objective):
    """The gradient of a function of the output with respect to every trainable parameter."""

    def loss(parameters):
        model.update(parameters)
        return objective(forward(model, tokens)[1])

    return mx.grad(loss)(model.trainable_parameters())


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_gradients_reach_every_parameter(attention):
    model, sequences = scrambled(attention=attention, **SMALL), random_tokens([80, 70])
    sequences[0][10:60:3] = N  # else the offset of N has none
    gradients = gradient_of(model, sequences, lambda o: (mx.square(o.prediction - 1) + mx.square(o.local - 1)).sum())
    assert not [name for name, value in tree_flatten(gradients) if not np.abs(np.array(value)).max() > 0]


@pytest.mark.parametrize("gate", [True, False])
def test_without_a_gate_the_selector_learns_from_its_own_objective_alone(gate):
    model, tokens = scrambled(gate=gate), random_tokens([60])
    from_prediction = gradient_of(model, tokens, lambda output: output.prediction.sum())["selector"]
    from_its_own = gradient_of(model, tokens, lambda output: output.local.sum())["selector"]
    assert np.array(from_prediction["output"]["weight"]).any() == gate
    assert np.array(from_its_own["output"]["weight"]).any()


@pytest.mark.parametrize("sparsity", [1e-6, 0.013, 0.1, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("attention", ["softmax", "mlp", "random", "first"])
def test_any_share_can_be_kept(attention, sparsity):
    model = scrambled(attention=attention, sparsity=sparsity)
    _, output = forward(model, random_tokens([50, 31]), padded=64)
    assert np.array(output.mask).sum(axis=1).tolist() == [max(1, int(np.ceil(n * sparsity))) for n in (50, 31)]
    assert np.isfinite(output.prediction).all()


def test_keeping_every_position_is_full_attention():
    sparse = scrambled(sparsity=1.0)
    full = SparseOrganism(ModelConfig(attention="full"))
    full.update(sparse.parameters())
    sequences = random_tokens([60, 45, 1])
    (_, one), (_, other) = forward(sparse, sequences), forward(full, sequences)
    for row, sequence in enumerate(sequences):
        assert_same(one_row(one, row, len(sequence)), one_row(other, row, len(sequence)))


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_contributions_sum_to_the_prediction_without_its_bias(attention):
    model = scrambled(attention=attention, n_outputs=3, **SMALL)
    _, output = forward(model, random_tokens([60, 33]), padded=64)
    total = np.array(output.contribution).sum(axis=1) + np.array(model.bias)
    np.testing.assert_allclose(output.prediction, total, atol=1e-5)
    assert not np.array(output.contribution)[~np.array(output.mask)].any()


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_rows_of_the_attention_map_sum_to_1_over_what_is_kept(attention):
    model = scrambled(attention=attention, **SMALL)
    tokens, output = forward(model, random_tokens([60, 33]), padded=64)
    weights, mask = np.array(model.attention_map(tokens, output)), np.array(output.mask)
    for row in range(2):
        used = weights[row][np.ix_(mask[row], mask[row])]
        np.testing.assert_allclose(used.sum(axis=1), 1, rtol=1e-4)


NEAR = {"neighbours": 3, "sparsity": 0.4, "n_outputs": 2}


@pytest.mark.parametrize("attention", ["softmax", "random", "first"])
def test_among_neighbours_neither_padding_nor_batch_mates_change_a_result(attention):
    model = scrambled(attention=attention, **NEAR)
    sequences = [*random_tokens([64, 1, 30, 47, 12]), np.full(33, N, np.uint8)]
    _, together = forward(model, sequences, padded=112)
    for row, sequence in enumerate(sequences):
        _, alone = forward(model, [sequence])
        assert_same(one_row(together, row, len(sequence)), one_row(alone, 0, len(sequence)))


def test_among_neighbours_gradients_reach_every_parameter():
    model, sequences = scrambled(**NEAR), random_tokens([80, 70])
    sequences[0][10:60:3] = N
    gradients = gradient_of(model, sequences, lambda o: (mx.square(o.prediction - 1) + mx.square(o.local - 1)).sum())
    assert not [name for name, value in tree_flatten(gradients) if not np.abs(np.array(value)).max() > 0]


def test_enough_neighbours_are_all_of_them():
    sequences, near = random_tokens([60, 41]), scrambled(**(NEAR | {"neighbours": 23}))
    everyone = SparseOrganism(ModelConfig(**(NEAR | {"neighbours": None})))
    everyone.update(near.parameters())
    (_, one), (_, other) = forward(near, sequences), forward(everyone, sequences)
    np.testing.assert_allclose(one.prediction, other.prediction, atol=1e-6)
    _, fewer = forward(scrambled(**NEAR), sequences)
    assert not np.allclose(fewer.prediction, other.prediction, atol=1e-4)


def test_the_random_control_follows_its_key():
    model, sequences = scrambled(attention="random"), random_tokens([60])
    kept = [forward(model, sequences, key=mx.random.key(seed))[1].kept.tolist() for seed in (0, 0, 1)]
    assert kept[0] == kept[1] != kept[2]


def test_the_first_positions_control_keeps_those():
    _, output = forward(scrambled(attention="first"), random_tokens([60, 33]), padded=64)
    kept = [k[m].tolist() for k, m in zip(np.array(output.kept), np.array(output.mask), strict=True)]
    assert kept == [list(range(6)), list(range(4))]


@pytest.mark.parametrize("embeddings", ["one-hot", "random"])
def test_frozen_embeddings_are_not_counted_as_learned(embeddings):
    learned, frozen = (SparseOrganism(ModelConfig(embeddings=kind)) for kind in ("learned", embeddings))
    assert learned.n_parameters() - frozen.n_parameters() == 5 * 16
    assert frozen.trainable_parameters()["embeddings"] == {} and "bases" in frozen.parameters()["embeddings"]


@pytest.mark.parametrize("strands, same", [("both", True), ("forward", False)])
def test_relevance_is_that_of_the_other_strand_where_filters_read_both(strands, same):
    model = scrambled(strands=strands, filter_width=21)
    tokens = random_tokens([80])[0]
    _, output = forward(model, [tokens, reverse_complement(tokens)])
    forward_strand, reverse_strand = np.array(output.relevance)
    assert np.allclose(forward_strand, reverse_strand[::-1], atol=1e-4) == same


def test_without_a_stem_a_position_sees_one_nucleotide():
    model = scrambled(stem=False)
    tokens = random_tokens([60])[0]
    _, output = forward(model, [tokens])
    relevance = np.array(output.relevance)[0]
    assert all(np.ptp(relevance[tokens == base]) < 1e-6 for base in range(4))


def test_the_kernel_is_the_configured_one_or_suits_the_device(monkeypatch):
    assert stem_kernel(ModelConfig(stem_kernel="conv")) == "conv"
    for device, kernel in ((mx.Device(mx.cpu), "lookup"), (mx.Device(mx.gpu), "conv")):
        monkeypatch.setattr(mx, "default_device", lambda device=device: device)
        assert stem_kernel(ModelConfig()) == kernel


@pytest.mark.parametrize("device, asked, pays", [("cpu", "", False), ("cpu", "1", True), ("gpu", "", True)])
def test_functions_are_compiled_on_a_gpu_or_where_asked(monkeypatch, device, asked, pays):
    monkeypatch.setattr(organism.mx, "compile", lambda function, **_: ("compiled", function))
    monkeypatch.setattr(organism.mx, "default_device", lambda: mx.Device(getattr(mx, device)))
    monkeypatch.setenv("GSA_COMPILE", asked)
    assert compiled(len) == (("compiled", len) if pays else len)


SURROUNDED = {
    "context": (8, 30), "context_kmer": 3, "context_channels": 2, "embedding_channels": 5, "attention_channels": 4,
    "reference_length": 60.0,
}  # fmt: skip


@pytest.mark.parametrize("anchor", ["none", "start", "end", "centre"])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_with_context_and_anchor_too_neither_padding_nor_batch_mates_change_a_result(attention, anchor):
    model = scrambled(attention=attention, anchor=anchor, **SURROUNDED, **SMALL)
    sequences = [*random_tokens([64, 1, 30, 47, 12]), np.full(33, N, np.uint8)]
    _, together = forward(model, sequences, padded=112)
    for row, sequence in enumerate(sequences):
        _, alone = forward(model, [sequence])
        assert_same(one_row(together, row, len(sequence)), one_row(alone, 0, len(sequence)))


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_gradients_reach_context_and_profile(attention):
    model = scrambled(attention=attention, anchor="end", **SURROUNDED, **SMALL)
    sequences = random_tokens([80, 70])
    sequences[0][10:60:3] = N
    gradients = gradient_of(model, sequences, lambda o: (mx.square(o.prediction - 1) + mx.square(o.local - 1)).sum())
    assert not [name for name, value in tree_flatten(gradients) if not np.abs(np.array(value)).max() > 0]


def test_widths_that_are_apart_have_the_sizes_asked_for():
    config = ModelConfig(n_channels=64, **SURROUNDED)
    model = SparseOrganism(config)
    assert (config.embedding_width, config.attention_width, config.n_features) == (5, 4, 64 + 2 * 2)
    assert model.embeddings.bases.shape == (4, 5) and model.stem.weight.shape == (20, 64, 5)
    assert model.attention.query_projection.weight.shape == (4, 68) and model.approximator.input.weight.shape == (8, 12)
    assert ModelConfig(stem=False, embedding_channels=5).embedding_width == 16  # embeddings are the features


def test_only_kept_positions_reach_the_prediction():
    model = scrambled(anchor="end", **SURROUNDED, **SMALL)
    tokens, output = forward(model, random_tokens([60]))
    features = model.features(tokens)
    left_out = mx.array([[[p not in output.kept[0].tolist()] for p in range(60)]])
    model.features = lambda tokens, silenced=None, bank=None: features + 5.0 * left_out
    model.selector = lambda features: output.relevance
    counts, widest = forward_budget(model.config, [60], 60)
    again = model(tokens, mx.array([60]), counts, widest)
    np.testing.assert_array_equal(again.prediction, output.prediction)
    assert not np.allclose(again.local, output.local)


def test_silenced_filters_are_a_share_and_keep_the_mean():
    factors = np.array(silence(400, 16, 0.25, mx.random.key(0)))
    assert factors.shape == (400, 1, 16) and set(factors.ravel().tolist()) == {0.0, np.float32(4 / 3)}
    assert factors.mean() == pytest.approx(1, abs=0.03)
    assert len(np.unique(factors[:, 0], axis=0)) > 100  # another set in each sequence


def test_dropout_reaches_the_filters_but_not_the_prediction_in_use():
    model, tokens = scrambled(**SMALL), mx.array(np.stack(random_tokens([60, 60])))
    lengths, (counts, widest) = mx.array([60, 60]), forward_budget(model.config, [60, 60], 60)
    run = lambda *more: np.array(model(tokens, lengths, counts, widest, *more).prediction)  # noqa: E731
    assert np.array_equal(run(), run(mx.random.key(1)))
    assert not np.allclose(run(), run(mx.random.key(1), 0.5))
    assert np.array_equal(run(mx.random.key(1), 0.5), run(mx.random.key(1), 0.5))
