; The lark: flight, powers, shots.

MAX_SPEED_LEVEL = 4
MAX_OPTIONS = 2
SHIELD_HITS = 3
SHIP_MIN_X = 8
SHIP_MAX_X = 224
SHIP_MIN_Y = 32
SHIP_MAX_Y = 216

move_ship:
    lda #0
    sta ship_pose
    sta tmp+2                   ; moved?
    ldx speed_level
    lda speed_lo,x
    sta tmp
    lda speed_hi,x
    sta tmp+1
    lda joy
    and #BUTTON_UP | BUTTON_DOWN
    beq @sideways
    cmp #BUTTON_UP | BUTTON_DOWN
    beq @sideways
    inc tmp+2
    and #BUTTON_UP
    beq @down
    lda #1
    sta ship_pose
    lda ship_yl
    sec
    sbc tmp
    sta ship_yl
    lda ship_y
    sbc tmp+1
    cmp #SHIP_MIN_Y
    bcs @set_y
    lda #SHIP_MIN_Y
    bne @set_y
@down:
    lda #2
    sta ship_pose
    lda ship_yl
    clc
    adc tmp
    sta ship_yl
    lda ship_y
    adc tmp+1
    cmp #SHIP_MAX_Y
    bcc @set_y
    lda #SHIP_MAX_Y
@set_y:
    sta ship_y
@sideways:
    lda joy
    and #BUTTON_LEFT | BUTTON_RIGHT
    beq @trail
    cmp #BUTTON_LEFT | BUTTON_RIGHT
    beq @trail
    inc tmp+2
    and #BUTTON_LEFT
    beq @right
    lda ship_xl
    sec
    sbc tmp
    sta ship_xl
    lda ship_x
    sbc tmp+1
    cmp #SHIP_MIN_X
    bcs @set_x
    lda #SHIP_MIN_X
    bne @set_x
@right:
    lda ship_xl
    clc
    adc tmp
    sta ship_xl
    lda ship_x
    adc tmp+1
    cmp #SHIP_MAX_X
    bcc @set_x
    lda #SHIP_MAX_X
@set_x:
    sta ship_x
@trail:                         ; the options follow where the lark moved, not when
    lda tmp+2
    beq @end
    ldx trail_pos
    inx
    txa
    and #TRAIL-1
    sta trail_pos
    tax
    lda ship_x
    sta trail_x,x
    lda ship_y
    sta trail_y,x
@end:
    rts

; 1 to 3 pixels a frame.
speed_lo: .byte $40, $C0, $40, $C0, $40
speed_hi: .byte 1, 1, 2, 2, 3

; After the boss: straight on and away.
fly_off:
    lda ship_x
    cmp #240
    bcs @end
    adc #2
    sta ship_x
@end:
    rts

; Can power Y (1 speed ... 6 shield) be taken? Carry set if so. Keeps X and Y.
power_open:
    cpy #1
    bne @2
    lda #MAX_SPEED_LEVEL
    cmp speed_level
    beq @no
    bne @yes
@2: cpy #2
    bne @3
    lda missile
    bne @no
    beq @yes
@3: cpy #3
    bne @4
    lda double
    bne @no
    beq @yes
@4: cpy #4
    bne @5
    lda laser
    bne @no
    beq @yes
@5: cpy #5
    bne @6
    lda #MAX_OPTIONS
    cmp options
    beq @no
    bne @yes
@6: lda shield
    bne @no
@yes:
    sec
    rts
@no:
    clc
    rts

take_power:
    lda joy_new
    and #BUTTON_B
    beq @end
    ldy power
    beq @end
    jsr power_open
    bcc @end
    lda #0
    sta power
    cpy #1
    bne @2
    inc speed_level
    bne @taken
@2: cpy #2
    bne @3
    inc missile
    bne @taken
@3: cpy #3
    bne @4
    inc double
    sta laser
    bne @taken
@4: cpy #4
    bne @5
    inc laser
    sta double
    bne @taken
@5: cpy #5
    bne @6
    inc options
    bne @taken
@6: lda #SHIELD_HITS
    sta shield
@taken:
    lda dirty
    ora #DIRTY_METER
    sta dirty
    lda #SFX_POWERUP
    jmp sfx_play
@end:
    rts

; Place of shooter X (0 the lark, 1 and 2 its options) in tmp, tmp+1. Keeps X.
shooter_place:
    cpx #0
    bne @option
    lda ship_x
    sta tmp
    lda ship_y
    sta tmp+1
    rts
