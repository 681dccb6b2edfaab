; The enemies: one routine a kind, called once a frame with X = its slot.
; Kinds are numbered by kinds.toml; this table is in its order.

move_enemies:
    ldx #ENEMIES-1
@enemy:
    ldy e_kind,x
    beq @next
    lda e_flash,x
    beq @steady
    dec e_flash,x
@steady:
    lda behaviour_lo,y
    sta ptr
    lda behaviour_hi,y
    sta ptr+1
    jsr @call
@next:
    dex
    bpl @enemy
    rts
@call:
    jmp (ptr)

GUARDED = $80                   ; bits of e_state: shots do nothing
SECOND_PICTURE = $40            ; of kinds whose pictures do not simply take turns

.define BEHAVIOURS fly, burst, capsule, moth, wasp, crow, kite, toad, hedgehog, nest, fledgling
.define SEA gull, jelly, crab, skipper, mine
.define TOWN bat, ghost, cat, vane, rocket
behaviour_lo:
    .lobytes BEHAVIOURS
    .lobytes SEA
    .lobytes TOWN
behaviour_hi:
    .hibytes BEHAVIOURS
    .hibytes SEA
    .hibytes TOWN

; Moves by its velocity; out of sight, it is gone.
fly:
    clc
    lda e_yl,x
    adc e_vyl,x
    sta e_yl,x
    lda e_y,x
    adc e_vyh,x
    sta e_y,x
    sec
    sbc #16
    cmp #216
    bcs gone
fly_level:
    clc
    lda e_xl,x
    adc e_vxl,x
    sta e_xl,x
    lda e_x,x
    adc e_vxh,x
    sta e_x,x
    lda e_vxh,x
    bmi @leftwards
    bcs gone
    rts
@leftwards:
    bcc gone
    rts
gone:
    lda #0
    sta e_kind,x
    rts

; A burst fades, and may leave a capsule.
burst:
    dec e_timer,x
    bne fly_level
    lda e_flags,x
    bpl gone
    lda #KIND_CAPSULE
    sta e_kind,x
    lda #0
    sta e_flags,x
    jsr born
    lda rng
    and #$7F                    ; drifts a little up or down: luck
    sec
    sbc #$40
    sta e_vyl,x
    bcs @down
    dec e_vyh,x
@down:
    rts

capsule:
    jsr turn_at_edges
    jmp fly

; Keeps a drifting thing within the field.
turn_at_edges:
    lda e_y,x
    cmp #56
    bcc @down
    cmp #184
    bcc @end
    lda #$FF
    sta e_vyh,x
    lda #$C0
    sta e_vyl,x
    rts
@down:
    lda #0
    sta e_vyh,x
    lda #$40
    sta e_vyl,x
@end:
    rts

; Along a wave line.
moth:
    inc e_timer,x
    lda e_timer,x
    and #63
    tay
    lda sine,y
    clc
    adc e_base,x
    sta e_y,x
    jmp fly_level

; In, across to the lark's height, and back out: a formation that turns.
wasp:
    lda e_state,x
    beq @in
    cmp #1
    beq @across
    jmp fly
@in:
    lda e_x,x
    cmp #104
    bcc @turn
    jmp fly_level
@turn:
    inc e_state,x
    lda #0
    sta e_vxl,x
    sta e_vxh,x
    lda #32
    sta e_timer,x
    lda #2
    ldy ship_y
    tya
    cmp e_y,x
    lda #2
    bcs @set
    lda #<-2
@set:
    sta e_vyh,x
    rts
@across:
    dec e_timer,x
    beq @out
    lda e_y,x
    sec
    sbc ship_y
    clc
    adc #2
    cmp #5
    bcc @out
    jmp fly
@out:
    inc e_state,x
    lda #0
    sta e_vyh,x
    sta e_vyl,x
    lda #2
    sta e_vxh,x
    lda #$80
    sta e_vxl,x
    rts

; Comes to a halt, aims twice, and dives away.
crow:
    lda e_state,x
    beq @in
    cmp #1
    beq @hover
    jmp fly
@in:
    lda e_x,x
    cmp #192
    bcs fly_level_crow
    inc e_state,x
    lda #80
    sta e_timer,x
    rts
@hover:
    dec e_timer,x
    beq @away
    lda e_timer,x
    cmp #64
    beq @aim
    cmp #24
    beq @aim
    and #8
    beq @bob
    inc e_y,x
    dec e_y,x
@bob:
    rts
@aim:
    jmp aim
