// MMC1, and its boards by their sizes. https://www.nesdev.org/wiki/MMC1
//
// Bits beyond what CHR needs choose among PRG ROM and RAM: which, depends on the board, and the
// board on what is there.

#include "boards.h"

namespace colibri {
namespace {

struct Mmc1 {
    uint8_t shift;  // bits so far, the first one lowest
    uint8_t count;  // of them
    uint8_t control;
    uint8_t chr[2];
    uint8_t prg;
};

constexpr uint8_t kChr4k = 0x10;

void power_on(Machine& m) {
    registers<Mmc1>(m).control = 0x0C;  // the last bank at $C000
    m.s().mapper.caught_up = -2;        // the cycle of the last write
}

bool is_mmc1a(const Machine& m) {
    return m.cartridge().mapper == 155;
}

void map_prg(Machine& m) {
    const Mmc1& r = registers<Mmc1>(m);
    const Cartridge& c = m.cartridge();

    if (c.submapper == 5) {  // SEROM, SHROM: 32 KB that nothing switches
        m.map_prg(0x8000, 0x8000, 0);
    } else {
        int outer = c.prg.size() > 0x40000 ? r.chr[0] & 0x10 : 0;  // SUROM, SXROM: 256 KB of 512
        int bank = r.prg & 0x0F;
        switch (r.control >> 2 & 3) {
            case 2:
                m.map_prg(0x8000, 0x4000, outer);
                m.map_prg(0xC000, 0x4000, outer | bank);
                break;
            case 3:
                m.map_prg(0x8000, 0x4000, outer | bank);
                m.map_prg(0xC000, 0x4000, outer | 0x0F);
                break;
            default:
                m.map_prg(0x8000, 0x8000, (outer | bank) >> 1);
        }
    }

    bool enabled = is_mmc1a(m) || !(r.prg & 0x10);
    int bank = 0;
    if (c.prg_ram_size > 0x4000)
        bank = r.chr[0] >> 2 & 3;  // SXROM
    else if (c.prg_ram_size > 0x2000)
        bank = c.chr.size() > 0x2000 ? r.chr[0] >> 4 & 1 : r.chr[0] >> 3 & 1;  // SZROM, SOROM
    else if (c.chr.empty() && c.prg.size() <= 0x40000 && c.battery)
        enabled = enabled && !(r.chr[0] & 0x10);  // SNROM
    m.map_prg_ram(0x6000, 0x2000, bank, enabled, enabled);
}

void map_chr(Machine& m) {
    const Mmc1& r = registers<Mmc1>(m);
    if (r.control & kChr4k) {
        m.map_chr(0x0000, 0x1000, r.chr[0]);
        m.map_chr(0x1000, 0x1000, r.chr[1]);
    } else {
        m.map_chr(0x0000, 0x2000, r.chr[0] >> 1);
    }
}

void map(Machine& m) {
    static constexpr Mirroring kMirrorings[] = {Mirroring::single_low, Mirroring::single_high,
                                                Mirroring::vertical, Mirroring::horizontal};
    map_prg(m);
    map_chr(m);
    choose_mirroring(m, kMirrorings[registers<Mmc1>(m).control & 3]);
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Mmc1& r = registers<Mmc1>(m);
    // Of two writes in consecutive cycles, as INC makes them, the second is ignored, but for its
    // reset bit.
    bool consecutive = m.s().mapper.caught_up == cycle - 1;
    m.s().mapper.caught_up = cycle;
    if (value & 0x80) {
        r.shift = r.count = 0;
        if ((r.control & 0x0C) != 0x0C) {
            r.control |= 0x0C;
            map_prg(m);
        }
        return;
    }
    if (consecutive)
        return;
    r.shift |= (value & 1) << (r.count & 7);
    if (++r.count < 5)
        return;

    uint8_t full = r.shift;
    r.shift = r.count = 0;
    unsigned which = address >> 13 & 3;
    uint8_t& changed = which == 0 ? r.control : which == 3 ? r.prg : r.chr[which - 1];
    if (which != 3) {
        if (change_seen_by_ppu(m, changed, full, cycle))
            map(m);
    } else if (changed != full) {
        changed = full;
        map_prg(m);
    }
}

// Only one cycle of the past matters. Called when a frame ends, lest the time of the last write
// go on and on into the past.
void forget(Machine& m, Cycle cycle) {
    if (m.s().mapper.caught_up < cycle - 1)
        m.s().mapper.caught_up = cycle - 2;
}

}  // namespace

const Mapper kMmc1{.number = 1,
                   .name = "MMC1",
                   .power_on = power_on,
                   .map = map,
                   .write = write,
                   .catch_up = forget};
const Mapper kMmc1a{.number = 155,
                    .name = "MMC1A",
                    .power_on = power_on,
                    .map = map,
                    .write = write,
                    .catch_up = forget};

}  // namespace colibri
