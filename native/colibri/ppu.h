// What the PPU's files share: names of bits, where things happen in a frame, and the beam.
#pragma once

#include <algorithm>
#include <cstdint>

#include "machine.h"

namespace colibri::ppu {

// $2000
inline constexpr uint8_t kDown = 0x04;  // $2007 goes on by 32
inline constexpr uint8_t kSpriteTable = 0x08;
inline constexpr uint8_t kBackgroundTable = 0x10;
inline constexpr uint8_t kTall = 0x20;
inline constexpr uint8_t kNmi = 0x80;
// $2001
inline constexpr uint8_t kGrey = 0x01;
inline constexpr uint8_t kBackgroundLeft = 0x02;
inline constexpr uint8_t kSpritesLeft = 0x04;
inline constexpr uint8_t kBackground = 0x08;
inline constexpr uint8_t kSprites = 0x10;
inline constexpr uint8_t kBoth = kBackground | kSprites;
// $2002
inline constexpr uint8_t kOverflow = 0x20;
inline constexpr uint8_t kZeroHit = 0x40;
inline constexpr uint8_t kVblank = 0x80;
// PpuState::evaluation
inline constexpr uint8_t kInRange = 1;    // the sprite that is read is being copied
inline constexpr uint8_t kDone = 2;       // all of OAM was looked at
inline constexpr uint8_t kZeroFound = 4;  // the first sprite looked at is in range

// Where things happen in a frame, in dots from its start (dot 0 of line 240). A register access in
// a CPU cycle comes after the dots that began before its tick `access`; what a dot pulls (NMI, IRQ)
// is seen in the cycle that has it before its tick `poll`.
// https://www.nesdev.org/wiki/PPU_frame_timing
struct RegionTiming {
    int32_t frame;       // a whole frame, when no dot is left out
    int32_t vblank;      // the flag rises
    int32_t pre_render;  // dot 0 of the pre-render line
    int32_t picture;     // dot 0 of line 0
    int32_t access;
    int32_t poll;
};
inline constexpr RegionTiming timing_of(const Clock& clock, int32_t access) {
    return {clock.lines * kDotsPerLine,
            clock.vblank_line * kDotsPerLine + 1,
            (clock.lines - 241) * kDotsPerLine,
            (clock.lines - 240) * kDotsPerLine,
            access,
            clock.cpu - 1};
}
inline constexpr RegionTiming kTimings[] = {timing_of(kClocks[0], 4), timing_of(kClocks[1], 6),
                                            timing_of(kClocks[2], 5)};
inline const RegionTiming& timing(const Machine& m) {
    return kTimings[&m.clock() - kClocks];
}

// How many dots have run when a register is accessed in this cycle.
inline int32_t access_dot(const Machine& m, Cycle cycle) {
    const Clock& clock = m.clock();
    const int32_t ticks = cycle * clock.cpu + m.s().phase + timing(m).access;
    return clock.ppu == 4 ? ticks / 4 : ticks / 5;  // no division at run time
}
inline Cycle first_cycle(const Machine& m, int32_t dots, int32_t tick) {
    const Clock& clock = m.clock();
    const int32_t ticks = dots * clock.ppu - m.s().phase - tick;
    return ticks <= 0 ? ticks / clock.cpu : (ticks + clock.cpu - 1) / clock.cpu;
}
// The first cycle whose register access comes after so many dots.
inline Cycle access_cycle(const Machine& m, int32_t dots) {
    return first_cycle(m, dots, timing(m).access);
}
// The cycle in which the CPU sees a line that this dot pulls.
inline Cycle poll_cycle(const Machine& m, int32_t dot) {
    return first_cycle(m, dot + 1, timing(m).poll);
}

inline int sprite_height(const PpuState& p) {
    return p.ctrl & kTall ? 16 : 8;
}
inline bool in_range(int line, uint8_t y, int height) {
    return static_cast<unsigned>(line - y) < static_cast<unsigned>(height);
}
// Where the first plane of a sprite's row is.
inline uint16_t sprite_address(const PpuState& p, int tile, int row) {
    const int address = p.ctrl & kTall ? (tile & 1) << 12 | (tile & 0xFE) << 4
                                       : (p.ctrl & kSpriteTable) << 9 | tile << 4;
    return static_cast<uint16_t>(address + row + (row & 8));
}

// v, as rendering moves it. https://www.nesdev.org/wiki/PPU_scrolling#Wrapping_around
inline constexpr uint16_t kHorizontal = 0x041F;
inline constexpr uint16_t kVertical = 0x7BE0;
inline void next_column(uint16_t& v) {
    if ((v & 0x1F) == 0x1F)
        v ^= 0x41F;
    else
        ++v;
}
inline void next_row(uint16_t& v) {
    if ((v & 0x7000) != 0x7000) {
        v += 0x1000;
        return;
    }
    v &= 0x0FFF;
    const int row = v >> 5 & 0x1F;
    if (row == 29)
        v ^= 0x0800 | 29 << 5;
    else if (row == 31)
        v ^= 31 << 5;
    else
        v += 1 << 5;
}

inline bool settled(const PpuState& p) {
    return (p.rendering_wait | p.v_wait | p.increment_wait) == 0;
}
// How long the running frame is, as far as this PPU knows.
int32_t frame_length(const Machine& m, const PpuState& p);

// All sprites by where they are: which have their Y in each eight lines, a bit each.
struct SpriteRows {
    explicit SpriteRows(const PpuState& p) {
        for (int i = 0; i < 64; ++i)
            rows[p.oam[i * 4] >> 3] |= uint64_t{1} << i;
    }
    // Those that may be in range of this line.
    uint64_t near(int line, int height) const {
        const int row = line >> 3;
        uint64_t sprites = rows[row];
        if (row >= 1)
            sprites |= rows[row - 1];
        if (row >= 2 && height == 16)
            sprites |= rows[row - 2];
        return sprites;
    }
    uint64_t rows[32] = {};
};
// The first line from `line` on whose evaluation may set the overflow flag (eight sprites or
// more), or 240.
int first_crowded_line(const PpuState& p, const SpriteRows& rows, int line);

// A search for the nth filtered rise of A12.
struct RiseSearch {
    unsigned left;
    int32_t dot = -1;
};

// Runs the PPU from dot to dot. The one that is live tells the mapper, pulls NMI and draws; one
// that looks ahead works on a copy of the PPU, and counts rises of A12.
class Beam {
  public:
    explicit Beam(Machine& machine)
        : m_(machine), p_(machine.s().ppu), t_(timing(machine)), live_(&machine) {}
    Beam(const Machine& machine, PpuState& copy, RiseSearch& search)
        : m_(machine), p_(copy), t_(timing(machine)), search_(&search) {}

