; The boss at the end of a stage: what all of them share.

BOSS_NONE = 0
BOSS_ENTER = 1
BOSS_FIGHT = 2
BOSS_DYING = 3
BOSS_FLEE = 4
BOSS_HEIGHT = 64
BOSS_HIGHEST = 40
BOSS_LOWEST = 144

boss_width:  .byte 40, 48, 48
boss_home_x: .byte 192, 192, 188
boss_first_y: .byte 88, 96, 72
boss_first_wait: .byte 1, FISH_FIRST, OWL_FIRST
boss_first_core: .byte 21, FISH_MOUTH-11, OWL_EYES-10
boss_core_height: .byte 23, 22, 20
boss_flee_x: .byte 0, 2, 0
boss_flee_y: .byte <-2, 0, <-2
.define FIGHTS scarecrow, lanternfish, owl
boss_fight_lo: .lobytes FIGHTS
boss_fight_hi: .hibytes FIGHTS

begin_boss:
    lda #BOSS_ENTER
    sta boss_state
    lda #255
    sta boss_x
    ldx stage
    lda boss_first_y,x
    sta boss_y
    lda boss_first_wait,x
    sta boss_wait
    lda boss_first_core,x
    sta boss_core
    lda #0
    sta boss_phase
    sta boss_pose
    sta boss_dir
    lda boss_full_hp,x
    sta boss_hp
    lda boss_tune,x
    jmp music_play

move_boss:
    lda boss_flash
    beq @steady
    dec boss_flash
@steady:
    ldx boss_state
    beq @none
    dex
    beq @enter
    dex
    bne @not_fight
    jmp fight
@not_fight:
    dex
    beq @dying
    ldx stage                   ; fleeing: up, or back to where it came from, and out of sight
    lda boss_x
    clc
    adc boss_flee_x,x
    sta boss_x
    cmp #252
    bcs @fled
    lda boss_y
    adc boss_flee_y,x           ; carry is clear
    sta boss_y
    cmp #200
    bcc @rest
    cmp #244
    bcs @rest
@fled:
    jmp stage_clear
@dying:
    jsr bursts
    dec boss_timer
    bne @rest
    jmp stage_clear
@enter:
    dec boss_x
    lda boss_x
    ldx stage
    cmp boss_home_x,x
    bne @rest
    inc boss_state
    lda #0
    sta boss_clock
    sta boss_clock+1
@none:
@rest:
    rts

stage_clear:
    lda #BOSS_NONE
    sta boss_state
    lda mode
    cmp #MODE_PLAY
    bne @already
    lda #120
    sta timer
    lda #MODE_CLEARED
    sta mode
    lda #TUNE_CLEARED
    jsr music_play
@already:
    rts

; One frame of the fight, in the manner of the stage's boss.
fight:
    inc boss_clock
    bne @low
    inc boss_clock+1
    lda boss_clock+1
    cmp #BOSS_LIMIT
    bcc @low
    lda #BOSS_FLEE              ; time is up: no points
    sta boss_state
    lda #0
    sta boss_open
    sta boss_pose
    rts
@low:
    ldx stage
    lda boss_fight_lo,x
    sta ptr
    lda boss_fight_hi,x
    sta ptr+1
    jmp (ptr)

; Counts the phase's frames down; at their end the next of X phases begins, whose lengths are at
; (ptr). Z is set when it began just now. A = the phase.
next_phase:
    dec boss_wait
    bne @same
    stx tmp
    ldy boss_phase
    iny
    cpy tmp
    bcc @within
    ldy #0
@within:
    sty boss_phase
    lda (ptr),y
    sta boss_wait
@same:
    lda boss_phase
    rts

; One line towards the lark, so that line A of the boss comes to its height; not out of the field.
follow_lark:
    sta tmp
    lda boss_y
    clc
    adc tmp
    sec
    sbc ship_y
    beq @end
    bcs @up
    lda boss_y
    cmp #BOSS_LOWEST
    bcs @end
    inc boss_y
    rts
@up:
    lda boss_y
    cmp #BOSS_HIGHEST
    bcc @end
    dec boss_y
@end:
    rts

; The boss's line A becomes the place where its bullets leave.
boss_muzzle:
    clc
    adc boss_y
    sta tmp+1
    lda boss_x
    sta tmp
    rts

; Y bullets in a fan round straight left, A 32nds of a circle between them.
boss_fan:
    sta tmp+6
    sty tmp+7
    lda #16
    dey
@first:                         ; half of the others lie before the middle one
    sec
    sbc tmp+6
    dey
    beq @fan
    dey
    bne @first
@fan:
    pha
    jsr launch_bullet
    pla
    clc
    adc tmp+6
    dec tmp+7
    bne @fan
    rts

; ---- shots against it: the body swallows them, the open core suffers ----
shots_hit_boss:
    lda boss_state
    cmp #BOSS_FIGHT
    bne @end
    ldy stage
    ldx #SHOTS-1
@shot:
    lda s_kind,x
    beq @next
    lda s_x,x
    clc
    adc s_state,x
    bcs @across
    cmp boss_x
    bcc @next
@across:
    lda s_x,x
    sec
    sbc boss_x
    bcc @reaches
    cmp boss_width,y
    bcs @next                   ; behind it
@reaches:
    lda s_y,x
    sec
    sbc boss_y
    clc
    adc #8
    cmp #BOSS_HEIGHT
    bcs @next
    sec
    sbc boss_core
    cmp boss_core_height,y
    bcs @body
    lda boss_open
    beq @body
    lda #4
    sta boss_flash
    lda #SFX_BOSSHIT
    jsr sfx_play
    dec boss_hp
    beq beaten
@body:
    lda #0
    sta s_kind,x
@next:
    dex
    bpl @shot
@end:
    rts

beaten:
    lda #BOSS_DYING
    sta boss_state
    lda #96
    sta boss_timer
    lda #0
    sta boss_open
    sta boss_pose
    ldx #BULLETS-1
@bullet:
    sta b_on,x
    dex
    bpl @bullet
    lda boss_clock+1            ; a row of BOSS_LIMIT entries for each stage
    ldx stage
    beq @row
    clc
@stage:
    adc #BOSS_LIMIT
    dex
    bne @stage
@row:
    tay
    lda boss_points_hi,y
    sta tmp
    lda boss_points_lo,y
    sta tmp+1
    jsr add_points
    lda #TUNE_NONE
    jsr music_play
    lda #SFX_BIGEXPLODE
    jmp sfx_play

; Bursts all over the dying boss.
bursts:
    lda boss_timer
    and #7
    bne @end
    ldx #ENEMIES-1
@slot:
    lda e_kind,x
    beq @free
    dex
    bpl @slot
    rts
@free:
    lda #KIND_BURST
    sta e_kind,x
    jsr born
    lda #0
    sta e_flags,x
    lda rng
    and #31
    clc
    adc boss_x
    sta e_x,x
    lda rng+1
    and #47
    clc
    adc boss_y
    sta e_y,x
    lda #SFX_EXPLODE
    jmp sfx_play
@end:
    rts

; The last of what may hit the lark.
boss_hits_ship:
    lda boss_state
    beq @end
    cmp #BOSS_DYING
    bcs @end
    lda ship_x
    clc
    adc #12
    cmp boss_x
    bcc @end
    ldx stage
    lda boss_x
    clc
    adc boss_width,x
    bcs @ahead
    cmp ship_x
    bcc @end                    ; the lark is behind it
@ahead:
    lda ship_y
    sec
    sbc boss_y
    clc
    adc #10
    cmp #BOSS_HEIGHT
    bcs @end
    jmp kill_ship
@end:
    rts
