; Alouette: a lark against the night. One translation unit; sound.s is the other.
.p02
.include "sound.inc"
.include "tables.inc"           ; constants out of kinds.toml and stages/*.toml

.segment "HEADER"
    .byte "NES", $1A, 2, 4, $31, 8, 0, 0, 0, 0, 0, 0, 0, 0  ; CNROM, vertical mirroring, no RAM: NES 2.0

.include "ram.s"
.code
.include "frame.s"
.include "video.s"
.include "modes.s"
.include "play.s"
.include "ship.s"
.include "enemies.s"
.include "boss.s"
.include "scarecrow.s"
.include "lanternfish.s"
.include "owl.s"
.include "sky.s"
.include "draw.s"
.include "tables.s"

.segment "VECTORS"
    .word nmi, reset, irq
.segment "CHARS"
    .incbin "alouette.chr"
