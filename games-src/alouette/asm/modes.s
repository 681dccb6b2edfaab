; The modes of the game and the screens between play.

MODE_TITLE = 0
MODE_CARD = 1                   ; "STAGE 1"
MODE_READY = 2                  ; the field is drawn, picture off
MODE_PLAY = 3
MODE_DYING = 4
MODE_CLEARED = 5
MODE_GAMEOVER = 6
MODE_ENDING = 7

mode_table:
    .word run_title, run_card, run_ready, run_play, run_dying, run_cleared, run_gameover, run_ending

set_mode:
    sta mode
    lda #0
    sta step
    sta built
    rts

; Picture off, nothing to wait for in the split.
picture_off:
    lda #0
    sta split
    sta ppu_mask
    sta chr_bank
    jmp hide_sprites

; Steps 0-9 of every full-screen mode: A:Y = the screen (low, high). Carry clear while under way.
build_screen:
    ldx step
    bne @going
    inc step
    pha
    tya
    pha
    jsr picture_off
    pla
    sta src+1
    pla
    sta src
    clc
    rts
@going:
    jsr send_screen
    bcc @more
    inc step
@more:
    clc
    rts

; ---- title ----
run_title:
    lda step
    cmp #2
    bcs @built
    lda #<title_screen
    ldy #>title_screen
    jmp build_screen
@built:
    bne @shown
    lda #<title_palette
    sta src
    lda #>title_palette
    sta src+1
    jsr send_palette
    jsr send_hi_score
    lda #TUNE_TITLE
    jsr music_play
    lda #MASK_FULL
    sta ppu_mask
    lda #0
    sta tick
    inc step
    rts
@shown:
    cmp #4
    bcs @leaving
    jsr draw_title_sprites
    lda tick
    and #$1F
    bne @still
    lda #<text_start
    ldy #>text_start
    ldx tick
    cpx #$20
    bcc @show
    lda tick
    and #$20
    beq @show0
    lda #<text_nostart
    ldy #>text_nostart
    bne @show
@show0:
    lda #<text_start
    ldy #>text_start
@show:
    sta src
    sty src+1
    jsr send_text
@still:
    lda joy
    and #BUTTON_START
    beq @stay
    lda #TUNE_NONE
    jsr music_play
    lda #SFX_SELECT
    jsr sfx_play
    lda #4
    sta step
    lda #40
    sta timer
@stay:
    rts
@leaving:
    jsr draw_title_sprites
    dec timer
    beq start_game
    lda timer
    and #3
    bne @stay
    lda #<text_start
    ldy #>text_start
    tax
    lda timer
    and #4
    beq @blink
    ldx #<text_nostart
    ldy #>text_nostart
@blink:
    stx src
    sty src+1
    jmp send_text

; Everything that play reads starts from constants here, however long the title was shown.
start_game:
    ldx #6
@keep:
    lda hi_score,x
    sta $0100,x                 ; the far end of the stack page is free
    dex
    bpl @keep
    lda ppu_ctrl
    pha
    lda joy
    pha
    ldx #0
    txa
@clear:
    sta $0000,x
    sta $0200,x
    sta $0300,x
    sta $0400,x
    sta $0500,x
    sta $0600,x
    sta $0700,x
    inx
    bne @clear
    inc busy
    pla
    sta joy
    pla
    sta ppu_ctrl
    ldx #6
@back:
    lda $0100,x
    sta hi_score,x
    dex
    bpl @back
    jsr hide_sprites
    jsr sound_init
    lda #3
    sta lives
    lda #<RNG_SEED
    sta rng
    lda #>RNG_SEED
    sta rng+1
start_stage:
    jsr begin_stage
    lda #MODE_CARD
    jmp set_mode

; ---- stage card ----
run_card:
    lda step
    cmp #2
    bcs @built
    lda #0
    tay
    jmp build_screen
@built:
    bne @shown
    lda #<title_palette
    sta src
    lda #>title_palette
    sta src+1
    jsr send_palette
    ldx stage
    lda stage_card_lo,x
    sta src
    lda stage_card_hi,x
    sta src+1
    jsr send_text
    ldx stage
    lda stage_name_lo,x
    sta src
    lda stage_name_hi,x
    sta src+1
    jsr send_text
    ldx stage
    lda stage_story_lo,x
    sta src
    lda stage_story_hi,x
    sta src+1
    jsr send_text
    jsr sky_colour
    jsr send_sky
    lda #44                     ; the notes behind the lark are in sight too
    sta tick
    lda #MASK_FULL
    sta ppu_mask
    lda #CARD_FRAMES
    sta timer
    inc step
    rts
@shown:
    jsr draw_card_sprites
    dec timer
    bne @stay
    lda #MODE_READY
    jmp set_mode
@stay:
    rts

; ---- the field from the checkpoint, drawn with the picture off ----
run_ready:
    lda step
    bne @1
    jsr picture_off
    inc step
    lda #<status_screen
    sta src
    lda #>status_screen
    sta src+1
    lda #$20
    ldy #$00
    jsr send_64
    lda #$20
    ldy #$40
    jmp send_64