@away:
    inc e_state,x
    lda #<-3
    sta e_vxh,x
    lda ship_y
    cmp e_y,x
    lda #0
    sta e_vyh,x
    lda #$C0
    bcs @dive
    dec e_vyh,x
    lda #$40
@dive:
    sta e_vyl,x
fly_level_crow:
    jmp fly_level

; Zigzag: the variant says which way first.
kite:
    lda e_state,x
    bne @going
    inc e_state,x
    lda #1
    ldy e_var,x
    beq @first
    lda #<-1
@first:
    sta e_vyh,x
    lda #28
    sta e_timer,x
@going:
    dec e_timer,x
    bne @on
    lda #28
    sta e_timer,x
    lda #0
    sec
    sbc e_vyh,x
    sta e_vyh,x
@on:
    jmp fly

; Sits on the ground (variant 1: hangs from the ceiling) and spits at the lark.
toad:
    dec e_timer,x
    bne @sit
    lda #88
    sta e_timer,x
    lda e_x,x
    cmp #40
    bcc @sit
    cmp #248
    bcs @sit
    jsr aim
@sit:
    jmp fly_level

; Rolls along the floor.
hedgehog:
    jsr fly_level
    lda e_x,x
    clc
    adc #8
    jsr outline_at
    lda land_floor,y
    sec
    sbc #16
    sta e_y,x
    rts

; Hatches its young one after the other, as many as e_var says: no more, ever.
nest:
    dec e_timer,x
    bne @sit
    lda #36
    sta e_timer,x
    lda e_var,x
    beq @sit
    ldy #ENEMIES-1
@slot:
    lda e_kind,y
    beq @hatch
    dey
    bpl @slot
@sit:
    jmp fly_level
@hatch:
    dec e_var,x
    lda e_x,x
    sta e_x,y
    lda e_y,x
    sec
    sbc #8
    sta e_y,y
    lda #KIND_FLEDGLING
    sta e_kind,y
    lda #0
    sta e_flags,y
    sta e_var,y
    stx save_x
    tya
    tax
    jsr born
    lda #<-2
    sta e_vyh,x
    ldx save_x
    jmp fly_level

; Up first, then at the lark.
fledgling:
    lda e_timer,x
    beq @on
    dec e_timer,x
    bne @on
    lda #<-2
    sta e_vxh,x
    lda #0
    sta e_vxl,x
    sta e_vyl,x
    sta e_vyh,x
    lda ship_y
    cmp e_y,x
    bcs @down
    lda #<-1
    sta e_vyh,x
    lda #$80
    sta e_vyl,x
    bne @on
@down:
    lda #$80
    sta e_vyl,x
@on:
    jmp fly

; Adds A (signed, 256ths of a pixel) to the downward speed. Keeps X.
pull:
    ldy #0
    cmp #$80
    bcc @down
    dey
@down:
    clc
    adc e_vyl,x
    sta e_vyl,x
    tya
    adc e_vyh,x
    sta e_vyh,x
    rts

; Downward speed A:Y (256ths, whole).
set_fall:
    sta e_vyl,x
    tya
    sta e_vyh,x
    rts

; Carry set when the enemy is to the right of the lark and less than A pixels away.
near_ahead:
    sta tmp
    lda e_x,x
    sec
    sbc ship_x
    bcc @no
    cmp tmp
    bcs @no
    sec
    rts
@no:
    clc
    rts

; Is enemy X on the floor or below it? Carry set, and it stands on it, if so.
lands:
    lda e_x,x
    clc
    adc #8
    bcs @no
    jsr outline_at
    lda land_floor,y
    sec
    sbc #16
    cmp e_y,x
    beq @yes
    bcc @yes
@no:
    clc
    rts
@yes:
    sta e_y,x
    sec
    rts

; ---- the sea ----
; Level, until the lark is near: then a stoop past it and back, from above or from below.
gull:
    lda e_state,x
    bne @stoops
    lda #96
    jsr near_ahead
    bcc @level
    inc e_state,x
    lda ship_y
    cmp e_y,x
    lda #0
    ldy #3
    bcs @below
    ldy #<-3
    inc e_var,x
@below:
    jsr set_fall
@level:
    jmp fly_level
@stoops:
    lda e_var,x
    bne @rose
    lda #<-20
    bne @turn
@rose:
    lda #20
@turn:
    jsr pull
    jmp fly

; Rises in pulses out of the depth, and sinks between them.
jelly:
    lda e_y,x
    cmp #72
    bcc @sink
    dec e_timer,x
    bne @sink
    lda #44
    sta e_timer,x
    lda #0
    ldy #<-2
    jsr set_fall
