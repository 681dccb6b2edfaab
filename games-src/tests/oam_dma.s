; OAM DMA: what it copies, and that it ends in the same kind of cycle it can only begin in.
;
; https://www.nesdev.org/wiki/DMA: 513 cycles, 514 when it starts in a put cycle. After one, CPU
; and APU are in a known phase; what comes between it and the next costs an even number of cycles.
; The time is taken with the frame IRQ flag, which is set 29828 cycles after $4017 takes effect
; (https://www.nesdev.org/wiki/APU_Frame_Counter).

.include "shell.inc"
.include "nrom.inc"

; Reads the flag `time` cycles and a DMA after $4017 was written, with `before` cycles before it.
.macro measure before, time
    lda #$40
    sta FRAME
    lda #2
    sta OAMDMA
    lda #0
    sta FRAME
    delay before
    lda #2
    sta OAMDMA
    delay time
    lda SNDCHN
    and #$40
.endmacro

; From $4017's write to the read 2 + 2 + 4 + 514 + TIME + 4 cycles pass: 29831, as blargg's
; apu_test says (6-irq_flag_timing).
TIME = 29305

.segment "CODE"

main:
    check 2, "it copies 256 bytes, from where OAMADDR is, and wraps"
    ldx #0
fill:
    txa
    sta $0200,x
    inx
    bne fill
    lda #$10
    sta OAMADDR
    lda #2
    sta OAMDMA
    lda #$14
    sta OAMADDR
    lda $2004
    must_be $04
    lda #$0F
    sta OAMADDR
    lda $2004
    must_be $FF
    check 3, "OAM's third bytes lack three bits"
    lda #2
    sta OAMADDR
    lda #$FF
    sta $2004
    lda #2
    sta OAMADDR
    lda $2004
    must_be $E3
    check 4, "2 cycles and DMA: not too short"
    measure 2, TIME - 1
    must_be 0
    check 5, "2 cycles and DMA: not too long"
    measure 2, TIME
    must_be $40
    check 6, "3 cycles and DMA are as long as 2 and DMA"
    measure 3, TIME - 1
    must_be 0
    measure 3, TIME
    must_be $40
    check 7, "4 cycles and DMA are two longer"
    measure 4, TIME - 3
    must_be 0
    measure 4, TIME - 2
    must_be $40
    rts
