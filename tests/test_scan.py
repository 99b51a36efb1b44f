"""A scan from end to end, in this process: its values, its files, its memory, and several ranks."""

import json
import threading
import tracemalloc

import numpy as np
import pyBigWig
import pytest
from scan_toys import letters, plain_tiles, toy_run, write_genome

from mlx_gsa.dna.alphabet import encode
from mlx_gsa.dna.bed import read_bed
from mlx_gsa.dna.genome import Genome
from mlx_gsa.errors import ConfigError, GenomeError, RunError
from mlx_gsa.genomes.scan import Scan, ScanSettings, scan_lines, scan_to_folder
from mlx_gsa.genomes.scan_input import read_regions
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.ranks import Ranks

SMALL = {"tile": 300, "stride": 100, "chunk_bp": 2000}
TEXTS = {"b": letters(5030, 1), "a": letters(200, 2), "tiny": letters(30, 3)}
TEXTS["c"] = letters(1500, 4) + "N" * 900 + letters(1700, 5).lower()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return toy_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    with Genome.open(write_genome(tmp_path_factory.mktemp("genome") / "g.fa", TEXTS)) as opened:
        yield opened


def scanned(run, genome, out, regions=None, n_workers=1, **settings):
    scan = Scan(run, genome, ScanSettings(**SMALL | settings), regions, n_workers)
    return scan_to_folder(scan, out)


def track(path, chrom):
    with pyBigWig.open(str(path)) as opened:
        n = opened.chroms(chrom)
        return np.array(opened.values(chrom, 0, n)) if n else None


def expected(run, text):
    """Strength and relevance of a sequence, tile by tile through `Predictor.predict`."""
    tokens, predictor = encode(text)[0], Predictor.from_folder(run.model_folder)
    tiles = [row for row in plain_tiles(tokens, SMALL["tile"], SMALL["stride"]) if row[4]]
    strength, total, n = np.full(len(text), np.nan), np.zeros(len(text)), np.zeros(len(text))
    for row, found in zip(tiles, predictor.predict([tokens[r[0] : r[1]] for r in tiles]), strict=True):
        strength[row[2] : row[3]] = found.prediction[0]
        total[row[0] : row[1]] += found.relevance
        n[row[0] : row[1]] += 1
    with np.errstate(invalid="ignore"):
        return strength, total / n


def test_tracks_hold_what_the_predictor_says_of_each_tile(run, genome, tmp_path):
    made = scanned(run, genome, tmp_path / "s", relevance=True)
    for chrom in ("a", "b", "c"):
        strength, relevance = expected(run, TEXTS[chrom])
        np.testing.assert_allclose(track(tmp_path / "s/strength.bw", chrom), strength, atol=2e-5)
        np.testing.assert_allclose(track(tmp_path / "s/relevance.bw", chrom), relevance, atol=2e-5)
    assert track(tmp_path / "s/strength.bw", "tiny") is None
    unscored = int(np.isnan(expected(run, TEXTS["c"])[0]).sum())
    result = made["result"]
    assert (result["bp_skipped_short"], result["bp_skipped_n"]) == (30, unscored) and unscored > 600
    assert result["bp_scored"] == sum(map(len, TEXTS.values())) - 30 - unscored == result["bp"] - 30 - unscored


def test_the_manifest_says_how_it_was_made(run, genome, tmp_path):
    made = scanned(run, genome, tmp_path / "s")
    assert json.loads((tmp_path / "s/scan.json").read_text()) == made
    assert (made["format"], made["format_version"]) == ("mlx_gsa.scan", 1)
    assert made["identity"]["settings"]["stride"] == 100 and len(made["identity"]["model_sha256"]) == 64
    assert made["identity"]["genome"]["bp"] == sum(map(len, TEXTS.values()))
    assert made["versions"]["mlx_gsa"] and made["machine"]["cores"] and made["strength_is"] == "in units of the label"
    assert made["mbp_per_second"] > 0 and made["chunks_found"] == 0 and made["chunks"] > 3
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == sorted([*made["files"], "scan.json"])


