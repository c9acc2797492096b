"""A Ray job: explain a folder that all nodes see.

    ray job submit --address http://HEAD:8265 --working-dir examples/cluster -- \
        python job.py /shared/photos /shared/maps --model /shared/my.keras --actors 2 64 --gpus 1

Submit it again after any interruption: finished pictures are skipped.
"""

from __future__ import annotations

import argparse
import sys

from visioncam import VisionCamError, distributed


def main() -> int:
    """Run the job and return its exit code: 0, 3 where some pictures failed, 4 where it stopped early."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("pictures", help="folder, pattern, list or archive")
    parser.add_argument("out", help="folder for the results")
    parser.add_argument("--model", help="model file; the embedded one by default")
    parser.add_argument("--method", default="gradcam")
    parser.add_argument("--actors", type=int, nargs=2, default=(1, 2), metavar=("LEAST", "MOST"))
    parser.add_argument("--gpus", type=float, default=0, help="of each actor")
    parser.add_argument("--address", default="auto", help="'local' starts a cluster on this machine")
    asked = parser.parse_args()
    try:
        summary = distributed.explain(
            asked.model,
            asked.pictures,
            method=asked.method,
            out=asked.out,
            actors=tuple(asked.actors),
            gpus=asked.gpus,
            address=None if asked.address == "local" else asked.address,
            recursive=True,
        )
    except VisionCamError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(summary)
    return 4 if summary.stopped else 3 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
