// Pixels. https://www.nesdev.org/wiki/PPU_rendering, https://www.nesdev.org/wiki/PPU_palettes
#include "ppu_draw.h"

#include <bit>
#include <cstring>

namespace colibri::ppu {

namespace {

// What all pixels share: emphasis above the colour, and greyscale.
struct Tint {
    Tint(const PpuState& p, const uint8_t* tones)
        : tones(tones),
          emphasis(static_cast<uint16_t>((p.mask & 0xE0) << 1)),
          colours(p.mask & kGrey ? 0x30 : 0x3F) {}
    uint16_t operator()(uint8_t colour) const {
        const auto pixel = static_cast<uint16_t>((colour & colours) | emphasis);
        return tones ? tones[pixel] : pixel;
    }
    const uint8_t* tones;
    uint16_t emphasis;
    uint8_t colours;
};

// A line as it is being made, an index of the palette a byte.
class Line {
  public:
    const uint8_t* pixels() const { return bytes_ + kMargin; }
    void clear() { std::memset(bytes_, 0, sizeof bytes_); }
    uint64_t get(int x) const {
        uint64_t pixels;
        std::memcpy(&pixels, bytes_ + kMargin + x, sizeof pixels);
        return pixels;
    }
    void put(int x, uint64_t pixels) { std::memcpy(bytes_ + kMargin + x, &pixels, sizeof pixels); }

  private:
    static constexpr int kMargin = 16;  // tiles and sprites may begin and end outside
    alignas(16) uint8_t bytes_[kMargin + 256 + kMargin] = {};
};

// Tiles of the row that v points at, from there on.
void draw_tiles(const Machine& m, uint16_t v, Line& line, int x, int count) {
    const int table = (m.s().ppu.ctrl & kBackgroundTable) >> 2;
    const uint8_t* patterns[4];
    for (int i = 0; i < 4; ++i)
        patterns[i] = m.chr_page[table | i] + (v >> 12);
    const unsigned shift = v >> 4 & 4;
    while (count > 0) {
        const uint8_t* const page = m.nametable_page[v >> 10 & 3];
        const uint8_t* const names = page + (v & 0x3E0);
        const uint8_t* const attributes = page + (0x3C0 | (v >> 4 & 0x38));
        unsigned column = v & 0x1F;
        const unsigned end = std::min(32u, column + static_cast<unsigned>(count));
        count -= static_cast<int>(end - column);
        for (; column < end; ++column, x += 8) {
            const unsigned tile = names[column];
            const uint8_t* const pattern = patterns[tile >> 6] + (tile << 4 & 0x3FF);
            const unsigned palette = attributes[column >> 2] >> (shift | (column & 2)) & 3;
            line.put(x, spread(pattern[0], pattern[8]) | palette * (4 * kEach));
        }
        v = (v & ~0x1F) ^ 0x400;
    }
}

struct SpriteRow {
    uint8_t low, high, attribute, x;
};

// A sprite over what the line has; those before it in OAM are there already, as are the places
// they took from it, seen or not.
void draw_sprite(Line& line, const SpriteRow& sprite, bool left) {
    constexpr uint64_t taken = 0x80 * kEach;
    uint64_t own = kSpread[sprite.low | sprite.high] * 0xFF;
    if (!left && sprite.x < 8)
        own &= ~(~uint64_t{0} >> 8 * sprite.x);
    const uint64_t there = line.get(sprite.x);
    own &= ~(((there & taken) >> 7) * 0xFF);
    const uint64_t opaque = ((there | there >> 1) & kEach) * 0xFF;
    const uint64_t shown = sprite.attribute & 0x20 ? own & ~opaque : own;
    const uint64_t pixels =
        spread(sprite.low, sprite.high) | (0x10 | (sprite.attribute & 3u) << 2) * kEach;
    line.put(sprite.x, (there & ~shown) | (pixels & shown) | (own & taken));
}

// The sprites of OAM that the line after this one shows.
void draw_sprites_after(const Machine& m, const SpriteRows& rows, int line, Line& to) {
    const PpuState& p = m.s().ppu;
    const int height = sprite_height(p);
    int found = 0;
    for (uint64_t near = rows.near(line, height); near && found < 8; near &= near - 1) {
        const uint8_t* const sprite = p.oam + std::countr_zero(near) * 4;
        if (!in_range(line, sprite[0], height))
            continue;
        ++found;
        const int row = line - sprite[0];
        const uint16_t address =
            sprite_address(p, sprite[1], sprite[2] & 0x80 ? height - 1 - row : row);
        const uint8_t* const pattern = m.chr_page[address >> 10] + (address & 0x3FF);
        SpriteRow drawn{pattern[0], pattern[8], sprite[2], sprite[3]};
        if (sprite[2] & 0x40)
            drawn.low = kMirrored[drawn.low], drawn.high = kMirrored[drawn.high];
        draw_sprite(to, drawn, p.mask & kSpritesLeft);
    }
}

}  // namespace

Colours::Colours(const PpuState& p, const uint8_t* tones) {
    const Tint tint(p, tones);
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
}

void Colours::put_line(const uint8_t* pixels, uint16_t* to) const {
#ifdef __SSSE3__
    const __m128i high = _mm_set1_epi8(high_byte_);
    for (int x = 0; x < 256; x += 16) {
        const __m128i sixteen = _mm_load_si128(reinterpret_cast<const __m128i*>(pixels + x));
        const __m128i bytes = low(_mm_and_si128(sixteen, _mm_set1_epi8(0x1F)));
        auto* const both = reinterpret_cast<__m128i*>(to + x);
        _mm_storeu_si128(both, _mm_unpacklo_epi8(bytes, high));
        _mm_storeu_si128(both + 1, _mm_unpackhi_epi8(bytes, high));
    }
#else
    for (int x = 0; x < 256; ++x)
        to[x] = (*this)[pixels[x]];
#endif
}

Pixels::Pixels(const PpuState& p, const uint8_t* tones)
    : p_(p),
      colours_(p, tones),
      background_(p.mask & kBackground ? ~uint64_t{0} : 0),
      left_background_(p.mask & kBackgroundLeft ? background_ : 0) {
    if (!(p.mask & kSprites))
        return;
    for (int slot = 0; slot < 8; ++slot) {
        const unsigned x = p.sprite_x[slot];
        if (p.sprite_low[slot] | p.sprite_high[slot])
            sprite_tiles_ |= (x & 7 ? 3u : 1u) << (x >> 3);
    }
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
        const uint64_t palette = (0x10u | (attribute & 3u) << 2) * kEach;
        sprites |= (spread(low, high) | palette) & free;
        if (attribute & 0x20)
            behind |= free;
        taken |= free;
    }
    const uint64_t opaque = ((background | background >> 1) & kEach) * 0xFF;
    const uint64_t shown = taken & ~(behind & opaque);
    return (background & ~shown) | (sprites & shown);
}

