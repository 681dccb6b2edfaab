// Sunsoft FME-7, without the sound that 5B adds. https://www.nesdev.org/wiki/Sunsoft_FME-7

#include "boards.h"

namespace colibri {
namespace {

struct Fme7 {
    uint16_t counter;
    uint8_t command;
    uint8_t chr[8];
    uint8_t prg[4];  // from $6000; the first with RAM's bits
    uint8_t mirroring;
    uint8_t control;  // bit 7: the counter counts; bit 0: it pulls IRQ
    uint8_t unused[1];
};

constexpr uint8_t kRam = 0x40, kRamEnabled = 0x80, kCounts = 0x80, kPulls = 0x01;

void map(Machine& m) {
    const Fme7& r = registers<Fme7>(m);
    if (r.prg[0] & kRam)
        m.map_prg_ram(0x6000, 0x2000, r.prg[0] & 0x3F, r.prg[0] & kRamEnabled,
                      r.prg[0] & kRamEnabled);
    else
        m.map_prg(0x6000, 0x2000, r.prg[0] & 0x3F);
    for (int i = 1; i < 4; i++)
        m.map_prg(static_cast<uint16_t>(0x6000 + i * 0x2000), 0x2000, r.prg[i] & 0x3F);
    m.map_prg(0xE000, 0x2000, -1);
    for (int i = 0; i < 8; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x400), 0x400, r.chr[i]);
    choose_mirroring(m, kVrcMirrorings[r.mirroring & 3]);
}

// The counter goes down each cycle, and pulls IRQ when it goes from 0 to $FFFF.
void catch_up(Machine& m, Cycle cycle) {
    Fme7& r = registers<Fme7>(m);
    const int64_t began = m.s().mapper.caught_up, elapsed = take_elapsed(m, cycle);
    if (elapsed == 0 || !(r.control & kCounts))
        return;
    if (elapsed > r.counter && r.control & kPulls && !pulls_irq(m))
        m.set_irq(kMapperIrq, static_cast<Cycle>(began + r.counter + 1));
    r.counter = static_cast<uint16_t>(r.counter - elapsed);
}

Cycle next_irq(const Machine& m) {
    const Fme7& r = registers<Fme7>(m);
    if ((r.control & (kCounts | kPulls)) != (kCounts | kPulls) || pulls_irq(m))
        return kNever;
    return cycle_or_never(int64_t{m.s().mapper.caught_up} + r.counter + 1);
}

void write_parameter(Machine& m, uint8_t value, Cycle cycle) {
    Fme7& r = registers<Fme7>(m);
    const uint8_t which = r.command & 0x0F;
    if (which < 8) {
        if (change_seen_by_ppu(m, r.chr[which], value, cycle))
            map(m);
    } else if (which < 12) {
        if (r.prg[which - 8] != value) {
            r.prg[which - 8] = value;
            map(m);
        }
    } else if (which == 12) {
        if (change_seen_by_ppu(m, r.mirroring, value & 3, cycle))
            map(m);
    } else {
        catch_up(m, cycle);
        if (which == 13) {
            r.control = value;
            m.clear_irq(kMapperIrq);
        } else if (which == 14) {
            r.counter = static_cast<uint16_t>((r.counter & 0xFF00) | value);
        } else {
            r.counter = static_cast<uint16_t>((r.counter & 0x00FF) | value << 8);
        }
        m.schedule();
    }
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    switch (address >> 13) {
        case 4:
            registers<Fme7>(m).command = value;
            break;
        case 5:
            write_parameter(m, value, cycle);
            break;
    }
}

}  // namespace

const Mapper kFme7{.number = 69,
                   .name = "Sunsoft FME-7",
                   .power_on = no_power_on,
                   .map = map,
                   .write = write,
                   .catch_up = catch_up,
                   .next_irq = next_irq};

}  // namespace colibri
