; What is read where nothing answers.
; https://www.nesdev.org/wiki/Open_bus_behavior, https://www.nesdev.org/wiki/PPU_registers

.include "shell.inc"
.include "nrom.inc"

.segment "CODE"

main:
    check 2, "an empty address reads as its high byte, the last on the bus"
    lda $5012
    must_be $50
    lda $4112
    must_be $41
    ldx #$10
    lda $50F8,x                 ; the bus still holds the operand's high byte
    must_be $50
    check 3, "the high bits of a joypad's port are the bus"
    lda JOY1
    and #$E0
    must_be $40
    check 4, "write-only registers of the APU are open bus"
    lda $4000
    must_be $40
    check 5, "write-only registers of the PPU read as its own bus"
    lda #$5A
    sta PPUSTATUS               ; nothing but the PPU's bus changes
    lda PPUCTRL
    must_be $5A
    lda PPUADDR
    must_be $5A
    check 6, "the low bits of $2002 are the PPU's bus"
    lda #$F5
    sta PPUSTATUS
    lda PPUSTATUS
    and #$1F
    must_be $15
    check 7, "palette reads have the PPU's bus in their high bits"
    vram $3F00
    lda #$2A
    sta PPUDATA
    vram $3F00
    lda #$C0
    sta PPUSTATUS
    lda PPUDATA
    must_be $EA
    check 8, "a byte read from $2007 is on the PPU's bus"
    vram $2000
    lda #$A7
    sta PPUDATA
    vram $2000
    lda PPUDATA
    lda PPUDATA
    must_be $A7
    lda PPUCTRL
    must_be $A7
    rts
