// Pixels. https://www.nesdev.org/wiki/PPU_rendering, https://www.nesdev.org/wiki/PPU_palettes
#include "ppu.h"

namespace colibri::ppu {

namespace {

// What all pixels share: emphasis above the colour, and greyscale.
struct Tint {
    explicit Tint(const PpuState& p)
        : emphasis(static_cast<uint16_t>((p.mask & 0xE0) << 1)),
          colours(p.mask & kGrey ? 0x30 : 0x3F) {}
    uint16_t operator()(uint8_t colour) const { return (colour & colours) | emphasis; }
    uint16_t emphasis;
    uint8_t colours;
};

}  // namespace

void draw_pixels(const PpuState& p, uint16_t* row, int x, int count) {
    const Tint tint(p);
    const bool background = p.mask & kBackground && (x >= 8 || p.mask & kBackgroundLeft);
    const bool sprites = p.mask & kSprites && (x >= 8 || p.mask & kSpritesLeft);
    for (int i = 0; i < count; ++i) {
        const int bit = 15 - p.fine_x - i;
        uint8_t index = 0;
        if (background) {
            const int pattern = (p.tile_low >> bit & 1) | (p.tile_high >> bit & 1) << 1;
            const int attribute = (p.attribute_low >> bit & 1) | (p.attribute_high >> bit & 1) << 1;
            index = static_cast<uint8_t>(pattern ? attribute << 2 | pattern : 0);
        }
        for (int slot = 0; sprites && slot < 8; ++slot) {
            const int column = x + i - p.sprite_x[slot];
            if (column < 0 || column > 7)
                continue;
            const int pattern = (p.sprite_low[slot] >> (7 - column) & 1) |
                                (p.sprite_high[slot] >> (7 - column) & 1) << 1;
            if (pattern == 0)
                continue;
            const uint8_t attribute = p.sprite_attribute[slot];
            if (index == 0 || !(attribute & 0x20))
                index = static_cast<uint8_t>(0x10 | (attribute & 3) << 2 | pattern);
            break;
        }
        row[x + i] = tint(p.palette[index]);
    }
}

void draw_blank(const PpuState& p, uint16_t* row, int x, int count) {
    // The colour that v points at is shown.
    // https://www.nesdev.org/wiki/PPU_palettes#Backdrop_override
    const uint8_t index = (p.v & 0x3F00) == 0x3F00 ? p.v & 0x1F : 0;
    std::fill_n(row + x, count, Tint(p)(p.palette[index]));
}

}  // namespace colibri::ppu
