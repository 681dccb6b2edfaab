; Filling the buffers: bytes for the name tables, and the terrain column by column.

; Opens an entry of vbuf: A = high, Y = low, X = length (bit 7: downwards). Returns X = vlen.
open_entry:
    stx tmp
    ldx vlen
    sta vbuf,x
    tya
    sta vbuf+1,x
    lda tmp
    sta vbuf+2,x
    inx
    inx
    inx
    stx vlen
    rts

; Appends 64 bytes at (src) to vbuf as one entry at address A:Y, and moves src on.
send_64:
    ldx #64
    jsr open_entry
    ldy #0
@byte:
    lda (src),y
    sta vbuf,x
    inx
    iny
    cpy #64
    bne @byte
    stx vlen
    clc
    lda src
    adc #64
    sta src
    bcc @same
    inc src+1
@same:
    rts

; Sends the 1 KB screen at (src), 128 bytes a frame; carry is set after the last. A screen at 0 is
; blank.
send_screen:
    jsr @half
@half:
    lda src+1
    pha
    bne @screen
    lda #<blank
    sta src
    lda #>blank
    sta src+1
@screen:
    lda built
    lsr a
    lsr a
    clc
    adc #$20
    pha
    lda built
    and #3
    lsr a
    ror a
    ror a
    tay                         ; (built & 3) * 64
    pla
    jsr send_64
    pla
    bne @filled
    sta src+1
@filled:
    inc built
    lda built
    cmp #16
    rts
blank:  .res 64

; Palette at (src), 32 bytes, into pal and to the PPU.
send_palette:
    ldy #31
@copy:
    lda (src),y
    sta pal,y
    dey
    bpl @copy
resend_palette:
    lda #$3F
    ldy #0
    ldx #32
    jsr open_entry
    ldy #0
@byte:
    lda pal,y
    sta vbuf,x
    inx
    iny
    cpy #32
    bne @byte
    stx vlen
    rts

; Text: (src) holds high, low, characters (ASCII), 0. Tiles are ASCII - 32.
send_text:
    ldy #2
@length:
    lda (src),y
    beq @known
    iny
    bne @length
@known:
    dey
    dey
    sty tmp+1
    tya
    tax
    ldy #1
    lda (src),y
    pha
    dey
    lda (src),y
    sta tmp+2
    pla
    tay
    lda tmp+2
    jsr open_entry
    ldy #2
@char:
    lda (src),y
    beq @end
    sec
    sbc #32
    sta vbuf,x
    inx
    iny
    bne @char
@end:
    stx vlen
    rts

; Draws the next column of terrain (26 tiles from row 4 down) and notes its outline.
FIELD_ROWS = 26
draw_column:
    lda column
    and #63
    sta tmp+4                   ; place in the outline
    ; past the end of the stage the last LOOP_COLUMNS repeat
    ldx stage
    lda column+1
    bne @loop
    lda column
    cmp stage_columns,x
    bcc @index
@loop:
    lda column
    and #LOOP_COLUMNS-1
    clc
    adc stage_loop,x
@index:
    tay
    lda stage_map_lo,x
    sta ptr
    lda stage_map_hi,x
    sta ptr+1
    lda (ptr),y
    tay                         ; number of the column's picture
    lda stage_cols_lo,x
    sta ptr
    lda stage_cols_hi,x
    sta ptr+1
    lda (ptr),y
    sta src
    inc ptr+1                   ; the high bytes lie 256 further
    lda (ptr),y
    sta src+1

    lda column
    and #31
    ora #$80                    ; row 4: $2080
    tay
    lda column
    and #32
    lsr a
    lsr a
    lsr a
    ora #$20
    ldx #FIELD_ROWS | $80
    jsr open_entry
    ldy #0
    ldx tmp+4
    lda (src),y
    sta land_ceil,x
    iny
    lda (src),y
    sta land_floor,x
    iny
    lda (src),y
    sta land_itop,x
    iny
    lda (src),y
    sta land_ibot,x
    iny
    ldx vlen
@packet:
    lda (src),y
    iny
    asl a
    beq @end
    bcs @literal
    lsr a
    sta tmp
    lda (src),y
    iny
@run:
    sta vbuf,x
    inx
    dec tmp
    bne @run
    beq @packet
@literal:
    lsr a
    sta tmp
@copy:
    lda (src),y
    sta vbuf,x
    iny
    inx
    dec tmp
    bne @copy
    beq @packet
@end:
    stx vlen
    inc column
    bne @same
    inc column+1
@same:
    rts

; Is the point (tmp, tmp+1) in the terrain? Carry set if so. Keeps X.
solid_at:
    lda tmp
    clc
    adc scroll_fine
    ror a
    lsr a
    lsr a
    clc
    adc scroll_col
    and #63
    tay
    lda tmp+1
    cmp land_ceil,y
    bcc @solid
    cmp land_floor,y
    bcs @solid
    cmp land_itop,y
    bcc @free
    cmp land_ibot,y
    bcc @solid
@free:
    clc
    rts
@solid:
    sec
    rts

; Y = column of the outline at screen x A. Keeps X.
outline_at:
    clc
    adc scroll_fine
    ror a
    lsr a
    lsr a
    clc
    adc scroll_col
    and #63
    tay
    rts
