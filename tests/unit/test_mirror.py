"""The tests mirror the source: a test file for every module, in tests/unit or tests/system."""

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.relative_to(ROOT)
    for package in ("vmdqemu", "netns")
    for path in (ROOT / package).rglob("*.py")
    if path.stem not in ("__init__", "__main__")
)
STEMS = Counter(module.stem for module in MODULES if module.parts[0] == "vmdqemu")
TESTS = {path.name for room in ("unit", "system") for path in (ROOT / "tests" / room).glob("test_*.py")}


def names(module: Path) -> set[str]:
    """What its test file may be called. The package stands before a name that several modules have."""
    qualified, plain = f"test_{module.parent.name}_{module.stem}.py", f"test_{module.stem}.py"
    top_level = module.parent.name == "vmdqemu"
    clear = module.parts[0] == "vmdqemu" and (top_level or STEMS[module.stem] == 1)
    return {qualified, plain} if clear else {qualified}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_test_file_of_its_name(module: Path) -> None:
    assert names(module) & TESTS, f"add tests/unit/{min(names(module), key=len)}"


def test_no_test_file_counts_for_two_modules() -> None:
    shared = Counter(name for module in MODULES for name in names(module))
    assert [name for name, times in shared.items() if times > 1] == []
