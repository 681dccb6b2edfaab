; A joypad says which buttons were held when it was strobed, however late it is read.
;
; https://www.nesdev.org/wiki/Standard_controller: a 4021 shift register takes all eight buttons in
; while the strobe is high, and only shifts them afterwards.
;
; Somebody has to press and release RIGHT, the last of the eight, while this runs.

.include "shell.inc"
.include "nrom.inc"

TURNS = 120
pressed = $10       ; turns in which RIGHT was pressed between strobe and read,
released = $11      ; in which it was released,
wrong = $12         ; and in which the read did not say what was held at the strobe
before = $13
late = $14
turn = $15

.segment "CODE"

main:
    lda #0
    sta pressed
    sta released
    sta wrong
    lda #TURNS
    sta turn
again:
    jsr wait_vblank             ; far from where frames, and with them the joypad, change
    jsr strobe
    jsr read
    sta before
    jsr strobe
    delay 29781                 ; a frame
    jsr read
    sta late
    jsr strobe
    jsr read
    cmp before
    beq next                    ; nothing has changed
    cmp #0
    beq up
    inc pressed
    bne compare
up:
    inc released
compare:
    lda late
    cmp before
    beq next
    inc wrong
next:
    dec turn
    beq done
    jmp again
done:

    check 2, "somebody presses RIGHT while this runs"
    lda pressed
    must_be_between 1, 254
    check 3, "somebody releases RIGHT while this runs"
    lda released
    must_be_between 1, 254
    check 4, "a joypad keeps what was held when it was strobed"
    lda wrong
    must_be 0
    rts

strobe:
    lda #1
    sta JOY1
    lda #0
    sta JOY1
    rts

; The last of the eight: RIGHT.
read:
    ldx #8
each:
    lda JOY1
    dex
    bne each
    and #1
    rts
