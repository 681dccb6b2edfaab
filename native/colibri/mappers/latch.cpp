// Boards with one register, that a write anywhere in a range sets: discrete logic, mostly.

#include "boards.h"

namespace colibri {
namespace {

uint8_t latch(const Machine& m) {
    return m.s().mapper.registers[0];
}

// Sets the register. A change of the bits that the PPU sees must not show before `cycle`.
void set_latch(Machine& m, uint8_t value, uint8_t seen_by_ppu, Cycle cycle) {
    uint8_t changed = latch(m) ^ value;
    if (changed == 0)
        return;
    if (changed & seen_by_ppu)
        change_for_ppu(m, cycle);
    m.s().mapper.registers[0] = value;
    m.mapper().map(m);
}

template <uint8_t seen_by_ppu>
void write_8000(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address >= 0x8000)
        set_latch(m, value, seen_by_ppu, cycle);
}
// As FCEUX does, believes in bus conflicts only where the header is sure of them.
template <uint8_t seen_by_ppu>
void write_8000_by_submapper(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address >= 0x8000)
        set_latch(m, m.cartridge().submapper == 2 ? bus_conflict(m, address, value) : value,
                  seen_by_ppu, cycle);
}
void write_6000(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address >= 0x6000 && address < 0x8000)
        set_latch(m, value, 0xFF, cycle);
}
void write_4100(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if ((address & 0xE100) == 0x4100)
        set_latch(m, value, 0xFF, cycle);
}

// What most of these boards do alike.
void map_low_prg(Machine& m, int bank) {  // 16 KB at $8000, the last at $C000
    m.map_prg(0x8000, 0x4000, bank);
    m.map_prg(0xC000, 0x4000, -1);
}
void map_rest(Machine& m, int chr_bank) {
    map_plain_prg_ram(m);
    m.map_chr(0, 0x2000, chr_bank);
    m.map_mirroring(m.cartridge().mirroring);
}

// https://www.nesdev.org/wiki/UxROM
void map_uxrom(Machine& m) {
    map_low_prg(m, latch(m));
    map_rest(m, 0);
}
// https://www.nesdev.org/wiki/INES_Mapper_003
void map_cnrom(Machine& m) {
    m.map_prg(0x8000, 0x8000, 0);
    map_rest(m, latch(m));
}
// https://www.nesdev.org/wiki/AxROM
void map_axrom(Machine& m) {
    m.map_prg(0x8000, 0x8000, latch(m) & 0x0F);
    map_rest(m, 0);
    choose_mirroring(m, single(latch(m) & 0x10));
}
// https://www.nesdev.org/wiki/Color_Dreams
void map_color_dreams(Machine& m) {
    m.map_prg(0x8000, 0x8000, latch(m) & 0x0F);
    map_rest(m, latch(m) >> 4);
}
// https://www.nesdev.org/wiki/CPROM
void map_cprom(Machine& m) {
    m.map_prg(0x8000, 0x8000, 0);
    map_rest(m, 0);
    m.map_chr(0x0000, 0x1000, 0);
    m.map_chr(0x1000, 0x1000, latch(m) & 3);
}
// https://www.nesdev.org/wiki/GxROM
void map_gxrom(Machine& m) {
    m.map_prg(0x8000, 0x8000, latch(m) >> 4);
    map_rest(m, latch(m) & 0x0F);
}
// https://www.nesdev.org/wiki/INES_Mapper_070 https://www.nesdev.org/wiki/INES_Mapper_152
void map_bandai(Machine& m) {
    const bool chooses = m.cartridge().mapper == 152;
    map_low_prg(m, latch(m) >> 4 & (chooses ? 7 : 15));
    map_rest(m, latch(m) & 0x0F);
    if (chooses)
        choose_mirroring(m, single(latch(m) & 0x80));
}
// Holy Diver and Uchuusen: Cosmo Carrier; old headers tell them apart by the four-screen bit.
// https://www.nesdev.org/wiki/INES_Mapper_078
void map_holy_diver(Machine& m) {
    map_low_prg(m, latch(m) & 7);
    map_rest(m, latch(m) >> 4);
    const Cartridge& c = m.cartridge();
    const bool high = latch(m) & 0x08;
    m.map_mirroring(c.submapper == 3 || c.mirroring == Mirroring::four_screen ? vertical_if(high)
                                                                              : single(high));
}
// NINA-03 and NINA-06, and 113's multicart. https://www.nesdev.org/wiki/NINA-003-006
void map_nina03(Machine& m) {
    m.map_prg(0x8000, 0x8000, latch(m) >> 3 & 1);
    map_rest(m, latch(m) & 7);
}
// https://www.nesdev.org/wiki/INES_Mapper_113
void map_hes(Machine& m) {
    m.map_prg(0x8000, 0x8000, latch(m) >> 3 & 7);
    map_rest(m, (latch(m) & 7) | (latch(m) >> 3 & 8));
    choose_mirroring(m, vertical_if(latch(m) & 0x80));
}
// https://www.nesdev.org/wiki/INES_Mapper_087
void map_j87(Machine& m) {
    m.map_prg(0x8000, 0x8000, 0);
    m.map_prg_ram(0x6000, 0x2000, 0, false, false);
    m.map_chr(0, 0x2000, (latch(m) >> 1 & 1) | (latch(m) << 1 & 2));
    m.map_mirroring(m.cartridge().mirroring);
}
// https://www.nesdev.org/wiki/INES_Mapper_089
void map_sunsoft2(Machine& m) {
    map_low_prg(m, latch(m) >> 4 & 7);
    map_rest(m, (latch(m) & 7) | (latch(m) >> 4 & 8));
    choose_mirroring(m, single(latch(m) & 0x08));
}
// https://www.nesdev.org/wiki/INES_Mapper_093
void map_sunsoft3r(Machine& m) {
    map_low_prg(m, latch(m) >> 4 & 7);
    map_rest(m, 0);
}
// https://www.nesdev.org/wiki/INES_Mapper_094
void map_un1rom(Machine& m) {
    map_low_prg(m, latch(m) >> 2 & 7);
    map_rest(m, 0);
}
// https://www.nesdev.org/wiki/INES_Mapper_097
void map_irem97(Machine& m) {
    m.map_prg(0x8000, 0x4000, -1);
    m.map_prg(0xC000, 0x4000, latch(m) & 0x0F);
    map_rest(m, 0);
    choose_mirroring(m, vertical_if(latch(m) & 0x80));
}
// https://www.nesdev.org/wiki/INES_Mapper_140
void map_jf11(Machine& m) {
    m.map_prg(0x8000, 0x8000, latch(m) >> 4 & 3);
    m.map_prg_ram(0x6000, 0x2000, 0, false, false);
    m.map_chr(0, 0x2000, latch(m) & 0x0F);
    m.map_mirroring(m.cartridge().mirroring);
}
// https://www.nesdev.org/wiki/INES_Mapper_180
void map_crazy_climber(Machine& m) {
    m.map_prg(0x8000, 0x4000, 0);
    m.map_prg(0xC000, 0x4000, latch(m));
    map_rest(m, 0);
}
// https://www.nesdev.org/wiki/INES_Mapper_184
void map_sunsoft1(Machine& m) {
    m.map_prg(0x8000, 0x8000, 0);
    m.map_prg_ram(0x6000, 0x2000, 0, false, false);
    m.map_chr(0x0000, 0x1000, latch(m) & 7);
    m.map_chr(0x1000, 0x1000, latch(m) >> 4 & 7);
    m.map_mirroring(m.cartridge().mirroring);
}

