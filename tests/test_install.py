"""The wheel works far from the checkout: installed in a new environment, from build to heatmap."""

import importlib.metadata
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import mlx_gsa

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "mlx_gsa", "cli", "configs", "assets")

pytestmark = pytest.mark.slow


def _run(*command, cwd):
    """Run a program as a stranger would: no PYTHONPATH, no checkout in sight."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of the sources: a build leaves folders beside them."""
    folder = tmp_path_factory.mktemp("build")
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=skip)
        else:
            shutil.copy(source, folder)
    # With a setuptools that is new enough the build needs no network.
    new = int(importlib.metadata.version("setuptools").partition(".")[0]) >= 77
    isolation = ["--no-isolation"] if new else []
    _run(sys.executable, "-m", "build", "--wheel", *isolation, "--outdir", folder / "dist", cwd=folder)
    return next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment with the wheel in it; returns its folder of programs.

    To be fast, the dependencies are not installed again: a .pth file appends this environment's
    site-packages. `gsa` itself must then come from the wheel, which `test_it_is_the_wheel` holds.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=True, symlinks=True)
    programs = folder / "env" / "bin"
    _run(programs / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel, cwd=folder)
    paths = {"base": str(folder / "env"), "platbase": str(folder / "env")}
    target = Path(sysconfig.get_path("purelib", vars=paths))
    (target / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return programs


def test_the_wheel_holds_every_data_file_and_nothing_else_at_its_top(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"mlx_gsa", f"mlx_gsa-{mlx_gsa.__version__}.dist-info"}
    for folder in ("configs", "assets"):
        shipped = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        shipped = [path for path in shipped if path.suffix not in (".py", ".pyc")]
        expected = {f"mlx_gsa/{path.relative_to(ROOT).as_posix()}" for path in shipped}
        assert expected <= set(names)


def test_it_is_the_wheel(installed, tmp_path):
    code = "import mlx_gsa, mlx_gsa.cli, mlx_gsa.assets; print(mlx_gsa.__file__, mlx_gsa.cli.__file__)"
    for place in _run(installed / "python", "-c", code, cwd=tmp_path).split():
        assert Path(place).is_relative_to(installed.parent)


def test_from_prepare_to_explain(installed, tmp_path):
    gsa = installed / "gsa"
    assert _run(gsa, "--version", cwd=tmp_path) == f"gsa, version {mlx_gsa.__version__}\n"
    _run(gsa, "prepare", "synthetic", "--preset", "demo", "--n", 200, "--out", "data", cwd=tmp_path)
    _run(gsa, "train", "--data", "data", "--sparsity", 0.1, "--epochs", 1, "--out", "run", cwd=tmp_path)
    (tmp_path / "one.fa").write_text(">chr7:5,001-5,400(-)\n" + "ACGTTGCAGGCTATAAAAGC" * 20 + "\n")
    _run(gsa, "explain", "one.fa", "--run", "run", "--out", "explained", cwd=tmp_path)
    suffixes = {path.suffix for path in (tmp_path / "explained").rglob("*") if path.is_file()}
    assert {".png", ".bed", ".npz", ".tsv"} <= suffixes