@sink:
    lda e_state,x
    and #<~SECOND_PICTURE
    ldy e_vyh,x
    bpl @slack
    ora #SECOND_PICTURE
@slack:
    sta e_state,x
    lda #15
    jsr pull
    lda e_vyh,x
    bmi @fly
    beq @fly
    lda #0
    ldy #1
    jsr set_fall
@fly:
    jmp fly

; Scuttles to and fro behind its claws; opens them to throw.
crab:
    dec e_timer,x
    bne @going
    lda e_state,x
    eor #GUARDED | SECOND_PICTURE
    sta e_state,x
    bmi @shut
    lda #44
    sta e_timer,x
    lda #0                      ; stands where it is: the ground's own speed
    sta e_vxl,x
    lda #<-1
    sta e_vxh,x
    bne @going
@shut:
    lda #48
    sta e_timer,x
    inc e_var,x
    lda e_var,x
    lsr a
    lda #<-1
    bcs @left
    lda #<-2
@left:
    sta e_vxh,x
    lda #$80
    sta e_vxl,x
@going:
    lda e_state,x
    bmi @walk
    lda e_timer,x
    cmp #22
    bne @walk
    lda e_x,x
    sta tmp
    lda e_y,x
    sta tmp+1
    lda #1
    jsr aim_from
    lda #<-1
    jsr aim_from
@walk:
    jmp hedgehog

; Skips over the waves in long leaps.
skipper:
    lda #22
    jsr pull
    jsr fly
    lda e_vyh,x
    bmi @end
    jsr lands
    bcc @end
    lda e_var,x                 ; variant 1 leaps higher
    beq @low
    lda #$40
    ldy #<-5
    jmp set_fall
@low:
    lda #$80
    ldy #<-4
    jmp set_fall
@end:
    rts

; Floats, bobbing; whoever bursts it has six bullets to avoid.
mine:
    lda frame
    and #1
    beq @still
    inc e_timer,x
@still:
    lda e_timer,x
    and #63
    tay
    lda sine,y
    cmp #$80
    ror a
    clc
    adc e_base,x
    sta e_y,x
    jmp fly_level

scatter:
    lda e_x,x
    sta tmp
    lda e_y,x
    sta tmp+1
    lda #3
    sta tmp+5
@bullet:
    jsr launch_bullet
    lda tmp+5
    clc
    adc #5
    sta tmp+5
    cmp #32
    bcc @bullet
    rts

; ---- the town ----
; Hangs from a ceiling until the lark is near (variant 1: is on the wing from the beginning), then
; swings about its height.
bat:
    lda e_state,x
    bne @flies
    lda e_var,x
    lsr a
    bcs @wakes
    lda #104
    jsr near_ahead
    bcs @wakes
    lda #0
    sta e_vxl,x
    lda #<-1
    sta e_vxh,x
    jmp fly_level
@wakes:
    inc e_state,x
    lda #$40
    sta e_vxl,x
    lda #<-2
    sta e_vxh,x
    lda ship_y
    cmp e_y,x
    bcc @flies
    lda #0
    ldy #2
    jsr set_fall
@flies:
    lda frame
    and #4
    asl a
    asl a
    asl a
    asl a
    ora #1
    sta e_state,x
    lda ship_y
    cmp e_y,x
    lda #12
    bcs @down
    lda #<-12
@down:
    jsr pull
    jmp fly

; Comes slowly to the lark's height. Shots go through it while it is but a shimmer.
ghost:
    dec e_timer,x
    bne @same
    lda #44
    sta e_timer,x
    lda e_state,x
    eor #GUARDED | SECOND_PICTURE
    sta e_state,x
@same:
    lda ship_y
    cmp e_y,x
    lda #$80
    ldy #0
    bcs @down
    dey
@down:
    jsr set_fall
    jmp fly

; Walks along the roofs and springs at a lark that comes near.
cat:
    lda e_state,x
    bne @springs
    lda #80
    jsr near_ahead
    bcs @spring
    jmp hedgehog
@spring:
    lda #SECOND_PICTURE
    sta e_state,x
    lda #0
    sta e_vxl,x
    lda #<-2
    sta e_vxh,x
    lda #$40
    ldy #<-4
    jmp set_fall
@springs:
    lda #24
    jsr pull
    jsr fly
    lda e_vyh,x
    bmi @end
    jsr lands
    bcc @end
    lda #0
    sta e_state,x
    jsr set_fall0
    lda #$C0
    sta e_vxl,x
    lda #<-2
    sta e_vxh,x
