"""What a script of this folder says: tables on the terminal, JSON for `everything.py`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from machine import chosen, described
from rich.console import Console
from rich.table import Table as Shown

Cell = str | int | float


@dataclass
class Table:
    """Rows of words and numbers under their heads."""

    title: str
    heads: list[str]
    rows: list[list[Cell]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        self.rows.append(list(cells))


@dataclass
class Report:
    """One script's findings, with all that is needed to judge and repeat them."""

    title: str
    command: str
    machine: dict[str, str]
    seeds: str
    tables: list[Table] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """what follows from the tables: targets met or missed, remarks"""
    figures: dict[str, Any] = field(default_factory=dict)
    """the numbers behind the tables, unrounded"""

    def show(self) -> None:
        """Print everything. A table that is piped into a file keeps all its columns."""
        console = Console() if sys.stdout.isatty() else Console(width=200)
        console.print(f"\n[bold]{self.title}[/bold]", highlight=False)
        console.print(f"$ {self.command}", highlight=False, markup=False)
        for name, value in {**self.machine, "seeds": self.seeds}.items():
            console.print(f"  {name:<10} {value}", highlight=False, markup=False)
        for table in self.tables:
            console.print(_shown(table))
        for line in self.lines:
            console.print(line, highlight=False, markup=False)

    def finish(self, options: argparse.Namespace) -> None:
        """Print it, and write it where `--json` says."""
        self.show()
        if options.json is not None:
            options.json.write_text(json.dumps(asdict(self), indent=1))


def parser(text: str | None, *, data: bool = True) -> argparse.ArgumentParser:
    """The options that all scripts share."""
    made = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    if data:
        made.add_argument(
            "folder",
            nargs="?",
            type=Path,
            default=os.environ.get("CIFAR10"),
            help="CIFAR-10 as train/<class>/*.jpg and test/<class>/*.jpg; also taken from CIFAR10",
        )
    made.add_argument("--device", default="auto", help="auto, cpu or cuda")
    made.add_argument("--json", type=Path, help="write the figures to this file as well")
    made.add_argument("--seed", type=int, default=0)
    return made


def parsed(made: argparse.ArgumentParser) -> argparse.Namespace:
    """The options, with `device` as torch knows it; no folder ends in one line."""
    options = made.parse_args()
    options.device = chosen(options.device)
    if hasattr(options, "folder") and options.folder is None:
        made.error("name the folder of CIFAR-10's images, or set CIFAR10")
    return options


def report(title: str, device: torch.device, seeds: object) -> Report:
    """An empty report of this process."""
    command = " ".join(["python", os.path.relpath(sys.argv[0]), *sys.argv[1:]])
    return Report(title, command, described(device), str(seeds))


def verdict(what: str, found: float, least: float) -> str:
    """One line on a target: `found` shall be at least `least`."""
    met = "met" if found >= least else "MISSED"
    return f"target {met}: {what} is {found:.2f}, wanted at least {least:g}"


def spread(values: list[float]) -> str:
    """Median and quartiles, three digits each."""
    if len(values) < 2:
        return f"{values[0]:.3g}"
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{median(values):.3g} ({low:.3g}–{high:.3g})"


def short(number: float) -> str:
    """A count with three digits: 1.23M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def _shown(table: Table) -> Shown:
    shown = Shown(title=table.title, title_justify="left")
    for number, head in enumerate(table.heads):
        shown.add_column(head, justify="right" if number else "left")
    for row in table.rows:
        shown.add_row(*(cell if isinstance(cell, str) else f"{cell:,.4g}" for cell in row))
    return shown
