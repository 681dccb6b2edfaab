"""How bytes reach an emulator in another process; knows no emulator.

`transport` carries bytes, `protocol` makes messages of them, `session` asks and waits,
`process` starts and ends the other program, and ``copain.lua`` is the peer inside it.
"""
