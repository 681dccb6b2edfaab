; One frame of play: the clock, the scroll, the script, what hits what, the score.

RNG_SEED = $A10E
DIRTY_SCORE = 1
DIRTY_LIVES = 2
DIRTY_METER = 4

SHOT_PLAIN = 1
SHOT_UP = 2
SHOT_LASER = 3
SHOT_MISSILE = 4

run_play:
    lda joy
    and #BUTTON_START
    tax
    eor pause_prev
    stx pause_prev
    beq @same
    txa
    beq @same
    lda paused
    eor #1
    sta paused
    jsr music_pause
    lda #SFX_PAUSE
    jsr sfx_play
@same:
    lda paused
    bne @stay
    jsr count_frame
    jsr move_ship
    jsr take_power
    jsr fire
    jsr move_world
    jsr shots_hit
    jsr ship_hit
    jsr draw_play
    jsr draw_status
    jsr weather
@stay:
    rts

; The clock, the pressed buttons and the generator. Start and Select are not mixed in, and a
; paused frame does not come here: pausing changes nothing.
count_frame:
    inc frame
    bne @low
    inc frame+1
@low:
    lda joy_prev
    eor #$FF
    and joy
    sta joy_new
    lda joy
    sta joy_prev
    and #<~(BUTTON_START | BUTTON_SELECT)
    eor rng
    sta rng
    ora rng+1
    bne @alive
    inc rng
@alive:
    jsr @shift
@shift:
    lsr rng+1
    ror rng
    bcc @end
    lda rng+1
    eor #$B4                    ; x^16 + x^14 + x^13 + x^11 + 1: the full period
    sta rng+1
@end:
    rts

move_world:
    jsr move_scroll
    jsr run_script
    jsr move_shots
    jsr move_enemies
    jsr move_bullets
    jmp move_boss

move_scroll:
    inc scroll
    bne @low
    inc scroll+1
@low:
    jsr split_scroll
    lda scroll_fine
    bne @end
    jmp draw_column
@end:
    rts

split_scroll:
    lda scroll+1
    and #1
    asl a
    asl a
    asl a
    asl a
    asl a
    sta scroll_col
    lda scroll
    and #7
    sta scroll_fine
    lda scroll
    lsr a
    lsr a
    lsr a
    ora scroll_col
    sta scroll_col
    rts

; ---- stage and checkpoint ----
begin_stage:
    lda #0
    sta checkpoint
    sta scroll
    sta scroll+1
    ldx stage
    lda stage_script_lo,x
    sta spawn_ptr
    lda stage_script_hi,x
    sta spawn_ptr+1
save_checkpoint:
    lda scroll
    sta cp_scroll
    lda scroll+1
    sta cp_scroll+1
    lda spawn_ptr
    sta cp_spawn
    lda spawn_ptr+1
    sta cp_spawn+1
    ldx #6
@digit:
    lda score,x
    sta cp_score,x
    dex
    bpl @digit
    rts

; Back to the checkpoint; the score too, so that nothing is earned twice.
restart_play:
    lda cp_scroll
    and #$F8
    sta scroll
    lda cp_scroll+1
    sta scroll+1
    lda cp_spawn
    sta spawn_ptr
    lda cp_spawn+1
    sta spawn_ptr+1
    ldx #6
@digit:
    lda cp_score,x
    sta score,x
    dex
    bpl @digit
    ldx #0
    txa
@clear_enemies:
    sta e_kind,x
    inx
    bne @clear_enemies
    ldx #$6F
@clear_shots:
    sta s_kind,x
    dex
    bpl @clear_shots
    ldx #WAVES-1
@clear_waves:
    sta wave_kills,x
    dex
    bpl @clear_waves
    sta boss_state
    sta boss_clock
    sta boss_clock+1
    sta boss_open
    sta boss_flash
    sta ship_xl
    sta ship_yl
    sta ship_pose
    sta fire_wait
    sta trail_pos
    lda #48
    sta ship_x
    lda #120
    sta ship_y
    ldx #TRAIL-1
@trail:
    lda ship_x
    sta trail_x,x
    lda ship_y
    sta trail_y,x
    dex
    bpl @trail
    jsr split_scroll
    lda scroll+1
    sta column+1
    lda scroll
    lsr column+1
    ror a
    lsr column+1
    ror a
    lsr column+1
    ror a
    sta column
    rts

lose_powers:
    lda #0
    sta speed_level
    sta power
    sta missile
    sta double
    sta laser
    sta options
    sta shield
    rts

