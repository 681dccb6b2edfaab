// Konami VRC1 (75) and VRC3 (73).
// https://www.nesdev.org/wiki/VRC1 https://www.nesdev.org/wiki/VRC3

#include "boards.h"

namespace colibri {
namespace {

struct Vrc1 {
    uint8_t prg[3];
    uint8_t mode;  // bit 0: mirroring; 1 and 2: the highest bits of CHR
    uint8_t chr[2];
};

void map_vrc1(Machine& m) {
    const Vrc1& r = registers<Vrc1>(m);
    map_plain_prg_ram(m);
    for (int i = 0; i < 3; i++)
        m.map_prg(static_cast<uint16_t>(0x8000 + i * 0x2000), 0x2000, r.prg[i] & 0x0F);
    m.map_prg(0xE000, 0x2000, -1);
    m.map_chr(0x0000, 0x1000, (r.chr[0] & 0x0F) | (r.mode & 2) << 3);
    m.map_chr(0x1000, 0x1000, (r.chr[1] & 0x0F) | (r.mode & 4) << 2);
    choose_mirroring(m, vertical_if(!(r.mode & 1)));
}

void write_vrc1(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    Vrc1& r = registers<Vrc1>(m);
    switch (address >> 12) {
        case 0x8:
        case 0xA:
        case 0xC:
            r.prg[((address >> 12) - 8) / 2] = value;
            map_vrc1(m);
            break;
        case 0x9:
            if (change_seen_by_ppu(m, r.mode, value, cycle))
                map_vrc1(m);
            break;
        case 0xE:
        case 0xF:
            if (change_seen_by_ppu(m, r.chr[address >> 12 & 1], value, cycle))
                map_vrc1(m);
            break;
    }
}

struct Vrc3 {
    uint16_t latch;
    uint16_t counter;
    uint8_t control;  // bit 0: go on after the acknowledgement; 1: enabled; 2: low 8 bits alone
    uint8_t prg;
};

constexpr uint8_t kEnabled = 2, kLowByteOnly = 4;

void map_vrc3(Machine& m) {
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x4000, registers<Vrc3>(m).prg & 7);
    m.map_prg(0xC000, 0x4000, -1);
    m.map_chr(0, 0x2000, 0);
    m.map_mirroring(m.cartridge().mirroring);
}

// Steps, one a cycle, until the counter goes over its end.
int64_t to_overflow(const Vrc3& r) {
    return r.control & kLowByteOnly ? 0x100 - (r.counter & 0xFF) : 0x10000 - r.counter;
}

void catch_up_vrc3(Machine& m, Cycle cycle) {
    Vrc3& r = registers<Vrc3>(m);
    const int64_t began = m.s().mapper.caught_up, elapsed = take_elapsed(m, cycle);
    if (elapsed == 0 || !(r.control & kEnabled))
        return;
    const int64_t first = to_overflow(r), mask = r.control & kLowByteOnly ? 0xFF : 0xFFFF;
    int64_t count = (r.counter & mask) + elapsed;
    if (elapsed >= first) {
        const int64_t latch = r.latch & mask;
        count = latch + (elapsed - first) % (mask + 1 - latch);
        if (!pulls_irq(m))
            m.set_irq(kMapperIrq, static_cast<Cycle>(began + first));
    }
    r.counter = static_cast<uint16_t>((r.counter & ~mask) | count);
}

Cycle next_irq_vrc3(const Machine& m) {
    const Vrc3& r = registers<Vrc3>(m);
    if (!(r.control & kEnabled) || pulls_irq(m))
        return kNever;
    return cycle_or_never(m.s().mapper.caught_up + to_overflow(r));
}

void write_vrc3(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Vrc3& r = registers<Vrc3>(m);
    const unsigned group = address >> 12;
    if (group == 0xF) {
        r.prg = value;
        map_vrc3(m);
        return;
    }
    catch_up_vrc3(m, cycle);
    if (group < 0xC) {
        const unsigned shift = (group - 8) * 4;
        r.latch = static_cast<uint16_t>((r.latch & ~(0xFu << shift)) | (value & 0xFu) << shift);
    } else if (group == 0xC) {
        m.clear_irq(kMapperIrq);
        r.control = value & 7;
        if (r.control & kEnabled)
            r.counter = r.latch;
    } else if (group == 0xD) {
        m.clear_irq(kMapperIrq);
        r.control = static_cast<uint8_t>((r.control & ~kEnabled) | (r.control & 1) << 1);
    }
    m.schedule();
}

}  // namespace

const Mapper kVrc1{.number = 75,
                   .name = "Konami VRC1",
                   .power_on = no_power_on,
                   .map = map_vrc1,
                   .write = write_vrc1};
const Mapper kVrc3{.number = 73,
                   .name = "Konami VRC3",
                   .power_on = no_power_on,
                   .map = map_vrc3,
                   .write = write_vrc3,
                   .catch_up = catch_up_vrc3,
                   .next_irq = next_irq_vrc3};

}  // namespace colibri
