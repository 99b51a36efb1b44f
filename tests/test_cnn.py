"""The convolutional rivals: as large as they say, padding means nothing, and the rest of the program takes them."""

import json

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map
from toys import forward, random_tokens, toy_config, toy_dataset

from mlx_gsa.config import ModelConfig
from mlx_gsa.dna.alphabet import N, reverse_complement
from mlx_gsa.errors import RunError
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.build import build_model
from mlx_gsa.model.cnn import max_pool, mean_in_bins, rectified
from mlx_gsa.model.cnn_sizes import small_parameters
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.training.loop import BEST, Trainer
from mlx_gsa.training.run import finish_run, read_manifest, resume_run, start_run

RIVALS = ("cnn", "cnn-large")


def scrambled(architecture, seed=0, **settings):
    """A rival with random parameters everywhere."""
    mx.random.seed(seed)
    model = build_model(ModelConfig(architecture=architecture, **settings))
    model.update(tree_map(lambda x: x + 0.1 * mx.random.normal(x.shape), model.trainable_parameters()))
    mx.eval(model.parameters())
    return model


@pytest.mark.parametrize("architecture", RIVALS)
@pytest.mark.parametrize("settings", [{}, {"anchor": "end", "strands": "forward"}, {"stem_kernel": "conv"}])
def test_neither_padding_nor_batch_mates_change_a_result(architecture, settings):
    model = scrambled(architecture, n_outputs=2, **settings)
    sequences = [*random_tokens([64, 1, 30, 47, 12, 7]), np.full(33, N, np.uint8)]
    _, together = forward(model, sequences, padded=112)
    for row, sequence in enumerate(sequences):
        _, alone = forward(model, [sequence])
        np.testing.assert_allclose(together.prediction[row], alone.prediction[0], atol=1e-5)
        assert np.array(together.kept[row])[np.array(together.mask[row])].tolist() == list(range(len(sequence)))
    assert np.ptp(np.array(together.prediction)[:, 0]) > 1e-3  # and they do differ


@pytest.mark.parametrize("architecture", RIVALS)
def test_what_only_a_selector_gives_is_absent(architecture):
    _, output = forward(scrambled(architecture), random_tokens([40]))
    assert [output.local, output.relevance, output.gates, output.contribution] == [None] * 4


@pytest.mark.parametrize("architecture", RIVALS)
@pytest.mark.parametrize("strands", ["both", "forward"])
def test_lookups_are_the_convolution_in_value_and_gradient(architecture, strands):
    sequences = random_tokens([50, 31])

    def loss(parameters, kernel):
        model = scrambled(architecture, strands=strands, filter_width=11, stem_kernel=kernel)
        model.update(parameters)
        return mx.square(forward(model, sequences)[1].prediction).sum()

    parameters = scrambled(architecture, strands=strands, filter_width=11).trainable_parameters()
    one, other = (dict(tree_flatten(mx.grad(loss)(parameters, kernel))) for kernel in ("lookup", "conv"))
    assert all(np.abs(np.array(value)).max() > 0 for name, value in one.items() if name != "embeddings.n_offset")
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], atol=1e-4, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize("settings", [{}, {"n_channels": 32, "embedding_channels": 8, "anchor": "end"},
                                      {"embeddings": "one-hot"}, {"n_outputs": 5, "context": (100,)}])  # fmt: skip
def test_the_small_cnn_is_as_large_as_the_sparse_model_of_the_same_settings(settings):
    rival = build_model(ModelConfig(architecture="cnn", **settings))
    sparse = SparseOrganism(ModelConfig(**settings)).n_parameters()
    assert rival.n_parameters() == pytest.approx(sparse, rel=0.06)
    assert rival.n_parameters() == small_parameters(rival.config, rival.second.weight.shape[0])


def test_the_large_cnn_has_the_published_shape():
    model = build_model(ModelConfig(architecture="cnn-large"))
    assert model.embeddings.table().shape == (6, 100) and model.stem.weight.shape == (8, 16, 100)
    assert [model.second.weight.shape, model.third.weight.shape] == [(8, 8, 16), (4, 8, 8)]
    assert model.hidden.weight.shape == (512, 128) and 80_000 < model.n_parameters() < 82_000


def test_rectified_and_pooled_by_hand():
    responses = mx.array([[1.0, -2.0, 3.0, 4.0, 9.0]])[..., None]
    features = rectified(responses, mx.array([4]))
    assert features[0, :, 0].tolist() == [1, 0, 3, 4, 0]
    pooled, steps = max_pool(features, mx.array([4]), 2)
    assert pooled[0, :, 0].tolist() == [1, 4, 0] and steps.tolist() == [2]
    assert max_pool(features, mx.array([5]), 3)[1].tolist() == [2]


def test_means_in_parts_by_hand():
    features = mx.array([[1.0, 2.0, 3.0, 0.0], [4.0, 0.0, 0.0, 0.0]])[..., None]
    halves = mean_in_bins(features, mx.array([3, 1]), 2)
    # Three steps in two parts: the middle one counts half in each. One step is both parts.
    np.testing.assert_allclose(halves[..., 0], [[(1 + 0.5 * 2) / 1.5, (0.5 * 2 + 3) / 1.5], [4, 4]], rtol=1e-6)
    np.testing.assert_allclose(mean_in_bins(features, mx.array([3, 1]), 1)[..., 0], [[2], [4]], rtol=1e-6)