; ---- the stage script ----
; Rows of six bytes in the order of their position:
; position (low, high), kind, y, flags, variant.
SCRIPT_ROW = 6
run_script:
    ldy #1
    lda (spawn_ptr),y
    cmp scroll+1
    bcc @due
    bne @later
    dey
    lda (spawn_ptr),y
    cmp scroll
    bcc @due
    beq @due
@later:
    rts
@due:
    jsr @row
    lda spawn_ptr
    clc
    adc #SCRIPT_ROW
    sta spawn_ptr
    bcc run_script
    inc spawn_ptr+1
    bcs run_script

@row:
    ldy #2
    lda (spawn_ptr),y
    cmp #ROW_CHECKPOINT
    bcc @spawn
    bne @boss
    ldy #5
    lda (spawn_ptr),y
    sta checkpoint
    ; the row itself is not played again
    lda spawn_ptr
    pha
    lda spawn_ptr+1
    pha
    lda spawn_ptr
    clc
    adc #SCRIPT_ROW
    sta spawn_ptr
    bcc @high
    inc spawn_ptr+1
@high:
    jsr save_checkpoint
    pla
    sta spawn_ptr+1
    pla
    sta spawn_ptr
    rts
@boss:
    jmp begin_boss

@spawn:
    ldx #ENEMIES-1
@slot:
    lda e_kind,x
    beq @free
    dex
    bpl @slot
    inc rows_lost               ; the script is made so that this never happens
    rts
@free:
    lda (spawn_ptr),y
    sta e_kind,x
    iny
    lda (spawn_ptr),y
    sta e_y,x
    iny
    lda (spawn_ptr),y
    sta e_flags,x
    iny
    lda (spawn_ptr),y
    sta e_var,x
    lda #255
    sta e_x,x
    jsr born
    lda e_y,x
    cmp #Y_CEILING
    bcc @placed
    bne @floor
    lda #255
    jsr outline_at
    lda land_ceil,y
    sta e_y,x
    rts
@floor:
    lda #255
    jsr outline_at
    lda land_floor,y
    sec
    sbc #16
    sta e_y,x
@placed:
    lda e_y,x
    sta e_base,x
    rts

; Everything a new enemy X of kind e_kind starts with, but its place.
born:
    ldy e_kind,x
    lda kind_hp,y
    sta e_hp,x
    lda kind_vxl,y
    sta e_vxl,x
    lda kind_vxh,y
    sta e_vxh,x
    lda kind_timer,y
    sta e_timer,x
    lda #0
    sta e_vyl,x
    sta e_vyh,x
    sta e_state,x
    sta e_xl,x
    sta e_yl,x
    sta e_flash,x
    rts

; ---- the score ----
; Adds the points pts (packed decimal, in tens, high byte first in tmp, tmp+1). Keeps X.
add_points:
    stx save_x
    lda tmp+1
    pha
    and #15
    sta tmp+3
    pla
    lsr a
    lsr a
    lsr a
    lsr a
    sta tmp+2
    lda tmp
    pha
    and #15
    sta tmp+1
    pla
    lsr a
    lsr a
    lsr a
    lsr a
    sta tmp
    ldy #3
    ldx #5
    clc
@digit:
    lda score,x
    adc tmp,y
    cmp #10
    bcc @fits
    sbc #10
@fits:
    sta score,x
    dex
    dey
    bpl @digit
@carry:
    lda score,x
    adc #0
    cmp #10
    bcc @last
    sbc #10
@last:
    sta score,x
    dex
    bpl @carry
    lda dirty
    ora #DIRTY_SCORE
    sta dirty
    ldx save_x
    rts

; ---- shots against enemies and the boss ----
shots_hit:
    ldx #ENEMIES-1
@enemy:
    lda e_kind,x
    cmp #FIRST_TARGET
    bcc @next_enemy
    ldy #SHOTS-1
@shot:
    lda s_kind,y
    beq @next_shot
    lda s_x,y
    sec
    sbc e_x,x
    cmp #15
    bcc @level
    eor #$FF
    cmp s_state,y               ; how far the shot reaches to the right
    bcs @next_shot
@level:
    lda s_y,y
    sec
    sbc e_y,x
    clc
    adc #10
    cmp #21
    bcs @next_shot
    lda s_kind,y
    cmp #SHOT_LASER
    beq @pierce
    lda #0
    sta s_kind,y
@pierce:
    lda e_state,x
    bmi @guarded
    dec e_hp,x
    beq @killed
    lda #3
    sta e_flash,x
