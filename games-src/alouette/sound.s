; The sound of Alouette: tunes and effects on the four plain channels of the NES APU (pulse 1,
; pulse 2, triangle, noise). The seam is described in sound.inc, the data in music.py.
;
; Registers: https://www.nesdev.org/wiki/APU. What shapes this code:
; - The length counters are halted and volumes are set by hand, so the APU keeps no time of its own.
; - Writing $4003 or $4007 restarts the wave, which clicks: they are written on change only.
; - No APU register is ever read, and the frame IRQ is off.
;
; X is the channel, 0 to 3, wherever nothing else is said.

.include "sound.inc"

NOISE   = 3
REST    = $7e                   ; the bytes of a stream, see music.py
HOLD    = $7f
JUMP    = $f0
CALL    = $f1
RETURN  = $f2

.segment "ZEROPAGE"
sound_zeropage:
stream_lo:  .res 4              ; the next byte of each channel's stream
stream_hi:  .res 4
ptr:        .res 2
out_volume: .res 1              ; what this channel's registers get in this frame
out_lo:     .res 1
out_hi:     .res 1
playing:    .res 1              ; <> 0 while a tune advances
saved_x:    .res 1
saved_y:    .res 1
SOUND_ZEROPAGE_SIZE = 16
.assert * - sound_zeropage = SOUND_ZEROPAGE_SIZE, error, "the sound has 16 bytes of zero page"

.segment "SOUNDRAM"
sound_ram:
wait:       .res 4              ; frames until the next event of the stream
length:     .res 4              ; frames of a note
envelope:   .res 4              ; index into envelopes, moves on by one a frame
volume:     .res 4              ; the envelope's last value
note:       .res 4              ; index into period_lo and period_hi
chord:      .res 4              ; index into chord_offset, follows chord_next
vibrato:    .res 4              ; index into vibrato_offset, follows vibrato_next
note_envelope: .res 4           ; where the three above begin at each note
note_chord: .res 4
note_vibrato: .res 4
transpose:  .res 4              ; semitones added to every note
return_lo:  .res 4              ; where the stream goes on after a pattern
return_hi:  .res 4
last_hi:    .res 4              ; what $4003, $4007, $400B hold
fx_priority: .res 4             ; 0 = no effect on this channel
fx_lo:      .res 4              ; the effect's next step
fx_hi:      .res 4
fx_wait:    .res 4              ; frames until then
tune:       .res 1              ; as music_play was told
            .res 128 - (* - sound_ram)
SOUND_RAM_SIZE = 128

.segment "SOUND"

; What a channel's first register holds when it is silent, and where its four registers begin.
silence:    .byte $30, $30, $80, $30
registers:  .byte $00, $04, $08, $0c
; The channels begin a tune a frame apart: nobody hears it, and it flattens the worst frame.
first_wait: .byte 2, 3, 1, 2

sound_init:
        lda #0
        ldx #SOUND_ZEROPAGE_SIZE - 1
:       sta sound_zeropage,x
        dex
        bpl :-
        ldx #SOUND_RAM_SIZE - 1
:       sta sound_ram,x
        dex
        bpl :-
        lda #$0f                ; the four channels on, no samples
        sta $4015
        lda #$40                ; four-step sequence, no frame IRQ
        sta $4017
        ldx #3
:       ldy registers,x
        lda silence,x
        sta $4000,y
        lda #$08                ; sweep off, negated: plain $00 would mute the low notes
        sta $4001,y
        lda #0
        sta $4002,y
        sta $4003,y
        dex
        bpl :-
        rts

; A = tune. Keeps X and Y.
music_play:
        stx saved_x
        sty saved_y
        sta tune
        sta playing
        asl a
        asl a
        asl a
        tay                     ; eight bytes of tunes for each tune
        ldx #0
:       lda tunes,y
        sta stream_lo,x
        lda tunes + 1,y
        sta stream_hi,x
        iny
        iny
        lda first_wait,x
        sta wait,x
        lda #0
        sta transpose,x
        sta note_chord,x
        sta note_vibrato,x
        sta chord,x
        sta vibrato,x
        lda rest_envelope,x
        sta envelope,x
        lda silence,x
        sta volume,x
        inx
        cpx #4
        bne :-
        ldx saved_x
        ldy saved_y
        rts

; A <> 0 holds the tune, A = 0 lets it go on. Keeps X and Y.
music_pause:
        cmp #0
        beq :+
        lda #0
        sta playing
        rts
:       lda tune
        sta playing
        rts

; A = effect. Each of its parts takes its channel unless something more urgent plays there.
; Keeps X and Y.
sfx_play:
        stx saved_x
        sty saved_y
        tax
        lda effects_lo,x
        sta ptr
        lda effects_hi,x
        sta ptr + 1
        ldy #0
        lda (ptr),y
        sta out_volume          ; the effect's priority
@part:
        iny
        lda (ptr),y
        bmi @done
        tax
        lda out_volume
        cmp fx_priority,x
        bcc @refused
        sta fx_priority,x
        iny
        lda (ptr),y
        sta fx_lo,x
        iny
        lda (ptr),y
        sta fx_hi,x
        lda #1
        sta fx_wait,x
        bne @part
@refused:
        iny
        iny
        bne @part