    // Runs all dots before `to`.
    void run(int32_t to) {
        while (p_.dot < to) {
            if (settled(p_)) [[likely]]
                run_settled(to);
            else
                run_waiting(to);
            if (search_ && search_->left == 0)
                return;
        }
    }
    // The PPU's address bus changed outside of rendering.
    void show_address(int32_t dot) { set_a12(dot, p_.v & 0x1000); }
    // v after a $2007 access.
    void increment_v();
    // Whether a line is rendered now: the PPU uses v, OAM and memory itself.
    bool active() const {
        const int32_t position = p_.dot + p_.short_frame;
        return p_.rendering && position >= t_.pre_render && position < t_.frame;
    }

  private:
    void run_settled(int32_t to);
    void run_waiting(int32_t to);
    void blank(int32_t frame_start, int32_t end);
    void part(int line, int from, int to);
    void whole_lines(int line, int count);
    int quiet_lines(int line, int count) const;
    void skip_lines(int line, int count);
    void alike_lines(int count);
    void watched_lines(int line, int count);
    void background(int line, int from, int to);
    void tile_part(int done, int count, int dot);
    template <bool draws, bool watched>
    void whole_tiles(int line, int from, int count, uint16_t* pixels);
    void evaluate(int line, int from, int to);
    void evaluate_step(int line, int dot);
    void evaluate_all(int line);
    void fetch_sprite(int line, int slot);
    void sprite_fetches(int line, int from, int to);
    void look_at_zero(int dot, int count, unsigned opaque);
    void end_picture();

    bool watches() const { return m_.mapper().a12_rise != nullptr; }
    void set_a12(int32_t dot, bool high) {
        if (watches())
            change_a12(dot, high);
    }
    void change_a12(int32_t dot, bool high);
    void rises(int32_t first, int count);
    void fetched(uint16_t address) {
        if (live_ && m_.mapper().pattern_fetch)
            m_.mapper().pattern_fetch(*live_, address);
    }
    // Where to draw this line, or null.
    uint16_t* row(int line) const {
        return live_ && live_->picture && line >= undrawn_ ? live_->picture + line * 256 : nullptr;
    }
    uint8_t chr(uint16_t address) const { return m_.chr_page[address >> 10 & 7][address & 0x3FF]; }
    uint8_t nametable(uint16_t address) const {
        return m_.nametable_page[address >> 10 & 3][address & 0x3FF];
    }

    // Two bits: the palette of the tile that v points at.
    uint8_t attribute(uint16_t v) const {
        const uint8_t four = nametable((v & 0x0C00) | 0x3C0 | (v >> 4 & 0x38) | (v >> 2 & 7));
        return four >> ((v >> 4 & 4) | (v & 2)) & 3;
    }

    const Machine& m_;
    PpuState& p_;
    const RegionTiming& t_;
    Machine* live_ = nullptr;
    RiseSearch* search_ = nullptr;
    const SpriteRows* rows_ = nullptr;  // while whole lines run
    int32_t line_start_ = 0;            // of the line that runs: its dot 0
    int undrawn_ = 0;                   // the first line that is not drawn yet, as a whole
};

}  // namespace colibri::ppu
