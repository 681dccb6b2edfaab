; The Scarecrow of stage 1, whose lantern heart opens and shuts.
; Up and down; shut for 64 frames, open for 64.
scarecrow:
    lda boss_clock
    and #$40
    sta boss_open
    asl a
    asl a
    rol a
    sta boss_pose
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
