// Idle-skip on and off, and the exact bus, are the same machine: plays ROMs with random joypads on
// three machines (nothing skipped; skipped, on and off at random; every cycle an access of its
// own) and compares their blocks at the end of each frame.
//
//     idle_test FRAMES SEED ROM...
//
// Prints a line for each ROM: the frames it compared, and how many of all cycles the second
// machine jumped over. Ends with 1 if a machine differs. Built by
//     g++ -std=c++20 -O2 -I native native/colibri/tests/idle_test.cpp
//     native/colibri/{.,mappers}/*.cpp
// but for console.cpp and fleet.cpp.
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

bool compare(const char* rom, const std::vector<uint8_t>& file, int frames, unsigned seed) {
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
        if (random() % 16 == 0)
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
    std::printf("%s: %d frames are the same; %.0f %% of all cycles were jumped over\n", rom, frames,
                100.0 * double(skipping.cycles_skipped()) / double(skipping.cycles()));
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "idle_test FRAMES SEED ROM...\n");
        return 2;
    }
    bool all = true;
    for (int i = 3; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        const std::vector<uint8_t> file((std::istreambuf_iterator<char>(in)), {});
        all = compare(argv[i], file, std::atoi(argv[1]), unsigned(std::atoi(argv[2]))) && all;
        std::fflush(stdout);
    }
    return all ? 0 : 1;
}