@end:
    rts
set_fall0:
    ldy #0
    jmp set_fall

; A weathercock: turns, and throws a bullet at every turn.
vane:
    dec e_timer,x
    bne @sit
    lda #18
    sta e_timer,x
    lda e_x,x
    cmp #32
    bcc @sit
    cmp #248
    bcs @sit
    sta tmp
    lda e_y,x
    sta tmp+1
    lda e_var,x
    clc
    adc #3
    and #$0F
    sta e_var,x
    ora #$10                    ; left, up, right
    jsr launch_bullet
@sit:
    jmp fly_level

; A firework: stands on the ground, goes up before the lark, and scatters when it is high.
rocket:
    lda e_state,x
    bne @rises
    lda #112
    jsr near_ahead
    bcc @sit
    inc e_state,x
    lda #0
    ldy #<-1
    jsr set_fall
@sit:
    jmp fly_level
@rises:
    lda #SECOND_PICTURE
    sta e_state,x
    lda #<-8
    jsr pull
    lda e_y,x
    cmp #80
    bcc @scatters
    jmp fly
@scatters:
    lda e_x,x
    sta tmp
    lda e_y,x
    sta tmp+1
    lda #4
    sta tmp+5
@bullet:
    jsr launch_bullet
    lda tmp+5
    clc
    adc #2
    sta tmp+5
    cmp #13
    bcc @bullet
    lda #KIND_BURST             ; on its own: no points
    sta e_kind,x
    lda #0
    sta e_flags,x
    jmp born

; ---- aimed bullets ----
; Enemy X shoots at the lark: luck spreads the shot a little. Keeps X.
aim:
    lda e_x,x
    sta tmp
    lda e_y,x
    sta tmp+1
    lda rng
    and #3
    tay
    lda spread,y
    ; A: spread in 32nds of a circle, (tmp, tmp+1): from where
aim_from:
    sta tmp+4
    lda #0
    sta tmp+5
    lda ship_x
    sec
    sbc tmp
    bcs @right
    eor #$FF
    adc #1
    inc tmp+5                   ; bit 0: leftwards
@right:
    lsr a
    lsr a
    lsr a
    lsr a
    sta tmp+2
    lda ship_y
    sec
    sbc tmp+1
    bcs @down
    eor #$FF
    adc #1
    inc tmp+5
    inc tmp+5                   ; bit 1: upwards
@down:
    and #$F0
    ora tmp+2
    tay
    lda aim_angle,y             ; 0 along, 8 straight up or down
    ldy tmp+5
    beq @done
    dey
    bne @not_left
    eor #$FF                    ; 16 - angle
    clc
    adc #17
    jmp @done
@not_left:
    dey
    bne @left_up
    eor #$FF                    ; 32 - angle
    clc
    adc #33
    jmp @done
@left_up:
    clc                         ; 16 + angle
    adc #16
@done:
    clc
    adc tmp+4
    and #31
; A bullet in direction A from (tmp, tmp+1), if one is free. Keeps X.
launch_bullet:
    ldy #BULLETS-1
    sta tmp+4
@slot:
    lda b_on,y
    beq @free
    dey
    bpl @slot
    rts
@free:
    lda #1
    sta b_on,y
    lda tmp+4
    sta b_dir,y
    lda tmp
    clc
    adc #4
    bcs @edge
    sta b_x,y
    lda tmp+1
    sta b_y,y
    lda #0
    sta b_xl,y
    sta b_yl,y
    rts
@edge:
    lda #0
    sta b_on,y
    rts
spread: .byte <-1, 0, 0, 1

move_bullets:
    ldx #BULLETS-1
@bullet:
    lda b_on,x
    beq @next
    ldy b_dir,x
    clc
    lda b_xl,x
    adc bullet_vxl,y
    sta b_xl,x
    lda b_x,x
    adc bullet_vxh,y
    sta b_x,x
    cmp #252
    bcs @gone                   ; either edge: it moves less than four pixels a frame
    sta tmp
    clc
    lda b_yl,x
    adc bullet_vyl,y
    sta b_yl,x
    lda b_y,x
    adc bullet_vyh,y
    sta b_y,x
    cmp #SHIP_MIN_Y-8
    bcc @gone
    cmp #228
    bcs @gone
    adc #8
    sta tmp+1
    lda tmp
    adc #4
    sta tmp
    jsr solid_at
    bcc @next
@gone:
    lda #0
    sta b_on,x
@next:
    dex
    bpl @bullet
    rts