@pytest.mark.parametrize("strands, same", [("both", True), ("forward", False)])
def test_the_first_layer_of_the_small_cnn_reads_the_strands_asked_for(strands, same):
    model = scrambled("cnn", strands=strands, filter_width=21)
    tokens = random_tokens([80])[0]
    first = np.array(model.first_layer(mx.array(np.stack([tokens, reverse_complement(tokens)])), mx.array([80, 80])))
    assert np.allclose(first[0], first[1][::-1], atol=1e-4) == same


@pytest.mark.parametrize("architecture", RIVALS)
def test_it_matters_where_something_is(architecture):
    sequences = [np.zeros(240, np.uint8) for _ in range(3)]
    for sequence, start in zip(sequences, (60, 60, 124), strict=True):
        sequence[start : start + 20] = random_tokens([20])[0]
    first, again, moved = np.array(forward(scrambled(architecture), sequences)[1].prediction)[:, 0]
    assert first == pytest.approx(again, abs=1e-6) and abs(first - moved) > 1e-4


@pytest.mark.parametrize("architecture", RIVALS)
def test_dropout_reaches_training_alone(architecture):
    model, tokens = scrambled(architecture), mx.array(np.stack(random_tokens([60, 60])))
    run = lambda *more: np.array(model(tokens, mx.array([60, 60]), None, 0, *more).prediction)  # noqa: E731
    assert np.array_equal(run(), run(mx.random.key(1)))
    assert not np.allclose(run(), run(mx.random.key(1), 0.5))
    assert np.array_equal(run(mx.random.key(1), 0.5), run(mx.random.key(1), 0.5))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("cnn") / "data", task="binary")


KINDS = [{"architecture": "cnn"}, {"architecture": "cnn-large"}, {"embeddings": "one-hot"}, {"embeddings": "random"}]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_a_run_is_resumed_to_the_same_weights_and_used(kind, dataset, tmp_path, monkeypatch):
    settings = {f"model__{name}": value for name, value in kind.items()}
    config = toy_config(dataset.path, **settings, training__dropout=0.2, training__average=1.0)
    whole, found = start_run(config, tmp_path / "whole")
    assert bool(found) == config.model.selects
    finish_run(whole, whole.run())
    part, _ = start_run(config, tmp_path / "part")
    taken, step = [], Trainer._step

    def stopping(self, *arguments):
        step(self, *arguments)
        taken.append(1)
        if len(taken) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        part.run()
    monkeypatch.setattr(Trainer, "_step", step)
    resume_run(tmp_path / "part").run()
    first, second = (Predictor.from_folder(tmp_path / name / BEST) for name in ("whole", "part"))
    for (name, one), (_, other) in zip(*(tree_flatten(p.model.parameters()) for p in (first, second)), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert read_manifest(tmp_path / "whole")["n_parameters"] == first.n_parameters
    (said,) = first.with_sparsity(0.5).predict([dataset.sequence(0)])
    length = len(dataset.sequence(0))
    assert len(said.kept) == (-(-length // 2) if config.model.selects else length)
    assert (said.relevance is None) != config.model.selects


def test_a_large_rival_may_pass_the_limit_of_the_sparse_model(dataset, tmp_path):
    config = toy_config(dataset.path, model__architecture="cnn-large")
    assert start_run(config, tmp_path / "run")[0].bundle.model.n_parameters() > 50_000
    with pytest.raises(RunError, match="model too large"):
        start_run(toy_config(dataset.path, model__n_channels=128), tmp_path / "other")


def test_no_position_of_a_rival_is_shown_as_kept(dataset, tmp_path):
    from mlx_gsa.explain.explain import explain_records
    from mlx_gsa.explain.records import dataset_records

    trainer, _ = start_run(toy_config(dataset.path, model__architecture="cnn"), tmp_path / "run")
    predictor = Predictor(trainer.bundle)
    with pytest.raises(RunError, match=r"no selector.*expected architecture sparse, found cnn"):
        list(explain_records(predictor, dataset_records(dataset, [0]), tmp_path / "out"))
    with pytest.raises(RunError, match="no selector"):
        list(predictor.predict([dataset.sequence(0)], attention=True))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("architecture", RIVALS)
def test_the_commands_train_and_evaluate_a_rival_and_refuse_to_explain_it(gsa, dataset, tmp_path, architecture):
    run = tmp_path / "run"
    settings = ("--set", f"architecture={architecture}", "--set", "batch_size=16", "--epochs", 1)
    trained = gsa("train", "--data", dataset.path, *settings, "--out", run)
    assert trained.exit_code == 0, trained.output
    assert f"a rival: {architecture}, every position is read" in " ".join(trained.output.split())
    evaluated = gsa("evaluate", run, "--bootstrap", 10)
    assert evaluated.exit_code == 0, evaluated.output
    assert "full attention" not in evaluated.output and "a CNN without a selector" in evaluated.output
    facts = json.loads((run / "evaluation.json").read_text())
    assert (facts["kept_share"], facts["selection"], facts["manifest"]["architecture"]) == (1.0, None, architecture)
    assert facts["cost"]["flops"]["sparse"]["lookup"]["convolutions"] > 0
    explained = gsa("explain", "--data", dataset.path, "--record", "toy0", "--run", run, "--out", tmp_path / "out")
    assert explained.exit_code == 1 and "no selector" in explained.output and not (tmp_path / "out").exists()
