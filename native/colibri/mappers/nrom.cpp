// NROM: no registers. https://www.nesdev.org/wiki/NROM

#include "boards.h"

namespace colibri {
namespace {

void map(Machine& m) {
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x8000, 0);
    m.map_chr(0, 0x2000, 0);
    m.map_mirroring(m.cartridge().mirroring);
}

void write(Machine&, uint16_t, uint8_t, Cycle) {}

}  // namespace

const Mapper kNrom{
    .number = 0, .name = "NROM", .power_on = no_power_on, .map = map, .write = write};

}  // namespace colibri
