"""Effects as INFO fields, as table rows and counted."""

import numpy as np
from variant_toys import site

from mlx_gsa.genomes.variant_kept import KeptChange
from mlx_gsa.genomes.variant_motifs import MotifChange
from mlx_gsa.genomes.variant_rows import NAMES, VariantTally, header_lines, info_of, table_columns, table_row
from mlx_gsa.genomes.variants import Effect


def motif(what="broken", name="FOS::JUN", difference=-8.04, kept=True):
    return MotifChange(what, "MA0099.3", name, 3, 10, "+", 1e-6, difference, kept, ())


KEPT = KeptChange(1, 2, 0.75, 0, None)


def scored(difference=-0.5, alt="G", motifs=(), kept=KEPT, n_outputs=1):
    ref = np.arange(1.0, n_outputs + 1)
    return Effect(alt, "snv", None, None, ref, ref + difference, np.full(n_outputs, 2 * difference), kept, list(motifs))


def test_the_fields_of_a_scored_allele():
    info = info_of([scored(motifs=[motif(), motif("made", "A,B;C", 3.5, False)])])
    assert info == {
        "GSA_REF": "1", "GSA_ALT": "0.5", "GSA_DIFF": "-0.5", "GSA_RAW_DIFF": "-1", "GSA_KEPT_MOVED": "2",
        "GSA_KEPT_COMMON": "0.75", "GSA_KEPT_NEAR_REF": "0", "GSA_MOTIF_BROKEN": "FOS::JUN/MA0099.3/-8.0/kept",
        "GSA_MOTIF_MADE": "A%2CB%3BC/MA0099.3/+3.5/unkept",
    }  # fmt: skip
    assert set(info) < set(NAMES)


def test_several_alleles_have_a_value_each():
    info = info_of([scored(), Effect("<DEL>", skip="symbolic"), scored(0.25, "T", [motif(), motif(name="X")])])
    assert info["GSA_DIFF"] == "-0.5,.,0.25" and info["GSA_SKIP"] == ".,symbolic,."
    assert info["GSA_MOTIF_BROKEN"] == ".,.,FOS::JUN/MA0099.3/-8.0/kept|X/MA0099.3/-8.0/kept"


def test_a_skipped_site_has_its_reason_and_one_without_alleles_nothing():
    assert info_of([Effect("G", skip="ref_mismatch")]) == {"GSA_SKIP": "ref_mismatch"}
    assert info_of([Effect(".", skip="missing")]) == {}


def test_another_output_is_another_number():
    assert info_of([scored(n_outputs=3)], output=2)["GSA_REF"] == "3"


def test_the_header_declares_every_field_without_breaking_its_quotes():
    lines = header_lines('Predicted value of "x"\\y')
    assert [line.split("ID=")[1].split(",")[0] for line in lines] == list(NAMES)
    assert all(line.count('"') == 2 and "\\" not in line and "Number=A" in line for line in lines)
    assert "Predicted value of 'x'/y with the reference allele" in lines[0]


def test_a_row_has_a_cell_for_each_column():
    for names in (None, ["a", "b"]):
        columns, n = table_columns(names), len(names or [""])
        for effect in (scored(n_outputs=n, motifs=[motif()]), scored(n_outputs=n, kept=None), Effect("*", skip="x")):
            cells = table_row(site("chr1", 5, "A", "G,*"), effect, n)
            assert len(cells) == len(columns) and all(cells)
    row = dict(zip(columns, table_row(site("chr1", 5, "A", "G,*"), scored(n_outputs=2), 2), strict=True))
    assert (row["pos"], row["alt"], row["skip"]) == ("5", "G", ".")
    assert (row["score_ref:b"], row["difference:b"]) == ("2", "-0.5")
    assert (row["kept_moved"], row["kept_lost"], row["kept_near_alt"], row["motif_made"]) == ("2", "1", ".", ".")


def test_counts_and_the_largest_differences_first():
    tally = VariantTally(top=2)
    for position, difference in enumerate((0.1, -3.0, 0.5, 0.2), 1):
        motifs = [motif(), motif("made"), motif()] if difference == 0.5 else []
        tally.add(site("chr1", position, "A", "G,*"), [scored(difference, motifs=motifs), Effect("*", skip="x")])
    tally.add(site("chr1", 9, "A", "G"), [scored(0.0, kept=KeptChange(0, 0, 1.0, 3, 3))])
    found = tally.to_dict()
    assert (found["sites"], found["alleles"], found["scored"], found["skipped"]) == (5, 9, 5, {"x": 4})
    assert (found["kept_moved"], found["motif_broken"], found["motif_made"]) == (4, 1, 1)
    assert [(one["position"], one["difference"]) for one in found["strongest"]] == [(2, -3.0), (3, 0.5)]


def test_equal_differences_keep_the_order_of_the_file():
    tally = VariantTally(top=2)
    for position in (1, 2, 3):
        tally.add(site("chr1", position, "A", "G"), [scored()])
    assert [one.position for one in tally.strongest()] == [1, 2]
    none = VariantTally(top=0)
    none.add(site("chr1", 1, "A", "G"), [scored()])
    assert none.strongest() == []