void draw_lines(const Machine& m, const SpriteRows& rows, int line, int count) {
    const PpuState& p = m.s().ppu;
    const Colours colours(p, m.tones);
    Line pixels;
    uint16_t v = p.v;
    for (int y = line; y < line + count; ++y) {
        if (!(p.mask & kBackground)) {
            pixels.clear();
        } else if (y == line) {
            // Two tiles were fetched in the line before, and are in the shift registers.
            pixels.put(-p.fine_x, pixels_of(p, 8));
            pixels.put(8 - p.fine_x, pixels_of(p, 0));
            draw_tiles(m, v, pixels, 16 - p.fine_x, 31);
        } else {
            draw_tiles(m, v, pixels, -p.fine_x, 33);
        }
        if (!(p.mask & kBackgroundLeft))
            pixels.put(0, 0);
        if (p.mask & kSprites) {
            if (y == line)
                for (int slot = 0; slot < 8; ++slot)
                    draw_sprite(pixels,
                                {p.sprite_low[slot], p.sprite_high[slot], p.sprite_attribute[slot],
                                 p.sprite_x[slot]},
                                p.mask & kSpritesLeft);
            else
                draw_sprites_after(m, rows, y - 1, pixels);
        }
        colours.put_line(pixels.pixels(), m.picture + y * 256);
        next_row(v);
        v = static_cast<uint16_t>((v & ~kHorizontal) | (p.t & kHorizontal));
    }
}

void draw_blank(const PpuState& p, const uint8_t* tones, uint16_t* row, int x, int count) {
    // The colour that v points at is shown.
    // https://www.nesdev.org/wiki/PPU_palettes#Backdrop_override
    const uint8_t index = (p.v & 0x3F00) == 0x3F00 ? p.v & 0x1F : 0;
    std::fill_n(row + x, count, Tint(p, tones)(p.palette[index]));
}

}  // namespace colibri::ppu
