; The Lantern Fish of stage 2. It swims level with the lark, gapes and spits; then it backs away,
; and rushes across the sea with its mouth open: hit what is in there.

FISH_PHASES = 5
FISH_FIRST = 97
FISH_LURE = 6                   ; line of the light on its rod
FISH_MOUTH = 36
fish_frames: .byte 96, 64, 24, 40, 74

lanternfish:
    lda #<fish_frames
    sta ptr
    lda #>fish_frames
    sta ptr+1
    ldx #FISH_PHASES
    jsr next_phase
    ldy #0
    sty boss_open
    sty boss_pose
    tax
    beq @swim
    dex
    beq @gape
    dex
    beq @back
    dex
    beq @rush
    inc boss_x                  ; and home again: 74 times two, 12 more than it rushed ahead of home
    inc boss_x
@end:
    rts
@back:
    lda boss_wait
    lsr a
    bcc @end
    inc boss_x
    rts
@rush:
    inc boss_open
    inc boss_pose
    lda boss_x
    sec
    sbc #4
    sta boss_x
    rts
@swim:
    lda boss_wait
    and #1
    bne @level
    lda #FISH_MOUTH-8
    jsr follow_lark
@level:
    lda boss_wait
    and #$1F
    cmp #$10
    bne @end
    lda #FISH_LURE-4
    jsr boss_muzzle
    lda rng
    and #3
    tay
    lda spread,y
    jmp aim_from
@gape:
    inc boss_open
    inc boss_pose
    lda boss_wait
    and #$0F
    cmp #$08
    bne @end
    lda #FISH_MOUTH-8
    jsr boss_muzzle
    lda boss_wait
    and #$10                    ; wide and narrow in turn
    beq @narrow
    lda #2
    bne @fan
@narrow:
    lda #1
@fan:
    ldy #3
    jmp boss_fan
