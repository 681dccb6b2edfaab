// Namco 108, from which MMC3 grew: banks without IRQ or mirroring. Boards 206 (DxROM), 76, 88, 95
// and 154 wire its CHR lines each in their own way.
// https://www.nesdev.org/wiki/INES_Mapper_206

#include "boards.h"

namespace colibri {
namespace {

struct Namco108 {
    uint8_t command;
    uint8_t bank[8];
};

void power_on(Machine& m) {
    registers<Namco108>(m).bank[7] = 1;
}

void map_chr(Machine& m) {
    const Namco108& r = registers<Namco108>(m);
    const uint16_t board = m.cartridge().mapper;
    if (board == 76) {
        for (int i = 0; i < 4; i++)
            m.map_chr(static_cast<uint16_t>(i * 0x800), 0x800, r.bank[i + 2] & 0x3F);
        return;
    }
    // 88 and 154 have 128 KB: the left half sees the first 64, the right half the others.
    const bool halves = board == 88 || board == 154;
    for (int i = 0; i < 2; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x800), 0x800, (r.bank[i] & 0x3F) >> 1);
    for (int i = 0; i < 4; i++)
        m.map_chr(static_cast<uint16_t>(0x1000 + i * 0x400), 0x400,
                  (r.bank[i + 2] & 0x3F) | (halves ? 0x40 : 0));
}

void map(Machine& m) {
    const Namco108& r = registers<Namco108>(m);
    map_plain_prg_ram(m);
    if (m.cartridge().mapper == 206 && m.cartridge().submapper == 1) {  // 32 KB, not banked
        m.map_prg(0x8000, 0x8000, 0);
    } else {
        m.map_prg(0x8000, 0x2000, r.bank[6] & 0x0F);
        m.map_prg(0xA000, 0x2000, r.bank[7] & 0x0F);
        m.map_prg(0xC000, 0x4000, -1);
    }
    map_chr(m);
    switch (m.cartridge().mapper) {
        case 95:  // https://www.nesdev.org/wiki/INES_Mapper_095
            for (int i = 0; i < 4; i++)
                map_own_nametable(m, i, r.bank[i / 2] & 0x20);
            break;
        case 154:  // https://www.nesdev.org/wiki/INES_Mapper_154
            choose_mirroring(m, single(r.command & 0x40));
            break;
        default:
            m.map_mirroring(m.cartridge().mirroring);
    }
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Namco108& r = registers<Namco108>(m);
    if (!(address & 1)) {
        if (m.cartridge().mapper == 154 && (r.command ^ value) & 0x40) {
            change_for_ppu(m, cycle);
            r.command = value;
            map(m);
        }
        r.command = value;
        return;
    }
    if (change_seen_by_ppu(m, r.bank[r.command & 7], value, cycle))
        map(m);
}

}  // namespace

const Mapper kNamco108{
    .number = 206, .name = "Namco 108", .power_on = power_on, .map = map, .write = write};
const Mapper kNamco3446{
    .number = 76, .name = "Namco 3446", .power_on = power_on, .map = map, .write = write};
const Mapper kNamco3433{
    .number = 88, .name = "Namco 3433", .power_on = power_on, .map = map, .write = write};
const Mapper kNamco3425{
    .number = 95, .name = "Namco 3425", .power_on = power_on, .map = map, .write = write};
const Mapper kNamco3453{
    .number = 154, .name = "Namco 3453", .power_on = power_on, .map = map, .write = write};

}  // namespace colibri
