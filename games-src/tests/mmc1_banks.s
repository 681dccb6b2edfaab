; MMC1: the serial port, PRG and CHR banks, mirroring.
; https://www.nesdev.org/wiki/MMC1

.include "shell.inc"

.segment "HEADER"
    .byte "NES", $1A, 4, 0, $10, $08, 0, 0, $70, $07, 0, 0, 0, 0  ; 8 KB PRG RAM, 8 KB CHR RAM
.segment "BANK0"
    .byte 0
.segment "BANK1"
    .byte 1
.segment "BANK2"
    .byte 2
.segment "BANK3"
    .byte 3
ones:
    .byte $FF
.segment "VECTORS"
    .word nmi, reset, irq

CONTROL = $8000
CHR0 = $A000
CHR1 = $C000
PRG = $E000

.macro serial register, value
    lda #value
    .repeat 4
    sta register
    lsr
    .endrepeat
    sta register
.endmacro

.segment "CODE"

.macro at_8000_must_be value
    lda $8000
    must_be value
.endmacro

main:
    check 2, "mode 3: any bank at $8000, the last at $C000"
    lda #$80
    sta CONTROL
    serial CONTROL, $0C
    serial PRG, 1
    at_8000_must_be 1
    serial PRG, 2
    at_8000_must_be 2
    check 3, "bit 7 empties the shift register"
    lda #1
    sta PRG
    sta PRG
    lda #$80
    sta PRG
    serial PRG, 0
    at_8000_must_be 0
    check 4, "of writes in consecutive cycles the first counts"
    inc ones                    ; $FF (bit 7), then $00
    serial PRG, 1
    at_8000_must_be 1
    check 5, "mode 2: the first bank at $8000, any at $C000"
    serial PRG, 3
    serial CONTROL, $08
    at_8000_must_be 0
    check 6, "bit 7 goes to mode 3, and leaves the PRG bank"
    lda #$80
    sta CONTROL
    at_8000_must_be 3
    check 7, "modes 0 and 1: 32 KB, bit 0 of the bank does not count"
    serial CONTROL, $04
    at_8000_must_be 2
    serial PRG, 2
    at_8000_must_be 2
    serial CONTROL, $00
    at_8000_must_be 2
    lda #$80
    sta CONTROL
    check 8, "one screen, vertical and horizontal mirroring"
    serial CONTROL, $0C
    jsr mirrors
    must_be $77
    serial CONTROL, $0E
    jsr mirrors
    must_be $25
    serial CONTROL, $0F
    jsr mirrors
    must_be $33
    check 9, "one screen: low and high are two memories"
    serial CONTROL, $0C
    lda #$11
    jsr poke_2000
    serial CONTROL, $0D
    lda #$22
    jsr poke_2000
    serial CONTROL, $0C
    jsr peek_2000
    must_be $11
    check 10, "CHR banks of 4 KB"
    serial CONTROL, $1C
    serial CHR0, 0
    serial CHR1, 1
    vram $0123
    lda #$AA
    sta PPUDATA
    vram $1123
    lda #$BB
    sta PPUDATA
    serial CHR0, 1
    serial CHR1, 0
    vram $0123
    lda PPUDATA
    lda PPUDATA
    must_be $BB
    vram $1123
    lda PPUDATA
    lda PPUDATA
    must_be $AA
    check 11, "CHR banks of 8 KB, bit 0 does not count"
    serial CONTROL, $0C
    vram $0123
    lda PPUDATA
    lda PPUDATA
    must_be $AA
    vram $1123
    lda PPUDATA
    lda PPUDATA
    must_be $BB
    rts

.proc poke_2000
    pha
    vram $2000
    pla
    sta PPUDATA
    rts
.endproc

.proc peek_2000
    vram $2000
    lda PPUDATA
    lda PPUDATA
    rts
.endproc

; Which nametables show what was written to $2000, as bits 0-2 ($2000 $2400 $2800), and, shifted by
; 4, which show what was written to $2400.
.proc mirrors
    lda #$20
    jsr probe
    sta $10
    lda #$24
    jsr probe
    asl
    asl
    asl
    asl
    ora $10
    rts
.endproc

; Writes to A * 256, after clearing all three, and says which hold it.
.proc probe
    pha
    ldx #0
    ldy #$28
    jsr poke
    ldy #$24
    jsr poke
    ldy #$20
    jsr poke
    pla
    tay
    ldx #$B2
    jsr poke
    ; falls into
.endproc

; Bits 0-2: $2000, $2400 and $2800 hold X.
.proc which
    stx $11
    lda #0
    sta $12
    ldy #$28
    jsr peek
    ldy #$24
    jsr peek
    ldy #$20
    jsr peek
    lda $12
    rts
.endproc

; Shifts into $12 whether the byte at Y * 256 is the one in $11.
.proc peek
    sty PPUADDR
    lda #0
    sta PPUADDR
    lda PPUDATA
    lda PPUDATA
    cmp $11
    beq same
    clc
    bcc told
same:
    sec
told:
    rol $12
    rts
.endproc

; X to Y * 256.
.proc poke
    sty PPUADDR
    lda #0
    sta PPUADDR
    stx PPUDATA
    rts
.endproc
