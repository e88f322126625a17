"""What the README says of settings and commands is what the program has."""

import re
from pathlib import Path

from typer.testing import CliRunner

from s2s.cli.app import app
from s2s.config import settings

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_table_has_every_setting_with_its_default_and_meaning() -> None:
    rows = [f"| `{s.name}` | `{s.default}` | {s.meaning.replace('|', chr(92) + '|')} |" for s in settings()]
    table = [line for line in README.splitlines() if re.match(r"\| `[a-z]+\.[a-z_]+` \|", line)]
    assert table == rows


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = set(re.findall(r"^(?:\$ )?s2s ([a-z-]+(?: (?:generate|check|download|encode))?)", README, re.MULTILINE))
    assert {"train", "translate", "eval", "align", "plot-alignment", "plot-gates"} <= shown
    for command in shown:
        result = CliRunner().invoke(app, [*command.split(), "--help"])
        assert result.exit_code == 0, command


def test_files_that_the_readme_links_to_exist() -> None:
    root = Path(__file__).resolve().parent.parent
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
