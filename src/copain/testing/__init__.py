"""The conformance suites: what every emulator must do, checked and reported.

::

    from copain.testing import check_emulator
    print(check_emulator(lambda: copain.open("game.nes")))
"""

from copain.testing.conformance import CHECK_NAMES, check_emulator
from copain.testing.inputs import random_inputs
from copain.testing.report import Finding, Outcome, Report

__all__ = ["CHECK_NAMES", "Finding", "Outcome", "Report", "check_emulator", "random_inputs"]
