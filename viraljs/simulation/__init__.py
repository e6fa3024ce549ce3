"""The simulator: the real registry and the real matching, under a virtual clock and a model of lines. Knows no Flask."""
