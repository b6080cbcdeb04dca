"""Measures nbflow against bare asyncio on this machine, in one run, as ratios: ``python -m benchmarks``."""
