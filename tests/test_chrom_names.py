"""One chromosome under several names."""

import pytest

from mlx_gsa.dna.chrom_names import ChromNames, plain_name

HUMAN = ["chr1", "chr10", "chr22", "chrX", "chrY", "chrM"]
YEAST = ["chrI", "chrII", "chrIX", "chrX", "chrXVI", "chrM"]
WORM = ["I", "II", "III", "IV", "V", "X", "MtDNA"]


@pytest.mark.parametrize(
    ("names", "asked", "found"),
    [
        (HUMAN, "chr1", "chr1"),
        (HUMAN, "1", "chr1"),
        (HUMAN, "Chr1", "chr1"),
        (HUMAN, "CHROMOSOME_10", "chr10"),
        (HUMAN, "NC_000001.11", "chr1"),
        (HUMAN, "NC_000023.10", "chrX"),
        (HUMAN, "NC_000024.10", "chrY"),
        (HUMAN, "NC_012920.1", "chrM"),
        (HUMAN, "MT", "chrM"),
        (HUMAN, "chr3", None),
        (HUMAN, "10", "chr10"),
        (["1", "X", "MT"], "chrX", "X"),
        (["1", "X", "MT"], "chrM", "MT"),
        (["NC_000001.11", "NC_000023.11"], "chrX", "NC_000023.11"),
        (YEAST, "1", "chrI"),
        (YEAST, "I", "chrI"),
        (YEAST, "10", "chrX"),
        (YEAST, "chr16", "chrXVI"),
        (YEAST, "NC_001148.4", "chrXVI"),
        (YEAST, "Mito", "chrM"),
        (WORM, "chrX", "X"),
        (WORM, "chrM", "MtDNA"),
        (["chr1", "1"], "chr01x", None),
    ],
)
def test_names_are_found(names, asked, found):
    assert ChromNames(names).find(asked) == found


def test_a_name_that_two_would_fit_is_not_guessed():
    assert ChromNames(["chr1", "1"]).find("Chr1") is None
    assert ChromNames(["chr1", "1"]).find("1") == "1"


@pytest.mark.parametrize("name", ["chr", "", "chrUn_GL000220v1", "scaffold_12"])
def test_odd_names_stay_what_they_are(name):
    assert plain_name(name) == (name.lower().removeprefix("chr") or name)
