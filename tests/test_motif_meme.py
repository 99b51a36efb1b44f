"""MEME text that this program and others read."""

import numpy as np
from motif_toys import AP1, ETS

from mlx_gsa.dna.motifs import Motif, load_motifs
from mlx_gsa.motifs.meme import iupac, meme_text


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "two.meme"
    path.write_text(meme_text([AP1, Motif("motif_2", "NNRY", ETS.counts)], (0.3, 0.2, 0.2, 0.3)), encoding="utf-8")
    one, other = load_motifs(path)
    assert (one.id, other.id, other.name) == (AP1.id, "motif_2", "NNRY")
    np.testing.assert_allclose(one.ppm(), AP1.ppm(), atol=0.01)  # the reader rounds to counts of 100 sites
    assert "0.033333 0.033333 0.033333 0.900000" in path.read_text()
    assert "A 0.3000 C 0.2000 G 0.2000 T 0.3000" in path.read_text() and "nsites= 100" in path.read_text()


def test_the_header_alone_is_still_meme():
    assert meme_text([]).startswith("MEME version 4\n")


def test_degenerate_consensus():
    rows = [[9, 1, 0, 0], [5, 0, 4, 1], [3, 3, 2, 2], [0, 0, 6, 4], [0, 7, 0, 3], [52, 48, 0, 0]]
    assert iupac(Motif("x", "x", np.array(rows, float))) == "ARNKCM"
