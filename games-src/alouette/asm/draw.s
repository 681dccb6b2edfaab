; Sprites and the status bar.

TILE_ROW = 4                    ; a frame of animation is two 8x16 tiles

; Draws everything of the field: the most important first, since eight fit on a line.
draw_play:
    lda #23                     ; the split: behind the bar's lower line
    sta oam
    lda #SPRITE_SPLIT
    sta oam+1
    lda #$20
    sta oam+2
    lda #128
    sta oam+3
    lda #4
    sta oam_i
    jsr draw_ship
    jsr draw_bullets
    lda frame                   ; beams and the boss give way to each other in turn
    lsr a
    bcs @foes_first
    jsr draw_shots
    jsr draw_foes
    jmp @stars
@foes_first:
    jsr draw_foes
    jsr draw_shots
@stars:
    ldx stage
    ldy stage_bank,x
    lda frame
    and #8
    beq @bank
    ldy stage_bank_b,x          ; the same tiles a moment later: waves, rain
@bank:
    sty chr_bank
    lda stage_storm,x
    bne @storm
    jsr draw_stars
    jmp finish_sprites
@storm:
    jsr draw_rain
    jmp finish_sprites

draw_foes:
    lda boss_state
    beq @no_boss
    jsr draw_boss
@no_boss:
    jmp draw_enemies

hide_sprites:
    ldx #0
    lda #$F8
@hide:
    sta oam,x
    inx
    inx
    inx
    inx
    bne @hide
    rts

finish_sprites:
    ldx oam_i
    beq @full
    lda #$F8
@hide:
    sta oam,x
    inx
    inx
    inx
    inx
    bne @hide
@full:
    rts

; One 8x16 sprite: tile tmp+2, attributes tmp+3 at (tmp, tmp+1). Keeps X.
put_one:
    ldy oam_i
    beq @full
    lda tmp+1
    sec
    sbc #1
    sta oam,y
    lda tmp+2
    sta oam+1,y
    lda tmp+3
    sta oam+2,y
    lda tmp
    sta oam+3,y
    iny
    iny
    iny
    iny
    sty oam_i
@full:
    rts

; Two side by side, the right one not past the edge. Keeps X.
put_pair:
    ldy oam_i
    beq @full
    cpy #252
    beq @full
    lda tmp+1
    sec
    sbc #1
    sta oam,y
    sta oam+4,y
    lda tmp+2
    sta oam+1,y
    clc
    adc #2
    sta oam+5,y
    lda tmp+3
    sta oam+2,y
    sta oam+6,y
    lda tmp
    sta oam+3,y
    clc
    adc #8
    bcs @edge
    sta oam+7,y
    tya
    adc #8
    sta oam_i
    rts
@edge:
    lda #$F8
    sta oam+4,y
    iny
    iny
    iny
    iny
    sty oam_i
@full:
    rts

draw_ship:
    lda mode
    cmp #MODE_DYING
    beq @feathers
    lda ship_x
    sta tmp
    lda ship_y
    sta tmp+1
    lda #0
    sta tmp+3
    lda ship_pose
    bne @flap
    lda frame
    and #$20                    ; glides, with a wing beat now and then
    bne @glide
@flap:
    lda frame
    lsr a
    lsr a
    ldy ship_pose
    cpy #1
    bne @slow
    asl a
@slow:
    and #3
    tay
    lda flap_tiles,y
    bne @pose
@glide:
    lda #SPRITE_LARK + TILE_ROW
@pose:
    sta tmp+2
    jsr put_pair
    lda shield
    beq @options
    lda frame
    and #1
    beq @options                ; every other frame: one sees through it
    lda ship_x
    clc
    adc #14
    sta tmp
    lda #SPRITE_SHIELD
    sta tmp+2
    lda #1
    sta tmp+3
    ldy shield
    dey
    bne @strong
    inc tmp+3                   ; red when it is about to break
@strong:
    jsr put_one
@options:
    ldx options
    beq @end
@option:
    jsr shooter_place
    lda tmp
    clc
    adc #4
    sta tmp
    lda frame
    and #8
    lsr a
    lsr a
    clc
    adc #SPRITE_OPTION
    sta tmp+2
    lda #2
    sta tmp+3
    jsr put_one
    dex
    bne @option
@end:
    rts

@feathers:                      ; four feathers fly apart
    lda #DYING_FRAMES
    sec
    sbc timer
    sta tmp+4
    cmp #44
    bcs @end
    ldx #3
@feather:
    lda tmp+4
    lsr a
    cpx #2
    bcc @left
    clc
    adc ship_x
    adc #4
    bcs @skip
    bcc @x
@left:
    eor #$FF
    sec
    adc ship_x
    adc #3
@x: sta tmp
    lda tmp+4
    lsr a
    sta tmp+5
    txa
    and #1
    bne @low
    lda ship_y
    sec
    sbc tmp+5
    jmp @y
