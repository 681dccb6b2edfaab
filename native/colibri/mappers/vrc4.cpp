// Konami VRC2 and VRC4. Boards wire the two register lines to different address lines, and the
// mapper's number stands for several of them; without a submapper, all of its boards' lines count.
// https://www.nesdev.org/wiki/VRC2_and_VRC4

#include "vrc_irq.h"

namespace colibri {
namespace {

struct Vrc4 {
    VrcIrq irq;
    uint8_t prg[2];
    uint8_t swapped;  // bit 1
    uint8_t mirroring;
    uint16_t chr[8];
    uint8_t microwire;  // VRC2 without RAM has one bit at $6000
    uint8_t unused[1];
};

struct Lines {  // which address lines stand for the registers' two
    uint8_t low, high;
};

Lines lines(const Cartridge& c) {
    switch (c.mapper * 16 + c.submapper) {
        case 21 * 16 + 1:
            return {0x02, 0x04};
        case 21 * 16 + 2:
            return {0x40, 0x80};
        case 23 * 16 + 1:
        case 23 * 16 + 3:
            return {0x01, 0x02};
        case 23 * 16 + 2:
            return {0x04, 0x08};
        case 25 * 16 + 1:
        case 25 * 16 + 3:
            return {0x02, 0x01};
        case 25 * 16 + 2:
            return {0x08, 0x04};
    }
    switch (c.mapper) {
        case 21:
            return {0x42, 0x84};
        case 22:
            return {0x02, 0x01};
        case 23:
            return {0x05, 0x0A};
        default:
            return {0x0A, 0x05};
    }
}

bool is_vrc2(const Cartridge& c) {
    return c.mapper == 22 || c.submapper == 3;
}

void power_on(Machine& m) {
    Vrc4& r = registers<Vrc4>(m);
    r.irq.prescaler = 341;
    r.prg[1] = 1;
}

void map_prg(Machine& m) {
    const Vrc4& r = registers<Vrc4>(m);
    const bool swapped = r.swapped & 2;
    m.map_prg(0x8000, 0x2000, swapped ? -2 : r.prg[0]);
    m.map_prg(0xA000, 0x2000, r.prg[1]);
    m.map_prg(0xC000, 0x2000, swapped ? r.prg[0] : -2);
    m.map_prg(0xE000, 0x2000, -1);
}

void map(Machine& m) {
    const Vrc4& r = registers<Vrc4>(m);
    map_prg(m);
    map_plain_prg_ram(m);
    const int shift = m.cartridge().mapper == 22 ? 1 : 0;  // VRC2a does not wire the lowest line
    for (int i = 0; i < 8; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x400), 0x400, (r.chr[i] & 0x1FF) >> shift);
    choose_mirroring(m, kVrcMirrorings[r.mirroring & 3]);
}

void write_chr(Machine& m, unsigned which, bool high, uint8_t value, Cycle cycle) {
    uint16_t& bank = registers<Vrc4>(m).chr[which];
    const auto changed = static_cast<uint16_t>(high ? (bank & 0x00F) | (value & 0x1F) << 4
                                                    : (bank & 0x1F0) | (value & 0x0F));
    if (bank == changed)
        return;
    change_for_ppu(m, cycle);
    bank = changed;
    map(m);
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    Vrc4& r = registers<Vrc4>(m);
    const Cartridge& c = m.cartridge();
    if (address < 0x8000) {
        if (address >= 0x6000)
            r.microwire = value & 1;
        return;
    }
    const Lines line = lines(c);
    const unsigned index = (address & line.low ? 1 : 0) | (address & line.high ? 2 : 0);
    const unsigned group = address >> 12;
    switch (group) {
        case 0x8:
            r.prg[0] = value & 0x1F;
            map_prg(m);
            break;
        case 0xA:
            r.prg[1] = value & 0x1F;
            map_prg(m);
            break;
        case 0x9:
            if (index >= 2 && !is_vrc2(c)) {
                r.swapped = value & 2;
                map_prg(m);
            } else if (change_seen_by_ppu(m, r.mirroring, value & (is_vrc2(c) ? 1 : 3), cycle)) {
                map(m);
            }
            break;
        case 0xF:
            if (is_vrc2(c))
                break;
            if (index == 0)
                r.irq.write_latch(m, value, 0x0F, cycle);
            else if (index == 1)
                r.irq.write_latch(m, static_cast<uint8_t>(value << 4), 0xF0, cycle);
            else if (index == 2)
                r.irq.write_control(m, value, cycle);
            else
                r.irq.acknowledge(m, cycle);
            break;
        default:
            write_chr(m, (group - 0xB) * 2 + (index >> 1), index & 1, value, cycle);
    }
}

uint8_t read(Machine& m, uint16_t address, uint8_t open_bus, Cycle) {
    if (address < 0x6000 || address >= 0x7000 || !is_vrc2(m.cartridge()))
        return open_bus;
    return (open_bus & 0xFE) | (registers<Vrc4>(m).microwire & 1);
}

void catch_up(Machine& m, Cycle cycle) {
    registers<Vrc4>(m).irq.catch_up(m, cycle);
}
Cycle next_irq(const Machine& m) {
    return registers<Vrc4>(m).irq.next(m);
}

constexpr Mapper board(uint16_t number, const char* name) {
    return {.number = number,
            .name = name,
            .power_on = power_on,
            .map = map,
            .write = write,
            .read = read,
            .catch_up = catch_up,
            .next_irq = next_irq};
}

}  // namespace

const Mapper kVrc4ac = board(21, "Konami VRC4a and VRC4c");
const Mapper kVrc2a = board(22, "Konami VRC2a");
const Mapper kVrc4ef = board(23, "Konami VRC2b, VRC4e and VRC4f");
const Mapper kVrc4bd = board(25, "Konami VRC2c, VRC4b and VRC4d");

}  // namespace colibri
