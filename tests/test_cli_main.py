"""The front door: version, help, error panel, exit codes, progress and tables."""

import io
import subprocess
import sys
from types import SimpleNamespace

import click
import numpy as np
import pytest
from rich.console import Console

import mlx_gsa
from mlx_gsa.cli import console as shown
from mlx_gsa.cli import main as front
from mlx_gsa.errors import DatasetError

ERROR = DatasetError(
    "not a data set", where="data/x", expected="manifest.json", found="nothing", mend="Run gsa prepare"
)


@pytest.fixture
def failing(monkeypatch):
    """Make `gsa info` raise the given exception."""

    def replace(error):
        @click.command()
        def command():
            raise error

        monkeypatch.setattr(front, "import_module", lambda name: type("Module", (), {"command": command}))

    return replace


def _text(renderable, width=100):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def test_version(gsa):
    result = gsa("--version")
    assert (result.exit_code, result.output) == (0, f"gsa, version {mlx_gsa.__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_and_version_import_nothing_heavy(arguments):
    code = (
        "import sys\nfrom mlx_gsa.cli.main import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\n"
        "heavy = {'mlx', 'numpy', 'matplotlib', 'scipy', 'rich', 'pydantic'}\n"
        "print('heavy:', sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "heavy: []", done.stderr


def test_help_lists_every_command_in_the_order_of_a_session(gsa):
    output = gsa("--help").output
    places = [output.index(f"\n  {name} ") for name in front.COMMANDS]
    assert places == sorted(places)


def test_module_runs_as_the_command(gsa_process):
    done = gsa_process("--version")
    assert (done.returncode, done.stdout) == (0, f"gsa, version {mlx_gsa.__version__}\n")


def test_unknown_command_exits_2_and_names_the_nearest(gsa):
    result = gsa("trian")
    assert result.exit_code == 2
    assert "No such command 'trian'. Did you mean 'train'?" in result.stderr


def test_unknown_option_exits_2(gsa):
    result = gsa("info", "--jsn")
    assert result.exit_code == 2
    assert "--jsn" in result.stderr


def test_gsa_error_is_one_panel_on_stderr(gsa, failing):
    failing(ERROR)
    result = gsa("info")
    assert (result.exit_code, result.stdout) == (1, "")
    shown_lines = [" ".join(line.strip("│ ").split()) for line in result.stderr.splitlines()]
    assert shown_lines[1:-1] == [
        "not a data set",
        "where data/x",
        "expected manifest.json",
        "found nothing",
        "mend Run gsa prepare",
    ]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["--debug", "info"], ["info", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(gsa, failing, arguments):
    failing(ERROR)
    result = gsa(*arguments)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr and "not a data set" in result.stderr


def test_an_unexpected_exception_is_one_line(gsa, failing):
    failing(ValueError("two\nlines"))
    result = gsa("info")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Unexpected ValueError: two lines",
        "Run the same command with --debug to see where.",
    ]


def test_interrupt_is_one_line_and_exits_130(gsa, failing):
    failing(KeyboardInterrupt())
    result = gsa("info")
    assert result.exit_code == 130
    assert result.stderr.strip() == "Interrupted."


def test_quiet_silences_output_but_not_errors(gsa, failing, monkeypatch):
    assert gsa("info", "--quiet").output == ""
    failing(ERROR)
    assert "not a data set" in gsa("--quiet", "info").stderr


def test_quiet_ends_with_its_command(gsa):
    gsa("--quiet", "info")
    assert "Device" in gsa("info").output


def test_a_reader_that_leaves_is_no_error(tmp_path):
    command = f"{sys.executable} -m mlx_gsa info --json | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_error_panel_shows_brackets_as_they_are():
    text = _text(shown.error_panel(DatasetError("bad header", found="chr7[/bold]:1-2")))
    assert "chr7[/bold]:1-2" in text
    assert "expected" not in text


def test_progress_without_a_terminal_writes_no_control_codes(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=False, width=120)
    monkeypatch.setattr(shown, "err_console", console)
    with shown.reporting("Training", total=200, unit="sequences") as report:
        for done in range(201):
            report(done, note="loss 0.5")
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "Training: 0/200 loss 0.5"
    assert "200/200" in lines[-1]
    assert "\x1b" not in console.file.getvalue()
    assert len(lines) < 5


def test_progress_on_a_terminal_shows_rate_and_note(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    monkeypatch.setattr(shown, "err_console", console)
    with shown.reporting("Training", total=2) as report:
        report(1, note="loss 0.5")
        report(2, note="loss 0.4")
    assert "loss 0.4" in console.file.getvalue()


def test_progress_is_silent_when_quiet(monkeypatch):
    console = Console(file=io.StringIO(), quiet=True)
    monkeypatch.setattr(shown, "err_console", console)
    with shown.reporting("Training", total=2) as report:
        report(1)
    assert console.file.getvalue() == ""


def test_table_aligns_numbers_and_leaves_markup_alone():
    table = shown.table("Sites", ["kind", "n", "share"], [["[TATA]", 1200, 0.123456], ["GC", 7, None]])
    assert [column.justify for column in table.columns] == ["left", "right", "right"]
    text = _text(table)
    assert "[TATA]" in text and "1,200" in text and "0.1235" in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (0.5, "0.5"),
        (float("nan"), "nan"),
        (123456.7, "123,457"),
        (np.float32(0.25), "0.25"),
        (np.int64(1000), "1,000"),
        (True, "True"),
    ],
)
def test_cells(value, expected):
    assert str(shown._cell(value)) == expected


@pytest.mark.parametrize(("speed", "shown"), [(3.14159, "3.14 Mbp/s"), (1234.5, "1,234 Mbp/s"), (None, "")])
def test_a_slow_rate_has_decimals(speed, shown):
    from mlx_gsa.cli.console import _RateColumn

    task = SimpleNamespace(fields={"unit": "Mbp"}, finished_speed=None, speed=speed)
    assert str(_RateColumn().render(task)) == shown
