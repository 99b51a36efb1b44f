"""Known sites: recall and precision per kind, decoys as errors."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlx_gsa.evaluation.selection import SelectionTally
from mlx_gsa.motifs.known import compare_known


def sites(*rows):
    start, kind, role = zip(*rows, strict=True)
    return SimpleNamespace(start=np.array(start), end=np.array(start) + 10, kind=np.array(kind), role=np.array(role))


def tally(n=4):
    """Sequences with a TATA and a GC that are kept, a TATA decoy kept in every second one, and a GC out of place."""
    counted = SelectionTally(shares=(0.01,))
    for number in range(n):
        relevance, kept = np.zeros(200), [12, 52]
        relevance[[12, 52]] = 1, 2
        if number % 2:
            relevance[92] = 0.5
            kept.append(92)
        rows = [(10, "TATA", "functional"), (50, "GC", "functional"), (90, "TATA", "decoy_core")]
        counted.add(relevance, kept, sites(*rows, (130, "GC", "decoy_spacing"), (170, "GC", "functional")))
    return counted


def test_recall_and_precision_count_decoys_as_errors():
    rows = {(row.cut, row.kind): row for row in compare_known(tally(), 200).rows}
    tata, gc, everything = (rows["kept", kind] for kind in ("TATA", "GC", "all"))
    assert (tata.functional, tata.found, tata.decoys, tata.decoys_found) == (4, 4, 4, 2)
    assert tata.recall.value == 1 and tata.decoy_rate.value == 0.5 and tata.precision.value == pytest.approx(4 / 6)
    assert gc.recall.value == 0.5 and gc.precision.value == 1 and (gc.misplaced, gc.misplaced_found) == (4, 0)
    assert np.isnan(gc.decoy_rate.value) and gc.decoys == 0
    assert (everything.functional, everything.found) == (12, 8) and everything.precision.value == pytest.approx(0.8)
    assert everything.recall.low <= 8 / 12 <= everything.recall.high
    assert tata.precision_chance == pytest.approx(0.5) and 0.05 < tata.recall_chance < 0.2


def test_the_top_of_the_ranking_has_rows_of_its_own():
    rows = {(row.cut, row.kind): row for row in compare_known(tally(), 50).rows}
    assert rows["top 1 %", "TATA"].decoys_found == 0 and rows["top 1 %", "all"].found == 8
    assert rows["top 1 %", "all"].precision.value == 1


def test_without_functional_sites_there_are_no_rows():
    counted = SelectionTally(shares=())
    counted.add(np.zeros(50), [3], sites((10, "TATA", "decoy_core")))
    counted.add(np.zeros(50), [3], sites((10, "TATA", "decoy_core")))
    assert compare_known(counted, 10).rows == []
