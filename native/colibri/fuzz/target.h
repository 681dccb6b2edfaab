// What the fuzz targets share. A target reads any bytes (libFuzzer's entry function) and says how
// bytes that come far are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../hooks.h"
#include "../machine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace colibri::fuzz {

struct Random {  // SplitMix64
    uint64_t state;
    uint64_t next() {
        uint64_t z = state += 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
    // 0 to n - 1
    uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
    uint8_t byte() { return static_cast<uint8_t>(next() >> 32); }
    bool one_in(uint32_t n) { return below(n) == 0; }
};

// Bytes as they are eaten; 0 when there are none.
struct Food {
    const uint8_t* at;
    const uint8_t* end;
    uint8_t byte() { return at == end ? 0 : *at++; }
    uint16_t word() {
        const uint8_t low = byte();
        return static_cast<uint16_t>(low | byte() << 8);
    }
    size_t left() const { return static_cast<size_t>(end - at); }
};

// An input of this target (each target's file).
std::vector<uint8_t> make_input(Random& random);

// A ROM file of a known mapper with a program that goes on for a while: it writes to all registers,
// loops, and waits.
std::vector<uint8_t> make_rom(Random& random);
std::vector<uint8_t> make_rom(Random& random, uint16_t mapper);
extern const std::vector<uint16_t> kAllMappers;

// Stops the program when something is not as it must be.
inline void expect(bool ok, const char* what) {
    if (ok)
        return;
    std::fprintf(stderr, "fuzz: %s\n", what);
    std::abort();
}

using Held = std::array<uint8_t, 4>;

// A frame has 10,000 instructions; most of what they do, a few of them do. So an input runs some
// instructions here and there in a frame.

// Some instructions on the exact bus, or to the frame's end.
void run_some(Machine& machine, const Held& held, int instructions);
// Lets time pass up to the frame's last cycles, as if the CPU had been halted. Dear while the
// picture is on: the PPU has to go through all of it.
void skip_to_last(Machine& machine, Cycle cycles);
// Whether the frame's end is so near that it is cheap to run to it.
bool near_end(const Machine& machine);

}  // namespace colibri::fuzz
