// Boards with one register that a write anywhere in a range sets: discrete logic, mostly.

#include "boards.h"

namespace colibri {
namespace {

uint8_t& latch(Machine& m) {
    return m.s().mapper.registers[0];
}

// Sets the register. A change of what the PPU sees must not show before `cycle`.
void set_latch(Machine& m, uint8_t value, uint8_t seen_by_ppu, Cycle cycle) {
    uint8_t changed = latch(m) ^ value;
    if (changed == 0)
        return;
    if (changed & seen_by_ppu)
        ppu::catch_up(m, cycle);
    latch(m) = value;
    m.mapper().map(m);
}

template <uint8_t seen_by_ppu>
void write_rom(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address >= 0x8000)
        set_latch(m, value, seen_by_ppu, cycle);
}
// FCEUX, too, believes in bus conflicts only where the header is sure of them.
template <uint8_t seen_by_ppu>
void write_rom_by_submapper(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address >= 0x8000)
        set_latch(m, m.cartridge().submapper == 2 ? bus_conflict(m, address, value) : value,
                  seen_by_ppu, cycle);
}

// https://www.nesdev.org/wiki/UxROM
void map_uxrom(Machine& m) {
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x4000, latch(m));
    m.map_prg(0xC000, 0x4000, -1);
    m.map_chr(0, 0x2000, 0);
    m.map_mirroring(m.cartridge().mirroring);
}

// https://www.nesdev.org/wiki/INES_Mapper_003
void map_cnrom(Machine& m) {
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x8000, 0);
    m.map_chr(0, 0x2000, latch(m));
    m.map_mirroring(m.cartridge().mirroring);
}

// https://www.nesdev.org/wiki/AxROM
void map_axrom(Machine& m) {
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x8000, latch(m) & 0x0F);
    m.map_chr(0, 0x2000, 0);
    choose_mirroring(m, single(latch(m) & 0x10));
}

}  // namespace

const Mapper kUxrom{.number = 2,
                    .name = "UxROM",
                    .power_on = no_power_on,
                    .map = map_uxrom,
                    .write = write_rom_by_submapper<0>};
const Mapper kCnrom{.number = 3,
                    .name = "CNROM",
                    .power_on = no_power_on,
                    .map = map_cnrom,
                    .write = write_rom_by_submapper<0xFF>};
const Mapper kAxrom{.number = 7,
                    .name = "AxROM",
                    .power_on = no_power_on,
                    .map = map_axrom,
                    .write = write_rom_by_submapper<0x10>};

}  // namespace colibri
