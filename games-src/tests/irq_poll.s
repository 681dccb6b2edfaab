; When a pending IRQ is taken after I is cleared.
;
; CLI, SEI and PLP change I after interrupts were polled, so the instruction behind them runs
; first; RTI changes it before.
; https://www.nesdev.org/wiki/CPU_interrupts#Delayed_IRQ_response_after_CLI,_SEI,_and_PLP

OWN_IRQ = 1
.include "shell.inc"
.include "nrom.inc"

seen_x = $10
seen_p = $11
irqs = $12

.segment "CODE"

irq:
    stx seen_x
    sta $13
    pla
    sta seen_p
    pha
    inc irqs
    bit SNDCHN                  ; lets the line go
    lda $13
    rti

; A frame IRQ is pending afterwards; X is 0.
.proc pend
    sei
    lda #0
    sta irqs
    sta FRAME
    delay 29850
    ldx #0
    rts
.endproc

main:
    check 2, "an IRQ waits for CLI"
    jsr pend
    lda irqs
    must_be 0
    check 3, "CLI: one instruction runs before the IRQ"
    cli
    inx
    inx
    inx
    sei
    lda irqs
    must_be 1
    lda seen_x
    must_be 1
    check 4, "reading $4015 ends the frame IRQ"
    cli
    nop
    nop
    sei
    lda irqs
    must_be 1
    check 5, "CLI, SEI: the IRQ comes between SEI and the next, with I pushed as set"
    jsr pend
    cli
    sei
    inx
    lda irqs
    must_be 1
    lda seen_x
    must_be 0
    lda seen_p
    and #$04
    must_be $04
    check 6, "PLP: one instruction runs before the IRQ"
    jsr pend
    lda #0
    pha
    plp
    inx
    inx
    sei
    lda irqs
    must_be 1
    lda seen_x
    must_be 1
    check 7, "RTI: the IRQ comes at once"
    jsr pend
    lda #>back
    pha
    lda #<back
    pha
    lda #0
    pha
    rti
back:
    inx
    inx
    sei
    lda irqs
    must_be 1
    lda seen_x
    must_be 0
    check 8, "an IRQ pushes B as 0, BRK as 1"
    lda seen_p
    and #$30
    must_be $20
    brk
    nop
    lda seen_p
    and #$30
    must_be $30
    lda #$40
    sta FRAME
    rts
