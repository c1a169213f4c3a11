"""The house: which part imports which, and which parts need torch.

A part is a subpackage or a module right below `optunas`. `X: Y Z` means that X may import Y and Z,
and nothing else of the package; type-checking imports don't count.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "optunas"

ARROWS = {
    "errors": "",
    "atomic": "",
    "artifacts": "atomic errors",
    "_version": "",
    "numeric": "",
    "_named": "errors",
    "quantities": "errors",
    "ranks": "",
    "machine": "",
    "process": "",
    "limits": "errors",
    "metrics": "errors _named",
    # what a network is, how it is chosen, what it becomes
    "architecture": "numeric errors",
    "references": "architecture errors _named",
    "spaces": "numeric architecture limits nn errors",  # nn when a network is made, not before
    "nn": "architecture errors",
    "data": "errors machine atomic",
    "training": "atomic data nn errors machine",
    # one trial
    "attributes": "",
    "proxies": "numeric attributes data errors nn ranks training _named",
    "objective": (
        "numeric architecture artifacts attributes data errors fingerprint limits metrics nn "
        "process proxies pruners report spaces training"
    ),
    # what a person sees
    "report": (
        "numeric architecture artifacts attributes described errors facts fingerprint insights "
        "metrics process tally visualization wording atomic _version"
    ),
    # the study
    "testing": "architecture nn spaces errors",
    "samplers": "numeric architecture proxies pruners ranks spaces limits attributes errors _named",
    "pruners": "attributes errors _named",
    "benchmarks": "attributes spaces errors _named",
    "storage": "attributes errors process atomic",
    "facts": "",
    "fingerprint": "facts errors _version",
    "study": "fingerprint samplers pruners spaces storage errors _named",
    "tally": "attributes",
    # what is seen of it
    "wording": "",
    "described": "architecture errors",
    "insights": (
        "numeric architecture attributes described errors fingerprint metrics process pruners "
        "ranks tally wording"
    ),
    "visualization": "attributes insights wording",
    "worker": "attributes process pruners storage tally errors",
    # what people touch
    "studyfile": "errors",
    "delivery": (
        "_named _version architecture atomic attributes data errors fingerprint limits machine "
        "metrics nn objective references report spaces studyfile tally training wording"
    ),
    "remembered": "errors storage study",
    "search": ("_named data limits objective report spaces study studyfile training worker errors"),
    "deadline": "numeric facts worker",
    "joining": "deadline errors storage worker",
    "promise": "delivery training wording",
    "planning": "numeric facts machine nn objective promise spaces training errors",
    "terminal": (
        "architecture attributes data described insights proxies storage tally training wording "
        "worker errors"
    ),
    "together": "attributes deadline errors machine objective search worker",
    "cli": (
        "_version artifacts data deadline delivery described errors fingerprint planning promise "
        "quantities remembered report search storage study tally terminal together worker"
    ),
    "__main__": "cli",
    "__init__": "_version",
}

TORCH_FREE = [
    "architecture", "artifacts", "attributes", "benchmarks", "cli", "deadline", "described",
    "facts", "fingerprint", "insights", "joining", "limits", "metrics", "numeric", "proxies",
    "pruners", "references", "remembered", "report", "samplers", "spaces", "storage", "study",
    "studyfile", "tally", "terminal", "training", "visualization", "wording", "worker",
]  # fmt: skip


def part_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0].removesuffix(".py")


def runtime_nodes(node: ast.AST):
    """Every node but those under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        yield child
        yield from runtime_nodes(child)


def imported_parts(path: Path) -> set[str]:
    folder = path.parent.relative_to(PACKAGE).parts
    parts: set[str] = set()
    for node in runtime_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ("optunas", *folder)[: len(folder) + 2 - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            modules = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        parts |= {m.split(".")[1] for m in modules if m.startswith("optunas.")}
    return parts & set(ARROWS)


@pytest.mark.parametrize("part", sorted({part_of(path) for path in PACKAGE.rglob("*.py")}))
def test_a_part_imports_only_what_lies_below_it(part: str):
    files = [path for path in PACKAGE.rglob("*.py") if part_of(path) == part]
    imports = set().union(*map(imported_parts, files)) - {part}
    assert imports <= set(ARROWS[part].split())


def test_the_arrows_have_no_circle():
    left = {part: set(arrows.split()) for part, arrows in ARROWS.items()}
    while left:
        free = {part for part, arrows in left.items() if not arrows & set(left)}
        assert free, f"these import each other: {sorted(left)}"
        left = {part: arrows for part, arrows in left.items() if part not in free}


def test_reading_and_describing_need_no_torch():
    names = ", ".join(f"optunas.{part}" for part in TORCH_FREE)
    check = f"import sys, {names}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


def test_architectures_need_neither_torch_nor_optuna():
    check = "import sys, optunas.architecture; assert not {'torch', 'optuna'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