def test_peaks_are_local_maxima_of_the_track(run, genome, tmp_path):
    scanned(run, genome, tmp_path / "s", relevance=True, top=5)
    peaks = list(read_bed(tmp_path / "s/peaks.narrowPeak"))
    assert sorted(peak.name for peak in peaks) == [f"peak_{i}" for i in range(1, 6)]
    highest = max(np.nanmax(track(tmp_path / "s/strength.bw", chrom)) for chrom in "abc")
    best = next(peak for peak in peaks if peak.name == "peak_1")
    assert best.signal == pytest.approx(highest, rel=1e-5) and best.score == 1000
    for peak in peaks:
        chrom, start, end = peak.region.chrom, peak.region.start, peak.region.end
        assert np.nanmax(track(tmp_path / "s/strength.bw", chrom)[start:end]) == pytest.approx(peak.signal, rel=1e-5)
        assert peak.summit == start + np.nanargmax(track(tmp_path / "s/relevance.bw", chrom)[start:end])


def test_regions_have_the_values_of_the_whole_genome(run, genome, tmp_path):
    (tmp_path / "r.bed").write_text("b\t1010\t1333\nb\t1200\t1400\nc\t3900\t4100\nb\t4990\t5030\n")
    made = scanned(run, genome, tmp_path / "part", read_regions(genome, tmp_path / "r.bed"), relevance=True)
    assert made["regions"]["merged"] == 3 and made["result"]["bp_scored"] == 390 + 200 + 40
    scanned(run, genome, tmp_path / "whole", relevance=True)
    for name in ("strength.bw", "relevance.bw"):
        for chrom, spans in {"b": [(1010, 1400), (4990, 5030)], "c": [(3900, 4100)]}.items():
            part, whole = (track(tmp_path / folder / name, chrom) for folder in ("part", "whole"))
            inside = np.zeros(len(whole), bool)
            for start, end in spans:
                inside[start:end] = True
            np.testing.assert_allclose(part[inside], whole[inside], atol=2e-5)
            assert np.isnan(part[~inside]).all()


@pytest.mark.parametrize("settings", [{"chunk_bp": 350}, {"chunk_bp": 10**9}])
def test_the_size_of_a_chunk_changes_no_value(run, genome, tmp_path, settings):
    for folder, own in (("one", {}), ("other", settings)):
        scanned(run, genome, tmp_path / folder, relevance=True, **own)
    for name in ("strength.bw", "relevance.bw"):
        for chrom in "abc":
            one, other = (track(tmp_path / folder / name, chrom) for folder in ("one", "other"))
            np.testing.assert_allclose(one, other, atol=2e-5)


def test_bedgraph_lines_are_the_track(run, genome, tmp_path):
    told = []
    scan = Scan(run, genome, ScanSettings(**SMALL), n_workers=1)
    rows = [line.split("\t") for text in scan_lines(scan, lambda *at: told.append(at)) for line in text.splitlines()]
    scanned(run, genome, tmp_path / "s")
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    for chrom in "abc":
        values = np.full(len(TEXTS[chrom]), np.nan)
        for _, start, end, value in (row for row in rows if row[0] == chrom):
            values[int(start) : int(end)] = float(value)
        np.testing.assert_allclose(values, track(tmp_path / "s/strength.bw", chrom), rtol=1e-6)
    assert told[-1] == (sum(map(len, TEXTS.values())) - 30,) * 2


class Threads(Ranks):
    """Ranks that are threads of this process."""

    def __init__(self, rank, size, barrier, told):
        super().__init__(rank, size)
        self._barrier, self._told = barrier, told

    def wait(self):
        """Return when all have called it."""
        self._barrier.wait(20)

    def tell(self, data):
        """Return what the first one has given."""
        if self.is_first:
            self._told.append(data)
        self.wait()
        return self._told[-1]


