"""Measurements of speed and bytes, as ratios against a rival in the same run. `make bench` runs them all."""