@guarded:
    lda #SFX_HIT
    jsr sfx_play
    jmp @next_shot
@killed:
    jsr kill_enemy
    jmp @next_enemy
@next_shot:
    dey
    bpl @shot
@next_enemy:
    dex
    bpl @enemy
    jmp shots_hit_boss

; Enemy X bursts: its points, its wave, its capsule. Keeps X.
kill_enemy:
    ldy e_kind,x
    lda kind_points_hi,y
    sta tmp
    lda kind_points_lo,y
    sta tmp+1
    jsr add_points
    lda e_flags,x
    and #WAVES-1
    beq @alone
    tay
    lda wave_kills,y
    clc
    adc #1
    sta wave_kills,y
    sta tmp+4
    lda stage
    asl a
    asl a
    asl a
    asl a
    asl a
    sta tmp
    tya
    ora tmp
    tay
    lda tmp+4
    cmp wave_size,y
    bne @alone
    lda wave_points_hi,y
    sta tmp
    lda wave_points_lo,y
    sta tmp+1
    lda wave_capsule,y
    ora e_flags,x
    sta e_flags,x
    jsr add_points
@alone:
    lda e_kind,x
    cmp #KIND_MINE
    bne @quiet
    jsr scatter                 ; it does not go alone
@quiet:
    lda #KIND_BURST
    sta e_kind,x
    jsr born
    lda #SFX_EXPLODE
    jmp sfx_play

; ---- what hits the lark ----
; Carry set when the ship touches nothing; kills it otherwise unless shielded.
ship_hit:
    ldx #ENEMIES-1
@enemy:
    lda e_kind,x
    cmp #KIND_CAPSULE
    bcc @next
    lda e_x,x
    sec
    sbc ship_x
    sta tmp
    lda e_y,x
    sec
    sbc ship_y
    sta tmp+1
    lda e_kind,x
    cmp #KIND_CAPSULE
    beq @capsule
    lda tmp
    clc
    adc #10
    cmp #21
    bcs @next
    lda tmp+1
    clc
    adc #8
    cmp #17
    bcs @next
    lda shield
    bne @shielded
    jmp kill_ship
@shielded:
    jsr dent_shield
    jsr kill_enemy
    jmp @next
@capsule:
    lda tmp
    clc
    adc #14
    cmp #29
    bcs @next
    lda tmp+1
    clc
    adc #14
    cmp #29
    bcs @next
    jsr take_capsule
@next:
    dex
    bpl @enemy

    ldx #BULLETS-1
@bullet:
    lda b_on,x
    beq @next_bullet
    lda b_x,x
    sec
    sbc ship_x
    sbc #1
    cmp #9                      ; the bullet's left edge, within the body's middle
    bcs @next_bullet
    lda b_y,x
    sec
    sbc ship_y
    clc
    adc #4
    cmp #9
    bcs @next_bullet
    lda #0
    sta b_on,x
    lda shield
    beq kill_ship
    jsr dent_shield
@next_bullet:
    dex
    bpl @bullet

    ; the terrain: nose, tail, belly
    lda ship_x
    clc
    adc #13
    sta tmp
    lda ship_y
    clc
    adc #8
    sta tmp+1
    jsr solid_at
    bcs kill_ship
    lda ship_x
    clc
    adc #7
    sta tmp
    lda ship_y
    clc
    adc #4
    sta tmp+1
    jsr solid_at
    bcs kill_ship
    lda tmp+1
    clc
    adc #8
    sta tmp+1
    jsr solid_at
    bcs kill_ship
    jmp boss_hits_ship

kill_ship:
    lda #MODE_DYING
    sta mode
    lda #DYING_FRAMES
    sta timer
    jsr lose_powers
    lda #DIRTY_METER
    ora dirty
    sta dirty
    lda #TUNE_NONE
    jsr music_play
    lda #SFX_DEATH
    jmp sfx_play

dent_shield:
    dec shield
    lda dirty
    ora #DIRTY_METER
    sta dirty
    lda #SFX_HIT
    jmp sfx_play

; Capsule X is caught: points, and the meter moves on.
take_capsule:
    lda #0
    sta e_kind,x
    lda #>CAPSULE_POINTS
    sta tmp
    lda #<CAPSULE_POINTS
    sta tmp+1
    jsr add_points
    ldy power
    iny
    cpy #7
    bcc @fits
    ldy #1
@fits:
    sty power
    lda dirty
    ora #DIRTY_METER
    sta dirty
    lda #SFX_CAPSULE
    jmp sfx_play
