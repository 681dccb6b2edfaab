"""Alouette, the NES game that copain ships."""
