// A cartridge: the ROM file's bytes, read once and shared by all machines that play it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace colibri {

struct RomError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

enum class Region : uint8_t { ntsc, pal, dendy };
enum class Mirroring : uint8_t { horizontal, vertical, single_low, single_high, four_screen };

struct Cartridge {
    std::vector<uint8_t> prg;      // a power-of-two or odd number of 8 KB banks: index modulo size
    std::vector<uint8_t> chr;      // empty: CHR RAM
    std::vector<uint8_t> trainer;  // 512 bytes for $7000, or empty
    uint32_t prg_ram_size = 0;     // bytes at $6000 (0, or 2 KB to 128 KB), battery or not
    uint32_t chr_ram_size = 0;
    uint16_t mapper = 0;
    uint8_t submapper = 0;
    Mirroring mirroring = Mirroring::horizontal;
    Region region = Region::ntsc;  // as the header says
    bool battery = false;
    uint64_t hash = 0;  // of prg, chr and the header's meaning; names the game in a savestate

    // Reads an iNES or NES 2.0 file; trailing bytes are ignored. Throws RomError for what is not
    // one, is cut short, or asks for a mapper that is not known (by number and name).
    static std::shared_ptr<const Cartridge> parse(std::span<const uint8_t> file);
};

}  // namespace colibri
