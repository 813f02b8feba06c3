"""What each stage of a frame's way costs, measured by a process that ends by itself: `datapath.stages`.

    python -m vmdqemu.experiments.stage_costs

prints one JSON document. Its namespaces go with it, whoever started it may be killed meanwhile.
"""

import json
import os

from vmdqemu.datapath import stages


def main() -> None:
    """Measure every size."""
    costs = stages.measure(f"stages{os.getpid() % 10_000}")
    print(json.dumps([cost._asdict() for cost in costs]))


if __name__ == "__main__":
    main()
