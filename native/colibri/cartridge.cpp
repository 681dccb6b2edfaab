#include "cartridge.h"

#include <algorithm>
#include <string_view>

#include "machine.h"
#include "mappers/boards.h"

namespace colibri {
namespace {

constexpr size_t kHeaderSize = 16;
constexpr size_t kTrainerSize = 512;
constexpr size_t kKilobyte = 1024;
constexpr size_t kMostPrgRam = 128 * kKilobyte;
constexpr size_t kMostChrRam = 256 * kKilobyte;
constexpr size_t kMostRom = 64 * kKilobyte * kKilobyte;  // the largest multicarts have 64 MB

std::string kilobytes(size_t bytes) {
    if (bytes % kKilobyte != 0)
        return std::to_string(bytes) + " bytes of";
    return std::to_string(bytes / kKilobyte) + " KB of";
}

// https://www.nesdev.org/wiki/NES_2.0#PRG-ROM_Area
size_t rom_size(uint8_t low, uint8_t high, size_t unit) {
    if (high != 15)
        return (high << 8 | low) * unit;
    unsigned exponent = low >> 2;
    // What no file can hold is all the same to us: it is refused as cut short.
    return exponent > 31 ? SIZE_MAX / 4 : (size_t{1} << exponent) * ((low & 3) * 2 + 1);
}

size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

size_t ram_size(uint8_t shift) {
    return shift == 0 ? 0 : size_t{64} << shift;
}

// iNES 1 does not say how much PRG RAM there is. The same choice as FCEUX makes by mapper, so that
// a game finds the same memory there.
size_t default_prg_ram(uint16_t mapper) {
    static constexpr uint16_t kHave[] = {0,  1,  3,  4,  9,  10, 21,  23,  25,
                                         26, 32, 34, 69, 73, 85, 118, 155, 210};
    return std::ranges::find(kHave, mapper) != std::end(kHave) ? 8 * kKilobyte : 0;
}

// Early tools wrote their names into the bytes that were unused then ("DiskDude!" from byte 7 on).
// https://www.nesdev.org/wiki/INES#Variant_comparison
bool header_is_old(std::span<const uint8_t> header) {
    return std::ranges::any_of(header.subspan(12, 4), [](uint8_t byte) { return byte != 0; }) ||
           (header[7] & 0x0C) == 0x04;
}

// Memory is mapped in pages: a ROM of another size is repeated up to whole banks of 8 KB.
std::vector<uint8_t> whole_banks(std::span<const uint8_t> rom) {
    constexpr size_t kBank = 8 * kKilobyte;
    std::vector<uint8_t> banks(rom.begin(), rom.end());
    banks.resize(round_up(rom.size(), kBank));
    for (size_t at = rom.size(); at < banks.size(); at++)
        banks[at] = banks[at - rom.size()];
    return banks;
}

class Hash {  // FNV-1a
  public:
    void add(std::span<const uint8_t> bytes) {
        for (uint8_t byte : bytes)
            value = (value ^ byte) * 0x100000001B3;
    }
    void add(uint64_t number) {
        for (int shift = 0; shift < 64; shift += 8)
            value = (value ^ (number >> shift & 0xFF)) * 0x100000001B3;
    }
    uint64_t value = 0xCBF29CE484222325;
};

uint64_t hash_of(const Cartridge& c) {
    Hash hash;
    for (uint64_t number :
         {uint64_t{c.mapper}, uint64_t{c.submapper}, uint64_t(c.mirroring),
          uint64_t{c.prg_ram_size}, uint64_t{c.chr_ram_size}, uint64_t{c.prg.size()},
          uint64_t{c.chr.size()}, uint64_t{c.trainer.size()}})
        hash.add(number);
    hash.add(c.prg);
    hash.add(c.chr);
    hash.add(c.trainer);
    return hash.value;
}

}  // namespace

std::shared_ptr<const Cartridge> Cartridge::parse(std::span<const uint8_t> file) {
    static constexpr std::string_view kMagic = "NES\x1A";
    std::string_view begin(reinterpret_cast<const char*>(file.data()),
                           std::min<size_t>(file.size(), 4));
    if (begin != kMagic) {
        if (begin == "UNIF")
            throw RomError("a UNIF file; Colibri reads iNES and NES 2.0 files (.nes)");
        if (begin.starts_with("FDS") || (file.size() > 15 && file[0] == 1 && file[1] == '*'))
            throw RomError(
                "a disk of the Famicom Disk System; Colibri plays cartridges (.nes), "
                "emulator=\"libretro\" plays disks with the core fceumm and its BIOS");
        throw RomError("not an iNES or NES 2.0 file: it does not begin with NES and byte $1A");
    }
    if (file.size() < kHeaderSize)
        throw RomError("the ROM is cut short: " + std::to_string(file.size()) +
                       " bytes, and the header alone has 16");

    auto header = file.first(kHeaderSize);
    auto cartridge = std::make_shared<Cartridge>();
    Cartridge& c = *cartridge;
    const bool nes2 = (header[7] & 0x0C) == 0x08;
    const bool old = !nes2 && header_is_old(header);
    const uint8_t flags6 = header[6], flags7 = old ? 0 : header[7];

    c.mapper = flags6 >> 4 | (flags7 & 0xF0);
    c.battery = flags6 & 2;
    c.mirroring = flags6 & 8   ? Mirroring::four_screen
                  : flags6 & 1 ? Mirroring::vertical
                               : Mirroring::horizontal;
    size_t prg_size = header[4] * 16 * kKilobyte, chr_size = header[5] * 8 * kKilobyte;
    size_t prg_ram = 0, chr_ram = 0;
    if (nes2) {
        c.mapper |= (header[8] & 0x0F) << 8;
        c.submapper = header[8] >> 4;
        prg_size = rom_size(header[4], header[9] & 0x0F, 16 * kKilobyte);
        chr_size = rom_size(header[5], header[9] >> 4, 8 * kKilobyte);
        prg_ram = ram_size(header[10] & 0x0F) + ram_size(header[10] >> 4);
        chr_ram = ram_size(header[11] & 0x0F) + ram_size(header[11] >> 4);
        static constexpr Region kRegions[] = {Region::ntsc, Region::pal, Region::ntsc,
                                              Region::dendy};
        c.region = kRegions[header[12] & 3];
    } else {
        if (prg_size == 0)
            prg_size = 256 * 16 * kKilobyte;  // a byte counts to 255; as in FCEUX
        prg_ram = default_prg_ram(c.mapper);
        if (!old && header[9] & 1)
            c.region = Region::pal;
    }
    if ((flags7 & 3) == 1)
        throw RomError(
            "a game of the arcade's Vs. System, which has other pictures and switches; "
            "emulator=\"libretro\" plays it with the core fceumm");

    if (prg_size == 0)
        throw RomError("the header names no PRG ROM: there is nothing to run");
    const size_t trainer_size = flags6 & 4 ? kTrainerSize : 0;
    const size_t wanted = kHeaderSize + trainer_size + prg_size + chr_size;
    if (prg_size > kMostRom || chr_size > kMostRom || wanted > file.size()) {
        std::string sizes = prg_size > kMostRom || chr_size > kMostRom
                                ? "more ROM than any cartridge has"
                                : kilobytes(prg_size) + " PRG ROM and " + kilobytes(chr_size) +
                                      " CHR ROM, " + std::to_string(wanted) + " bytes in all";
        throw RomError("the ROM is cut short: its header names " + sizes + ", and the file has " +
                       std::to_string(file.size()) + " bytes");
    }

    const Mapper* mapper = find_mapper(c.mapper);
    if (mapper == nullptr) {
        const char* name = unsupported_mapper_name(c.mapper);
        throw RomError("mapper " + std::to_string(c.mapper) +
                       (name ? " (" + std::string(name) + ")" : "") +
                       " is not one that Colibri knows; emulator=\"libretro\" " +
                       (name ? "plays it" : "may play it") + " with the core fceumm");
    }

    auto rest = file.subspan(kHeaderSize);
    auto take = [&rest](size_t size) {
        auto taken = rest.first(size);
        rest = rest.subspan(size);
        return taken;
    };
    auto trainer = take(trainer_size);
    c.trainer.assign(trainer.begin(), trainer.end());
    c.prg = whole_banks(take(prg_size));
    c.chr = whole_banks(take(chr_size));

    if (trainer_size != 0)
        prg_ram = std::max(prg_ram, 8 * kKilobyte);  // where else would it go
    prg_ram = round_up(prg_ram, 2 * kKilobyte);      // pages of the CPU's
    if (c.chr.empty())
        chr_ram = std::max(round_up(chr_ram, 8 * kKilobyte), (c.mapper == 13 ? 16 : 8) * kKilobyte);
    else if (c.mapper == 119)
        chr_ram = 8 * kKilobyte;  // TQROM has both
    else
        chr_ram = 0;  // none of the boards here reaches it beside ROM
    if (prg_ram > kMostPrgRam || chr_ram > kMostChrRam)
        throw RomError("the header names " + kilobytes(prg_ram) + " PRG RAM and " +
                       kilobytes(chr_ram) + " CHR RAM; Colibri has up to 128 KB and 256 KB");
    c.prg_ram_size = static_cast<uint32_t>(prg_ram);
    c.chr_ram_size = static_cast<uint32_t>(chr_ram);
    // Dumps of these set the bit for four screens without having them, says FCEUX.
    if (c.mirroring == Mirroring::four_screen &&
        (c.mapper == 118 || c.mapper == 24 || c.mapper == 26))
        c.mirroring = Mirroring::horizontal;
    c.hash = hash_of(c);
    return cartridge;
}

}  // namespace colibri
