// Namco 175 and 340. https://www.nesdev.org/wiki/INES_Mapper_210

#include "boards.h"

namespace colibri {
namespace {

struct Namco175 {
    uint8_t chr[8];
    uint8_t prg[3];  // with 340's mirroring in bits 6-7 of the first
    uint8_t ram_enabled;
};

void map(Machine& m) {
    const Namco175& r = registers<Namco175>(m);
    const bool is_175 = m.cartridge().submapper == 1;
    for (int i = 0; i < 8; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x400), 0x400, r.chr[i]);
    for (int i = 0; i < 3; i++)
        m.map_prg(static_cast<uint16_t>(0x8000 + i * 0x2000), 0x2000, r.prg[i] & 0x3F);
    m.map_prg(0xE000, 0x2000, -1);
    // Old headers do not tell the two apart; then what either has is there.
    const bool enabled = !is_175 || r.ram_enabled & 1;
    m.map_prg_ram(0x6000, 0x2000, 0, true, enabled);
    static constexpr Mirroring kMirrorings[] = {Mirroring::single_low, Mirroring::vertical,
                                                Mirroring::single_high, Mirroring::horizontal};
    choose_mirroring(m, is_175 ? m.cartridge().mirroring : kMirrorings[r.prg[0] >> 6]);
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Namco175& r = registers<Namco175>(m);
    unsigned which = (address - 0x8000) >> 11;
    uint8_t* target = which < 8                    ? &r.chr[which]
                      : which == 8                 ? &r.ram_enabled
                      : which >= 12 && which <= 14 ? &r.prg[which - 12]
                                                   : nullptr;
    if (target != nullptr && change_seen_by_ppu(m, *target, value, cycle))
        map(m);
}

}  // namespace

const Mapper kNamco175{.number = 210,
                       .name = "Namco 175 and 340",
                       .power_on = no_power_on,
                       .map = map,
                       .write = write};

}  // namespace colibri
