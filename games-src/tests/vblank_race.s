; $2002 read at the very dot at which the vblank flag is set: the flag, and NMI.
;
; https://www.nesdev.org/wiki/PPU_frame_timing#VBL_Flag_Timing and blargg's ppu_vbl_nmi: a read one
; dot before the flag is set reads it as clear, and it stays clear for the frame; a read at that
; dot or the next one reads it as set; all three suppress NMI.
;
; With rendering off a frame is 29780 2/3 CPU cycles. A loop of 29781 cycles moves by one dot
; against the PPU on every turn, so forty turns see each dot around the flag once.

.include "shell.inc"
.include "nrom.inc"

TURNS = 44
first = $0300       ; of each turn: bit 7 of a read around the flag,
second = $0340      ; of a read soon after,
nmis = $0380        ; and whether NMI came

turn = $10

.segment "CODE"

main:
    jsr wait_vblank
    lda #$80
    sta PPUCTRL
    lda #0
    sta turn
    sta NMIS
    ; 34 to 43 cycles pass beside this from the flag to the first read, which is then 2 to 11
    ; cycles before the next flag, and comes 14 2/3 cycles later in the last turn.
    delay 29735
again:                          ; 29781 cycles from here to here
    nop                         ; 2
    bit $00                     ; 3
    ldx turn                    ; 3
    lda PPUSTATUS               ; 4
    and #$80                    ; 2
    sta first,x                 ; 5
    nop                         ; 2
    nop                         ; 2
    nop                         ; 2
    nop                         ; 2, NMI comes in here: its handler is 7 + 5 + 6 cycles, and
    nop                         ; 2  makes up for itself below
    nop                         ; 2
    nop                         ; 2
    nop                         ; 2
    lda NMIS                    ; 3
    sta nmis,x                  ; 5
    bne came                    ; 2, 3 when it came
    .res 8, $EA                 ; 16 + 3 - 1: what the handler and the branch take
    bit $00
came:
    same_page came - 11, came
    lda PPUSTATUS               ; 4
    and #$80                    ; 2
    sta second,x                ; 5
    lda #0                      ; 2
    sta NMIS                    ; 3
    delay 29781 - 97            ; so far 2+3+3+4+2+5+16+3+5+2+19+4+2+5+5 = 80; 17 below
    inc turn                    ; 5
    lda turn                    ; 3
    cmp #TURNS                  ; 2
    beq seen                    ; 2
    nop                         ; 2
    jmp again                   ; 3
seen:
    lda #0
    sta PPUCTRL

    ; How many turns saw what: f flag of the first read, n NMI, s flag of the second read.
    ldx #0
    stx $20                     ; before:      f=0 n=1 s=1
    stx $21                     ; one before:  f=0 n=0 s=0
    stx $22                     ; at, after:   f=1 n=0
    stx $23                     ; later:       f=1 n=1
    stx $24                     ; all else
count:
    lda first,x
    bne flag_set
    lda nmis,x
    beq none
    lda second,x
    beq odd
    inc $20
    bne next
none:
    lda second,x
    bne odd
    inc $21
    bne next
flag_set:
    lda second,x
    bne odd
    lda nmis,x
    bne later
    inc $22
    bne next
later:
    inc $23
    bne next
odd:
    inc $24
next:
    inx
    cpx #TURNS
    bne count

    check 2, "the turns begin before the flag is set"
    lda $20
    must_be_between 3, 40
    check 3, "the turns end after the flag is set"
    lda $23
    must_be_between 3, 40
    check 4, "a read one dot before reads 0 and suppresses flag and NMI, on one dot"
    lda $21
    must_be 1
    check 5, "a read at the flag's dot and the next reads 1 and suppresses NMI"
    lda $22
    must_be 2
    check 6, "nothing else happens around the flag"
    lda $24
    must_be 0
    rts
