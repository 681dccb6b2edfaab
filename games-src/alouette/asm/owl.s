; The Owl of stage 3, who is the night. She stares, and her eyes can be hit; beats her wings, and
; the wind drives the lark back; swoops down, and stares again on her way home.

OWL_PHASES = 4
OWL_FIRST = 81
OWL_EYES = 22
OWL_RAGE = 14                   ; with so few hits left she scatters feathers too
owl_frames: .byte 80, 64, 40, 60

owl:
    lda #<owl_frames
    sta ptr
    lda #>owl_frames
    sta ptr+1
    ldx #OWL_PHASES
    jsr next_phase
    ldy #0
    sty boss_open
    sty boss_pose
    tax
    beq @stare
    dex
    beq @gust
    dex
    beq @swoop
    inc boss_x                  ; 60 times two: as far as she swooped
    inc boss_x
    inc boss_open
    inc boss_pose
@end:
    rts
@swoop:
    ldy #2
    sty boss_pose
    lda boss_x
    sec
    sbc #3
    sta boss_x
    lda #32
    jmp follow_lark

@gust:
    lda boss_wait
    and #8
    beq @wings
    lda #2
    sta boss_pose
@wings:
    lda boss_wait
    lsr a
    bcc @feathers
    lda ship_x
    cmp #SHIP_MIN_X+1
    bcc @feathers
    dec ship_x
@feathers:
    lda boss_wait
    and #$0F
    cmp #$04
    bne @end
    lda rng
    and #$1F
    adc #7                      ; carry is set: eight
    jsr boss_muzzle
    lda #16
    jmp launch_bullet

@stare:
    inc boss_open
    inc boss_pose
    lda boss_dir
    bne @up
    inc boss_y
    lda boss_y
    cmp #BOSS_LOWEST-8
    bcc @look
    inc boss_dir
    bne @look
@up:
    dec boss_y
    lda boss_y
    cmp #BOSS_HIGHEST
    bcs @look
    dec boss_dir
@look:
    lda boss_wait
    and #$1F
    cmp #$10
    bne @end
    lda #OWL_EYES-8
    jsr boss_muzzle
    lda #<-1
    jsr aim_from
    lda #1
    jsr aim_from
    lda boss_hp
    cmp #OWL_RAGE
    bcs @end
    lda #3
    ldy #5
    jmp boss_fan
