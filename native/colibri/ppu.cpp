// The PPU's registers, and what of it is known ahead.
// https://www.nesdev.org/wiki/PPU_registers
#include "ppu.h"

#include <cstring>

namespace colibri {

int32_t Machine::frame_dots() const {
    return ppu::frame_length(*this, s().ppu);
}

namespace ppu {

namespace {

// What colours the palette has at power-on differs; these are of one console.
// https://www.nesdev.org/wiki/PPU_power_up_state, and blargg's power_up_palette test
constexpr uint8_t kPowerOnPalette[32] = {
    0x09, 0x01, 0x00, 0x01, 0x00, 0x02, 0x02, 0x0D, 0x08, 0x10, 0x08, 0x24, 0x00, 0x00, 0x04, 0x2C,
    0x09, 0x01, 0x34, 0x03, 0x00, 0x04, 0x00, 0x14, 0x08, 0x3A, 0x00, 0x02, 0x00, 0x20, 0x2C, 0x08};

constexpr int kLatchFrames = 36;  // some 600 ms
constexpr uint8_t kLatchBits[3] = {0x1F, 0x20, 0xC0};

// Puts a value on the PPU's data bus; `refreshed` says which of kLatchBits are driven.
void set_latch(PpuState& p, uint8_t value, int refreshed = 7) {
    p.latch = value;
    for (int i = 0; i < 3; ++i)
        if (refreshed >> i & 1)
            p.latch_age[i] = 0;
}

const uint8_t* memory(const Machine& m, uint16_t v) {
    return v & 0x2000 ? m.nametable_page[v >> 10 & 3] + (v & 0x3FF)
                      : m.chr_page[v >> 10 & 7] + (v & 0x3FF);
}

void write_memory(Machine& m, uint16_t v, uint8_t value) {
    PpuState& p = m.s().ppu;
    if ((v & 0x3F00) == 0x3F00) {
        const int index = v & 0x1F;
        p.palette[index] = value & 0x3F;
        if ((index & 3) == 0)
            p.palette[index ^ 0x10] = value & 0x3F;
    } else if (uint8_t* page = v & 0x2000 ? m.nametable_write_page[v >> 10 & 3]
                                          : m.chr_write_page[v >> 10 & 7]) {
        page[v & 0x3FF] = value;
    }
}

// The line a position lies on, -1 being the pre-render line.
int line_at(const Machine& m, int32_t position) {
    return (position - timing(m).picture + kDotsPerLine) / kDotsPerLine - 1;
}

// Up to which dot $2002 reads as it does now, if nothing is written: the first at which something
// may happen to it, from a look at where sprites are, not at what they show.
int32_t quiet_until(const Machine& m) {
    const PpuState& p = m.s().ppu;
    const RegionTiming& t = timing(m);
    const int32_t length = m.frame_dots();
    int32_t until = p.dot <= t.vblank ? t.vblank : length + t.vblank;
    if (p.status & (kZeroHit | kOverflow) && p.dot <= t.pre_render)
        until = std::min(until, t.pre_render);
    if (p.status & kVblank && p.dot <= t.pre_render + 1)
        until = std::min(until, t.pre_render + 1);
    if (!settled(p))
        return p.dot;
    const int32_t position = p.dot + p.short_frame;
    if (!p.rendering || position >= t.frame)
        return until;
    const int32_t picture = t.picture - (t.frame - length);  // where line 0 is
    const auto dot_of = [&](int line, int x) { return picture + line * kDotsPerLine + x; };
    const int line = position < t.picture ? -1 : line_at(m, position);
    const int x = line < 0 ? 0 : position - t.picture - line * kDotsPerLine;
    const int height = sprite_height(p);
    if (line >= 0 && x < 257 && p.oam_addr != 0 && (x <= 65 || p.found + p.evaluation == 0))
        return p.dot;  // evaluation starts elsewhere than at sprite 0
    if (!(p.status & kZeroHit) && (p.mask & kBoth) == kBoth) {
        if (p.first_is_zero && x <= p.sprite_x[0] + 8 && x <= 256)
            until = std::min(until, std::max(p.dot, dot_of(line, p.sprite_x[0] + 1)));
        if (p.evaluation & kZeroFound)
            until = std::min(until, dot_of(line + 1, 0));
        const int next = std::max(line + 1, p.oam[0] + 1);
        if (next <= p.oam[0] + height && next < 240)
            until = std::min(until, dot_of(next, p.oam[3] + 1));
    }
    if (!(p.status & kOverflow)) {
        if (line >= 0 && x > 65 && x < 257 && p.found > 0)
            until = std::min(until, p.found == 32 ? p.dot : dot_of(line, x));
        const int crowded = first_crowded_line(p, SpriteRows(p), std::max(line, 0));
        if (crowded < 240 && (crowded > line || x < 257))
            until = std::min(until, std::max(p.dot, dot_of(crowded, 65)));
        else if (crowded == line)
            until = std::min(until, dot_of(line + 1, 0));
    }
    return until;
}

void cancel_nmi(Machine& m, Cycle cycle) {
    // The line rose again before the CPU looked at it.
    CpuState& cpu = m.s().cpu;
    if (cpu.nmi_at != kNever && cpu.nmi_at >= cycle)
        cpu.nmi_at = kNever;
}

uint8_t read_status(Machine& m, Cycle cycle) {
    PpuState& p = m.s().ppu;
    const int32_t dot = access_dot(m, cycle);
    if (dot >= m.status_lasts) {
        Beam(m).run(dot);
        m.status_lasts = quiet_until(m);
        // In the dot before, it keeps the flag from rising, or NMI from being seen just after.
        // https://www.nesdev.org/wiki/PPU_frame_timing#VBL_Flag_Timing
        const int32_t vblank = timing(m).vblank;
        if (dot == vblank || dot == m.frame_dots() + vblank)
            p.vblank_prevented = 1;
    }
    cancel_nmi(m, cycle);
    const uint8_t value = p.status | (p.latch & 0x1F);
    p.status &= ~kVblank;
    p.w = 0;
    set_latch(p, value, 6);
    return value;
}

uint8_t read_oam(Machine& m, Cycle cycle) {
    const PpuState& p = m.s().ppu;
    Beam beam(m);
    beam.run(access_dot(m, cycle));
    if (!beam.active())
        return p.oam[p.oam_addr];
    // https://www.nesdev.org/wiki/PPU_sprite_evaluation#Details
    const int32_t position = p.dot + p.short_frame;
    const int x = position % kDotsPerLine - 1;  // the dot that ran last
    if (line_at(m, position) < 0)
        return p.oam[p.oam_addr];
    if (x >= 1 && x <= 256)
        return p.oam_buffer;
    if (x >= 257 && x <= 320)
        return p.secondary[(x - 257) / 8 * 4 + std::min((x - 257) & 7, 3)];
    return p.secondary[0];
}

uint8_t read_data(Machine& m, Cycle cycle) {
    PpuState& p = m.s().ppu;
    Beam beam(m);
    beam.run(access_dot(m, cycle));
    const uint16_t v = p.v & 0x3FFF;
    // The buffer is not filled yet when it is read in the next cycle again.
    // https://www.nesdev.org/wiki/DMA, and nes-test-roms' double_2007_read
    uint8_t value = m.buffer_read.cycle == cycle - 1 ? m.buffer_read.value : p.read_buffer;
    m.buffer_read = {cycle, value};
    int refreshed = 7;
    if (v >= 0x3F00) {
        value = (p.palette[v & 0x1F] & (p.mask & kGrey ? 0x30 : 0x3F)) | (p.latch & 0xC0);
        refreshed = 3;
    }
    p.read_buffer = *memory(m, v);
    // The latches of MMC2 and MMC4 see the address bus, whoever reads.
    // https://www.nesdev.org/wiki/MMC2
    if (m.mapper().pattern_fetch && v < 0x2000)
        m.mapper().pattern_fetch(m, v);
    set_latch(p, value, refreshed);
    if (beam.active())
        p.increment_wait = 1;
    else
        beam.increment_v();
    return value;
}

// Whether the flag falls between this access and the CPU's look at the NMI line.
bool ends_vblank(const Machine& m, Cycle cycle) {
    const int32_t end = timing(m).pre_render + 1;
    return m.s().ppu.dot <= end && poll_cycle(m, end) <= cycle;
}

void write_control(Machine& m, uint8_t value, Cycle cycle) {
    PpuState& p = m.s().ppu;
    const bool nmi = p.ctrl & kNmi;
    p.ctrl = value;
    p.t = static_cast<uint16_t>((p.t & 0x73FF) | (value & 3) << 10);
    if (!(value & kNmi))
        cancel_nmi(m, cycle);
    else if (!nmi && p.status & kVblank && !ends_vblank(m, cycle))
        m.set_nmi(cycle);
    m.status_lasts = 0;
    m.schedule();
}

void write_mask(Machine& m, uint8_t value) {
    PpuState& p = m.s().ppu;
    p.mask = value;
    if (p.rendering_wait == 0)
        p.rendering_wait = p.rendering != ((value & kBoth) != 0);
    m.status_lasts = 0;
    m.schedule();
}

void write_address(Machine& m, uint8_t value) {
    PpuState& p = m.s().ppu;
    p.w ^= 1;
    if (p.w) {
        p.t = static_cast<uint16_t>((p.t & 0x00FF) | (value & 0x3F) << 8);
        return;
    }
    p.t = (p.t & 0x7F00) | value;
    Beam beam(m);
    if (beam.active()) {
        p.v_next = p.t;
        p.v_wait = 3;
    } else {
        p.v = p.t;
        beam.show_address(p.dot);
    }
    if (m.mapper().a12_rise)
        m.schedule();
}

void write_scroll(PpuState& p, uint8_t value) {
    p.w ^= 1;
    if (p.w) {
        p.t = static_cast<uint16_t>((p.t & 0x7FE0) | value >> 3);
        p.fine_x = value & 7;
    } else {
        p.t = static_cast<uint16_t>((p.t & 0x0C1F) | (value & 7) << 12 | (value & 0xF8) << 2);
    }
}

void write_data(Machine& m, uint8_t value) {
    PpuState& p = m.s().ppu;
    write_memory(m, p.v & 0x3FFF, value);
    Beam beam(m);
    if (beam.active()) {
        p.increment_wait = 1;
    } else {
        beam.increment_v();
        if (m.mapper().a12_rise)
            m.schedule();
    }
}

// A write to $2004, the PPU having caught up.
void put_oam(Machine& m, uint8_t value, bool active) {
    PpuState& p = m.s().ppu;
    if (active) {
        p.oam_addr = (p.oam_addr + 4) & 0xFC;
    } else {
        p.oam[p.oam_addr] = (p.oam_addr & 3) == 2 ? value & 0xE3 : value;
        ++p.oam_addr;
    }
    m.status_lasts = 0;
}

void begin_frame(const Machine& m, PpuState& p, int32_t length) {
    p.dot -= length;
    if (m.mapper().a12_rise && !p.a12)
        p.a12_low_since = std::max(p.a12_low_since - length, -kDotsPerLine);
    p.odd_frame ^= 1;
    p.short_frame = 0;
}

// The nth rise of A12 from here on, by running a copy of the PPU ahead.
Cycle look_for_rise(const Machine& m, unsigned nth) {
    PpuState copy = m.s().ppu;
    copy.status |= kZeroHit | kOverflow;  // not looked for
    RiseSearch search{nth};
    Beam beam(m, copy, search);
    int32_t start = 0;
    for (int frame = 0; frame < 4; ++frame) {
        const int32_t length = frame_length(m, copy);
        beam.run(length);
        if (search.left == 0)
            return poll_cycle(m, start + search.dot);
        if (!(copy.mask & kBoth))
            break;
        begin_frame(m, copy, frame_length(m, copy));
        start += length;
    }
    return kNever;
}

}  // namespace

int32_t frame_length(const Machine& m, const PpuState& p) {
    const RegionTiming& t = timing(m);
    const int32_t decision = t.pre_render + 339;  // the dot that may be its line's last
    if (p.dot > decision)
        return t.frame - p.short_frame;
    const bool rendering = p.rendering_wait && p.dot + p.rendering_wait <= decision
                               ? (p.mask & kBoth) != 0
                               : p.rendering != 0;
    return t.frame - (m.clock().odd_frames && p.odd_frame && rendering);
}

void power_on(Machine& m) {
    PpuState& p = m.s().ppu;
    p = PpuState{};
    std::memcpy(p.palette, kPowerOnPalette, sizeof p.palette);
    // Movies are FCEUX's, and its PPU takes all writes at once, but shows no vertical blank for two
    // frames. Consoles differ in both, and from power-on to power-on.
    // https://www.nesdev.org/wiki/PPU_power_up_state
    p.silent = 2;
    m.status_lasts = 0;
    m.known_rise.which = 0;
}

void soft_reset(Machine& m) {
    PpuState& p = m.s().ppu;
    // https://www.nesdev.org/wiki/PPU_power_up_state
    p.ctrl = p.mask = p.w = p.fine_x = p.read_buffer = 0;
    p.t = 0;
    p.rendering = p.rendering_wait = p.v_wait = p.increment_wait = 0;
    p.v_next = 0;
    m.status_lasts = 0;
    m.known_rise.which = 0;
}

void catch_up(Machine& m, Cycle cycle) {
    Beam(m).run(access_dot(m, cycle));
}

uint8_t read(Machine& m, uint16_t address, Cycle cycle) {
    PpuState& p = m.s().ppu;
    if ((address & 7) == 7)
        m.known_rise.which = 0;
    switch (address & 7) {
        case 2:
            return read_status(m, cycle);
        case 4:
            set_latch(p, read_oam(m, cycle));
            return p.latch;
        case 7: {
            const uint8_t value = read_data(m, cycle);
            if (m.mapper().a12_rise)
                m.schedule();
            return value;
        }
        default:
            return p.latch;
    }
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    PpuState& p = m.s().ppu;
    Beam(m).run(access_dot(m, cycle));
    m.known_rise.which = 0;
    set_latch(p, value);
    switch (address & 7) {
        case 0:
            write_control(m, value, cycle);
            break;
        case 1:
            write_mask(m, value);
            break;
        case 3:
            p.oam_addr = value;
            m.status_lasts = 0;
            break;
        case 4:
            put_oam(m, value, Beam(m).active());
            break;
        case 5:
            write_scroll(p, value);
            break;
        case 6:
            write_address(m, value);
            break;
        case 7:
            write_data(m, value);
            break;
        default:
            break;
    }
}

void write_oam(Machine& m, uint8_t value, Cycle cycle) {
    // In vertical blank the PPU has nothing to do with OAM, and need not catch up.
    const int32_t dot = access_dot(m, cycle);
    bool active = false;
    if (dot > timing(m).pre_render || m.s().ppu.rendering_wait) {
        Beam beam(m);
        beam.run(dot);
        active = beam.active();
    }
    m.known_rise.which = 0;
    set_latch(m.s().ppu, value);
    put_oam(m, value, active);
}

Cycle next_nmi(const Machine& m) {
    const PpuState& p = m.s().ppu;
    if (!(p.ctrl & kNmi))
        return kNever;
    const int32_t vblank = timing(m).vblank;
    const int32_t length = m.frame_dots();
    const auto at = [&](int32_t dot) { return poll_cycle(m, dot); };
    // The line is low while the flag is up: it falls again after it rose.
    const bool none = p.vblank_prevented || p.silent;  // the next time it would fall
    if (p.dot <= vblank && !none)
        return at(vblank);
    if (p.dot <= length + vblank && !(p.dot > vblank && none))
        return at(length + vblank);
    return at(length * 2 + vblank);
}

Cycle next_status_change(Machine& m) {
    if (m.status_lasts == 0)
        m.status_lasts = quiet_until(m);
    return access_cycle(m, m.status_lasts);
}

Cycle cycle_of_a12_rise(const Machine& m, unsigned nth) {
    if (nth == 0 || m.mapper().a12_rise == nullptr)
        return kNever;
    Machine::KnownRise& known = m.known_rise;
    if (known.which != 0 && known.which == known.seen + nth)
        return known.at;
    known.which = known.seen + nth;
    known.at = look_for_rise(m, nth);
    return known.at;
}

void end_frame(Machine& m) {
    PpuState& p = m.s().ppu;
    Beam(m).run(m.frame_dots());
    const int32_t length = m.frame_dots();
    begin_frame(m, p, length);
    for (int i = 0; i < 3; ++i)
        if (++p.latch_age[i] > kLatchFrames) {
            p.latch &= ~kLatchBits[i];
            p.latch_age[i] = 0;
        }
    m.status_lasts = std::max(m.status_lasts - length, 0);
    m.known_rise.which = 0;
}

uint8_t peek(const Machine& m, uint16_t address) {
    address &= 0x3FFF;
    return address >= 0x3F00 ? m.s().ppu.palette[address & 0x1F] : *memory(m, address);
}

void poke(Machine& m, uint16_t address, uint8_t value) {
    catch_up(m, m.s().cpu.cycle);
    write_memory(m, address & 0x3FFF, value);
    m.status_lasts = 0;
}

const char* check(const State& s) {
    const PpuState& p = s.ppu;
    const Clock& clock = kClocks[s.region % 3];
    const bool numbers =
        p.dot >= 0 && p.dot < (clock.lines + 20) * kDotsPerLine &&
        p.a12_low_since >= -kDotsPerLine && p.a12_low_since <= p.dot && p.v <= 0x7FFF &&
        p.t <= 0x7FFF && p.v_next <= 0x7FFF && p.fine_x < 8 && p.w < 2 && p.odd_frame < 2 &&
        p.short_frame < 2 && p.silent < 3 && p.rendering < 2 && p.rendering_wait < 4 &&
        p.v_wait < 4 && p.increment_wait < 4 && p.vblank_prevented < 2 && p.a12 < 2 &&
        p.found <= 32 && p.evaluation < 8 && p.overflow_bytes < 4 && p.first_is_zero < 2;
    if (!numbers)
        return "the PPU's numbers are out of range";
    for (const uint8_t colour : p.palette)
        if (colour > 0x3F)
            return "the PPU's palette holds what is no colour";
    return nullptr;
}

}  // namespace ppu
}  // namespace colibri
