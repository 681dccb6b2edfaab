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

Pixels::Pixels(const PpuState& p)
    : p_(p),
      background_(p.mask & kBackground ? ~uint64_t{0} : 0),
      left_background_(p.mask & kBackgroundLeft ? background_ : 0) {
    const Tint tint(p);
    for (int i = 0; i < 32; ++i)
        colours_[i] = tint(p.palette[i]);
    // Transparent pixels show the backdrop; the palette keeps other colours there.
    for (int i = 4; i < 16; i += 4)
        colours_[i] = colours_[0];
#ifdef __SSSE3__
    for (int i = 0; i < 32; ++i)
        low_bytes_[i] = static_cast<uint8_t>(colours_[i]);
    high_byte_ = static_cast<char>(colours_[0] >> 8);
#endif
    if (!(p.mask & kSprites))
        return;
    for (int slot = 0; slot < 8; ++slot)
        if (p.sprite_low[slot] | p.sprite_high[slot])
            sprite_tiles_ |= (p.sprite_x[slot] & 7 ? 3u : 1u) << (p.sprite_x[slot] >> 3);
    if (!(p.mask & kSpritesLeft))
        sprite_tiles_ &= ~1u;
}

// Eight pixels with the sprites over the background, from `x` on.
uint64_t Pixels::over_with_sprites(uint64_t background, int x) const {
    uint64_t sprites = 0, taken = 0, behind = 0;  // by pixel: colour, and 0xFF
    for (int slot = 0; slot < 8; ++slot) {
        const int column = x - p_.sprite_x[slot];
        if (column <= -8 || column >= 8)
            continue;
        const auto moved = [&](uint8_t bits) {
            return (column >= 0 ? bits << column : bits >> -column) & 0xFF;
        };
        const int low = moved(p_.sprite_low[slot]), high = moved(p_.sprite_high[slot]);
        const uint64_t free = kSpread[low | high] * 0xFF & ~taken;
        const uint8_t attribute = p_.sprite_attribute[slot];
        const uint64_t palette = (0x10u | (attribute & 3u) << 2) * 0x0101010101010101u;
        sprites |= (kSpread[low] | kSpread[high] << 1 | palette) & free;
        if (attribute & 0x20)
            behind |= free;
        taken |= free;
    }
    const uint64_t opaque = ((background | background >> 1) & 0x0101010101010101u) * 0xFF;
    const uint64_t shown = taken & ~(behind & opaque);
    return (background & ~shown) | (sprites & shown);
}

void draw_blank(const PpuState& p, uint16_t* row, int x, int count) {
    // The colour that v points at is shown.
    // https://www.nesdev.org/wiki/PPU_palettes#Backdrop_override
    const uint8_t index = (p.v & 0x3F00) == 0x3F00 ? p.v & 0x1F : 0;
    std::fill_n(row + x, count, Tint(p)(p.palette[index]));
}

}  // namespace colibri::ppu
