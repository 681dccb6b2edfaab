// The beam: what the PPU does by itself from dot to dot.
//
// A part of a line runs exactly, tile by tile; whole lines in which nothing can be seen from
// outside are skipped in closed form. Both leave the same registers.
// https://www.nesdev.org/wiki/PPU_rendering, https://www.nesdev.org/wiki/PPU_scrolling,
// https://www.nesdev.org/wiki/PPU_sprite_evaluation
#include <bit>
#include <cstring>
#include <type_traits>

#include "ppu_draw.h"

namespace colibri::ppu {

namespace {

struct NoPixels {
    NoPixels(const PpuState&, const uint8_t*) {}
};
constexpr int kA12Filter = 10;  // dots that A12 must be low: three falls of M2

void next_rows(uint16_t& v, int count) {
    // Rows 30 and 31 are the attributes: from there it wraps without changing the nametable.
    for (; count > 0 && (v >> 5 & 0x1F) >= 30; --count)
        next_row(v);
    if (count == 0)
        return;
    const int y = (v >> 5 & 0x1F) * 8 + (v >> 12) + count;
    const int tables = y / 240, rest = y - tables * 240;
    v = static_cast<uint16_t>((v & 0x0C1F) ^ (tables & 1) << 11);
    v |= static_cast<uint16_t>((rest & 7) << 12 | (rest >> 3) << 5);
}

}  // namespace

int first_crowded_line(const PpuState& p, const SpriteRows& rows, int line) {
    const int height = sprite_height(p);
    for (int y = line; y < 240; ++y) {
        const uint64_t near = rows.near(y, height);
        if (std::popcount(near) < 8) {
            y |= 7;  // so for all eight lines
            continue;
        }
        int count = 0;
        for (uint64_t sprites = near; sprites; sprites &= sprites - 1)
            count += in_range(y, p.oam[std::countr_zero(sprites) * 4], height);
        if (count >= 8)
            return y;
    }
    return 240;
}

void Beam::increment_v() {
    if (active()) {
        // https://www.nesdev.org/wiki/PPU_scrolling#$2007_reads_and_writes
        next_column(p_.v);
        next_row(p_.v);
    } else {
        p_.v = (p_.v + (p_.ctrl & kDown ? 32 : 1)) & 0x7FFF;
        show_address(p_.dot);
    }
}

void Beam::run_waiting(int32_t to) {
    int32_t end = to;
    for (const uint8_t wait : {p_.rendering_wait, p_.v_wait, p_.increment_wait})
        if (wait)
            end = std::min(end, p_.dot + wait);
    const int32_t start = p_.dot;
    run_settled(end);
    const auto passed = static_cast<uint8_t>(p_.dot - start);
    if (p_.increment_wait && (p_.increment_wait -= passed) == 0)
        increment_v();
    if (p_.v_wait && (p_.v_wait -= passed) == 0) {
        p_.v = p_.v_next;
        p_.v_next = 0;
        if (!active())
            show_address(p_.dot);
    }
    if (p_.rendering_wait && (p_.rendering_wait -= passed) == 0) {
        p_.rendering = (p_.mask & kBoth) != 0;
        if (!p_.rendering)
            show_address(p_.dot);
    }
}

void Beam::run_settled(int32_t to) {
    while (p_.dot < to) {
        const int32_t position = p_.dot + p_.short_frame;
        if (position < t_.pre_render) {
            blank(0, std::min(to, t_.pre_render));
        } else if (position >= t_.frame) {
            // The CPU may run past a frame's end by some lines, in one instruction.
            blank(t_.frame - p_.short_frame, to);
        } else {
            const int number = position / kDotsPerLine;
            const int x = position - number * kDotsPerLine;
            const int line = number - t_.picture / kDotsPerLine;
            const int32_t room = to - p_.dot;
            if (x == 0 && line >= 0 && room >= kDotsPerLine)
                whole_lines(line, std::min(room / kDotsPerLine, 240 - line));
            else
                part(line, x, std::min(kDotsPerLine, x + room));
        }
        if (search_ && search_->left == 0)
            return;
    }
}

void Beam::blank(int32_t frame_start, int32_t end) {
    const int32_t vblank = frame_start + t_.vblank;
    if (p_.dot <= vblank && vblank < end) {
        if (!p_.vblank_prevented && !p_.silent) {
            p_.status |= kVblank;
            if (live_ && p_.ctrl & kNmi)
                live_->set_nmi(poll_cycle(m_, vblank));
        }
        p_.vblank_prevented = 0;
    }
    p_.dot = end;
}

void Beam::end_picture() {
    p_.tile_low = p_.tile_high = p_.attribute_low = p_.attribute_high = 0;
    p_.fetched_tile = p_.fetched_attribute = p_.fetched_low = p_.fetched_high = 0;
    p_.oam_buffer = p_.found = p_.evaluation = p_.overflow_bytes = p_.first_is_zero = 0;
    std::memset(p_.sprite_low, 0, sizeof p_.sprite_low);
    std::memset(p_.sprite_high, 0, sizeof p_.sprite_high);
    std::memset(p_.sprite_attribute, 0, sizeof p_.sprite_attribute);
    std::memset(p_.sprite_x, 0, sizeof p_.sprite_x);
    std::memset(p_.secondary, 0, sizeof p_.secondary);
    show_address(p_.dot);
}

// Dots `from` to before `to` of one line, the pre-render line being -1.
void Beam::part(int line, int from, int to) {
    line_start_ = p_.dot - from;
    if (line < 0) {
        // All three flags fall at dot 1, but a read of $2002 takes vertical blank as it is at its
        // start, and the others as they are near its end: that is a dot earlier for them.
        // AccuracyCoin, "$2002 flag timing"
        if (from == 0)
            p_.status &= kVblank;
        if (from <= 1 && to > 1) {
            p_.status &= ~kVblank;
            if (p_.silent)
                --p_.silent;
        }
        // The dot that is left out: https://www.nesdev.org/wiki/PPU_frame_timing#Even/Odd_Frames
        to = from < 340 ? std::min(to, 340) : to;
    }
    if (!p_.rendering) {
        if (uint16_t* pixels = row(line); pixels && from <= 256)
            if (const int x = std::max(from, 1), end = std::min(to, 257); x < end)
                draw_blank(p_, m_.tones, pixels, x - 1, end - x);
    } else {
        if (from <= 256) {
            const int end = std::min(to, 257);
            if (line < 0 && p_.oam_addr >= 8)
                // https://www.nesdev.org/wiki/PPU_registers#OAMADDR
                for (int dot = std::max(from, 1); dot < std::min(end, 9); ++dot)
                    p_.oam[dot - 1] = p_.oam[(p_.oam_addr & 0xF8) + dot - 1];
            background(line, std::max(from, 1), end);
            if (line >= 0)
                evaluate(line, std::max(from, 1), to);
        }
        if (from <= 320 && to > 257)
            sprite_fetches(line, std::max(from, 257), std::min(to, 321));
        if (from <= 336 && to > 321)
            background(line, std::max(from, 321), std::min(to, 337));
        if (from <= 337 && to > 337)
            set_a12(line_start_ + 337, false);
    }
    p_.dot = line_start_ + to;
    if (line < 0 && to == 340 && p_.rendering && p_.odd_frame && m_.clock().odd_frames)
        p_.short_frame = 1;
    if (line == 239 && to == kDotsPerLine)
        end_picture();
}

// Fetches of whole tiles, and the pixels that come out meanwhile. `watched`: somebody looks at
// the PPU's addresses.
template <bool draws, bool watched>
void Beam::whole_tiles(int line, int from, int count, uint16_t* pixels) {
    [[maybe_unused]] const std::conditional_t<draws, Pixels, NoPixels> out(p_, m_.tones);
    // Tiles that sprite 0 touches begin at these dots.
    const bool zero = p_.first_is_zero && line >= 0 && from <= 256;
    const int zero_from = zero ? p_.sprite_x[0] - 6 : kDotsPerLine;
    const auto table = static_cast<uint16_t>((p_.ctrl & kBackgroundTable) << 8);
    const unsigned fine_y = p_.v >> 12;
    const uint8_t* patterns[4];
    for (int i = 0; i < 4; ++i)
        patterns[i] = m_.chr_page[table >> 10 | i] + fine_y;
    unsigned low = p_.tile_low, high = p_.tile_high;
    unsigned attribute_low = p_.attribute_low, attribute_high = p_.attribute_high;
    // The eight pixels that are next, and those after them.
    [[maybe_unused]] uint64_t now = 0, then = 0;
    if constexpr (draws) {
        now = pixels_of(p_, 8);
        then = pixels_of(p_, 0);
    }
    uint16_t v = p_.v;
    unsigned two = 0, before = 0;  // attributes of the last tile, and of the one before
    for (int dot = from, end = from + count * 8; dot < end; dot += 8) {
        if (static_cast<unsigned>(dot - zero_from) < 15)
            look_at_zero(dot, 8, low | high);
        const uint8_t* const names = m_.nametable_page[v >> 10 & 3];
        const unsigned tile = names[v & 0x3FF];
        before = two;
        two = names[0x3C0 | (v >> 4 & 0x38) | (v >> 2 & 7)] >> ((v >> 4 & 4) | (v & 2)) & 3;
        const uint8_t* pattern = patterns[tile >> 6] + (tile << 4 & 0x3FF);
        if constexpr (watched) {
            set_a12(line_start_ + dot, false);
            set_a12(line_start_ + dot + 4, table != 0);
            // A latch may have changed banks since.
            pattern = m_.chr_page[table >> 10 | tile >> 6] + (tile << 4 & 0x3FF) + fine_y;
        }
        if constexpr (draws) {
            out.draw_tile(pixels, dot - 1, now, then);
            now = then;
            then = spread(pattern[0], pattern[8]) | two * (4 * kEach);
        }
        low = low << 8 | pattern[0];
        high = high << 8 | pattern[8];
        if constexpr (watched)
            fetched(static_cast<uint16_t>(table | tile << 4 | fine_y | 8));
        next_column(v);
    }
    if (from + count * 8 == 257)
        next_row(v);
    if (count == 1) {
        attribute_low <<= 8;
        attribute_high <<= 8;
    } else {
        attribute_low = before & 1 ? 0xFF00 : 0;
        attribute_high = before & 2 ? 0xFF00 : 0;
    }
    p_.v = v;
    p_.tile_low = static_cast<uint16_t>(low);
    p_.tile_high = static_cast<uint16_t>(high);
    p_.attribute_low = static_cast<uint16_t>(attribute_low | (two & 1 ? 0xFF : 0));
    p_.attribute_high = static_cast<uint16_t>(attribute_high | (two & 2 ? 0xFF : 0));
    p_.fetched_tile = p_.fetched_attribute = p_.fetched_low = p_.fetched_high = 0;
}

void Beam::background(int line, int from, int to) {
    uint16_t* const pixels = from <= 256 ? row(line) : nullptr;
    for (int dot = from; dot < to;) {
        const int done = (dot - 1) & 7;
        if (const int tiles = (to - dot) / 8; done == 0 && tiles > 0) {
            const bool watched = watches() || m_.mapper().pattern_fetch;
            if (pixels)
                watched ? whole_tiles<true, true>(line, dot, tiles, pixels)
                        : whole_tiles<true, false>(line, dot, tiles, pixels);
            else
                watched ? whole_tiles<false, true>(line, dot, tiles, pixels)
                        : whole_tiles<false, false>(line, dot, tiles, pixels);
            dot += tiles * 8;
            continue;
        }
        const int count = std::min(8 - done, to - dot);
        if (dot <= 256 && line >= 0) {
            if (p_.first_is_zero)
                look_at_zero(dot, count, p_.tile_low | p_.tile_high);
            if (pixels)
                Pixels(p_, m_.tones).draw(pixels, dot - 1, count);
        }
        tile_part(done, count, dot);
        dot += count;
    }
}

// `count` dots of the fetches of a tile, of which `done` are over.
void Beam::tile_part(int done, int count, int dot) {
    const int end = done + count;
    if (done == 0) {
        set_a12(line_start_ + dot, false);
        p_.fetched_tile = nametable(p_.v);
    }
    if (done <= 2 && end > 2)
        p_.fetched_attribute = attribute(p_.v);
    const auto address = static_cast<uint16_t>((p_.ctrl & kBackgroundTable) << 8 |
                                               p_.fetched_tile << 4 | p_.v >> 12);
    if (done <= 4 && end > 4) {
        set_a12(line_start_ + dot - done + 4, address & 0x1000);
        p_.fetched_low = chr(address);
    }
    if (done <= 6 && end > 6) {
        p_.fetched_high = chr(address | 8);
        fetched(address | 8);
    }
    p_.tile_low <<= count;
    p_.tile_high <<= count;
    p_.attribute_low <<= count;
    p_.attribute_high <<= count;
    if (end == 8) {
        p_.tile_low |= p_.fetched_low;
        p_.tile_high |= p_.fetched_high;
        p_.attribute_low |= p_.fetched_attribute & 1 ? 0xFF : 0;
        p_.attribute_high |= p_.fetched_attribute & 2 ? 0xFF : 0;
        p_.fetched_tile = p_.fetched_attribute = p_.fetched_low = p_.fetched_high = 0;
        next_column(p_.v);
        if (dot + count == 257)
            next_row(p_.v);
    }
}

// Sprite 0's pixels against the background's in dots `dot` and on, at most to the end of a tile.
// https://www.nesdev.org/wiki/PPU_OAM#Sprite_0_hits
void Beam::look_at_zero(int dot, int count, unsigned opaque) {
    const int x = dot - 1, column = x - p_.sprite_x[0];
    if (p_.status & kZeroHit || (p_.mask & kBoth) != kBoth || column <= -8 || column >= 8)
        return;
    if (x < 8 && (p_.mask & (kBackgroundLeft | kSpritesLeft)) != (kBackgroundLeft | kSpritesLeft))
        return;
    const int sprite = p_.sprite_low[0] | p_.sprite_high[0];
    const int background = static_cast<int>(opaque >> (8 - p_.fine_x));
    int both = (column >= 0 ? sprite << column : sprite >> -column) & background & 0xFF;
    both &= 0xFF00 >> count;
    if (x + count == 256)
        both &= ~(0x100 >> count);  // never at x = 255
    if (both)
        p_.status |= kZeroHit;
}

// What dots `from` to before `to` do for the next line's sprites, up to dot 256.
void Beam::evaluate(int line, int from, int to) {
    if (from <= 64) {
        const int end = std::min(to, 65);
        if (from < end) {
            const int first = (from - 1) / 2, last = (end - 2) / 2;
            std::memset(p_.secondary + first, 0xFF, static_cast<size_t>(last - first + 1));
            p_.oam_buffer = 0xFF;
        }
    }
    if (from <= 65 && to > 65) {
        p_.found = p_.evaluation = p_.overflow_bytes = 0;
        if (to > 257 && p_.oam_addr == 0) {
            evaluate_all(line);
            return;
        }
    }
    for (int dot = std::max(from, 65); dot < std::min(to, 257); ++dot)
        evaluate_step(line, dot);
}

void Beam::evaluate_step(int line, int dot) {
    if (dot & 1) {
        p_.oam_buffer = p_.oam[p_.oam_addr];
        return;
    }
    const int height = sprite_height(p_);
    uint8_t sprite = p_.oam_addr >> 2, byte = p_.oam_addr & 3;
    const auto next_sprite = [&] {
        sprite = (sprite + 1) & 63;
        if (sprite == 0)
            p_.evaluation |= kDone;
    };
    if (p_.evaluation & kDone) {
        sprite = (sprite + 1) & 63;
        if (p_.found == 32)
            p_.oam_buffer = p_.secondary[0];
    } else {
        const bool here = in_range(line, p_.oam_buffer, height);
        if (here)
            p_.evaluation |= kInRange;
        if (p_.found < 32) {
            p_.secondary[p_.found & 31] = p_.oam_buffer;
            if (p_.evaluation & kInRange) {
                if (dot == 66)
                    p_.evaluation |= kZeroFound;
                ++p_.found;
                if (++byte == 4) {
                    byte = 0;
                    next_sprite();
                }
                if ((p_.found & 3) == 0) {
                    p_.evaluation &= ~kInRange;
                    // It falls into step again only when its last byte is no Y in range.
                    if (byte != 0 && !here)
                        byte = 0;
                }
            } else {
                byte = 0;
                next_sprite();
            }
        } else {
            p_.oam_buffer = p_.secondary[0];
            if (p_.evaluation & kInRange) {
                p_.status |= kOverflow;
                if (++byte == 4) {
                    byte = 0;
                    sprite = (sprite + 1) & 63;
                }
                if (p_.overflow_bytes == 0) {
                    p_.overflow_bytes = 3;
                } else if (--p_.overflow_bytes == 0) {
                    p_.evaluation |= kDone;
                    byte = 0;
                }
            } else {
                byte = (byte + 1) & 3;
                next_sprite();
            }
        }
    }
    p_.oam_addr = static_cast<uint8_t>(sprite << 2 | byte);
}

// Dots 65-256 at once, OAMADDR being 0. What they leave in the registers that dot 257 clears is
// not made.
void Beam::evaluate_all(int line) {
    const int height = sprite_height(p_);
    int sprite = 0, found = 0;
    for (uint64_t near = rows_ ? rows_->near(line, height) : ~uint64_t{0}; near && found < 8;
         near &= near - 1) {
        const int candidate = std::countr_zero(near);
        if (!in_range(line, p_.oam[candidate * 4], height))
            continue;
        std::memcpy(p_.secondary + found * 4, p_.oam + candidate * 4, 4);
        if (candidate == 0)
            p_.evaluation |= kZeroFound;
        ++found;
        sprite = candidate + 1;
    }
    if (found < 8) {
        if (!in_range(line, p_.oam[252], height))
            p_.secondary[found * 4] = p_.oam[252];
        return;
    }
    for (int byte = 0; sprite < 64; ++sprite, byte = (byte + 1) & 3)
        if (in_range(line, p_.oam[sprite * 4 + byte], height)) {
            p_.status |= kOverflow;
            return;
        }
}

// Dots 257 to 320.
void Beam::sprite_fetches(int line, int from, int to) {
    if (from == 257) {
        p_.v = (p_.v & ~kHorizontal) | (p_.t & kHorizontal);
        p_.oam_buffer = p_.found = p_.overflow_bytes = 0;
        p_.evaluation &= kZeroFound;
    }
    p_.oam_addr = 0;
    for (int slot = (from - 257) / 8; slot < 8; ++slot) {
        const int dot = 257 + slot * 8;
        if (dot >= from && dot < to)
            set_a12(line_start_ + dot, false);
        if (dot + 4 >= from && dot + 4 < to)
            fetch_sprite(line, slot);
    }
    if (line < 0 && from <= 304 && to > 280)
        p_.v = (p_.v & ~kVertical) | (p_.t & kVertical);
}

void Beam::fetch_sprite(int line, int slot) {
    const uint8_t* const sprite = p_.secondary + slot * 4;
    const int height = sprite_height(p_);
    const bool shown = in_range(line, sprite[0], height);
    int row = shown ? line - sprite[0] : 0;
    if (shown && sprite[2] & 0x80)
        row = height - 1 - row;
    const int tile = shown ? sprite[1] : 0xFF;
    const uint16_t address = sprite_address(p_, tile, row);
    set_a12(line_start_ + 261 + slot * 8, address & 0x1000);
    if (shown) {
        const uint8_t low = chr(address);
        const uint8_t high = chr(address | 8);
        const bool flip = sprite[2] & 0x40;
        p_.sprite_low[slot] = flip ? kMirrored[low] : low;
        p_.sprite_high[slot] = flip ? kMirrored[high] : high;
        p_.sprite_attribute[slot] = sprite[2];
        p_.sprite_x[slot] = sprite[3];
    } else {
        p_.sprite_low[slot] = p_.sprite_high[slot] = 0;
        p_.sprite_attribute[slot] = p_.sprite_x[slot] = 0;
    }
    fetched(address | 8);
    if (slot == 0) {
        p_.first_is_zero = shown && p_.evaluation & kZeroFound;
        p_.evaluation = 0;
    }
}

void Beam::whole_lines(int line, int count) {
    if (!p_.rendering) {
        if (uint16_t* pixels = row(line))
            draw_blank(p_, m_.tones, pixels, 0, 256 * count);
        p_.dot += count * kDotsPerLine;
        if (line + count == 240)
            end_picture();
        return;
    }
    const SpriteRows rows(p_);
    rows_ = &rows;
    while (count > 0 && !(search_ && search_->left == 0)) {
        const int quiet = quiet_lines(line, count);
        const int done = std::max(quiet, 1);
        // Tiles that switch banks are drawn as they are fetched.
        if (row(line) && !m_.mapper().pattern_fetch) {
            draw_lines(m_, rows, line, done);
            undrawn_ = line + done;
        }
        if (quiet > 0)
            skip_lines(line, quiet);
        else
            part(line, 0, kDotsPerLine);
        line += done;
        count -= done;
    }
    rows_ = nullptr;
}

// How many lines from here have nothing that can be seen from outside.
int Beam::quiet_lines(int line, int count) const {
    if (p_.oam_addr != 0 || (live_ && m_.mapper().pattern_fetch))
        return 0;
    if (watches() && count < 3)
        return 0;
    if (!(p_.status & kZeroHit) && (p_.mask & kBoth) == kBoth) {
        if (p_.first_is_zero)
            return 0;
        const int first = p_.oam[0] + 1;
        if (line < first + sprite_height(p_))
            count = std::min(count, std::max(first, line + 1) - line);
    }
    if (!(p_.status & kOverflow) && count > 0)
        count = std::min(count, first_crowded_line(p_, *rows_, line) - line);
    return count;
}

// Lines in which A12 rises where it rose in the line before.
void Beam::alike_lines(int count) {
    if (count <= 0)
        return;
    const bool background = p_.ctrl & kBackgroundTable, sprites = p_.ctrl & kSpriteTable;
    if (background != sprites)
        rises(p_.dot + (sprites ? 261 : 325), count);
    next_rows(p_.v, count);
    p_.dot += count * kDotsPerLine;
    if (background || sprites)
        p_.a12_low_since += count * kDotsPerLine;
}

// Lines of which only A12 matters; tall sprites choose their tables one by one.
void Beam::watched_lines(int line, int count) {
    const bool background = p_.ctrl & kBackgroundTable;
    for (const int end = line + count; line < end && !(search_ && search_->left == 0); ++line) {
        line_start_ = p_.dot;
        const auto show = [&](int dot, bool high) { change_a12(line_start_ + dot, high); };
        show(1, false);
        if (background)
            show(5, true);
        evaluate(line, 1, kDotsPerLine);
        sprite_fetches(line, 257, 321);
        show(321, false);
        if (background) {
            show(325, true);
            show(329, false);
            show(333, true);
            show(337, false);
        }
        next_row(p_.v);
        p_.dot += kDotsPerLine;
    }
}

void Beam::skip_lines(int line, int count) {
    if (watches()) {
        // The first line may differ from those after it, and the last leaves its registers.
        part(line, 0, kDotsPerLine);
        if (p_.ctrl & kTall)
            watched_lines(line + 1, count - 2);
        else
            alike_lines(count - 2);
        if (count > 1 && !(search_ && search_->left == 0))
            part(line + count - 1, 0, kDotsPerLine);
        return;
    }
    next_rows(p_.v, count);
    p_.dot += (count - 1) * kDotsPerLine;
    if (line + count == 240) {
        p_.v = (p_.v & ~kHorizontal) | (p_.t & kHorizontal);
        next_column(p_.v);
        next_column(p_.v);
        p_.oam_addr = 0;
        p_.dot += kDotsPerLine;
        end_picture();
        return;
    }
    line += count - 1;
    line_start_ = p_.dot;
    evaluate(line, 1, kDotsPerLine);
    sprite_fetches(line, 257, 321);
    background(line, 321, 337);
    p_.dot += kDotsPerLine;
}

void Beam::change_a12(int32_t dot, bool high) {
    if (high == (p_.a12 != 0))
        return;
    p_.a12 = high;
    if (!high) {
        p_.a12_low_since = dot;
        return;
    }
    const bool filtered = dot - p_.a12_low_since < kA12Filter;
    p_.a12_low_since = 0;
    if (!filtered)
        rises(dot, 1);
}

// So many rises, one a line.
void Beam::rises(int32_t first, int count) {
    if (search_) {
        if (search_->left == 0)
            return;
        if (search_->left <= static_cast<unsigned>(count)) {
            search_->dot = first + static_cast<int>(search_->left - 1) * kDotsPerLine;
            search_->left = 0;
        } else {
            search_->left -= static_cast<unsigned>(count);
        }
        return;
    }
    live_->known_rise.seen += static_cast<uint32_t>(count);
    for (int i = 0; i < count; ++i)
        m_.mapper().a12_rise(*live_, poll_cycle(m_, first + i * kDotsPerLine));
}

}  // namespace colibri::ppu