@1: cmp #1
    bne @2
    inc step
    ldx stage
    lda stage_attributes_lo,x
    sta src
    lda stage_attributes_hi,x
    sta src+1
    lda #$23
    ldy #$C0
    jsr send_64
    ldx stage
    lda stage_attributes_lo,x
    sta src
    lda stage_attributes_hi,x
    sta src+1
    lda #$27
    ldy #$C0
    jmp send_64
@2: cmp #2
    bne @3
    inc step
    lda #<(status_screen+64)
    sta src
    lda #>(status_screen+64)
    sta src+1
    lda #$24                    ; the bar's last row again, in the other name table
    ldy #$40
    jsr send_64
    ldx stage
    lda stage_palette_lo,x
    sta src
    lda stage_palette_hi,x
    sta src+1
    jsr send_palette
    jsr restart_play
    jsr sky_colour
    jmp send_sky
@3: cmp #12
    bcs @4
    inc step
    jsr draw_column
    jsr draw_column
    jsr draw_column
    jmp draw_column
@4: lda #$FF
    sta dirty
    jsr draw_status
    jsr draw_play
    lda #MASK_PLAY
    sta ppu_mask
    sta split
    lda #0
    sta dirty
    ldx stage
    lda stage_tune,x
    ldx checkpoint
    cpx #2
    bne @tune
    ldx stage
    lda boss_tune,x
@tune:
    jsr music_play
    lda #MODE_PLAY
    jmp set_mode

; ---- dying: the world stands still around the burst ----
DYING_FRAMES = 64
run_dying:
    jsr count_frame
    jsr draw_play
    jsr weather
    dec timer
    bne @stay
    dec lives
    beq @over
    inc deaths
    lda #MODE_READY
    jmp set_mode
@over:
    inc deaths
    lda #MODE_GAMEOVER
    jmp set_mode
@stay:
    rts

; ---- stage cleared: the lark flies off ----
run_cleared:
    jsr count_frame
    jsr move_world
    jsr fly_off
    jsr draw_play
    jsr weather
    dec timer
    bne @stay
    inc stage
    lda stage
    cmp #STAGES
    bcs @won
    jmp start_stage
@won:
    dec stage
    lda #MODE_ENDING
    jmp set_mode
@stay:
    rts

; ---- game over ----
run_gameover:
    lda step
    cmp #2
    bcs @built
    lda #0
    tay
    jmp build_screen
@built:
    bne @shown
    lda #<title_palette
    sta src
    lda #>title_palette
    sta src+1
    jsr send_palette
    lda #<text_gameover
    sta src
    lda #>text_gameover
    sta src+1
    jsr send_text
    jsr note_hi_score
    lda #TUNE_GAMEOVER
    jsr music_play
    lda #MASK_FULL
    sta ppu_mask
    lda #240
    sta timer
    inc step
@stay:
    rts
@shown:
    dec timer
    bne @stay
    lda #MODE_TITLE
    jmp set_mode

; ---- ending: stays until Start is let go and pressed ----
run_ending:
    lda step
    cmp #2
    bcs @built
    lda #<ending_screen
    ldy #>ending_screen
    jmp build_screen
@built:
    bne @shown
    lda #<ending_palette
    sta src
    lda #>ending_palette
    sta src+1
    jsr send_palette
    lda #>ENDING_SCORE
    ldy #<ENDING_SCORE
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
    jsr note_hi_score
    lda #TUNE_ENDING
    jsr music_play
    lda #MASK_FULL
    sta ppu_mask
    lda #255
    sta timer
    lda #0
    sta tick
    inc step
    rts
@shown:
    jsr draw_ending_sprites
    lda timer
    beq @open
    dec timer
    rts
@open:
    lda joy
    and #BUTTON_START
    beq @stay
    lda #MODE_TITLE
    jsr set_mode
@stay:
    rts

; The best score, for the title only: the game's logic never reads it.
note_hi_score:
    ldx #0
@compare:
    lda score,x
    cmp hi_score,x
    bcc @no
    bne @yes
    inx
    cpx #7
    bne @compare
@no:
    rts
@yes:
    ldx #6
@copy:
    lda score,x
    sta hi_score,x
    dex
    bpl @copy
    rts

send_hi_score:
    lda #>TITLE_HI
    ldy #<TITLE_HI
    ldx #7
    jsr open_entry
    ldy #0
@digit:
    lda hi_score,y
    clc
    adc #16
    sta vbuf,x
    inx
    iny
    cpy #7
    bne @digit
    stx vlen
    rts

first_hi_score: .byte 0, 0, 3, 0, 0, 0, 0
.macro text_at row, col, string
    .byte >($2000 + row * 32 + col), <($2000 + row * 32 + col), string, 0
.endmacro
text_start:    text_at 20, 10, "PRESS  START"
text_nostart:  text_at 20, 10, "            "
text_gameover: text_at 14, 11, "GAME  OVER"
TITLE_HI = $2000 + 2 * 32 + 14
ENDING_SCORE = $2000 + 8 * 32 + 15
