// Two joypads, or four on a Four Score. https://www.nesdev.org/wiki/Standard_controller
// https://www.nesdev.org/wiki/Four_player_adapters
#include <algorithm>

#include "cpu.h"

namespace colibri::joypads {

namespace {

void reload(State& s) {
    for (int port = 0; port < 4; ++port) {
        s.shift[port] = s.held[port];
        s.shifted[port] = 0;
    }
}

}  // namespace

void hold(Machine& m, const std::array<uint8_t, 4>& held) {
    State& s = m.s();
    for (int port = 0; port < 4; ++port)
        s.held[port] = held[port];
    if (s.strobe)
        reload(s);
}

// The chip puts out what was written when its clock turns from getting to putting. So what a
// read-modify-write opcode writes first, in a cycle that puts, is never seen.
void write(Machine& m, uint8_t value, Wire& wire, Cycle cycle) {
    State& s = m.s();
    if (wire.cycle != cycle - 1 || m.puts(cycle)) {
        wire.strobe = s.strobe;
        std::copy_n(s.shift, 4, wire.shift);
        std::copy_n(s.shifted, 4, wire.shifted);
    } else {
        s.strobe = wire.strobe;
        std::copy_n(wire.shift, 4, s.shift);
        std::copy_n(wire.shifted, 4, s.shifted);
    }
    wire.cycle = cycle;
    if (s.strobe || (value & 1))
        reload(s);
    s.strobe = value & 1;
}

// Reads in a row are one to the joypad, whose clock does not fall in between.
uint8_t read(Machine& m, int port, bool again) {
    State& s = m.s();
    s.polled = 1;
    const int taken = s.shifted[port] - (again && s.shifted[port] ? 1 : 0);
    if (!again && !s.strobe && s.shifted[port] < 25)
        ++s.shifted[port];
    if (taken < 8)
        return s.shift[port] >> taken & 1;
    if (!(s.options & 1) || taken >= 24)
        return 1;
    if (taken < 16)
        return s.shift[port + 2] >> (taken - 8) & 1;
    return taken == 19 - port;  // who it is
}

}  // namespace colibri::joypads