@done:
        ldx saved_x
        ldy saved_y
        rts

updated:
        rts
sound_update:
        ldx #3
        bne update_channel
next_channel:
        dex
        bmi updated
update_channel:
        lda playing
        beq update_effect
        dec wait,x
        bne @envelope
        jsr read_stream
@envelope:
        ldy envelope,x
        lda envelopes,y
        beq update_effect       ; its end: the last value stays
        inc envelope,x
        sta volume,x

update_effect:
        lda fx_priority,x
        beq play_tune
        dec fx_wait,x
        bne next_channel        ; the registers hold what this step needs
        lda fx_lo,x
        sta ptr
        lda fx_hi,x
        sta ptr + 1
        ldy #0
        lda (ptr),y
        beq @end
        sta out_volume
        iny
        lda (ptr),y
        sta out_lo
        iny
        lda (ptr),y             ; frames * 8 + high period
        lsr a
        lsr a
        lsr a
        sta fx_wait,x
        lda (ptr),y
        and #7
        sta out_hi
        lda ptr
        clc
        adc #3
        sta fx_lo,x
        bcc write_registers
        inc fx_hi,x
        bne write_registers
@end:
        sta fx_priority,x       ; the tune has its channel back, in this very frame

play_tune:
        lda playing
        bne :+
        ldy registers,x
        lda silence,x           ; last: it is never 0
        sta $4000,y
        bne next_channel
:       cpx #NOISE
        beq play_drum
        ldy vibrato,x
        lda vibrato_next,y
        sta vibrato,x
        lda vibrato_offset,y
        sta out_lo
        ldy chord,x
        lda chord_next,y
        sta chord,x
        lda chord_offset,y
        clc
        adc note,x
        tay
        lda period_hi,y
        sta out_hi
        lda out_lo
        bmi @lower
        clc
        adc period_lo,y
        bcc @pitched
        lda #$ff                ; vibrato stays within one high period
        bne @pitched
@lower:
        clc
        adc period_lo,y
        bcs @pitched
        lda #0
@pitched:
        sta out_lo
        lda volume,x
        sta out_volume

write_registers:
        ldy registers,x
        lda out_volume
        sta $4000,y
        lda out_lo
        sta $4002,y
        lda out_hi
        cmp last_hi,x
        beq :+
        sta last_hi,x
        sta $4003,y
:       jmp next_channel

; A drum's envelope is volume * 16 + period.
play_drum:
        lda volume,x
        and #$0f
        sta $400e
        lda volume,x
        lsr a
        lsr a
        lsr a
        lsr a
        ora #$30
        sta $400c
        jmp next_channel

; Read channel X's stream up to and including its next note, rest or hold.
read_stream:
        lda stream_lo,x
        sta ptr
        lda stream_hi,x
        sta ptr + 1
        ldy #0
read_byte:
        lda (ptr),y
        iny
        asl a                   ; carry: a command; A: twice the rest
        bcs command
        lsr a
        cmp #REST
        bcs @rest_or_hold
        cpx #NOISE
        beq @drum
        adc transpose,x         ; carry is clear
        sta note,x
        lda note_envelope,x
        sta envelope,x
        lda note_chord,x
        sta chord,x
        lda note_vibrato,x
        sta vibrato,x
@timed:
        lda length,x
        sta wait,x
        tya
        clc
        adc ptr
        sta stream_lo,x
        lda ptr + 1
        adc #0
        sta stream_hi,x
        rts
@drum:
        sty out_lo
        tay
        lda drum_envelope,y
        sta envelope,x
        ldy out_lo
        bne @timed              ; Y is never 0 here
@rest_or_hold:
        bne @timed              ; a hold leaves the note as it is
        lda rest_envelope,x
        sta envelope,x
        jmp @timed

command:
        bmi @not_length
        lsr a                   ; $80 to $bf: the length is 1 to 64 frames
        adc #1
        sta length,x
        bne read_byte
@not_length:
        lsr a                   ; 0 to 63 again, + $40
        cmp #$60
        bcs @not_instrument
        sty out_lo              ; $c0 to $df: instrument 0 to 31
        tay
        lda instrument_envelope - $40,y
        sta note_envelope,x
        lda instrument_vibrato - $40,y
        sta note_vibrato,x
        ldy out_lo
        jmp read_byte
@not_instrument:
        cmp #$70
        bcs @flow
        sty out_lo              ; $e0 to $ef: chord 0 to 15
        tay
        lda chord_start - $60,y
        sta note_chord,x
        ldy out_lo
        jmp read_byte
@flow:
        cmp #CALL - $80
        bcc @jump
        beq @call
        lda return_lo,x         ; RETURN
        sta ptr
        lda return_hi,x
        sta ptr + 1
        ldy #0
        jmp read_byte
@call:                          ; CALL low high semitones
        tya
        clc
        adc #3
        adc ptr
        sta return_lo,x
        lda ptr + 1
        adc #0
        sta return_hi,x
        iny
        iny
        lda (ptr),y
        sta transpose,x
        dey
        dey
@jump:                          ; JUMP low high
        lda (ptr),y
        sta out_lo
        iny
        lda (ptr),y
        sta ptr + 1
        lda out_lo
        sta ptr
        ldy #0
        jmp read_byte

.include "music.inc"
