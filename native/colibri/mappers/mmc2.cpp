// MMC2 (9) and MMC4 (10): each half of CHR has two banks, and the tiles $FD and $FE, when they are
// fetched, choose. https://www.nesdev.org/wiki/MMC2 https://www.nesdev.org/wiki/MMC4

#include "boards.h"

namespace colibri {
namespace {

struct Mmc2 {
    uint8_t prg;
    uint8_t chr[4];  // left after $FD and $FE, right after $FD and $FE
    uint8_t horizontal;
    uint8_t latch[2];  // of each half: 0 after $FD, 1 after $FE
};

bool is_mmc4(const Machine& m) {
    return m.cartridge().mapper == 10;
}

void power_on(Machine& m) {
    Mmc2& r = registers<Mmc2>(m);
    r.latch[0] = r.latch[1] = 1;
    r.horizontal = m.cartridge().mirroring == Mirroring::horizontal;
}

void map_half(Machine& m, int half) {
    const Mmc2& r = registers<Mmc2>(m);
    m.map_chr(half ? 0x1000 : 0, 0x1000, r.chr[half * 2 + (r.latch[half] & 1)]);
}

void map(Machine& m) {
    const Mmc2& r = registers<Mmc2>(m);
    map_plain_prg_ram(m);
    if (is_mmc4(m)) {
        m.map_prg(0x8000, 0x4000, r.prg);
        m.map_prg(0xC000, 0x4000, -1);
    } else {
        m.map_prg(0x8000, 0x2000, r.prg);
        for (int i = 1; i < 4; i++)
            m.map_prg(static_cast<uint16_t>(0x8000 + i * 0x2000), 0x2000, i - 4);
    }
    map_half(m, 0);
    map_half(m, 1);
    choose_mirroring(m, vertical_if(!r.horizontal));
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0xA000)
        return;
    Mmc2& r = registers<Mmc2>(m);
    switch (address >> 12) {
        case 0xA:
            r.prg = value & 0x0F;
            map(m);
            break;
        case 0xF:
            if (change_seen_by_ppu(m, r.horizontal, value & 1, cycle))
                map(m);
            break;
        default:
            if (change_seen_by_ppu(m, r.chr[(address >> 12) - 0xB], value & 0x1F, cycle))
                map(m);
    }
}

void pattern_fetch(Machine& m, uint16_t address) {
    Mmc2& r = registers<Mmc2>(m);
    int half = address >> 12 & 1;
    // On MMC2's left half, the first row of the tile alone.
    uint16_t tile = address & (half || is_mmc4(m) ? 0x0FF8 : 0x0FFF);
    if (tile != 0x0FD8 && tile != 0x0FE8)
        return;
    uint8_t latch = tile == 0x0FE8;
    if (r.latch[half] == latch)
        return;
    r.latch[half] = latch;
    map_half(m, half);
}

}  // namespace

const Mapper kMmc2{.number = 9,
                   .name = "MMC2",
                   .power_on = power_on,
                   .map = map,
                   .write = write,
                   .pattern_fetch = pattern_fetch};
const Mapper kMmc4{.number = 10,
                   .name = "MMC4",
                   .power_on = power_on,
                   .map = map,
                   .write = write,
                   .pattern_fetch = pattern_fetch};

}  // namespace colibri
