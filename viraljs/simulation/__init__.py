"""The simulator: the real registry and the real matching, under a virtual clock and modelled lines. No Flask here."""
