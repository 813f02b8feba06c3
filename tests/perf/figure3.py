"""docs/figure3.md from a run's results: the tables between its markers, its pictures and its results.json.

.venv/bin/python -m tests.perf.figure3 results/figure3
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from tests.perf import report
from tests.perf.report import Table

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "figure3.md"
RESULTS: Final = DOCS / "figure3.json"
PICTURES: Final = {"figure3": "figure3", "sensitivity": "figure3-sensitivity"}
LISTS: Final = {
    "real": "Real",
    "emulated": "Emulated",
    "calibrated": "Calibrated",
    "predicted": "Predicted, before the counted rounds",
    "not_modelled": "Not modelled",
}


def main(run: Path) -> None:
    """Take a run over into docs/."""
    shutil.copy(run / "results.json", RESULTS)
    for name, copy in PICTURES.items():
        for ending in (".png", ".svg"):
            if (run / f"{name}{ending}").exists():
                shutil.copy(run / f"{name}{ending}", DOCS / f"{copy}{ending}")
    found = json.loads(RESULTS.read_text())
    report.write(heading(found), tables(found), PAGE)


def heading(found: dict[str, Any]) -> str:
    """What ran where, whether it counts, and the one sentence."""
    where = "{cores} processors ({cpu}), Linux {kernel}, CPython {python}, commit {commit}".format_map(
        found["machine"]
    )
    verdict = "void" if found["void"] else "every gate held"
    ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found["ratios"].items())
    costs = {said["mode"]: said["ns_per_frame"] for said in found["predictions"]}  # c(mode)
    spent = ", ".join(f"{cost:.0f} ns with `{mode}`" for mode, cost in costs.items())
    return (
        f"Measured on {where}: {verdict}. {ratios}.\n\n"
        f"One fitted number ({found['calibration']['speed']:.4f} of a CPU), then measured; at 4 VMs the "
        f"paper's 9.3 is the wire. A busy processor spends for each wire frame {spent}."
    )


def tables(found: dict[str, Any]) -> list[Table]:
    """The paper's numbers beside ours, the gates, the controls, the claims."""
    claims = [
        Table(title, ("",), [(claim,) for claim in found["claims"][name]]) for name, title in LISTS.items()
    ]
    return [_lines(found), _cpu(found), _controls(found), _gates(found), *claims]


def _lines(found: dict[str, Any]) -> Table:
    columns = ("mode, VMs", "predicted", "measured (min..max)", "paper", "limit", "rows", "not counted")
    rows = [
        (
            f"{line['mode']}, {line['vms']}",
            f"{line['predicted']:.2f}",
            _spread(line),
            "-" if line["paper"] is None else str(line["paper"]),
            line["limit"],
            str(line["rows"]),
            str(line["machine_limited"]),
        )
        for line in found["table"]
    ]
    return Table("Gbit/s that the VMs receive; rows that the machine limited are not counted", columns, rows)


def _spread(line: dict[str, Any]) -> str:
    if line["measured"] is None:
        return "-"
    return f"{line['measured']:.2f} ({line['least']:.2f}..{line['most']:.2f})"


def _cpu(found: dict[str, Any]) -> Table:
    columns = ("mode, VMs", "outside", "adapter", "host", "guest", "idle", "longest wait for a CPU")
    rows = []
    for line in found["table"]:
        counted = [
            row
            for row in found["rows"]
            if (row["mode"], row["vms"]) == (line["mode"], line["vms"]) and row["limit"] != "machine"
        ]
        if counted:
            row = counted[len(counted) // 2]
            names = ("cpu_outside", "cpu_adapter", "cpu_host", "cpu_guest", "idle")
            shares = [*(row[name] for name in names), max(row["waiting"])]
            rows.append((f"{line['mode']}, {line['vms']}", *(f"{share:.2f}" for share in shares)))
    return Table("CPU of one row each, as shares of one CPU; idle: of the machine", columns, rows)


def _controls(found: dict[str, Any]) -> Table:
    verdicts = {True: "holds", False: "fails", None: "says"}
    rows = [
        (control["name"], control["question"], f"{verdicts[control['holds']]}: {control['answer']}")
        for control in found["controls"]
    ]
    return Table("Controls", ("", "question", "answer"), rows)


def _gates(found: dict[str, Any]) -> Table:
    rows = [(gate["name"], gate["found"], "yes" if gate["holds"] else "no") for gate in found["gates"]]
    return Table("Gates", ("", "found", "holds"), rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
