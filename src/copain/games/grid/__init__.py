"""Grid: a small game without a console, whose best results are known exactly.

`rules` is the game itself, one function from RAM and inputs to RAM; `optimum` plays every game
there is; `game` says what the RAM means. The emulator that runs it is ``grid``.
"""
