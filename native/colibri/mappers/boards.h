// What the mappers' files share: their tables, and the few things that many boards do alike.
#pragma once

#include <algorithm>

#include "../machine.h"

namespace colibri {

// The name of a mapper that is known to exist and not supported here, or null.
const char* unsupported_mapper_name(uint16_t number);

// MapperState::registers, as a mapper names them: a struct of plain integers.
template <class Fields>
Fields& registers(Machine& m) {
    static_assert(sizeof(Fields) <= sizeof(MapperState::registers));
    static_assert(alignof(Fields) <= alignof(MapperState));
    static_assert(std::is_trivially_copyable_v<Fields>);
    static_assert(std::has_unique_object_representations_v<Fields>);
    return *reinterpret_cast<Fields*>(m.s().mapper.registers);
}
template <class Fields>
const Fields& registers(const Machine& m) {
    return registers<Fields>(const_cast<Machine&>(m));
}

// To be called before banks or mirroring change for the PPU at `cycle`: until there it sees the old
// ones, and what it foretold with them is void.
inline void change_for_ppu(Machine& m, Cycle cycle) {
    ppu::catch_up(m, cycle);
    m.status_lasts = 0;
}

// Sets a register that the PPU sees; it must not see the change before `cycle`. Returns whether
// it is a change.
inline bool change_seen_by_ppu(Machine& m, uint8_t& target, uint8_t value, Cycle cycle) {
    if (target == value)
        return false;
    change_for_ppu(m, cycle);
    target = value;
    return true;
}

// Mirroring that the mapper chooses. On a board with RAM for four screens it chooses nothing.
inline void choose_mirroring(Machine& m, Mirroring mirroring) {
    m.map_mirroring(m.cartridge().mirroring == Mirroring::four_screen ? Mirroring::four_screen
                                                                      : mirroring);
}
inline Mirroring vertical_if(bool vertical) {
    return vertical ? Mirroring::vertical : Mirroring::horizontal;
}
inline Mirroring single(bool high) {
    return high ? Mirroring::single_high : Mirroring::single_low;
}
// As Konami's VRCs and Sunsoft's chips number them.
inline constexpr Mirroring kVrcMirrorings[] = {Mirroring::vertical, Mirroring::horizontal,
                                               Mirroring::single_low, Mirroring::single_high};

// One of the console's two nametables in one of the four places.
inline void map_own_nametable(Machine& m, int where, bool high) {
    uint8_t* page = m.s().ppu.nametables + (high ? 0x400 : 0);
    m.map_nametable(where, page, page);
}

inline void map_plain_prg_ram(Machine& m) {
    m.map_prg_ram(0x6000, 0x2000, 0, true, true);
}

// What the ROM puts on the bus while the CPU writes: on boards without a decoder both show.
inline uint8_t bus_conflict(const Machine& m, uint16_t address, uint8_t value) {
    const uint8_t* page = m.read_page[address >> 11];
    return page == nullptr ? value : value & page[address & 0x7FF];
}

// A time that may lie beyond what can be told, as kNever.
inline Cycle cycle_or_never(int64_t cycle) {
    return static_cast<Cycle>(std::min<int64_t>(cycle, kNever));
}
// The CPU cycles since MapperState::caught_up, which this sets to `cycle`.
inline int64_t take_elapsed(Machine& m, Cycle cycle) {
    int64_t elapsed = int64_t{cycle} - m.s().mapper.caught_up;
    if (elapsed <= 0)
        return 0;
    m.s().mapper.caught_up = cycle;
    return elapsed;
}
inline bool pulls_irq(const Machine& m) {
    return m.s().cpu.irq & kMapperIrq;
}

inline void no_power_on(Machine&) {}

extern const Mapper kNrom, kMmc1, kUxrom, kCnrom, kMmc3, kAxrom, kMmc2, kMmc4, kColorDreams, kCprom,
    kVrc4ac, kVrc2a, kVrc4ef, kVrc6a, kVrc4bd, kVrc6b, kBnromNina, kGxrom, kFme7, kBandai70,
    kCamerica, kVrc3, kVrc1, kNamco3446, kHolyDiver, kNina03, kVrc7, kJ87, kNamco3433, kSunsoft2,
    kSunsoft3r, kUn1rom, kNamco3425, kIrem97, kNina06, kTxsrom, kTqrom, kJf11, kBandai152,
    kNamco3453, kMmc1a, kCrazyClimber, kSunsoft1, kCnromProtected, kNamco108, kNamco175, kAction52,
    kQuattro, kIremG101, kTaito33;

}  // namespace colibri
