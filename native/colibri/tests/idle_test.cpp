// Idle-skip on and off, and the exact bus, are the same machine: plays ROMs, small ones of ours and
// those given, with random joypads on three machines (nothing skipped; skipped, on and off at
// random; every cycle an access of its own) and compares their blocks at the end of each frame.
//
//     idle_test FRAMES SEED [ROM...]
//
// Prints a line for each ROM: the frames it compared, and how many of all cycles the second
// machine jumped over. Ends with 1 if a machine differs. Built by
//     g++ -std=c++20 -O2 -I native native/colibri/tests/idle_test.cpp
//     native/colibri/{.,mappers}/*.cpp
// but for console.cpp and fleet.cpp.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "colibri/hooks.h"
#include "colibri/machine.h"

using namespace colibri;

namespace {

bool same(const char* rom, int frame, const char* which, const Machine& a, const Machine& b) {
    for (size_t i = 0; i < a.block_size(); ++i) {
        if (a.block()[i] == b.block()[i])
            continue;
        const auto offset = [](const auto& of, const auto& member) {
            return reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&of);
        };
        const State& s = a.s();
        std::printf(
            "%s: frame %d: byte %zu of the block differs %s (CPU %td, PPU %td, APU %td, "
            "mapper %td, RAM %td): %02X %02X\n",
            rom, frame, i, which, offset(s, s.cpu), offset(s, s.ppu), offset(s, s.apu),
            offset(s, s.mapper), offset(s, s.ram), a.block()[i], b.block()[i]);
        return false;
    }
    return true;
}

bool compare(const char* rom, const std::vector<uint8_t>& file, int frames, unsigned seed,
             double least = 0) {
    std::shared_ptr<const Cartridge> cartridge;
    try {
        cartridge = Cartridge::parse(file);
    } catch (const RomError& error) {
        std::printf("%s: skipped: %s\n", rom, error.what());
        return true;
    }
    Options options;
    options.region = cartridge->region;
    Machine plain(cartridge, options), skipping(cartridge, options), exact(cartridge, options);
    plain.skips_idle = false;
    Hooks hooks;
    exact.hooks = &hooks;
    std::mt19937 random(seed);
    std::array<uint8_t, 4> held{};
    for (int frame = 0; frame < frames; ++frame) {
        if (random() % 8 == 0) {
            held[0] = uint8_t(random() & random());
            held[1] = uint8_t(random() & random() & random());
        }
        if (least == 0 && random() % 16 == 0)
            skipping.skips_idle = random() % 4 != 0;
        if (random() % 2000 == 0) {
            plain.soft_reset();
            skipping.soft_reset();
            exact.soft_reset();
        }
        plain.run_frame(held);
        skipping.run_frame(held);
        exact.run_frame(held);
        if (!same(rom, frame, "when loops are skipped", plain, skipping) ||
            !same(rom, frame, "on the exact bus", plain, exact))
            return false;
    }
    const double skipped = 100.0 * double(skipping.cycles_skipped()) / double(skipping.cycles());
    std::printf("%s: %d frames are the same; %.0f %% of all cycles were jumped over\n", rom, frames,
                skipped);
    if (skipped >= least)
        return true;
    std::printf("%s: that are fewer than %.0f %%\n", rom, least);
    return false;
}

// A ROM of ours that waits for its NMI in this way; the flag is at $12.
std::vector<uint8_t> rom_that_waits(std::initializer_list<uint8_t> wait) {
    std::vector<uint8_t> file = {'N', 'E', 'S', 0x1A, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    file.resize(16 + 0x4000 + 0x2000, 0xEA);
    const std::initializer_list<uint8_t> start = {
        0x78, 0xA2, 0xFF, 0x9A,              // SEI, LDX #$FF, TXS
        0xAD, 0x02, 0x20, 0x10, 0xFB,        // LDA $2002, BPL -5
        0xA9, 0x80, 0x8D, 0x00, 0x20, 0xEA,  // LDA #$80, STA $2000, NOP
        0x4C, 0x20, 0x80};                   // JMP $8020
    const std::initializer_list<uint8_t> after = {0xA9, 0x00, 0x85, 0x12,  // LDA #0, STA $12
                                                  0x4C, 0x20, 0x80};       // JMP $8020
    const std::initializer_list<uint8_t> nmi = {0xE6, 0x12, 0x40};         // INC $12, RTI
    auto* code = &file[16];
    std::copy(start.begin(), start.end(), code);
    std::copy(after.begin(), after.end(), std::copy(wait.begin(), wait.end(), code + 0x20));
    std::copy(nmi.begin(), nmi.end(), code + 0x100);
    const std::initializer_list<uint8_t> vectors = {0x00, 0x81, 0x00, 0x80, 0x00, 0x81};
    std::copy(vectors.begin(), vectors.end(), code + 0x3FFA);
    return file;
}

bool compare_our_own(int frames, unsigned seed) {
    return compare("a flag", rom_that_waits({0xA5, 0x12, 0xF0, 0xFC}), frames, seed, 95) &&
           // INC $10, LDA $12, BEQ
           compare("a flag and a counter", rom_that_waits({0xE6, 0x10, 0xA5, 0x12, 0xF0, 0xFA}),
                   frames, seed, 95) &&
           // INC $10, BNE +2, INC $11, LDA $12, BEQ
           compare("a counter of two bytes",
                   rom_that_waits({0xE6, 0x10, 0xD0, 0x02, 0xE6, 0x11, 0xA5, 0x12, 0xF0, 0xF6}),
                   frames, seed, 80) &&
           // DEC $0310, BNE +2, DEC $11, LDA $12, BEQ
           compare(
               "a counter down",
               rom_that_waits({0xCE, 0x10, 0x03, 0xD0, 0x02, 0xC6, 0x11, 0xA5, 0x12, 0xF0, 0xF5}),
               frames, seed, 80) &&
           // INC $10, LDA $10, AND #$3F, STA $11, LDA $12, BEQ: a counter that is looked at
           compare("a counter that is read",
                   rom_that_waits(
                       {0xE6, 0x10, 0xA5, 0x10, 0x29, 0x3F, 0x85, 0x11, 0xA5, 0x12, 0xF0, 0xF4}),
                   frames, seed, 0) &&
           // INC $10, BPL +2, INC $11, LDA $12, BEQ: whose sign is looked at
           compare("a counter whose sign is looked at",
                   rom_that_waits({0xE6, 0x10, 0x10, 0x02, 0xE6, 0x11, 0xA5, 0x12, 0xF0, 0xF6}),
                   frames, seed, 0) &&
           // JSR +3, JMP: BEQ; LDA $12, RTS
           compare(
               "a subroutine",
               rom_that_waits({0x20, 0x28, 0x80, 0xF0, 0xFB, 0x4C, 0x2B, 0x80, 0xA5, 0x12, 0x60}),
               frames, seed, 95);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "idle_test FRAMES SEED [ROM...]\n");
        return 2;
    }
    bool all = compare_our_own(std::atoi(argv[1]), unsigned(std::atoi(argv[2])));
    for (int i = 3; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        const std::vector<uint8_t> file((std::istreambuf_iterator<char>(in)), {});
        all = compare(argv[i], file, std::atoi(argv[1]), unsigned(std::atoi(argv[2]))) && all;
        std::fflush(stdout);
    }
    return all ? 0 : 1;
}
