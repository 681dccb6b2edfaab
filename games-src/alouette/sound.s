; The sound of Alouette. The seam is described in sound.inc.
.include "sound.inc"

.segment "ZEROPAGE"
sound_zp:  .res 16

.segment "SOUNDRAM"
sound_ram: .res $80

.segment "SOUND"
sound_init:
        lda #$0f
        sta $4015
        lda #$40
        sta $4017
sound_update:
sfx_play:
music_play:
music_pause:
        rts
