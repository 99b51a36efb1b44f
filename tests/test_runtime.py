"""OpenBLAS is loaded before MLX where it is installed, can be turned off, and the report tells the truth."""

import ctypes
import json
import os
import platform
import subprocess
import sys

import pytest

from mlx_gsa import openblas, runtime
from mlx_gsa.errors import ConfigError

linux = pytest.mark.skipif(platform.system() != "Linux", reason="only Linux needs another BLAS")


def _openblas_path():
    code = "from mlx_gsa.openblas import prepare_blas; print(prepare_blas().path or '')"
    return _child(code, GSA_OPENBLAS="") or None


def _child(code, **environment):
    """Last line that a new Python prints; the BLAS of this process is settled already."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed():
    """Path of the installed OpenBLAS; the test is skipped without one."""
    path = _openblas_path()
    if path is None:
        pytest.skip("OpenBLAS is not installed on this machine")
    return path


STATUS = "from mlx_gsa.openblas import global_blas, prepare_blas; print(prepare_blas().status, global_blas())"


@linux
@pytest.mark.parametrize("off", ["off", "OFF", "0"])
def test_the_variable_turns_it_off(off):
    assert _child(STATUS, GSA_OPENBLAS=off) == "off None"


@linux
def test_an_installed_openblas_answers_in_the_global_scope(installed):
    assert _child(STATUS, GSA_OPENBLAS="") == f"loaded {installed}"


@linux
def test_the_variable_picks_a_library(installed):
    assert _child(STATUS, GSA_OPENBLAS=installed) == f"loaded {installed}"


@linux
def test_after_mlx_it_does_nothing():
    assert _child("import mlx.core\n" + STATUS, GSA_OPENBLAS="") == "too late None"


@linux
def test_the_record_is_made_once(installed):
    code = "from mlx_gsa.openblas import prepare_blas as prepare; first = prepare(); import mlx.core; "
    code += "print(first is prepare(), first.threads > 0)"
    assert _child(code, GSA_OPENBLAS="") == "True True"


@linux
def test_mlx_multiplies_faster_with_it(installed):
    code = "from mlx_gsa.runtime import gemm_speed; print(gemm_speed(512, 3))"
    fast, slow = (float(_child(code, GSA_OPENBLAS=value)) for value in ("", "off"))
    assert fast > 3 * slow


@linux
def test_results_are_the_same_with_it(installed):
    code = (
        "from mlx_gsa.runtime import prepare_mlx\nmx = prepare_mlx()\n"
        "a = mx.random.normal((64, 64), key=mx.random.key(0))\nb = a @ a\n"
        "print(b.sum().item(), b[3, 5].item())"
    )
    fast, slow = ([float(x) for x in _child(code, GSA_OPENBLAS=value).split()] for value in ("", "off"))
    assert fast == pytest.approx(slow, rel=1e-4)


@linux
@pytest.mark.parametrize("path", ["/nowhere/libopenblas.so.0", "libm.so.6"])
def test_a_bad_choice_says_what_to_do(path):
    with pytest.raises(ConfigError, match="cannot load the chosen BLAS") as caught:
        openblas._load_chosen(path)
    assert caught.value.where == f"GSA_OPENBLAS={path}"
    assert "GSA_OPENBLAS=off" in caught.value.mend


@linux
def test_a_library_without_the_symbols_never_reaches_the_global_scope(monkeypatch):
    modes = []
    real = ctypes.CDLL

    def load(path, mode=ctypes.DEFAULT_MODE):
        modes.append(mode)
        return real(path, mode=mode)

    monkeypatch.setattr(openblas.ctypes, "CDLL", load)
    assert openblas._load("libm.so.6") is None
    assert modes == [ctypes.DEFAULT_MODE]


def test_other_systems_need_nothing(monkeypatch):
    monkeypatch.setattr(openblas.platform, "system", lambda: "Darwin")
    assert openblas._prepare("") == openblas.BlasRecord("not needed", "Accelerate")


def test_conda_comes_before_the_system(monkeypatch, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libopenblas.so.0").touch()
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert openblas._candidates()[0] == str(tmp_path / "lib" / "libopenblas.so.0")


def test_nothing_installed_leaves_the_wheels_own(monkeypatch):
    monkeypatch.setattr(openblas, "_load", lambda path: None)
    monkeypatch.setattr(openblas.platform, "system", lambda: "Linux")
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    assert openblas._prepare("").status == "absent"


def test_device_is_chosen_by_the_variable():
    code = "from mlx_gsa.runtime import prepare_mlx; mx = prepare_mlx(); "
    code += "print(mx.default_device() == mx.Device(mx.cpu))"
    assert _child(code, GSA_DEVICE="cpu") == "True"


@pytest.mark.metal
def test_the_gpu_is_the_default_on_apple_silicon():
    assert runtime.runtime_report().device.startswith("gpu")


def test_unknown_device(monkeypatch):
    monkeypatch.setenv("GSA_DEVICE", "tpu")
    with pytest.raises(ConfigError, match=r"unknown device.*expected cpu or gpu, found tpu"):
        runtime.prepare_mlx()


def test_missing_gpu(monkeypatch):
    mx = runtime.prepare_mlx()
    monkeypatch.setattr(mx, "is_available", lambda device: False)
    monkeypatch.setenv("GSA_DEVICE", "gpu")
    with pytest.raises(ConfigError, match="MLX has no GPU on this machine"):
        runtime.prepare_mlx()


def test_versions_name_what_a_result_depends_on():
    versions = runtime.versions()
    assert {"python", "mlx_gsa", "mlx", "numpy"} <= set(versions)
    assert versions["python"] == platform.python_version()


def test_machine_imports_no_mlx_and_names_no_person():
    code = (
        "import sys, json; from mlx_gsa.runtime import machine; "
        "print(json.dumps([machine(), 'mlx.core' in sys.modules]))"
    )
    machine, imported = json.loads(_child(code))
    assert not imported
    assert machine["cores"] >= 1 and machine["memory_total"] > 2**28
    assert set(machine) == {"platform", "processor", "cores", "memory_total", "blas", "blas_threads"}
    assert platform.node() not in json.dumps(machine)


def test_report_is_plain_data():
    report = runtime.runtime_report()
    assert json.loads(json.dumps(report.to_dict()))["machine"]["device"] == report.device
    assert report.gemm_gflops > 0
    assert 0 < report.memory_available <= report.machine["memory_total"]


def test_vm_stat_is_read():
    text = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               100.\nPages active:                             999.\n"
        "Pages inactive:                            20.\nPages speculative:                          3.\n"
    )
    assert runtime._parse_vm_stat(text) == 123 * 16384
    assert runtime._parse_vm_stat("") is None


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "sudo apt-get install libopenblas0-pthread"),
        ({"ID": "fedora"}, "sudo dnf install openblas"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "sudo dnf install openblas"),
        ({"ID": "nixos"}, "the package libopenblas0-pthread (Debian) or openblas (Fedora)"),
    ],
)
def test_advice_fits_the_distribution(monkeypatch, release, command):
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setattr(runtime.platform, "freedesktop_os_release", lambda: release)
    assert runtime._install_command() == command
    absent = openblas.BlasRecord("absent", "reference")
    assert any(command in line for line in runtime._advice(absent, "cpu"))


def test_advice_under_conda(monkeypatch):
    monkeypatch.setenv("CONDA_PREFIX", "somewhere")
    assert runtime._install_command().startswith("conda install -c conda-forge")


def test_info_prints_what_json_holds(gsa):
    text, data = gsa("info"), json.loads(gsa("info", "--json").stdout)
    assert text.exit_code == 0
    for part in (data["device"], data["blas"]["version"] or data["blas"]["name"], data["versions"]["mlx"]):
        assert part in text.output
