// Konami VRC7, without its sound. https://www.nesdev.org/wiki/VRC7

#include "vrc_irq.h"

namespace colibri {
namespace {

struct Vrc7 {
    VrcIrq irq;
    uint8_t prg[3];
    uint8_t chr[8];
    uint8_t control;  // bits 0-1: mirroring; 7: PRG RAM is enabled
};

void power_on(Machine& m) {
    registers<Vrc7>(m).irq.prescaler = 341;
}

void map(Machine& m) {
    const Vrc7& r = registers<Vrc7>(m);
    const bool enabled = r.control & 0x80;
    m.map_prg_ram(0x6000, 0x2000, 0, enabled, enabled);
    for (int i = 0; i < 3; i++)
        m.map_prg(static_cast<uint16_t>(0x8000 + i * 0x2000), 0x2000, r.prg[i] & 0x3F);
    m.map_prg(0xE000, 0x2000, -1);
    for (int i = 0; i < 8; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x400), 0x400, r.chr[i]);
    choose_mirroring(m, kVrcMirrorings[r.control & 3]);
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Vrc7& r = registers<Vrc7>(m);
    const uint8_t line = m.cartridge().submapper == 1   ? 0x08
                         : m.cartridge().submapper == 2 ? 0x10
                                                        : 0x18;
    const bool second = address & line;
    switch (address >> 12) {
        case 0x8:
            r.prg[second ? 1 : 0] = value;
            map(m);
            break;
        case 0x9:
            if (!second) {  // the others are the sound's
                r.prg[2] = value;
                map(m);
            }
            break;
        case 0xE:
            if (second)
                r.irq.write_latch(m, value, 0xFF, cycle);
            else if (change_seen_by_ppu(m, r.control, value, cycle))
                map(m);
            break;
        case 0xF:
            if (second)
                r.irq.acknowledge(m, cycle);
            else
                r.irq.write_control(m, value, cycle);
            break;
        default:
            if (change_seen_by_ppu(m, r.chr[((address >> 12) - 0xA) * 2 + second], value, cycle))
                map(m);
    }
}

void catch_up(Machine& m, Cycle cycle) {
    registers<Vrc7>(m).irq.catch_up(m, cycle);
}
Cycle next_irq(const Machine& m) {
    return registers<Vrc7>(m).irq.next(m);
}

}  // namespace

const Mapper kVrc7{.number = 85,
                   .name = "Konami VRC7",
                   .power_on = power_on,
                   .map = map,
                   .write = write,
                   .catch_up = catch_up,
                   .next_irq = next_irq};

}  // namespace colibri
