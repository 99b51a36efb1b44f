"""Fixtures that every test may use."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mlx_gsa.runtime import prepare_blas

ROOT = Path(__file__).resolve().parent.parent

os.environ["MPLBACKEND"] = "Agg"
# Some test modules import mlx.core at their top, and OpenBLAS has to be there before.
prepare_blas()


def pytest_collection_modifyitems(items):
    """Skip what only a Mac can run everywhere else."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return
    for item in items:
        if item.get_closest_marker("metal"):
            item.add_marker(pytest.mark.skip(reason="needs the GPU of an Apple Silicon Mac"))


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data beside the checkout; tests that need it are skipped without it."""
    folder = (ROOT / "../shared/data").resolve()
    if not folder.is_dir():
        pytest.skip("the real data sets are not beside this checkout (../shared/data)")
    return folder


MOCK_GENOME = {f"chr{i}": 6000 for i in range(1, 7)} | {"chrX": 4000, "chrM": 600}  # name -> bp


@pytest.fixture(scope="session")
def mock_genome_text():
    """The letters of the chromosomes of `mock_genome`, by name."""
    rng, texts = np.random.default_rng(7), {}
    for name, length in MOCK_GENOME.items():
        letters = np.array(list("ACGT"))[rng.integers(0, 4, length)]
        for start in range(1000, length, 1000):  # 200 bp of repeats after every 1,000
            letters[start : start + 200] = np.char.lower(letters[start : start + 200])
        letters[2000:2100] = "N"
        texts[name] = "".join(letters)
    return texts


@pytest.fixture
def mock_genome(tmp_path, monkeypatch, mock_genome_text):
    """The FASTA of a small genome: chr1 to chr6, chrX, chrM; repeats in lower case, N at 2000-2100."""
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "genome" / "mock.fa"
    path.parent.mkdir()
    lines = (f">{name}\n" + "\n".join(text[i : i + 60] for i in range(0, len(text), 60)) for name, text in
             mock_genome_text.items())  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def gsa(tmp_path, monkeypatch):
    """Run `gsa ARGUMENTS` in this process, in an empty folder; returns Click's result."""
    from mlx_gsa.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def gsa_process(tmp_path):
    """Run `gsa ARGUMENTS` as a process of its own in an empty folder; returns the completed process."""

    def run(*arguments, cwd=tmp_path, **environment):
        return subprocess.run(
            [sys.executable, "-m", "mlx_gsa", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    return run
