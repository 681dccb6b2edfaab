; The boss at the end of a stage. Stage 1: the Scarecrow, whose lantern heart opens and shuts.

BOSS_NONE = 0
BOSS_ENTER = 1
BOSS_FIGHT = 2
BOSS_DYING = 3
BOSS_FLEE = 4
BOSS_WIDTH = 40
BOSS_HEIGHT = 64
BOSS_HOME_X = 192

begin_boss:
    lda #BOSS_ENTER
    sta boss_state
    lda #255
    sta boss_x
    lda #88
    sta boss_y
    ldx stage
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
    beq fight
    dex
    beq @dying
    ; fleeing: up and out of sight
    lda boss_y
    sec
    sbc #2
    sta boss_y
    cmp #200
    bcc @rest
    cmp #244
    bcs @rest
    jmp stage_clear
@dying:
    jsr bursts
    dec boss_timer
    bne @rest
    jmp stage_clear
@enter:
    dec boss_x
    lda boss_x
    cmp #BOSS_HOME_X
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
    lda #TUNE_NONE
    jsr music_play
@already:
    rts

; Up and down; shut for 64 frames, open for 64.
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
    rts
@low:
    lda boss_clock
    and #$40
    sta boss_open
    lda boss_clock
    and #1                      ; half a pixel a frame
    bne @attack
    lda boss_dir
    bne @up
    inc boss_y
    lda boss_y
    cmp #144
    bcc @attack
    inc boss_dir
    bne @attack
@up:
    dec boss_y
    lda boss_y
    cmp #40
    bcs @attack
    dec boss_dir
@attack:
    lda boss_x
    sta tmp
    lda boss_open
    beq @shut
    lda boss_clock
    and #$1F
    cmp #$10
    bne @end
    lda boss_y
    clc
    adc #24
    sta tmp+1
    lda #<-2
    jsr @shot
    lda #0
    jsr @shot
    lda rng
    and #3
    tay
    lda spread,y
    clc
    adc #2
    bne @shot
@shut:
    lda boss_clock
    and #$1F
    cmp #$08
    bne @end
    lda boss_y
    clc
    adc #14
    sta tmp+1
    lda #16                     ; straight ahead, from both arms
    jsr launch_bullet
    lda boss_y
    clc
    adc #42
    sta tmp+1
    lda #16
    jmp launch_bullet
@shot:
    pha
    lda tmp
    pha
    lda tmp+1
    pha
    tsx
    lda $0103,x
    jsr aim_from
    pla
    sta tmp+1
    pla
    sta tmp
    pla
@end:
    rts

; ---- shots against it: the body swallows them, the open core suffers ----
shots_hit_boss:
    lda boss_state
    cmp #BOSS_FIGHT
    bne @end
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
    lda s_y,x
    sec
    sbc boss_y
    clc
    adc #8
    cmp #BOSS_HEIGHT
    bcs @next
    sbc #CORE_TOP-1             ; carry is clear: subtracts CORE_TOP
    cmp #CORE_HEIGHT
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
CORE_TOP = 21
CORE_HEIGHT = 23

beaten:
    lda #BOSS_DYING
    sta boss_state
    lda #96
    sta boss_timer
    lda #0
    sta boss_open
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
