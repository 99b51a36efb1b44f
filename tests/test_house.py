"""The rules of the house: who may import whom, what lies where, and that all of it is documented."""

import ast
import fnmatch
import importlib
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    *("dna", "data", "model", "inference", "training", "evaluation", "explain", "motifs", "audit", "genomes"),
    *("benchmark", "experiments", "cli"),
)
FOLDERS = {"mlx_gsa.cli": "cli", "mlx_gsa.configs": "configs", "mlx_gsa.assets": "assets"}
METRICS = tuple(f"mlx_gsa.evaluation.{name}" for name in ("prediction", "selection", "bootstrap"))
WITHOUT_MLX = ("mlx_gsa.dna", "mlx_gsa.data", *METRICS)
TOP_LEVEL = {
    *("pyproject.toml", "README.md", "LICENSE", "Makefile", ".gitignore", ".ci", ".github"),
    *("mlx_gsa", "cli", "configs", "tests", "assets", "docs"),
}
MADE_HERE = (
    *(".git", ".venv", "data", "runs", "explained", "scans", "evaluation", "build", "dist", "*.egg-info"),
    *(".*_cache", ".hypothesis", "__pycache__", ".DS_Store"),
)


def _name(path):
    """Dotted name under which a source file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "mlx_gsa" else ("mlx_gsa", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted((ROOT / "mlx_gsa").rglob("*.py")) + [
    path for folder in FOLDERS.values() for path in sorted((ROOT / folder).rglob("*.py"))
]
MODULES = {_name(path): path for path in FILES}
ALL_FILES = FILES + sorted((ROOT / "tests").glob("*.py"))


def _imports(path, name):
    """Every dotted name that a file imports, also inside functions, relative ones resolved."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _room(name):
    parts = name.split(".")
    return parts[1] if parts[0] == "mlx_gsa" and len(parts) > 1 and parts[1] in ROOMS else None


def _within(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _importers(*packages):
    """Modules that import one of the packages."""
    pairs = ((name, each) for name, path in MODULES.items() for each in _imports(path, name))
    return {name for name, each in pairs if _within(each, packages)}


def _may_import(own, other):
    """Whether a module of room ``own`` (None: shared by all rooms) may import one of room ``other``."""
    return other is None or (own is not None and ROOMS.index(other) <= ROOMS.index(own))


def test_rooms_import_only_from_rooms_to_their_left():
    doors = {"mlx_gsa.__main__"}  # `python -m mlx_gsa`, outside the rooms, opens the last of them
    wrong = [
        f"{name} imports {each}"
        for name, path in MODULES.items()
        if name not in doors
        for each in _imports(path, name)
        if not _may_import(_room(name), _room(each))
    ]
    assert wrong == []


def test_the_rule_of_the_rooms_can_be_broken():
    assert _may_import("model", "data") and _may_import("dna", None)
    assert not _may_import("data", "model") and not _may_import(None, "dna")


def test_the_import_reader_sees_relative_and_nested_imports(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("from . import near\nfrom ..cli import main\ndef f():\n    import click.testing\n")
    expected = {"mlx_gsa.dna.near", "mlx_gsa.cli.main", "click.testing"}
    assert set(_imports(path, "mlx_gsa.dna.module")) == expected


def test_only_the_figures_import_matplotlib():
    assert all(name.startswith("mlx_gsa.explain.figures") for name in _importers("matplotlib"))
    assert _importers("matplotlib"), "no figure module was found"
    assert not _importers("matplotlib.pyplot"), "pyplot keeps global state"


def test_only_the_command_line_imports_click_and_rich():
    assert {_room(name) for name in _importers("click", "rich")} == {"cli"}


def test_dna_data_and_the_metrics_name_no_mlx():
    assert not [name for name in _importers("mlx") if _within(name, WITHOUT_MLX)]


def test_dna_data_and_the_metrics_load_neither_mlx_nor_matplotlib():
    names = [name for name in MODULES if _within(name, WITHOUT_MLX)]
    code = f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\n"
    code += "print(sorted({name.split('.')[0] for name in sys.modules} & {'mlx', 'matplotlib', 'click'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_only_the_command_line_prints():
    printing = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {name for name in printing if not _within(name, ("mlx_gsa.cli", "mlx_gsa.assets"))} == set()


def test_the_top_level_holds_what_the_design_says():
    found = {path.name for path in ROOT.iterdir()}
    extra = {name for name in found - TOP_LEVEL if not any(fnmatch.fnmatch(name, made) for made in MADE_HERE)}
    assert extra == set()
    assert TOP_LEVEL - found == set()


def _settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_every_package_of_the_tree_is_installed():
    inside = {_name(path) for path in FILES if path.name == "__init__.py"}
    assert inside == set(_settings()["packages"])
    assert all(_settings()["package-dir"][name] == folder for name, folder in FOLDERS.items())


@pytest.mark.parametrize("folder", ["configs", "assets"])
def test_every_data_file_is_installed(folder):
    patterns = _settings()["package-data"][f"mlx_gsa.{folder}"]
    installed = {path for pattern in patterns for path in (ROOT / folder).glob(pattern)} | set(FILES)
    files = {path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files - installed == set()


def _public(tree):
    """Public functions and classes of a module, and the public methods of those classes."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node
            yield from _public(node) if isinstance(node, ast.ClassDef) else ()


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    assert [f"line {node.lineno}: {node.name}" for node in _public(tree) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_short(name):
    text = MODULES[name].read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert [f"{node.name}: {_length(node)} lines" for node in functions if _length(node) > 50] == []


def _length(function):
    """Lines of a function without its decorators and docstring."""
    documented = ast.get_docstring(function) is not None
    docstring = function.body[0].end_lineno - function.body[0].lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_no_file_names_a_place_of_somebodys_machine():
    place = re.compile(r"(?<![\w.:/])/(?:home|Users|root|work|mnt|tmp)/\w|index-url|trusted-host")
    texts = [path for path in ROOT.iterdir() if path.name in TOP_LEVEL] + [*ALL_FILES, *ROOT.glob(".ci/*")]
    folders, suffixes = ("docs", "configs", "assets", ".github"), ("md", "toml", "json", "yml")
    for folder, suffix in itertools.product(folders, suffixes):
        texts += (ROOT / folder).rglob(f"*.{suffix}")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts
        if path.is_file() and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if place.search(line)
    ]
    assert found == []


def test_every_command_of_the_list_exists_and_has_help():
    from mlx_gsa.cli.main import COMMANDS

    names = {path.stem for path in (ROOT / "cli").glob("*.py")} - {"__init__", "main", "console"}
    modules = {name: importlib.import_module(f"mlx_gsa.cli.{name}") for name in names}
    assert {name for name, module in modules.items() if hasattr(module, "command")} == set(COMMANDS)
    assert all(modules[name].command.help for name in COMMANDS)
