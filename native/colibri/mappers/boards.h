// What the mappers' files share: their tables, and the few things that many boards do alike.
#pragma once

#include "../machine.h"

namespace colibri {

// The name of a mapper that is known to exist and not supported here, or null.
const char* unsupported_mapper_name(uint16_t number);

// MapperState::registers, as a mapper names them: a struct of plain integers.
template <class Registers>
Registers& registers(Machine& m) {
    static_assert(sizeof(Registers) <= sizeof(MapperState::registers));
    static_assert(alignof(Registers) <= alignof(MapperState));
    static_assert(std::is_trivially_copyable_v<Registers>);
    static_assert(std::has_unique_object_representations_v<Registers>);
    return *reinterpret_cast<Registers*>(m.s().mapper.registers);
}
template <class Registers>
const Registers& registers(const Machine& m) {
    return registers<Registers>(const_cast<Machine&>(m));
}

// Mirroring that the mapper chooses. On a board with RAM for four screens it chooses nothing.
inline void choose_mirroring(Machine& m, Mirroring mirroring) {
    m.map_mirroring(m.cartridge().mirroring == Mirroring::four_screen ? Mirroring::four_screen
                                                                      : mirroring);
}
// The two bits of MMC1's and others' registers mean different things: each has its own order.
inline Mirroring vertical_if(bool vertical) {
    return vertical ? Mirroring::vertical : Mirroring::horizontal;
}
inline Mirroring single(bool high) {
    return high ? Mirroring::single_high : Mirroring::single_low;
}
// As VRC2, VRC4, VRC6, VRC7 and FME-7 number them.
inline constexpr Mirroring kVrcMirrorings[] = {Mirroring::vertical, Mirroring::horizontal,
                                               Mirroring::single_low, Mirroring::single_high};

inline void map_plain_prg_ram(Machine& m) {
    m.map_prg_ram(0x6000, 0x2000, 0, true, true);
}

// What the ROM puts on the bus while the CPU writes: on boards without a decoder both show.
inline uint8_t bus_conflict(const Machine& m, uint16_t address, uint8_t value) {
    const uint8_t* page = m.read_page[address >> 11];
    return page == nullptr ? value : value & page[address & 0x7FF];
}

inline void no_power_on(Machine&) {}

extern const Mapper kNrom, kMmc1, kMmc1a, kUxrom, kCnrom, kMmc3, kAxrom, kMmc2, kMmc4;

}  // namespace colibri
