from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from fake_predictor import predict_one, random_tokens
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from mlx_gsa.data.records import Sites
from mlx_gsa.data.shortcuts import Shortcut
from mlx_gsa.data.summary import ClassSummary
from mlx_gsa.explain import figures
from mlx_gsa.explain.figures.coordinates import coordinate_ticks
from mlx_gsa.explain.figures.dataset import _shares
from mlx_gsa.explain.figures.raster import attention_raster, pooled_track, strongest_links
from mlx_gsa.explain.figures.style import house_style, spread
from mlx_gsa.explain.figures.tracks import ROLES, TrackSite, as_track_sites, labelled_sites
from mlx_gsa.explain.figures.zoom import choose_windows
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.spans import find_spans

MAP_AXES = ["sites", "relevance", "contribution", "attention", "scale", "bases 1", "bases 2", "bases 3"]


def _axes(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def _input(length=600, **changes):
    sites = (100, 300, 500)
    tokens = random_tokens(length, sites=sites)
    known = [TrackSite(s, s + 6, "+", "TATA", "functional") for s in sites]
    place = Place("chr7", 4999, 4999 + length, "-")
    given = {"prediction": predict_one(tokens), "length": length, "place": place, "tokens": tokens}
    return figures.HeatmapInput(**(given | {"sites": known, "title": "a record"} | changes))


def test_raster_puts_each_pair_at_its_true_place():
    kept, weights = np.array([2, 7, 9]), np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    raster = attention_raster(weights, kept, 10, max_bins=10)
    assert (raster.bin_size, raster.extent) == (1, 10)
    assert raster.values[2, 7] == pytest.approx(0.9)  # query 2, key 7: 0.3 of three keys
    assert raster.values[7, 2] == pytest.approx(0.3)
    assert np.isfinite(raster.values).sum() == 9


def test_raster_bins_by_maximum_so_that_nothing_disappears():
    rng = np.random.default_rng(0)
    kept = np.sort(rng.choice(5000, 500, replace=False))
    weights = rng.random((500, 500))
    weights[123, 456] = 50.0
    raster = attention_raster(weights, kept, 5000, max_bins=280)
    assert raster.values.shape == (278, 278)
    assert raster.bin_size == 18
    assert raster.values[kept[123] // 18, kept[456] // 18] == pytest.approx(50 * 500)
    assert np.isfinite(raster.values[kept // 18][:, kept // 18]).all()
    assert attention_raster(np.zeros((0, 0)), np.array([], int), 50).values.shape == (50, 50)


def test_pooled_track_keeps_peaks():
    values = np.zeros(5003)
    values[4321] = 7
    edges, highest = pooled_track(values, max_bins=100)
    assert highest.max() == 7
    assert edges[0] == 0 and edges[-1] == 5003 and len(edges) == len(highest) + 1


def test_strongest_links_join_different_spans_that_are_apart():
    kept = np.array([10, 11, 25, 60, 100])
    weights = np.full((5, 5), 0.1)
    weights[0, 1] = 0.9  # in one span
    weights[0, 2] = 0.8  # 15 bp apart
    weights[3, 1] = 0.75  # 60 is in none of the spans asked for
    weights[4, 1], weights[2, 4] = 0.7, 0.6
    spans = [span for span in find_spans(np.zeros(120), kept, np.zeros(5)) if span.start != 60]
    links = strongest_links(weights, kept, spans, n=2, apart=20)
    assert [(query, key) for query, key, _ in links] == [(100, 11), (25, 100)]
    assert links[0][2] == pytest.approx(3.5)
    assert strongest_links(weights, kept, spans[:1]) == []


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.floats(0.1, 3))
def test_spread_points_are_in_order_apart_and_inside(points, width):
    placed = spread(sorted(points), width, 0, 100)
    assert (np.diff(placed) >= width - 1e-9).all()
    assert placed.min() >= -1e-9 and placed.max() <= 100 + 1e-9


def test_spread_moves_nothing_that_has_room_and_little_otherwise():
    assert spread([1, 5, 9], 2, 0, 10).tolist() == [1, 5, 9]
    assert spread([5, 5], 2, 0, 10).tolist() == [4, 6]
    assert spread([3, 3, 3], 10, 0, 10).tolist() == [0, 5, 10]
    assert spread([], 1, 0, 10).tolist() == []


def test_ticks_of_the_minus_strand_fall_on_their_bases():
    place = Place("chr7", 4999, 6999, "-")
    positions, labels = coordinate_ticks(place, 0, 2000)
    assert labels[0] == "6,500" and labels[-1] == "5,000"
    for position, label in zip(positions, labels, strict=True):
        assert place.positions(int(position)) + 1 == int(label.replace(",", ""))
    positions, labels = coordinate_ticks(Place.of_record("a", 300), 0, 300)
    assert (positions[0], labels[0]) == (99.5, "100")


def test_heatmap_has_its_parts_on_one_coordinate_axis():
    figure = figures.build_attention_heatmap(_input())
    axes = _axes(figure)
    assert list(axes) == ["sites", "relevance", "contribution", "attention", "scale", *MAP_AXES[5:]]
    for name in MAP_AXES[:4]:
        assert axes[name].get_xlim() == (0, 600)
    assert axes["attention"].get_ylim() == (600, 0)
    box = axes["attention"].get_window_extent()
    assert box.width == pytest.approx(box.height)
    assert axes["relevance"].get_window_extent().x0 == pytest.approx(box.x0)
    assert "chr7" in axes["attention"].get_xlabel() and "minus" in axes["attention"].get_xlabel()
    texts = [text.get_text() for text in axes["sites"].texts]
    assert texts == ["TATA +"] * 3
    assert axes["bases 1"].get_title(loc="left").startswith("1")


def test_heatmap_shows_every_kept_pair():
    given = _input()
    image = _axes(figures.build_attention_heatmap(given))["attention"].images[0]
    values = np.ma.getdata(image.get_array())
    size = 600 // values.shape[0] + (600 % values.shape[0] > 0)
    assert np.isfinite(values[np.ix_(given.prediction.kept // size, given.prediction.kept // size)]).all()


def test_heatmap_without_map_bases_or_sites():
    prediction = _input().prediction._replace(weights=None)
    axes = _axes(figures.build_attention_heatmap(_input(prediction=prediction, tokens=None, sites=())))
    assert list(axes) == ["relevance", "contribution"]
    assert "chr7" in axes["contribution"].get_xlabel()


@pytest.mark.parametrize("length", [1, 7, 31])
def test_heatmap_of_tiny_sequences(tmp_path, length):
    tokens = random_tokens(length)
    path = tmp_path / "tiny.png"
    figures.attention_heatmap_figure(predict_one(tokens), length, "tiny", tokens=tokens, paths=path)
    assert path.stat().st_size > 5000


def test_heatmap_files(tmp_path):
    given = _input(2000)
    sites = Sites([0], [100], [106], ["+"], ["TATA"], ["functional"])
    paths = [tmp_path / "map.png", tmp_path / "map.svg", tmp_path / "map.pdf"]
    written = figures.attention_heatmap_figure(
        given.prediction, 2000, "a <&> b", None, sites, 4999, "chr7", "-", paths, tokens=given.tokens
    )
    assert written == paths
    pixels = imread(paths[0])
    assert pixels.shape[0] > pixels.shape[1] > 1500
    assert ElementTree.parse(paths[1]).getroot().tag.endswith("svg")
    assert paths[2].read_bytes().startswith(b"%PDF")
    again = figures.attention_heatmap_figure(given.prediction, 2000, "x", paths=tmp_path / "a.svg")[0].read_bytes()
    assert (
        figures.attention_heatmap_figure(given.prediction, 2000, "x", paths=tmp_path / "b.svg")[0].read_bytes() == again
    )


def test_labels_of_sites_never_overlap():
    sites = [TrackSite(i * 3, i * 3 + 3, "-", f"kind {i}", "functional") for i in range(60)]
    figure = figures.build_attention_heatmap(_input(sites=sites))
    labels = _axes(figure)["sites"].texts
    assert 30 < len(labels) < 60
    x = np.sort([label.xy[0] for label in labels]) * 5.55 / 600
    assert np.diff(x).min() > 0.12  # inches; the slanted letters are 0.09 high


def test_labels_go_to_active_sites_first():
    decoys = [TrackSite(i, i + 1, "+", "decoy", "decoy_core") for i in range(60)]
    active = [TrackSite(300, 306, "+", "active", "functional")]
    accidental = [TrackSite(10, 16, "+", "accident", "accidental")]
    kinds = [site.kind for site in labelled_sites([*decoys, *active, *accidental], inches=3)]
    assert "active" in kinds and "accident" not in kinds and len(kinds) == 20


def test_sites_of_a_data_set_are_understood():
    sites = Sites([0, 0], [50, 10], [56, 16], ["+", "-"], ["a", "b"], ["functional", "decoy_core"])
    assert as_track_sites(sites) == [
        TrackSite(10, 16, "-", "b", "decoy_core"),
        TrackSite(50, 56, "+", "a", "functional"),
    ]
    assert as_track_sites(None) == []
    assert len({colour for colour, _ in ROLES.values()}) == len(ROLES) - 1  # known = functional


def test_zoom_windows_show_different_bases():
    relevance = np.zeros(200)
    relevance[[100, 110, 150, 3]] = [4, 3, 2, 1]
    windows = choose_windows(find_spans(relevance, [3, 100, 110, 150], np.zeros(4)), 200, window=31)
    assert [(first, last) for _, first, last in windows] == [(85, 116), (135, 166), (0, 31)]


def _summary(task, values, classes=None, groups=(), shortcuts=(), n=(80, 10, 10)):
    rng, splits = np.random.default_rng(0), dict(zip(("train", "val", "test"), n, strict=True))
    gc = {name: np.append(rng.random(k - 1), np.nan) for name, k in splits.items()}
    labels = {name: values(k) for name, k in splits.items()}
    lengths = {name: np.full(k, 2000) for name, k in splits.items()}
    facts = {"lengths": lengths, "gc": gc, "labels": labels, "groups": list(groups), "shortcuts": list(shortcuts)}
    return SimpleNamespace(task=task, classes=classes, **facts)


def _group(name, n, gc):
    return ClassSummary(name, {}, np.full(n, 300), np.full(n, gc) + np.linspace(0, 0.1, n))


def test_dataset_picture_of_a_regression(tmp_path):
    rng = np.random.default_rng(0)
    summary = _summary("regression", rng.random, shortcuts=[Shortcut("label", 100, "r", 0.42, np.nan)])
    figure = figures.build_dataset(summary)
    axes = _axes(figure)
    assert list(axes) == ["lengths", "gc", "labels", "gc and label"]
    assert axes["lengths"].get_xlabel() == "length (bp)"
    assert axes["gc and label"].get_title(loc="left") == "GC alone: r = 0.42"
    assert axes["gc and label"].collections[0].get_array().sum() == 97  # of 100, three have no GC
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["train (80)", "val (10)", "test (10)"]
    assert figures.dataset_figure(summary, tmp_path / "d.png")[0].stat().st_size > 5000


def test_dataset_picture_of_kinds_of_negatives(tmp_path):
    rng = np.random.default_rng(0)
    shortcuts = [
        Shortcut("random-genomic", 30, "AUROC", 0.55, np.nan),
        Shortcut("flank", 20, "AUROC", 0.83, 0.5),
        Shortcut("negatives", 50, "AUROC", 0.7, 0.5),
    ]
    groups = [_group("positive", 50, 0.5), _group("random-genomic", 30, 0.5), _group("flank", 20, 0.4)]
    options = {"classes": ["negative", "positive"], "groups": groups, "shortcuts": shortcuts}
    summary = _summary("binary", lambda n: rng.integers(0, 2, n), **options)
    figure = figures.build_dataset(summary)
    axes = _axes(figure)
    assert list(axes) == ["lengths", "gc", "labels", "class lengths", "class gc", "shortcuts"]
    below = figure.legends[1].get_texts()
    assert [text.get_text() for text in below] == ["positive (50)", "random-genomic (30)", "flank (20)"]
    assert [text.get_text() for text in axes["shortcuts"].texts] == ["0.55", "0.83", "0.70", "0.50", "0.50"]
    assert axes["shortcuts"].get_xlim()[1] > 0.83
    assert len({line.get_edgecolor() for line in axes["class gc"].patches if not line.get_fill()}) == 3
    assert figures.dataset_figure(summary, tmp_path / "d.png")[0].stat().st_size > 5000


def test_bins_of_gc_do_not_favour_some_values():
    """Each of 100 possible values once: 40 bins would hold two or three of them each, but for their width."""
    shares = _shares(np.arange(100) / 100, np.linspace(0, 0.99, 41), np.full(100, 0.01))
    assert shares.sum() == pytest.approx(1) and np.ptp(shares[1:-1]) < 1e-9
    assert _shares(np.array([1.0, 2, 2]), np.array([0.5, 1.5, 2.5]), None).tolist() == [1 / 3, 2 / 3]


def test_dataset_picture_of_classes():
    rng = np.random.default_rng(0)
    groups = [_group(name, 30, 0.5) for name in "abc"]
    shortcuts = [Shortcut(name, 30, "AUROC", 0.5, np.nan) for name in "abc"]
    options = {"classes": ["a", "b", "c"], "groups": groups, "shortcuts": shortcuts}
    axes = _axes(figures.build_dataset(_summary("multiclass", lambda n: rng.integers(0, 3, n), **options)))
    assert len(axes["labels"].patches) == 9
    assert axes["shortcuts"].get_title(loc="left") == "told from the others by"


def test_training_picture(tmp_path):
    norms = {"stem": 0.5, "selector": None}
    rows = [{"kind": "step", "loss": 9.0}]
    rows += [
        {"kind": "epoch", "epoch": e, "train_loss": 1 / e, "val_loss": 2 / e, "val_metric": m, "metric_name": "r",
         "sparsity": 0.1, "learning_rate": 1e-3, "grad_norm": norms}
        for e, m in ((1, 0.2), (2, 0.9), (3, 0.5))
    ]  # fmt: skip
    axes = _axes(figures.build_training(rows))
    assert {"loss", "metric", "schedule", "gradients", "rate"} <= set(axes)
    assert axes["loss"].lines[0].get_ydata().tolist() == [1, 1 / 2, 1 / 3]
    assert "0.900, epoch 2" in axes["metric"].get_title(loc="left")
    assert figures.training_figure(rows, tmp_path / "t.png")[0].stat().st_size > 5000


@pytest.mark.parametrize(
    "rows", [[], [{"kind": "step"}], [{"kind": "epoch", "epoch": 1}], [{"kind": "epoch", "val_metric": None}]]
)
def test_training_picture_of_nearly_nothing(tmp_path, rows):
    assert figures.training_figure(rows, tmp_path / "t.png")[0].stat().st_size > 2000


def test_prediction_pictures(tmp_path):
    labels, values = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    interval = SimpleNamespace(value=0.75, low=0.5, high=1.0)
    roc = _axes(figures.build_prediction(labels, values[:, None], "binary", {"auroc": interval}))
    false, found = roc["roc"].lines[1].get_data()
    assert list(zip(false, found, strict=True)) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert roc["roc"].texts[0].get_text() == "auroc 0.750 (0.500 to 1.000)"
    scatter = _axes(figures.build_prediction(labels, values, "regression", {"r": 0.5}))["scatter"]
    assert scatter.get_xlim() == scatter.get_ylim()
    classes = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]])
    confusion = _axes(figures.build_prediction(labels, classes, "multiclass", {}, ["no", "yes"]))["confusion"]
    assert [text.get_text() for text in confusion.texts] == ["100 %\n2", "0 %\n0", "50 %\n1", "50 %\n1"]
    many = np.random.default_rng(0).normal(size=4000)
    path = figures.prediction_figure(many, many, "regression", {}, tmp_path / "p.png")[0]
    assert path.stat().st_size > 5000


def test_prediction_picture_names_what_is_wrong():
    with pytest.raises(ValueError, match="regression, binary, multiclass"):
        figures.build_prediction([1], [1], "ranking")
    with pytest.raises(ValueError, match="2 labels but 1 predictions"):
        figures.build_prediction([1, 2], [1], "regression")


def test_recall_picture_of_plain_rows_and_of_a_report(tmp_path):
    interval = SimpleNamespace(value=0.9, low=0.8, high=0.95)
    rows = [
        {"kind": "TATA_box", "recall": 0.9, "half_covered": 0.3, "chance": 0.6},
        {"kind": "all", "role": "functional", "n": 1234, "any": interval, "any_chance": 0.5, "half": interval,
         "half_chance": 0.1},
        {"kind": "GC", "role": "decoy_core", "n": 5, "any": interval, "any_chance": 0.5},
    ]  # fmt: skip
    axes = _axes(figures.build_site_recall(rows))["recall"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["TATA box", "all functional  (n = 1,234)", "GC, decoy core  (n = 5)"]
    assert [bar.get_width() for bar in axes.patches[:3]] == [0.9, 0.9, 0.9]
    assert figures.site_recall_figure(rows, tmp_path / "r.png")[0].stat().st_size > 5000
    assert figures.site_recall_figure([], tmp_path / "none.png")[0].stat().st_size > 1000


def test_the_callers_settings_come_back():
    before = matplotlib.rcParams["font.size"]
    with house_style():
        assert matplotlib.rcParams["font.size"] == 8
    assert matplotlib.rcParams["font.size"] == before
