; Reset, the frame interrupt and the main loop.

PPUCTRL = $2000
PPUMASK = $2001
PPUSTATUS = $2002
OAMADDR = $2003
PPUSCROLL = $2005
PPUADDR = $2006
PPUDATA = $2007
OAMDMA = $4014
JOYPAD1 = $4016

CTRL_PLAY = %10100000           ; NMI on, sprites 8x16, background from $0000
MASK_OFF = %00000000
MASK_PLAY = %00011000           ; the leftmost eight pixels hidden: things slide out of sight
MASK_FULL = %00011110

BUTTON_A = $80
BUTTON_B = $40
BUTTON_SELECT = $20
BUTTON_START = $10
BUTTON_UP = $08
BUTTON_DOWN = $04
BUTTON_LEFT = $02
BUTTON_RIGHT = $01

reset:
    sei
    cld
    ldx #$FF
    txs
    inx
    stx PPUCTRL
    stx PPUMASK
    stx $4010                   ; no sample interrupts
    stx $4015
    lda #$40
    sta $4017                   ; no frame interrupts
    bit PPUSTATUS
@warm1:
    bit PPUSTATUS
    bpl @warm1
    txa
@clear:
    sta $0000,x
    sta $0100,x
    sta $0200,x
    sta $0300,x
    sta $0400,x
    sta $0500,x
    sta $0600,x
    sta $0700,x
    inx
    bne @clear
@warm2:
    bit PPUSTATUS
    bpl @warm2
    ldx #6
@hi:
    lda first_hi_score,x
    sta hi_score,x
    dex
    bpl @hi
    lda chr_banks
    sta chr_banks
    jsr sound_init
    lda #MODE_TITLE
    jsr set_mode
    lda #CTRL_PLAY
    sta ppu_ctrl
    sta PPUCTRL

main_loop:
    lda #0
    sta nmi_done
    sta busy
@wait:
    lda nmi_done
    beq @wait
    inc busy
    jsr read_joypad
    inc tick
    lda #0
    sta vlen
    jsr run_mode
    ldx vlen
    lda #0
    sta vbuf,x
    jmp main_loop

run_mode:
    lda mode
    asl a
    tax
    lda mode_table,x
    sta ptr
    lda mode_table+1,x
    sta ptr+1
    jmp (ptr)

chr_banks: .byte 0, 1, 2, 3

; The pad is read once: no samples play, so no read can be doubled.
read_joypad:
    lda #1
    sta JOYPAD1
    sta joy
    lsr a
    sta JOYPAD1
@bit:
    lda JOYPAD1
    and #3
    cmp #1
    rol joy
    bcc @bit
    ; up with down, or left with right, is neither: some emulators let it through, some do not
    lda joy
    and #BUTTON_UP | BUTTON_DOWN
    cmp #BUTTON_UP | BUTTON_DOWN
    bne @upright
    eor joy
    sta joy
@upright:
    lda joy
    and #BUTTON_LEFT | BUTTON_RIGHT
    cmp #BUTTON_LEFT | BUTTON_RIGHT
    bne @end
    eor joy
    sta joy
@end:
    rts

irq:
    rti

nmi:
    pha
    txa
    pha
    tya
    pha
    lda busy
    beq @settled
    inc lag_frames              ; the main loop overran: show the old picture again
    jmp @picture
@settled:
    lda ppu_mask                ; first: with the picture off, vbuf may outlast the blank
    sta PPUMASK
    lda #0
    sta OAMADDR
    lda #>oam
    sta OAMDMA
    jsr send_vbuf
    ldx chr_bank
    lda chr_banks,x
    sta chr_banks,x             ; over its own value: the ROM drives the bus as well
@picture:
    lda ppu_ctrl
    sta PPUCTRL
    lda #0
    sta PPUSCROLL
    sta PPUSCROLL
    jsr sound_update            ; its time would otherwise be spent waiting for the split
    lda split
    beq @done
@old:
    bit PPUSTATUS               ; the hit of the frame before ends with the blank
    bvs @old
@hit:
    bit PPUSTATUS
    bvc @hit
    lda scroll
    sta PPUSCROLL
    lda #0
    sta PPUSCROLL
    lda scroll+1
    and #1
    ora ppu_ctrl
    sta PPUCTRL
@done:
    inc nmi_done
    pla
    tay
    pla
    tax
    pla
    rti

; Sends vbuf to the PPU: about 15 cycles a byte, at most some 60 bytes with the picture on.
send_vbuf:
    ldx #0
@entry:
    lda vbuf,x
    beq @end
    sta PPUADDR
    lda vbuf+1,x
    sta PPUADDR
    lda vbuf+2,x
    tay
    lda #CTRL_PLAY
    cpy #$80
    bcc @across
    ora #%00000100
@across:
    sta PPUCTRL
    tya
    and #$7F
    tay
    inx
    inx
    inx
@byte:
    lda vbuf,x
    sta PPUDATA
    inx
    dey
    bne @byte
    beq @entry
@end:
    rts
