"""Gradius (USA), the NES game of 1986. Copain ships no ROM of it; give the path of yours."""
