// Konami VRC6, without its sound. https://www.nesdev.org/wiki/VRC6

#include "vrc_irq.h"

namespace colibri {
namespace {

struct Vrc6 {
    VrcIrq irq;
    uint8_t prg[2];
    uint8_t chr[8];
    uint8_t style;  // $B003
    uint8_t unused[1];
};

void power_on(Machine& m) {
    registers<Vrc6>(m).irq.prescaler = 341;
}

void map(Machine& m) {
    const Vrc6& r = registers<Vrc6>(m);
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x4000, r.prg[0] & 0x0F);
    m.map_prg(0xC000, 0x2000, r.prg[1] & 0x1F);
    m.map_prg(0xE000, 0x2000, -1);
    // The games use one style of banks and mirroring alone, bits 0-1 and 4 being 0.
    for (int i = 0; i < 8; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x400), 0x400, r.chr[i]);
    choose_mirroring(m, kVrcMirrorings[r.style >> 2 & 3]);
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Vrc6& r = registers<Vrc6>(m);
    unsigned index = address & 3;
    if (m.cartridge().mapper == 26)
        index = (index >> 1) | (index << 1 & 2);
    switch (address >> 12) {
        case 0x8:
        case 0xC:
            r.prg[address >> 14 & 1] = value;
            map(m);
            break;
        case 0xB:
            if (index == 3 && change_seen_by_ppu(m, r.style, value, cycle))
                map(m);
            break;
        case 0xD:
        case 0xE:
            if (change_seen_by_ppu(m, r.chr[(address >= 0xE000 ? 4 : 0) + index], value, cycle))
                map(m);
            break;
        case 0xF:
            if (index == 0)
                r.irq.write_latch(m, value, 0xFF, cycle);
            else if (index == 1)
                r.irq.write_control(m, value, cycle);
            else if (index == 2)
                r.irq.acknowledge(m, cycle);
            break;
    }
}

void catch_up(Machine& m, Cycle cycle) {
    registers<Vrc6>(m).irq.catch_up(m, cycle);
}
Cycle next_irq(const Machine& m) {
    return registers<Vrc6>(m).irq.next(m);
}

constexpr Mapper board(uint16_t number, const char* name) {
    return {.number = number,
            .name = name,
            .power_on = power_on,
            .map = map,
            .write = write,
            .catch_up = catch_up,
            .next_irq = next_irq};
}

}  // namespace

const Mapper kVrc6a = board(24, "Konami VRC6a");
const Mapper kVrc6b = board(26, "Konami VRC6b");

}  // namespace colibri
