; The stable unofficial opcodes.
; https://www.nesdev.org/wiki/Programming_with_unofficial_opcodes

.include "shell.inc"
.include "nrom.inc"

.macro flags_must_be value     ; NV-B DIZC, without B and bit 5
    php
    pla
    and #$CF
    must_be value
.endmacro

.segment "CODE"

main:
    check 2, "LAX"
    lda #$8F
    sta $10
    lda #0
    tax
    .byte $A7, $10              ; lax $10
    stx $11
    must_be $8F
    lda $11
    must_be $8F
    check 3, "SAX"
    lda #$3C
    ldx #$F5
    .byte $87, $11              ; sax $11
    lda $11
    must_be $34
    check 4, "DCP"
    lda #$41
    sta $10
    lda #$40
    .byte $C7, $10              ; dcp $10
    flags_must_be $07           ; Z C, and I
    lda $10
    must_be $40
    check 5, "ISC"
    lda #$0F
    sta $10
    lda #$50
    sec
    .byte $E7, $10              ; isc $10
    must_be $40
    lda $10
    must_be $10
    check 6, "SLO"
    lda #$81
    sta $10
    lda #$10
    .byte $07, $10              ; slo $10
    php
    must_be $12
    pla
    and #$01
    must_be $01
    lda $10
    must_be $02
    check 7, "RLA"
    lda #$81
    sta $10
    lda #$FF
    sec
    .byte $27, $10              ; rla $10
    must_be $03
    check 8, "SRE"
    lda #$03
    sta $10
    lda #$F0
    .byte $47, $10              ; sre $10
    must_be $F1
    check 9, "RRA"
    lda #$02
    sta $10
    lda #$10
    sec
    .byte $67, $10              ; rra $10: $81, and C is 0
    must_be $91
    check 10, "ANC"
    lda #$C3
    .byte $0B, $F0              ; anc #$F0
    php
    must_be $C0
    pla
    and #$81
    must_be $81
    check 11, "ALR"
    lda #$FF
    .byte $4B, $03              ; alr #$03
    php
    must_be $01
    pla
    and #$01
    must_be $01
    check 12, "ARR"
    clv
    lda #$FF
    sec
    .byte $6B, $40              ; arr #$40: $A0, C from bit 6, V from bits 6 and 5
    php
    must_be $A0
    pla
    and #$C1
    must_be $C0
    check 13, "AXS"
    lda #$0F
    ldx #$3C
    .byte $CB, $02              ; axs #$02
    php
    txa
    must_be $0A
    pla
    and #$01
    must_be $01
    check 14, "SBC $EB"
    lda #$10
    sec
    .byte $EB, $01
    must_be $0F
    check 15, "NOPs are as long as they are"
    ldx #0
    .byte $1A                   ; implied
    inx
    .byte $80, $E8              ; immediate
    inx
    .byte $04, $E8              ; zero page
    inx
    .byte $0C, $E8, $E8         ; absolute
    inx
    .byte $FC, $E8, $00         ; absolute, X
    inx
    txa
    must_be 5
    rts