def by_threads(run, genome, out, size):
    """Scan by several ranks, one after another's heels; returns what each gave."""
    barrier, told, made = threading.Barrier(size), [], {}

    def rank(number):
        with Genome.open(genome.path) as own:
            scan = Scan(run, own, ScanSettings(**SMALL, relevance=True), n_workers=1)
            made[number] = scan_to_folder(scan, out, ranks=Threads(number, size, barrier, told))

    threads = [threading.Thread(target=rank, args=(number,)) for number in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [made[number] for number in range(size)]


def test_several_ranks_write_what_one_writes(run, genome, tmp_path):
    one = scanned(run, genome, tmp_path / "one", relevance=True)
    first, *others = by_threads(run, genome, tmp_path / "three", 3)
    assert first["result"] == one["result"] and others == [None, None]
    assert first["ranks"] == 3 and first["bp_in_these_seconds"] == one["bp_in_these_seconds"]
    for name in ("strength.bw", "relevance.bw", "peaks.narrowPeak"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()
    assert by_threads(run, genome, tmp_path / "three", 2) == [None, None]  # finished already


def test_a_finished_scan_is_not_done_again(run, genome, tmp_path):
    assert scanned(run, genome, tmp_path / "s") is not None
    before = (tmp_path / "s/strength.bw").stat().st_mtime_ns
    assert scanned(run, genome, tmp_path / "s") is None
    assert (tmp_path / "s/strength.bw").stat().st_mtime_ns == before


def test_memory_is_that_of_a_chunk(run, tmp_path):
    peaks = {}
    for times in (1, 5):
        texts = {f"chr{i}": letters(20_000, i) for i in range(3 * times)}
        with Genome.open(write_genome(tmp_path / f"g{times}.fa", texts)) as genome:
            scan = Scan(run, genome, ScanSettings(**SMALL | {"chunk_bp": 10_000, "relevance": True}), n_workers=1)
            list(scan.scores([0]))  # what the engine makes once and keeps does not count
            tracemalloc.start()
            scan_to_folder(scan, tmp_path / f"s{times}")
            peaks[times] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert peaks[5] < 1.3 * peaks[1]


def test_a_probability_is_scored_for_a_classification(genome, tmp_path):
    run = toy_run(tmp_path / "run", "multiclass", ["off", "on", "both"])
    made = scanned(run, genome, tmp_path / "s", class_name="on")
    values = track(tmp_path / "s/strength.bw", "b")
    tokens = encode(TEXTS["b"][:300])[0]
    (found,) = Predictor.from_folder(run.model_folder).predict([tokens])
    assert values[0] == pytest.approx(found.prediction[1], abs=1e-5)
    assert made["strength_is"] == "probability of on" and 0 < made["result"]["strength"]["max"] < 1
    reached = [peak.signal for peak in read_bed(tmp_path / "s/peaks.narrowPeak")]
    assert reached and min(reached) >= 0.5 > made["result"]["strength"]["mean"]


def test_what_makes_no_sense_is_refused(run, genome, tmp_path):
    with pytest.raises(ConfigError, match="stride would leave bases out: expected 1 to 300 bp"):
        ScanSettings(tile=300, stride=301)
    with pytest.raises(ConfigError, match="tiles are too short: expected at least 50 bp"):
        ScanSettings(tile=40, stride=10)
    for content, what in ((letters(40), "no sequence is long enough"), ("N" * 400, "no tile could be scored")):
        with (
            Genome.open(write_genome(tmp_path / "g.fa", {"a": content})) as other,
            pytest.raises(GenomeError, match=what),
        ):
            scanned(run, other, tmp_path / "s")
        (tmp_path / "g.fa.fai").unlink()
    cnn = toy_cnn(tmp_path / "cnn")
    with pytest.raises(RunError, match="no selector"):
        scanned(cnn, genome, tmp_path / "t", relevance=True)
    assert scanned(cnn, genome, tmp_path / "t")["result"]["tiles"] > 50


def toy_cnn(folder):
    """A run of a convolutional rival."""
    from types import SimpleNamespace

    import mlx.core as mx

    from mlx_gsa.config import ModelConfig
    from mlx_gsa.model.build import build_model
    from mlx_gsa.model.labels import LabelScale
    from mlx_gsa.model.weights import ModelBundle, save_model

    mx.random.seed(0)
    model = build_model(ModelConfig(architecture="cnn"))
    save_model(folder / "best", ModelBundle(model, "regression", None, LabelScale(), None))
    return SimpleNamespace(path=folder, model_folder=folder / "best", dataset_path=None, data_hash=None, shipped=False)
