"""First filters: planted words are found, chance is not, and fast counts are plain counts."""

import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import MOTIF, planted, random_tokens, toy_config, toy_dataset, write_toy

from mlx_gsa.dna.alphabet import N, decode, encode, reverse_complement
from mlx_gsa.training import discovery
from mlx_gsa.training.discovery import chance_z, discover_filters, standardised
from mlx_gsa.training.setup import new_bundle

MIRROR = decode(reverse_complement(encode(MOTIF)[0]))


def found_in(sequences, labels, n_filters=3, width=12, k=6, **settings):
    targets = np.asarray(labels, float)[:, None]
    return discover_filters(sequences, targets - targets.mean(), n_filters, width, k, **settings)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("k", [4, 6, 8])
def test_a_planted_word_is_found_on_both_strands(k, seed):
    sequences, counts = planted(300, seed=seed)
    first = found_in(sequences, counts, k=k)[0]
    assert (first.kmer in MOTIF or first.kmer in MIRROR) and first.z > chance_z(4**k)


def test_the_template_prefers_the_planted_bases():
    sequences, counts = planted(400, motif=MOTIF)
    first = found_in(sequences, counts, width=14, k=8)[0]
    spelled = "".join("ACGT"[row.argmax()] if row.max() > 0 else "." for row in first.template)
    assert MOTIF in spelled or MIRROR in spelled
    assert first.threshold >= 2.5


@pytest.mark.parametrize("planted_on, expected", [("forward", MOTIF), ("reverse", MIRROR)])
def test_one_strand_alone_is_read_as_it_is(planted_on, expected):
    sequences, counts = planted(300, motif=MOTIF if planted_on == "forward" else MIRROR, strands="forward")
    assert found_in(sequences, counts, strands="forward")[0].kmer in expected


def test_a_word_that_lowers_the_label_is_found_too():
    sequences, counts = planted(300)
    first = found_in(sequences, -counts)[0]
    assert (first.kmer in MOTIF or first.kmer in MIRROR) and first.z < 0


def test_the_second_filter_is_for_what_the_first_leaves_unexplained():
    other = "GGCCAATC"
    sequences, first = planted(500, lengths=(90, 120))
    second = np.random.default_rng(1).integers(0, 2, 500)
    for tokens in [sequence for sequence, count in zip(sequences, second, strict=True) if count]:
        tokens[:8] = encode(other)[0]
    words = [f.kmer for f in found_in(sequences, 2 * first + second, n_filters=2)]
    mirror = decode(reverse_complement(encode(other)[0]))
    assert words[0] in MOTIF or words[0] in MIRROR
    assert words[1] in other or words[1] in mirror


def test_labels_without_a_difference_give_no_filter():
    assert found_in(random_tokens([80] * 60), np.ones(60)) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_labels_of_chance_give_fewer_filters_than_asked_for(seed):
    labels = np.random.default_rng(seed + 10).standard_normal(200)
    assert len(found_in(random_tokens([100] * 200, seed), labels, n_filters=16)) < 4


def test_chance_by_hand():
    assert chance_z(4**6) == pytest.approx(np.sqrt(2 * np.log(4096)))


def test_awkward_records_are_survived():
    sequences, counts = planted(200)
    sequences += [np.full(50, N, np.uint8), np.array([0, 1], np.uint8), np.array([2], np.uint8)]
    sequences[0] = sequences[0].copy()
    sequences[0][10:40] = N
    first = found_in(sequences, [*counts, 0, 1, 0])[0]
    assert first.kmer in MOTIF or first.kmer in MIRROR


def test_of_many_records_some_are_drawn_and_the_draw_has_a_seed(monkeypatch):
    sequences, counts = planted(400)
    read = []
    plain = discovery._Positions
    monkeypatch.setattr(discovery, "_Positions", lambda s, *rest: read.append(len(s)) or plain(s, *rest))
    words = [
        [f.kmer for f in found_in(sequences, counts, max_positions=20_000, seed=seed)] for seed in (0, 0, 1)
    ]
    assert words[0] == words[1] and words[0][0][1:5] in MOTIF + "." + MIRROR
    assert all(150 < n < 300 for n in read)  # of 400 records of about 90 bp


def altered(path, dataset):
    """The same training records, other validation and test records: tokens and labels."""
    held_out = dataset.records.split != "train"
    other = random_tokens(dataset.lengths, seed=99)
    sequences = [other[i] if held_out[i] else dataset.sequence(i) for i in range(len(dataset))]
    labels = np.where(held_out, 50 - 7 * dataset.records.label, dataset.records.label)
    return write_toy(path, sequences, labels)