@low:
    lda ship_y
    clc
    adc tmp+5
@y: sta tmp+1
    lda feather_turn,x
    sta tmp+3
    lda frame
    and #4
    lsr a
    clc
    adc #SPRITE_FEATHER
    sta tmp+2
    jsr put_one
@skip:
    dex
    bpl @feather
    lda tmp+4
    cmp #16
    bcs @end2
    and #$0C                    ; and a burst in the middle
    clc
    adc #SPRITE_BURST
    sta tmp+2
    lda ship_x
    sta tmp
    lda ship_y
    sta tmp+1
    lda #2
    sta tmp+3
    jmp put_pair
@end2:
    rts
feather_turn: .byte $40, $C0, $00, $80
flap_tiles: .byte SPRITE_LARK, SPRITE_LARK+TILE_ROW, SPRITE_LARK+2*TILE_ROW, SPRITE_LARK+TILE_ROW

draw_shots:
    ldx #SHOTS-1
@shot:
    ldy s_kind,x
    beq @next
    lda shot_tile,y
    sta tmp+2
    lda #0
    sta tmp+3
    lda s_x,x
    sta tmp
    lda s_y,x
    sta tmp+1
    cpy #SHOT_LASER
    beq @laser
    jsr put_one
@next:
    dex
    bpl @shot
    rts
@laser:
    lda #1
    sta tmp+3
    jsr put_one
    ldy #3
@more:
    sty tmp+4
    lda tmp
    clc
    adc #8
    bcs @next
    sta tmp
    jsr put_one
    ldy tmp+4
    dey
    bne @more
    beq @next
shot_tile: .byte 0, SPRITE_SHOT, SPRITE_SHOT_UP, SPRITE_LASER, SPRITE_MISSILE

draw_bullets:
    lda frame
    and #4
    lsr a
    clc
    adc #SPRITE_BULLET
    sta tmp+2
    lda #2
    sta tmp+3
    ldx #BULLETS-1
@bullet:
    lda b_on,x
    beq @next
    lda b_x,x
    sta tmp
    lda b_y,x
    sta tmp+1
    jsr put_one
@next:
    dex
    bpl @bullet
    rts

; The enemies, each frame starting with another, so that crowded lines flicker fairly.
draw_enemies:
    lda frame
    asl a
    asl a
    adc frame
    and #ENEMIES-1
    tax
    lda #ENEMIES
    sta tmp+4
@enemy:
    ldy e_kind,x
    beq @next
    lda kind_tile,y
    sta tmp+2
    lda kind_attr,y
    sta tmp+3
    lda e_x,x
    sta tmp
    lda e_y,x
    sta tmp+1
    cpy #KIND_BURST
    beq @burst
    lda kind_anim,y
    beq @by_state
    and frame
    beq @pose
    bne @second
@by_state:
    lda e_state,x
    and #SECOND_PICTURE
    beq @pose
@second:
    lda tmp+2
    clc
    adc #TILE_ROW
    sta tmp+2
@pose:
    lda e_flags,x
    bpl @plain
    lda #2                      ; red: it carries a capsule
    sta tmp+3
@plain:
    cpy #KIND_TOAD
    bne @upright
    lda e_var,x
    beq @upright
    lda tmp+3
    ora #$80
    sta tmp+3
@upright:
    lda e_flash,x
    beq @put
    lda tmp+3
    eor #1
    sta tmp+3
@put:
    jsr put_pair
@next:
    inx
    txa
    and #ENEMIES-1
    tax
    dec tmp+4
    bne @enemy
    rts
@burst:
    lda #16
    sec
    sbc e_timer,x
    and #$0C
    clc
    adc tmp+2
    sta tmp+2
    bne @put

; The boss: how many bytes its sprites take, then dx, dy, tile, attributes of each. In two
; frames of four they are stored from the last to the first: on a crowded line all of them flicker.
draw_boss:
    lda boss_state
    cmp #BOSS_DYING
    bne @whole
    lda boss_timer
    and #2
    bne @end
@whole:
    lda stage
    asl a
    asl a
    ora boss_pose
    tax
    lda boss_pictures_lo,x
    sta ptr
    lda boss_pictures_hi,x
    sta ptr+1
    lda #0
    ldx boss_flash
    beq @same
    lda #2                      ; struck: other colours
@same:
    sta tmp
    ldx oam_i
    beq @end
    ldy #0
    lda (ptr),y
    sta tmp+1
    clc
    adc oam_i
    sta tmp+2                   ; what comes after
    lda #4
    bcs @towards                ; no room for all of them
    lda frame
    and #2
    beq @forward
    lda tmp+2
    sec
    sbc #4
    tax
    lda #<-4
    bne @towards
@forward:
    lda #4
@towards:
    sta tmp+3
@sprite:
    lda #$F8
    sta oam,x
    iny
    lda (ptr),y
    clc
    adc boss_x
    iny
    bcs @outside
    sta oam+3,x
    lda (ptr),y
    clc
    adc boss_y
    sta oam,x
