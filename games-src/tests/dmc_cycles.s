; The cycles that the DMC takes from the CPU.
; https://www.nesdev.org/wiki/DMA: a byte costs 4 cycles, now and then 3.

.include "shell.inc"
.include "nrom.inc"

.segment "ALIGNED"
sample:
    .byte $55

; Counts turns of 12 cycles between two NMIs into $10 (low byte: the difference is small).
.proc count_frame
    bit PPUSTATUS               ; else NMI comes as soon as it may
    lda #$80
    sta PPUCTRL
    lda NMIS
before:
    cmp NMIS
    beq before
    ldx #0
    lda NMIS
again:
    inx                         ; 2
    nop                         ; 2
    nop                         ; 2
    cmp NMIS                    ; 3
    beq again                   ; 3
    same_page again, *
    stx $10
    lda #0
    sta PPUCTRL
    rts
.endproc

.segment "CODE"

main:
    check 2, "a frame without the DMC is always as long"
    jsr count_frame
    lda $10
    sta $11
    jsr count_frame
    lda $11
    sec
    sbc $10
    clc
    adc #2
    must_be_between 1, 3
    check 3, "the DMC plays until it is stopped"
    lda #$4F                    ; loops, 54 cycles a bit
    sta $4010
    lda #<((sample - $C000) / 64)
    sta $4012
    lda #0
    sta $4013
    lda #$10
    sta SNDCHN
    jsr count_frame
    lda SNDCHN
    and #$10
    must_be $10
    check 4, "69 bytes a frame take 3 or 4 cycles each"
    lda $11
    sec
    sbc $10
    must_be_between 19, 24
    check 5, "nothing is taken once the DMC is stopped"
    lda #0
    sta SNDCHN
    jsr wait_vblank
    jsr count_frame
    lda $11
    sec
    sbc $10
    clc
    adc #2
    must_be_between 1, 3
    check 6, "a sample that does not loop ends, and pulls no IRQ unless asked"
    lda #$0F
    sta $4010
    lda #$10
    sta SNDCHN
    jsr wait_vblank
    lda SNDCHN
    and #$90
    must_be 0
    check 7, "it pulls IRQ when asked"
    lda #$8F
    sta $4010
    lda #$10
    sta SNDCHN
    jsr wait_vblank
    lda SNDCHN
    and #$80
    must_be $80
    check 8, "$4015 written ends the IRQ, read does not"
    lda SNDCHN
    and #$80
    must_be $80
    lda #0
    sta SNDCHN
    lda SNDCHN
    and #$80
    must_be 0
    rts