def test_filters_and_start_never_read_validation_or_test_records(tmp_path):
    dataset = toy_dataset(tmp_path / "one", n=200)
    other = altered(tmp_path / "other", dataset)
    (bundle, found), (second, again) = (new_bundle(toy_config(d.path), d) for d in (dataset, other))
    assert found and [(f.kmer, f.z, f.threshold) for f in found] == [(f.kmer, f.z, f.threshold) for f in again]
    assert bundle.scale == second.scale
    one, other = (dict(tree_flatten(b.model.parameters())) for b in (bundle, second))
    assert not [name for name, value in one.items() if not np.array_equal(value, other[name])]


def test_the_altered_records_would_have_changed_the_filters_if_read(tmp_path):
    dataset = toy_dataset(tmp_path / "one", n=200)
    everything = [dataset.sequence(i) for i in range(200)]
    other = altered(tmp_path / "other", dataset)
    before = found_in(everything, dataset.records.label)
    after = found_in([other.sequence(i) for i in range(200)], other.records.label)
    assert before[0].z != after[0].z


@pytest.mark.parametrize("width, k", [(7, 4), (12, 6), (21, 8)])
def test_fast_counts_and_responses_are_the_plain_ones(width, k):
    sequences = [*random_tokens([40, 25, 9]), np.array([0, 4, 1, 2, 3, 3, 4, 4, 0], np.uint8)]
    positions = discovery._Positions(sequences, width, k)
    text = [decode(s) for s in sequences]
    counts = np.bincount(positions.codes[positions.clean], minlength=4**k)
    for code in np.flatnonzero(counts):
        word = discovery._spell(code, k)
        assert counts[code] == sum(t[i : i + k] == word for t in text for i in range(len(t)))
    assert counts.sum() == sum(set(t[i : i + k]) <= set("ACGT") for t in text for i in range(len(t) - k + 1))
    template = np.random.default_rng(0).normal(size=(width, 4))
    weights, left = standardised(template, positions.composition), (width - 1) // 2
    response = positions.one_strand(template)
    for number, tokens in enumerate(sequences):
        padded = np.concatenate([np.full(left, N), tokens, np.full(width, N)]).astype(int)
        table = np.concatenate([weights, np.zeros((width, 1))], axis=1)
        for place in range(len(tokens)):
            expected = table[np.arange(width), padded[place : place + width]].sum()
            assert response[positions.first[number] + place] == pytest.approx(expected, abs=1e-4)


def test_the_occupancy_of_a_record_is_its_own():
    positions = discovery._Positions(random_tokens([40, 25, 60]), 8, 4)
    response = np.zeros(len(positions.tokens))
    first, _, third = positions.first
    response[[first, first + 39, third + 7]] = [2.0, 1.5, 3.0]
    # Of what exceeds the threshold of 1, times the gain of 2: 2^2 and 1^2 in the first record, 4^2 in the third.
    expected = [4 / (1 + 4 / 8) + 1 / (1 + 1 / 8), 0, 16 / (1 + 16 / 8)]
    np.testing.assert_allclose(positions.total_occupancy(response, 1.0, 2.0), expected)


def test_a_standardised_template_by_hand():
    weights = standardised(np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]]), np.array([0.25] * 4))
    np.testing.assert_allclose(weights, np.array([[3, -1, -1, -1], [0, 0, 0, 0]]) / np.sqrt(3), atol=1e-6)


def test_a_kmer_and_its_near_copies():
    word = "TGACTC"
    code = int(sum(4 ** (5 - i) * "ACGT".index(base) for i, base in enumerate(word)))
    near = discovery._near_copies(code, 6, "both")
    spelled = {discovery._spell(c, 6) for c in np.flatnonzero(near)}
    assert {"TGACTC", "GAGTCA", "TGACTA", "GACTCA", "ACTCTT", "GTGACT"} <= spelled
    assert "TGAGGC" not in spelled and "AAAAAA" not in spelled
    forward = discovery._near_copies(code, 6, "forward")
    assert forward[code] and not forward[discovery._reverse_codes(np.array([code]), 6)[0]]


def test_shorter_kmers_are_tried_when_the_long_ones_are_no_better_than_chance():
    sequences, counts = planted(600, motif="TGAC", lengths=(40, 40), strands="forward")
    noisy = counts + np.random.default_rng(0).normal(size=600)
    assert len(found_in(sequences, noisy, k=8)) == 0
    shorter = found_in(sequences, noisy, k=8, shortest=4)
    assert shorter and 4 <= len(shorter[0].kmer) < 8


def test_what_was_erased_stays_erased_for_shorter_kmers():
    bases = discovery._Positions(random_tokens([50, 60]), 12, 6)
    whole = bases.clean.copy()
    bases.clean[20:30] = False
    bases.shorten(4)
    assert not bases.clean[20:30].any() and bases.clean[: len(whole)][whole].sum() == whole.sum() - whole[20:30].sum()
    assert len(bases.codes) == len(bases.clean) == len(whole) + 2 and bases.codes.max() < 4**4