@outside:
    iny
    lda (ptr),y
    sta oam+1,x
    iny
    lda (ptr),y
    eor tmp
    sta oam+2,x
    txa
    clc
    adc tmp+3
    tax
    beq @full
    lda tmp+1
    sec
    sbc #4
    sta tmp+1
    bne @sprite
    ldx tmp+2
@full:
    stx oam_i
@end:
    rts

; Stars in front of nothing and behind everything, slower than the ground.
STARS = 8
draw_stars:
    lda scroll+1
    lsr a
    lda scroll
    ror a
    sta tmp+4                   ; half
    lda scroll+1
    lsr a
    sta tmp+5
    lda scroll
    ror a
    lsr tmp+5
    ror a
    sta tmp+5                   ; a quarter
    ldx #STARS-1
@star:
    txa
    and #1
    tay
    lda star_x,x
    sec
    sbc tmp+4,y
    sta tmp
    lda star_y,x
    sta tmp+1
    lda star_tile,y
    sta tmp+2
    lda star_attr,y
    sta tmp+3
    jsr put_one
    dex
    bpl @star
    rts
star_x:    .byte 12, 40, 77, 99, 130, 171, 203, 240
star_y:    .byte 52, 140, 84, 64, 168, 108, 44, 124
star_tile: .byte SPRITE_STAR, SPRITE_STAR+2
star_attr: .byte $20, $21

; The lark crosses the screen on a wave line, singing.
draw_title_sprites:
    lda #128
    bne draw_singer
draw_ending_sprites:
    lda #104
draw_singer:
    jsr draw_song
    jmp finish_sprites
draw_card_sprites:
    lda #56
    jsr draw_song
    jsr draw_stars
    jmp finish_sprites
draw_song:
    sta tmp+4
    lda #4
    sta oam_i
    lda tick
    sta tmp
    lsr a
    and #63
    tay
    lda sine,y
    clc
    adc tmp+4
    sta tmp+1
    lda tick
    lsr a
    lsr a
    lsr a
    and #3
    tay
    lda flap_tiles,y
    sta tmp+2
    lda #0
    sta tmp+3
    jsr put_pair
    ; two notes behind it, rising
    lda #SPRITE_NOTE
    sta tmp+2
    lda #2
    sta tmp+3
    ldx #1
@note:
    lda tick
    sec
    sbc note_lag,x
    sta tmp
    lda tmp+1
    sec
    sbc note_rise,x
    sta tmp+1
    jsr put_one
    inc tmp+2
    inc tmp+2
    dex
    bpl @note
    rts
note_lag:  .byte 40, 20
note_rise: .byte 10, 4

; ---- the status bar ----
draw_status:
    lda dirty
    bne @some
    rts
@some:
    lsr dirty
    bcc @lives
    lda #>STATUS_SCORE
    ldy #<STATUS_SCORE
    ldx #7
    jsr open_entry
    ldy #0
@digit:
    lda score,y
    clc
    adc #16
    sta vbuf,x
    inx
    iny
    cpy #7
    bne @digit
    stx vlen
@lives:
    lsr dirty
    bcc @meter
    lda #>STATUS_LIVES
    ldy #<STATUS_LIVES
    ldx #1
    jsr open_entry
    lda lives
    clc
    adc #16
    sta vbuf,x
    inc vlen
    lda #>STATUS_STAGE
    ldy #<STATUS_STAGE
    ldx #1
    jsr open_entry
    lda stage
    clc
    adc #17
    sta vbuf,x
    inc vlen
@meter:
    lsr dirty
    bcc @end
    lda #>STATUS_METER
    ldy #<STATUS_METER
    ldx #24
    jsr open_entry
    ldy #1
@box:
    tya
    asl a
    asl a
    clc
    adc #<(TILE_METER-4)
    sta tmp
    jsr power_open
    lda #1
    bcs @open
    lda #TILE_METER_TAKEN
    sta tmp
    lda #0
@open:
    sta tmp+1                   ; words run on, the mark of a taken power does not
    lda #4
    sta tmp+2
@tile:
    lda tmp
    sta vbuf,x
    clc
    adc tmp+1
    sta tmp
    inx
    dec tmp+2
    bne @tile
    iny
    cpy #7
    bne @box
    stx vlen
    lda #$23
    ldy #$C1
    ldx #6
    jsr open_entry
    ldy #1
@mark:
    lda #$00
    cpy power
    bne @unlit
    lda #$F0
@unlit:
    sta vbuf,x
    inx
    iny
    cpy #7
    bne @mark
    stx vlen
@end:
    lda #0
    sta dirty
    rts
STATUS_SCORE = $2000 + 1 * 32 + 2
STATUS_STAGE = $2000 + 1 * 32 + 19
STATUS_LIVES = $2000 + 1 * 32 + 29
STATUS_METER = $2000 + 2 * 32 + 4
