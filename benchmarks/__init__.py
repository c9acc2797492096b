"""Speed and memory, as ratios measured in one run: `python -m benchmarks` writes docs/performance.md."""
