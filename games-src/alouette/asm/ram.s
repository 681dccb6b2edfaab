; All of the game's work RAM. Addresses are part of the game's interface: movies, ram.toml and
; searches know them, so new variables go to the end of a block.

.zeropage
mode:           .res 1      ; MODE_*
step:           .res 1      ; progress inside the mode (screens are built over several frames)
timer:          .res 1      ; frames left in a timed step
stage:          .res 1      ; 0 is the first
frame:          .res 2      ; frames of play since Start
scroll:         .res 2      ; position in the stage, pixels
rng:            .res 2      ; generator, a function of the inputs since Start
lives:          .res 1      ; the one in play included
joy:            .res 1      ; held now: A B Select Start Up Down Left Right, A is bit 7
joy_prev:       .res 1      ; held in the frame of play before
joy_new:        .res 1      ; pressed in this frame
paused:         .res 1
pause_prev:     .res 1      ; Start, one emulated frame ago
nmi_done:       .res 1      ; set by the NMI, polled in place by the main loop
busy:           .res 1      ; not 0 while the main loop works
lag_frames:     .res 1      ; frames the main loop overran; stays 0
checkpoint:     .res 1      ; 0 stage start, 1 mid-stage, 2 boss

ship_x:         .res 1
ship_y:         .res 1
ship_xl:        .res 1      ; 1/256 pixel
ship_yl:        .res 1
ship_pose:      .res 1      ; 0 level, 1 up, 2 down
speed_level:    .res 1      ; 0-4
power:          .res 1      ; power meter: 0 none, 1 speed ... 6 shield
missile:        .res 1      ; 0/1
double:         .res 1      ; 0/1
laser:          .res 1      ; 0/1
options:        .res 1      ; 0-2
shield:         .res 1      ; hits left
fire_wait:      .res 1      ; frames until the next volley
trail_pos:      .res 1
score:          .res 7      ; one decimal digit a byte, most significant first

boss_state:     .res 1      ; BOSS_*
boss_x:         .res 1
boss_y:         .res 1
boss_yl:        .res 1
boss_hp:        .res 1
boss_clock:     .res 2      ; frames since the fight began
boss_open:      .res 1      ; not 0 while the core can be hit
boss_flash:     .res 1
boss_dir:       .res 1      ; 0 down, 1 up
boss_timer:     .res 1      ; frames left of the dying or fleeing
wave_bonus_timer: .res 1

spawn_ptr:      .res 2      ; next row of the stage script
column:         .res 2      ; next column of terrain to draw
scroll_fine:    .res 1      ; scroll & 7
scroll_col:     .res 1      ; (scroll >> 3) & 63

ppu_ctrl:       .res 1
ppu_mask:       .res 1
split:          .res 1      ; not 0: status bar above, scrolled field below
ptr:            .res 2
src:            .res 2
vlen:           .res 1      ; bytes in vbuf
oam_i:          .res 1
tmp:            .res 8
save_x:         .res 1
dirty:          .res 1      ; DIRTY_* parts of the status bar to redraw
twinkle:        .res 1
deaths:         .res 1      ; lives lost since Start
built:          .res 1      ; chunks of the screen sent so far
tick:           .res 1      ; frames shown, whatever the mode (title and ending only)

rows_lost:      .res 1      ; rows of the script that found no free slot; stays 0

chr_bank:       .res 1      ; pictures of the screen: what the NMI selects
boss_core:      .res 1      ; first line of the heart, from the boss's top
boss_phase:     .res 1      ; what a boss that changes its ways is at
boss_wait:      .res 1      ; frames left of that
boss_pose:      .res 1      ; picture of the boss
sky:            .res 1      ; the sky's colour, as sent

.segment "OAMBSS"
oam:            .res 256

.segment "VIDBSS"
vbuf:           .res 192    ; high, low, length (bit 7: downwards), bytes ...; a 0 ends it
pal:            .res 32
hi_score:       .res 7      ; shown on the title, read by nothing else

ENEMIES = 16
.segment "ENEMYBSS"
e_kind:         .res ENEMIES    ; 0 free
e_x:            .res ENEMIES
e_y:            .res ENEMIES
e_hp:           .res ENEMIES
e_state:        .res ENEMIES
e_timer:        .res ENEMIES
e_flags:        .res ENEMIES    ; bit 7 leaves a capsule, bits 0-4 wave
e_xl:           .res ENEMIES
e_yl:           .res ENEMIES
e_vxl:          .res ENEMIES
e_vxh:          .res ENEMIES
e_vyl:          .res ENEMIES
e_vyh:          .res ENEMIES
e_base:         .res ENEMIES
e_var:          .res ENEMIES
e_flash:        .res ENEMIES

SHOTS = 9                       ; 0-5 two for each shooter, 6-8 a missile for each
BULLETS = 8
TRAIL = 32
WAVES = 32
.segment "OBJBSS"
s_kind:         .res 16         ; 0 free, SHOT_*
s_x:            .res 16
s_y:            .res 16
s_state:        .res 16
b_on:           .res BULLETS
b_x:            .res BULLETS
b_y:            .res BULLETS
b_xl:           .res BULLETS
b_yl:           .res BULLETS
b_dir:          .res BULLETS
trail_x:        .res TRAIL
trail_y:        .res TRAIL
wave_kills:     .res WAVES
cp_scroll:      .res 2
cp_spawn:       .res 2
cp_score:       .res 7

.segment "LANDBSS"
land_ceil:      .res 64         ; first free line below the ceiling
land_floor:     .res 64         ; first solid line of the floor
land_itop:      .res 64         ; an island in between: first solid line, 255 none
land_ibot:      .res 64         ; first free line below it