@option:
    lda trail_pos
    sec
    sbc option_lag,x
    and #TRAIL-1
    tay
    lda trail_x,y
    sta tmp
    lda trail_y,y
    sta tmp+1
    rts
option_lag: .byte 0, 12, 24

FIRE_RHYTHM = 7
LASER_RHYTHM = 12
REACH = 7                       ; of a shot: its 8 pixels
LASER_REACH = 31
fire:
    lda fire_wait
    beq @ready
    dec fire_wait
    rts
@ready:
    lda joy
    and #BUTTON_A
    bne @held
    rts
@held:
    lda #0
    sta tmp+2                   ; the sound to make
    ldx options
@shooter:
    jsr shooter_place
    txa
    asl a
    tay                         ; its first slot
    lda laser
    bne @laser
    lda double
    bne @double
    lda s_kind,y
    beq @plain
    iny
    lda s_kind,y
    bne @missile
@plain:
    lda #SHOT_PLAIN
    bne @launch
@double:
    lda s_kind+1,y
    bne @forward
    iny
    lda #SHOT_UP
    jsr @place
    dey
@forward:
    lda s_kind,y
    bne @missile
    lda #SHOT_PLAIN
    bne @launch
@laser:
    lda s_kind,y
    beq @beam
    iny
    lda s_kind,y
    bne @missile
@beam:
    lda #SHOT_LASER
@launch:
    jsr @place
@missile:
    lda missile
    beq @next
    lda s_kind+6,x
    bne @next
    txa
    clc
    adc #6
    tay
    lda #SHOT_MISSILE
    jsr @place
@next:
    dex
    bpl @shooter
    lda tmp+2
    beq @silent
    jsr sfx_play
    lda #FIRE_RHYTHM
    ldx laser
    beq @wait
    lda #LASER_RHYTHM
@wait:
    sta fire_wait
@silent:
    rts

@place:                         ; a shot of kind A in slot Y at the shooter's place
    sta s_kind,y
    lda #SFX_SHOT
    sta tmp+2
    lda tmp
    clc
    adc #12
    sta s_x,y
    lda tmp+1
    sta s_y,y
    lda #REACH
    sta s_state,y
    lda s_kind,y
    cmp #SHOT_LASER
    bne @placed
    lda #LASER_REACH
    sta s_state,y
    lda #SFX_LASER
    sta tmp+2
@placed:
    rts

SHOT_SPEED = 6
LASER_SPEED = 8
move_shots:
    ldx #SHOTS-1
@shot:
    lda s_kind,x
    beq @next
    cmp #SHOT_MISSILE
    beq @missile
    cmp #SHOT_LASER
    beq @laser
    cmp #SHOT_UP
    bne @plain
    lda s_y,x
    sec
    sbc #5
    sta s_y,x
    cmp #SHIP_MIN_Y-8
    bcc @gone
    lda s_x,x
    adc #4                      ; carry is set: five
    bcs @gone
    bcc @moved
@plain:
    lda s_x,x
    clc
    adc #SHOT_SPEED
    bcs @gone
    bcc @moved
@laser:
    lda s_x,x
    clc
    adc #LASER_SPEED
    bcs @gone
@moved:
    sta s_x,x
    cmp #248
    bcs @gone
    adc #4
    sta tmp
    lda s_y,x
    clc
    adc #8
    sta tmp+1
    jsr solid_at
    bcc @next
@gone:
    lda #0
    sta s_kind,x
@next:
    dex
    bpl @shot
    rts

@missile:                       ; down to the floor, then along it
    lda s_x,x
    clc
    adc #2
    cmp #248
    bcs @gone
    sta s_x,x
    adc #4
    jsr outline_at
    lda s_y,x
    clc
    adc #12                     ; its lower edge
    cmp land_floor,y
    bcs @on_floor
    adc #3
    cmp land_floor,y
    bcc @fall
    lda land_floor,y            ; touches down
    clc
@fall:
    sbc #11
    sta s_y,x
    clc
    adc #8
    cmp land_itop,y             ; an island's top stops it
    bcc @next
    cmp land_ibot,y
    bcc @gone
    bcs @next
@on_floor:
    sbc land_floor,y
    cmp #9
    bcs @gone                   ; a wall
    inc s_x,x                   ; faster on the ground
    lda land_floor,y
    sec
    sbc #12
    sta s_y,x
    bne @next