// CNROM whose CHR answers only to the right value: that is the protection. Disabled, the PPU reads
// its bus; $FF is what the games expect there not to be CHR.
// https://www.nesdev.org/wiki/INES_Mapper_185
constexpr auto kNothing = [] {
    std::array<uint8_t, 0x400> bytes{};
    bytes.fill(0xFF);
    return bytes;
}();
void map_cnrom_protected(Machine& m) {
    m.map_prg(0x8000, 0x8000, 0);
    map_rest(m, 0);
    const uint8_t submapper = m.cartridge().submapper, value = latch(m);
    // Without a submapper, the one rule that all of the games pass; from FCEUX.
    const bool enabled = submapper >= 4 && submapper <= 7 ? (value & 3) == submapper - 4
                                                          : (value & 3) != 0 && value != 0x13;
    if (!enabled) {
        m.chr_page.fill(kNothing.data());
        m.chr_write_page.fill(nullptr);
    }
}

constexpr Mapper board(uint16_t number, const char* name, void (*map)(Machine&),
                       void (*write)(Machine&, uint16_t, uint8_t, Cycle)) {
    return {.number = number, .name = name, .power_on = no_power_on, .map = map, .write = write};
}

}  // namespace

// A board whose register banks PRG alone leaves the PPU where it is.
const Mapper kUxrom = board(2, "UxROM", map_uxrom, write_8000_by_submapper<0>);
const Mapper kCnrom = board(3, "CNROM", map_cnrom, write_8000_by_submapper<0xFF>);
const Mapper kAxrom = board(7, "AxROM", map_axrom, write_8000_by_submapper<0x10>);
const Mapper kColorDreams = board(11, "Color Dreams", map_color_dreams, write_8000<0xF0>);
const Mapper kCprom = board(13, "CPROM", map_cprom, write_8000<0xFF>);
const Mapper kGxrom = board(66, "GxROM", map_gxrom, write_8000<0x0F>);
const Mapper kBandai70 = board(70, "Bandai 74161", map_bandai, write_8000<0x0F>);
const Mapper kHolyDiver = board(78, "Irem 74HC161", map_holy_diver, write_8000<0xF8>);
const Mapper kNina03 = board(79, "NINA-03", map_nina03, write_4100);
const Mapper kJ87 = board(87, "Jaleco and Konami J87", map_j87, write_6000);
const Mapper kSunsoft2 = board(89, "Sunsoft-2", map_sunsoft2, write_8000<0xFF>);
const Mapper kSunsoft3r = board(93, "Sunsoft-3R", map_sunsoft3r, write_8000<0>);
const Mapper kUn1rom = board(94, "UN1ROM", map_un1rom, write_8000<0>);
const Mapper kIrem97 = board(97, "Irem TAM-S1", map_irem97, write_8000<0x80>);
const Mapper kNina06 = board(113, "NINA-06 multicart", map_hes, write_4100);
const Mapper kJf11 = board(140, "Jaleco JF-11", map_jf11, write_6000);
const Mapper kBandai152 = board(152, "Bandai 74161 one-screen", map_bandai, write_8000<0xFF>);
const Mapper kCrazyClimber = board(180, "UNROM with 74HC08", map_crazy_climber, write_8000<0>);
const Mapper kSunsoft1 = board(184, "Sunsoft-1", map_sunsoft1, write_6000);
const Mapper kCnromProtected =
    board(185, "CNROM with protection", map_cnrom_protected, write_8000<0xFF>);

}  // namespace colibri
