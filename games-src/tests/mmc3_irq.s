; MMC3: banks, and the IRQ counter that A12 clocks.
; https://www.nesdev.org/wiki/MMC3

OWN_IRQ = 1
.include "shell.inc"

.segment "HEADER"
    .byte "NES", $1A, 4, 0, $40, $08, 0, 0, $70, $07, 0, 0, 0, 0  ; 8 KB PRG RAM, 8 KB CHR RAM
.segment "BANK0"
    .byte 0
.segment "BANK1"
    .byte 1
.segment "BANK2"
    .byte 2
.segment "BANK3"
    .byte 3
.segment "BANK4"
    .byte 4
.segment "BANK5"
    .byte 5
.segment "BANK6"
    .byte 6
.segment "BANK7"
    .byte 7
.segment "VECTORS"
    .word nmi, reset, irq

SELECT = $8000
DATA = $8001
MIRRORING = $A000
RAM = $A001
LATCH = $C000
RELOAD = $C001
OFF = $E000
ON = $E001

irqs = $10
hit = $11
latch = $12

.macro bank register, value
    lda #register
    sta SELECT
    lda #value
    sta DATA
.endmacro

.macro byte_must_be address, value
    lda address
    must_be value
.endmacro

.segment "CODE"

irq:
    pha
    lda PPUSTATUS
    and #$40
    ldx irqs
    bne later
    sta hit                     ; whether sprite 0 was hit when the first IRQ came
later:
    inc irqs
    sta OFF
    sta ON
    pla
    rti

main:
    lda #$80
    sta RAM
    check 2, "two banks of 8 KB, the last but one and the last are fixed"
    bank 6, 2
    bank 7, 3
    byte_must_be $8000, 2
    byte_must_be $A000, 3
    byte_must_be $C000, 6
    byte_must_be $E000, 7
    check 3, "bit 6 swaps $8000 and $C000"
    bank $46, 4
    byte_must_be $8000, 6
    byte_must_be $A000, 3
    byte_must_be $C000, 4
    bank 6, 1
    byte_must_be $8000, 1
    check 4, "CHR banks of 2 KB and 1 KB, bit 7 swaps the halves"
    ldx #0
name:
    lda #2                      ; each KB of CHR RAM, at $1000, gets its number
    sta SELECT
    stx DATA
    vram $1005
    stx PPUDATA
    inx
    cpx #8
    bne name
    bank 0, 5                   ; 2 KB: bit 0 does not count
    bank 1, 2
    bank 5, 7
    vram $0405
    lda PPUDATA
    lda PPUDATA
    must_be 5
    vram $0805
    lda PPUDATA
    lda PPUDATA
    must_be 2
    vram $1C05
    lda PPUDATA
    lda PPUDATA
    must_be 7
    bank $80, 4
    vram $1005
    lda PPUDATA
    lda PPUDATA
    must_be 4
    vram $0C05
    lda PPUDATA
    lda PPUDATA
    must_be 7

    ; Pictures: tile 1 is solid, sprite 0 in lines 30 to 37 at x 200; background from $0000,
    ; sprites from $1000: A12 rises once a line.
    bank 0, 0
    bank 1, 2
    bank 2, 4
    bank 3, 5
    bank 4, 6
    bank 5, 7
    lda #0
    jsr solid
    lda #$10
    jsr solid
    vram $2000
    lda #1
    ldx #0
    ldy #4
paint:
    sta PPUDATA
    inx
    bne paint
    dey
    bne paint
    lda #$FF
    ldx #4
hide:
    sta $0200,x
    inx
    bne hide
    lda #29
    sta $0200
    lda #1
    sta $0201
    lda #0
    sta $0202
    lda #200
    sta $0203

    check 5, "no IRQ while it is off, 241 clocks a frame: 12 times 20"
    lda #19
    jsr one_frame
    lda irqs
    must_be 12
    check 6, "12 times 21 is too much"
    lda #20
    jsr one_frame
    lda irqs
    must_be 11
    check 7, "once in 241"
    lda #240
    jsr one_frame
    lda irqs
    must_be 1
    lda #241
    jsr one_frame
    lda irqs
    must_be 0
    check 8, "the clock of line 29 is before sprite 0 in line 30"
    lda #30
    jsr one_frame
    lda hit
    must_be 0
    check 9, "the clock of line 30 is behind it"
    lda #31
    jsr one_frame
    lda hit
    must_be $40
    check 10, "latch 0: an IRQ on every clock"
    lda #0
    jsr one_frame
    lda irqs
    must_be 241
    rts

; Tile 1 of the pattern table at A * 256, solid.
.proc solid
    sta PPUADDR
    lda #$10
    sta PPUADDR
    lda #$FF
    ldx #8
again:
    sta PPUDATA
    dex
    bne again
    rts
.endproc

; Counts the IRQs of a frame with this latch: reloaded by the frame's first clock, in the
; pre-render line.
.proc one_frame
    sta latch
    jsr wait_vblank
    lda #0
    sta OAMADDR
    lda #2
    sta OAMDMA
    vram $0000
    lda #0
    sta PPUSCROLL
    sta PPUSCROLL
    sta irqs
    sta hit
    lda #$08                    ; sprites from $1000
    sta PPUCTRL
    lda #$1E
    sta PPUMASK
    lda latch
    sta LATCH
    sta OFF
    sta RELOAD
    sta ON
    cli
    jsr wait_vblank
    sei
    sta OFF
    lda #0
    sta PPUMASK
    rts
.endproc
