; Reads and writes that instructions make beside the one they are for.
;
; https://www.nesdev.org/wiki/CPU_addressing_modes and blargg's cpu_dummy_reads, cpu_dummy_writes:
; an indexed read that crosses a page first reads 256 below; an indexed write always reads first;
; read-modify-write writes the old value, then the new.

.include "shell.inc"
.include "nrom.inc"

.segment "CODE"

; The vblank flag is set afterwards, and stays for 2000 cycles.
.proc flag
    jsr wait_vblank             ; clears it
    delay 29700
    delay 200
    rts
.endproc

main:
    check 2, "LDA abs,X within a page reads once"
    jsr flag
    ldx #0
    lda PPUSTATUS,x
    and #$80
    must_be $80
    check 3, "LDA abs,X across a page reads 256 below first"
    jsr flag
    ldx #$10
    lda PPUSTATUS+$F0,x         ; $2002, then $2102, which is $2002 again
    and #$80
    must_be 0
    check 4, "LDA (zp),Y across a page reads 256 below first"
    jsr flag
    lda #<(PPUSTATUS+$F0)
    sta $10
    lda #>(PPUSTATUS+$F0)
    sta $11
    ldy #$10
    lda ($10),y
    and #$80
    must_be 0
    check 5, "STA abs reads nothing"
    jsr flag
    sta PPUSTATUS
    lda PPUSTATUS
    and #$80
    must_be $80
    check 6, "STA abs,X reads first"
    jsr flag
    ldx #0
    sta PPUSTATUS,x
    lda PPUSTATUS
    and #$80
    must_be 0
    check 7, "INC abs writes what it read, then one more"
    bit PPUSTATUS
    lda #$21                    ; greyscale and emphasis: nothing is rendered
    sta PPUMASK                 ; now on the PPU's bus
    inc PPUADDR                 ; $21, $22
    lda #$5A
    sta PPUDATA
    vram $2122
    lda PPUDATA
    lda PPUDATA
    must_be $5A
    lda #0
    sta PPUMASK
    rts
