; The colour of the sky, which goes with the way and flashes in a storm; rain.

SKY_STEPS = 8                   ; a colour every 256 pixels, the last one stays
FLASH = $1C

; A = the sky's colour here and now.
sky_colour:
    ldx stage
    lda stage_storm,x
    beq @calm
    lda frame+1
    and #1
    bne @calm
    lda frame
    and #$F6                    ; twice two frames, eight apart, in 512
    cmp #$20
    bne @calm
    lda #FLASH
    rts
@calm:
    lda scroll+1
    cmp #SKY_STEPS
    bcc @step
    lda #SKY_STEPS-1
@step:
    sta tmp
    lda stage
    asl a
    asl a
    asl a
    ora tmp
    tay
    lda stage_sky,y
    rts

; Sends the colour when it has changed, in a frame that sends nothing else.
weather:
    lda vlen
    bne no_weather
    jsr sky_colour
    cmp sky
    beq no_weather
send_sky:
    sta sky
    lda #$3F
    ldy #0
    ldx #1
    jsr open_entry
    lda sky
    sta vbuf,x
    inc vlen
no_weather:
    rts

; Drops in front of the field, one screen line in four frames apart.
RAIN = 8
draw_rain:
    ldx #RAIN-1
@drop:
    lda frame
    asl a
    sta tmp
    asl a
    adc tmp                     ; six lines a frame
    adc rain_y,x
    cmp #36
    bcc @next
    cmp #228
    bcs @next
    sta tmp+1
    lda rain_x,x
    sec
    sbc tmp
    sbc tmp
    sta tmp
    lda #SPRITE_RAIN
    sta tmp+2
    lda #$21
    sta tmp+3
    jsr put_one
@next:
    dex
    bpl @drop
    rts
rain_x: .byte 20, 63, 81, 120, 150, 177, 214, 245
rain_y: .byte 10, 210, 96, 170, 40, 130, 228, 68
