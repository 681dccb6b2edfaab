// Two joypads, or four on a Four Score. https://www.nesdev.org/wiki/Standard_controller
// https://www.nesdev.org/wiki/Four_player_adapters
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

void write(Machine& m, uint8_t value) {
    State& s = m.s();
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
