// Drawing, which looks at the PPU and changes nothing in it.
#pragma once

#include <array>
#include <cstdint>

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

#include "ppu.h"

namespace colibri::ppu {

// A byte with its bits in the other order, for sprites that are flipped.
inline constexpr std::array<uint8_t, 256> kMirrored = [] {
    std::array<uint8_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i)
        for (unsigned bit = 0; bit < 8; ++bit)
            table[i] |= static_cast<uint8_t>((i >> bit & 1) << (7 - bit));
    return table;
}();

// Eight pixels are a number: a byte each, the leftmost in the lowest. A byte is an index of the
// palette.
inline constexpr uint64_t kEach = 0x0101010101010101;

// Each bit of a byte as a pixel, bit 7 the leftmost.
inline constexpr std::array<uint64_t, 256> kSpread = [] {
    std::array<uint64_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i)
        for (unsigned bit = 0; bit < 8; ++bit)
            table[i] |= uint64_t{i >> bit & 1} << (7 - bit) * 8;
    return table;
}();
inline uint64_t spread(unsigned low, unsigned high) {
    return kSpread[low] | kSpread[high] << 1;
}
// The pixels in the high bytes of the background's shift registers, and in the low ones.
inline uint64_t pixels_of(const PpuState& p, int shift) {
    const auto byte = [&](uint16_t bits) { return bits >> shift & 0xFFu; };
    return spread(byte(p.tile_low), byte(p.tile_high)) |
           spread(byte(p.attribute_low), byte(p.attribute_high)) << 2;
}

// What the picture gets for each index, with emphasis and greyscale.
class Colours {
  public:
    Colours(const PpuState& p, const uint8_t* tones);  // tones: of the machine

    uint16_t operator[](uint64_t index) const { return colours_[index & 0x1F]; }
    // Eight pixels.
    void put(uint64_t pixels, uint16_t* to) const {
#ifdef __SSSE3__
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                         _mm_unpacklo_epi8(low(_mm_cvtsi64_si128(static_cast<int64_t>(pixels))),
                                           _mm_set1_epi8(high_byte_)));
#else
        for (int i = 0; i < 8; ++i)
            to[i] = (*this)[pixels >> 8 * i];
#endif
    }
    // A line of 256 bytes; only their low five bits count.
    void put_line(const uint8_t* pixels, uint16_t* to) const;

  private:
#ifdef __SSSE3__
    // The low bytes of sixteen colours. Sixteen fit a shuffle, which gives 0 for what is negative:
    // one for the background's, one for the sprites'.
    __m128i low(__m128i pixels) const {
        const auto load = [](const uint8_t* from) {
            return _mm_load_si128(reinterpret_cast<const __m128i*>(from));
        };
        const __m128i background = _mm_add_epi8(pixels, _mm_set1_epi8(0x70));
        const __m128i sprites = _mm_sub_epi8(pixels, _mm_set1_epi8(0x10));
        return _mm_or_si128(_mm_shuffle_epi8(load(low_bytes_), background),
                            _mm_shuffle_epi8(load(low_bytes_ + 16), sprites));
    }
    alignas(16) uint8_t low_bytes_[32];
    char high_byte_;  // of all colours: an emphasis bit
#endif
    uint16_t colours_[32];
};

// Pixels of a part of a line, between which no register is written.
class Pixels {
  public:
    Pixels(const PpuState& p, const uint8_t* tones);
    // The next pixels from the background's shift registers, at row[x] and on, at most to the end
    // of a tile.
    void draw(uint16_t* row, int x, int count) const {
        const uint64_t pixels = shown(x, pixels_of(p_, 8 - p_.fine_x));
        for (int i = 0; i < count; ++i)
            row[x + i] = colours_[pixels >> 8 * i];
    }
    // A tile's eight, from those that are next, fine X being 0, and those after them.
    void draw_tile(uint16_t* row, int x, uint64_t now, uint64_t then) const {
        const int shift = 8 * p_.fine_x;
        colours_.put(shown(x, now >> shift | then << 1 << (63 - shift)), row + x);
    }

  private:
    uint64_t shown(int x, uint64_t background) const {
        background &= x < 8 ? left_background_ : background_;
        return sprite_tiles_ >> (x >> 3) & 1 ? over_with_sprites(background, x) : background;
    }
    uint64_t over_with_sprites(uint64_t background, int x) const;

    const PpuState& p_;
    const Colours colours_;
    const uint64_t background_, left_background_;  // which bits of pixels are shown
    uint32_t sprite_tiles_ = 0;  // tiles of the line that show a sprite, a bit each
};

// Whole lines, from dot 0 of `line`, in which no register is written and no bank switched. After
// the first of them OAM is read from its start.
void draw_lines(const Machine& m, const SpriteRows& rows, int line, int count);

// While nothing is rendered.
void draw_blank(const PpuState& p, const uint8_t* tones, uint16_t* row, int x, int count);

}  // namespace colibri::ppu
