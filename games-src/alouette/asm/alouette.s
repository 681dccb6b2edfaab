; Alouette: a lark against the night. One translation unit; sound.s is the other.
.p02
.include "sound.inc"
.include "tables.inc"           ; constants out of kinds.toml and stages/*.toml

.segment "HEADER"
    .byte "NES", $1A, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0  ; NROM-256, vertical mirroring

.include "ram.s"
.code
.include "frame.s"
.include "video.s"
.include "modes.s"
.include "play.s"
.include "ship.s"
.include "enemies.s"
.include "boss.s"
.include "draw.s"
.include "tables.s"

.segment "VECTORS"
    .word nmi, reset, irq
.segment "CHARS"
    .incbin "alouette.chr"
