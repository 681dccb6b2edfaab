// Mappers and ROM files, without running the CPU: registers are written as the CPU would write
// them, and banks are read back through the pages. Prints what fails; the exit status says whether
// anything did.

#include <cstdio>
#include <initializer_list>
#include <map>
#include <set>

#include "../mappers/boards.h"

using namespace colibri;

namespace {

int checks = 0, failures = 0;

void check(bool ok, const char* what, int line) {
    checks++;
    if (ok)
        return;
    failures++;
    std::printf("mapper_test.cpp:%d: %s\n", line, what);
}
void check_equal(long found, long expected, const char* what, int line) {
    checks++;
    if (found == expected)
        return;
    failures++;
    std::printf("mapper_test.cpp:%d: %s is %ld, not %ld\n", line, what, found, expected);
}
#define CHECK(condition) check(condition, #condition, __LINE__)
#define CHECK_EQUAL(found, expected) check_equal(long(found), long(expected), #found, __LINE__)

// ROM files ------------------------------------------------------------------------------------

struct Rom {
    int mapper = 0, submapper = -1;  // -1: an iNES 1 header
    int prg_kb = 32, chr_kb = 8;
    int flags = 0;                                 // bits 0-3 of byte 6
    int prg_ram_shift = 0, battery_ram_shift = 0;  // NES 2.0: 64 << shift

    // Each KB of PRG and CHR begins with its number.
    std::vector<uint8_t> bytes() const {
        std::vector<uint8_t> file = {'N', 'E', 'S', 0x1A};
        file.push_back(uint8_t(prg_kb / 16));
        file.push_back(uint8_t(chr_kb / 8));
        file.push_back(uint8_t(flags | (mapper & 15) << 4));
        file.push_back(uint8_t((mapper & 0xF0) | (submapper >= 0 ? 8 : 0)));
        file.resize(16);
        if (submapper >= 0) {
            file[8] = uint8_t(submapper << 4 | mapper >> 8);
            file[10] = uint8_t(battery_ram_shift << 4 | prg_ram_shift);
        }
        for (int kb : {prg_kb, chr_kb}) {
            for (int i = 0; i < kb; i++) {
                size_t at = file.size();
                file.resize(at + 1024);
                file[at] = uint8_t(i);
                file[at + 1] = uint8_t(i >> 8);
            }
        }
        return file;
    }
};

std::string why_refused(std::vector<uint8_t> file) {
    try {
        Cartridge::parse(file);
    } catch (const RomError& error) {
        return error.what();
    }
    return "";
}
bool has(const std::string& text, const char* part) {
    return text.find(part) != text.npos;
}

// A machine with a cartridge, and what one asks of it.
struct Bench {
    std::shared_ptr<const Cartridge> cartridge;
    Machine machine;

    explicit Bench(const Rom& rom)
        : cartridge(Cartridge::parse(rom.bytes())), machine(cartridge, Options{}) {}

    void write(uint16_t address, uint8_t value, Cycle cycle = 100) {
        if (uint8_t* page = machine.write_page[address >> 11])
            page[address & 0x7FF] = value;
        else
            machine.mapper().write(machine, address, value, cycle);
    }
    // MMC1's five writes, with rests between them.
    void write_serially(uint16_t address, uint8_t value, Cycle cycle = 1000) {
        for (int bit = 0; bit < 5; bit++)
            write(address, value >> bit & 1, cycle + bit * 10);
    }
    // Which KB of PRG ROM is at this address; -1: none.
    int prg(uint16_t address) const { return number(machine.read_page[address >> 11], address); }
    int chr(uint16_t address) const {
        return machine.chr_page[address >> 10] ? word(machine.chr_page[address >> 10]) : -1;
    }
    bool has_ram() const { return machine.write_page[0x6000 >> 11] != nullptr; }
    bool irq() const { return machine.s().cpu.irq & kMapperIrq; }
    // The four nametables, each the number of the console's that is there: "0011".
    std::string nametables() {
        std::string text;
        for (auto* page : machine.nametable_page)
            text += page == machine.s().ppu.nametables           ? '0'
                    : page == machine.s().ppu.nametables + 0x400 ? '1'
                                                                 : 'x';
        return text;
    }

  private:
    static int word(const uint8_t* at) { return at[0] | at[1] << 8; }
    static int number(const uint8_t* page, uint16_t address) {
        return page == nullptr ? -1 : word(page + (address & 0x400));
    }
};

constexpr const char *kHorizontal = "0011", *kVertical = "0101", *kLow = "0000", *kHigh = "1111";

void test_header() {
    auto plain = Cartridge::parse(Rom{}.bytes());
    CHECK_EQUAL(plain->prg.size(), 32 * 1024);
    CHECK_EQUAL(plain->chr.size(), 8 * 1024);
    CHECK_EQUAL(plain->prg_ram_size, 8 * 1024);
    CHECK_EQUAL(plain->chr_ram_size, 0);
    CHECK(plain->mirroring == Mirroring::horizontal && plain->region == Region::ntsc);
    CHECK(Cartridge::parse(Rom{.flags = 1}.bytes())->mirroring == Mirroring::vertical);
    CHECK(Cartridge::parse(Rom{.flags = 8}.bytes())->mirroring == Mirroring::four_screen);
    CHECK(Cartridge::parse(Rom{.flags = 2}.bytes())->battery);
    CHECK_EQUAL(Cartridge::parse(Rom{.chr_kb = 0}.bytes())->chr_ram_size, 8 * 1024);
    CHECK_EQUAL(Cartridge::parse(Rom{.mapper = 2}.bytes())->prg_ram_size, 0);
    CHECK_EQUAL(Cartridge::parse(Rom{.mapper = 13, .chr_kb = 0}.bytes())->chr_ram_size, 16 * 1024);

    // Trailing bytes are no part of the game; every other byte is.
    auto file = Rom{}.bytes();
    file.resize(file.size() + 777, 0x55);
    CHECK(Cartridge::parse(file)->hash == plain->hash);
    file[5000]++;
    CHECK(Cartridge::parse(file)->hash != plain->hash);
    CHECK(Cartridge::parse(Rom{.flags = 1}.bytes())->hash != plain->hash);

    // Garbage from byte 7 on: neither its mapper nor its region count.
    file = Rom{.mapper = 1}.bytes();
    std::ranges::copy(std::string_view("DiskDude!"), file.begin() + 7);
    CHECK_EQUAL(Cartridge::parse(file)->mapper, 1);
    file = Rom{.mapper = 4}.bytes();
    file[7] = 0xF0, file[9] = 1, file[14] = 'x';
    CHECK_EQUAL(Cartridge::parse(file)->mapper, 4);
    CHECK(Cartridge::parse(file)->region == Region::ntsc);
    file = Rom{}.bytes();
    file[9] = 1;
    CHECK(Cartridge::parse(file)->region == Region::pal);

    // A trainer lies before PRG, and needs RAM.
    file = Rom{.mapper = 2, .flags = 4}.bytes();
    file.insert(file.begin() + 16, 512, 0xAB);
    auto trained = Cartridge::parse(file);
    CHECK_EQUAL(trained->trainer.size(), 512);
    CHECK_EQUAL(trained->trainer[511], 0xAB);
    CHECK_EQUAL(trained->prg[1024], 1);
    CHECK_EQUAL(trained->prg_ram_size, 8 * 1024);
}

void test_nes2_header() {
    auto c = Cartridge::parse(
        Rom{.mapper = 4, .submapper = 1, .flags = 2, .prg_ram_shift = 7, .battery_ram_shift = 7}
            .bytes());
    CHECK_EQUAL(c->mapper, 4);
    CHECK_EQUAL(c->submapper, 1);
    CHECK_EQUAL(c->prg_ram_size, 16 * 1024);
    CHECK_EQUAL(Cartridge::parse(Rom{.submapper = 0}.bytes())->prg_ram_size, 0);
    // 4 KB and 128 bytes: whole pages.
    Rom odd{.submapper = 0, .prg_ram_shift = 6, .battery_ram_shift = 1};
    CHECK_EQUAL(Cartridge::parse(odd.bytes())->prg_ram_size, 6 * 1024);
    const Region regions[] = {Region::ntsc, Region::pal, Region::ntsc, Region::dendy};
    for (int i = 0; i < 4; i++) {
        auto file = Rom{.submapper = 0}.bytes();
        file[12] = uint8_t(i);
        CHECK(Cartridge::parse(file)->region == regions[i]);
    }
    // 2^13 * 3 bytes: 24 KB, as an exponent and a multiplier; small ROMs are repeated.
    auto file = Rom{.submapper = 0, .prg_kb = 32, .chr_kb = 0}.bytes();
    file[4] = 13 << 2 | 1, file[9] = 0x0F;
    CHECK_EQUAL(Cartridge::parse(file)->prg.size(), 24 * 1024);
    file[4] = 11 << 2;
    CHECK_EQUAL(Cartridge::parse(file)->prg.size(), 8 * 1024);
    CHECK_EQUAL(Cartridge::parse(file)->prg[2048], 0);
    CHECK_EQUAL(Cartridge::parse(file)->prg[1024 * 7], 1);
    for (int byte : {0xFF, 0xFC, 0x80, 0x7F}) {
        file[4] = uint8_t(byte);
        CHECK(has(why_refused(file), "cut short"));
    }
}

void test_refusals() {
    auto file = Rom{}.bytes();
    CHECK(why_refused(file) == "");
    file.pop_back();
    CHECK(has(why_refused(file), "32 KB of PRG ROM and 8 KB of CHR ROM, 40976 bytes in all"));
    CHECK(has(why_refused(file), "has 40975 bytes"));
    CHECK(has(why_refused({}), "not an iNES"));
    CHECK(has(why_refused({'P', 'K', 3, 4}), "not an iNES"));
    CHECK(has(why_refused({'N', 'E', 'S', 0x1A, 2}), "cut short: 5 bytes"));
    CHECK(has(why_refused({'U', 'N', 'I', 'F'}), "UNIF"));
    CHECK(has(why_refused({'F', 'D', 'S', 0x1A}), "Famicom Disk System"));
    CHECK(has(why_refused(Rom{.mapper = 5}.bytes()), "mapper 5 (MMC5) is not one"));
    CHECK(has(why_refused(Rom{.mapper = 5}.bytes()), "emulator=\"libretro\" plays it"));
    CHECK(has(why_refused(Rom{.mapper = 4000, .submapper = 0}.bytes()), "mapper 4000 is not one"));
    file = Rom{}.bytes();
    file[7] = 1;
    CHECK(has(why_refused(file), "Vs. System"));
    file = Rom{.submapper = 0}.bytes();
    file[4] = 0;
    CHECK(has(why_refused(file), "no PRG ROM"));
    file[4] = 2, file[10] = 0x0F;
    CHECK(has(why_refused(file), "2048 KB of PRG RAM"));
}

void test_table() {
    std::set<uint16_t> numbers;
    for (int number = 0; number < 4096; number++) {
        const Mapper* mapper = find_mapper(uint16_t(number));
        if (mapper == nullptr)
            continue;
        numbers.insert(uint16_t(number));
        CHECK_EQUAL(mapper->number, number);
        CHECK(mapper->name && *mapper->name && mapper->power_on && mapper->map && mapper->write);
        CHECK(unsupported_mapper_name(uint16_t(number)) == nullptr);
        // Each starts with the reset vector in ROM.
        Bench bench({.mapper = number, .prg_kb = 512, .chr_kb = 256});
        CHECK(bench.prg(0xFFFC) >= 0);
        CHECK(bench.chr(0) >= 0 && bench.chr(0x1C00) >= 0);
    }
    for (uint16_t number : {0, 1, 2, 3, 4, 7, 9, 10, 11, 34, 66, 69, 71})
        CHECK(numbers.contains(number));
}

// Boards -----------------------------------------------------------------------------------------

void test_nrom() {
    Bench big({.prg_kb = 32});
    CHECK_EQUAL(big.prg(0x8000), 0);
    CHECK_EQUAL(big.prg(0xC000), 16);
    CHECK(big.has_ram());
    Bench small({.prg_kb = 16, .flags = 1});
    CHECK_EQUAL(small.prg(0x8000), 0);
    CHECK_EQUAL(small.prg(0xC000), 0);
    CHECK_EQUAL(small.prg(0xFC00), 15);
    CHECK(small.nametables() == kVertical);
    CHECK(big.nametables() == kHorizontal);
    big.write(0x8000, 0xFF);
    CHECK_EQUAL(big.prg(0x8000), 0);
    Bench four({.flags = 8});
    CHECK(four.nametables() == "01xx");
    CHECK(four.machine.nametable_page[2] != four.machine.nametable_page[3]);
}

void test_mmc1() {
    Bench b({.mapper = 1, .prg_kb = 256, .chr_kb = 128});
    CHECK_EQUAL(b.prg(0xC000), 240);  // power-on: the last bank at $C000
    b.write_serially(0xE000, 5);
    CHECK_EQUAL(b.prg(0x8000), 80);
    b.write_serially(0x8000, 0x18 | 2);  // 4 KB CHR, PRG at $C000 switches, vertical
    CHECK_EQUAL(b.prg(0x8000), 0);
    CHECK_EQUAL(b.prg(0xC000), 80);
    CHECK(b.nametables() == kVertical);
    b.write_serially(0xA000, 3);
    b.write_serially(0xC000, 9);
    CHECK_EQUAL(b.chr(0x0000), 12);
    CHECK_EQUAL(b.chr(0x1000), 36);
    b.write_serially(0x8000, 0x00);  // 32 KB, 8 KB CHR, one screen
    CHECK_EQUAL(b.prg(0x8000), 64);
    CHECK_EQUAL(b.prg(0xC000), 80);
    CHECK_EQUAL(b.chr(0x0000), 8);
    CHECK_EQUAL(b.chr(0x1000), 12);
    CHECK(b.nametables() == kLow);
    b.write_serially(0x8000, 0x0F);
    CHECK(b.nametables() == kHorizontal);
    b.write_serially(0xE000, 0x10);
    CHECK(!b.has_ram());

    // The write after a write in the cycle before is ignored, but for its reset bit.
    Bench c({.mapper = 1, .prg_kb = 256, .chr_kb = 128});
    for (int bit = 0; bit < 5; bit++) {
        c.write(0xE000, 6 >> bit & 1, 100 + bit * 10);
        c.write(0xE000, 1, 101 + bit * 10);
    }
    CHECK_EQUAL(c.prg(0x8000), 96);
    c.write_serially(0x8000, 0);
    CHECK_EQUAL(c.prg(0xC000), 112);
    c.write(0xE000, 1, 5000);
    c.write(0xE000, 0x80, 5001);
    CHECK_EQUAL(c.prg(0xC000), 240);
    c.write_serially(0xE000, 2, 6000);  // the reset also forgot the bit before it
    CHECK_EQUAL(c.prg(0x8000), 32);
}

void test_mmc1_boards() {
    Bench surom({.mapper = 1, .submapper = 0, .prg_kb = 512, .chr_kb = 0, .battery_ram_shift = 7});
    CHECK_EQUAL(surom.prg(0xC000), 240);
    surom.write_serially(0xA000, 0x10);
    CHECK_EQUAL(surom.prg(0x8000), 256);
    CHECK_EQUAL(surom.prg(0xC000), 496);
    CHECK(surom.has_ram());  // the bit is not SNROM's here

    Bench sxrom({.mapper = 1, .submapper = 0, .prg_kb = 512, .chr_kb = 0, .battery_ram_shift = 9});
    for (int bank = 0; bank < 4; bank++) {
        sxrom.write_serially(0xA000, uint8_t(bank << 2));
        sxrom.write(0x6000, uint8_t(bank + 1));
    }
    auto ram = sxrom.machine.prg_ram();
    for (size_t bank = 0; bank < 4; bank++)
        CHECK_EQUAL(ram[bank * 0x2000], bank + 1);

    Bench sorom({.mapper = 1,
                 .submapper = 0,
                 .prg_kb = 256,
                 .chr_kb = 0,
                 .prg_ram_shift = 7,
                 .battery_ram_shift = 7});
    sorom.write_serially(0xA000, 0x08);
    sorom.write(0x6000, 0x42);
    CHECK_EQUAL(sorom.machine.prg_ram()[0x2000], 0x42);

    Bench snrom({.mapper = 1, .prg_kb = 256, .chr_kb = 0, .flags = 2});
    CHECK(snrom.has_ram());
    snrom.write_serially(0xA000, 0x10);
    CHECK(!snrom.has_ram());

    Bench serom({.mapper = 1, .submapper = 5, .prg_kb = 32});
    serom.write_serially(0xE000, 1);
    CHECK_EQUAL(serom.prg(0x8000), 0);
    CHECK_EQUAL(serom.prg(0xC000), 16);

    Bench mmc1a({.mapper = 155, .prg_kb = 256});
    mmc1a.write_serially(0xE000, 0x10);
    CHECK(mmc1a.has_ram());
}

void test_latches() {
    Bench uxrom({.mapper = 2, .prg_kb = 256, .chr_kb = 0});
    uxrom.write(0x8000, 7);
    CHECK_EQUAL(uxrom.prg(0x8000), 112);
    CHECK_EQUAL(uxrom.prg(0xC000), 240);
    CHECK(!uxrom.has_ram());
    CHECK(uxrom.machine.chr_write_page[0] != nullptr);
    uxrom.write(0x8000, 16 + 3);  // more than there is wraps
    CHECK_EQUAL(uxrom.prg(0x8000), 48);

    // Where the header is sure of bus conflicts, the ROM's byte masks what is written.
    Bench conflict({.mapper = 2, .submapper = 2, .prg_kb = 256, .chr_kb = 0});
    conflict.write(0xC400, 0xF7);  // the ROM has 241 there
    CHECK_EQUAL(conflict.prg(0x8000), (241 & 0xF7 & 15) * 16);

    Bench cnrom({.mapper = 3, .chr_kb = 32});
    cnrom.write(0x8000, 2);
    CHECK_EQUAL(cnrom.chr(0x0000), 16);
    CHECK_EQUAL(cnrom.chr(0x1C00), 23);
    CHECK(cnrom.machine.chr_write_page[0] == nullptr);

    Bench axrom({.mapper = 7, .prg_kb = 256, .chr_kb = 0});
    CHECK(axrom.nametables() == kLow);
    axrom.write(0x8000, 0x13);
    CHECK_EQUAL(axrom.prg(0x8000), 96);
    CHECK_EQUAL(axrom.prg(0xFC00), 127);
    CHECK(axrom.nametables() == kHigh);

    Bench color_dreams({.mapper = 11, .prg_kb = 128, .chr_kb = 128});
    color_dreams.write(0x8000, 0x52);
    CHECK_EQUAL(color_dreams.prg(0x8000), 64);
    CHECK_EQUAL(color_dreams.chr(0), 40);

    Bench gxrom({.mapper = 66, .prg_kb = 128, .chr_kb = 32});
    gxrom.write(0x8000, 0x21);
    CHECK_EQUAL(gxrom.prg(0x8000), 64);
    CHECK_EQUAL(gxrom.chr(0), 8);

    Bench cprom({.mapper = 13, .chr_kb = 0});
    cprom.write(0x8000, 3);
    CHECK(cprom.machine.chr_page[4] == cprom.machine.chr_ram().data() + 0x3000);
    CHECK(cprom.machine.chr_page[0] == cprom.machine.chr_ram().data());

    Bench jf11({.mapper = 140, .prg_kb = 128, .chr_kb = 128});
    jf11.write(0x6000, 0x25);
    CHECK_EQUAL(jf11.prg(0x8000), 64);
    CHECK_EQUAL(jf11.chr(0), 40);

    Bench j87({.mapper = 87, .chr_kb = 32});
    j87.write(0x7000, 1);  // its two bits are swapped
    CHECK_EQUAL(j87.chr(0), 16);

    Bench nina({.mapper = 79, .prg_kb = 64, .chr_kb = 64});
    nina.write(0x4100, 0x0B);
    CHECK_EQUAL(nina.prg(0x8000), 32);
    CHECK_EQUAL(nina.chr(0), 24);
    nina.write(0x4200, 0);  // A8 is what it looks at
    CHECK_EQUAL(nina.chr(0), 24);

    Bench crazy_climber({.mapper = 180, .prg_kb = 128, .chr_kb = 0});
    crazy_climber.write(0x8000, 5);
    CHECK_EQUAL(crazy_climber.prg(0x8000), 0);
    CHECK_EQUAL(crazy_climber.prg(0xC000), 80);

    Bench un1rom({.mapper = 94, .prg_kb = 128, .chr_kb = 0});
    un1rom.write(0x8000, 3 << 2);
    CHECK_EQUAL(un1rom.prg(0x8000), 48);

    Bench sunsoft1({.mapper = 184, .chr_kb = 32});
    sunsoft1.write(0x6000, 0x62);
    CHECK_EQUAL(sunsoft1.chr(0x0000), 8);
    CHECK_EQUAL(sunsoft1.chr(0x1000), 24);

    Bench saint_seiya({.mapper = 152, .prg_kb = 128, .chr_kb = 128});
    saint_seiya.write(0x8000, 0x80 | 0x30 | 0x04);
    CHECK_EQUAL(saint_seiya.prg(0x8000), 48);
    CHECK_EQUAL(saint_seiya.chr(0), 32);
    CHECK(saint_seiya.nametables() == kHigh);

    Bench holy_diver({.mapper = 78, .submapper = 3, .prg_kb = 128, .chr_kb = 128});
    CHECK(holy_diver.nametables() == kHorizontal);
    holy_diver.write(0x8000, 0x2B);
    CHECK_EQUAL(holy_diver.prg(0x8000), 48);
    CHECK_EQUAL(holy_diver.chr(0), 16);
    CHECK(holy_diver.nametables() == kVertical);

    Bench protected_chr({.mapper = 185, .submapper = 5});
    protected_chr.write(0x8000, 1);
    CHECK_EQUAL(protected_chr.chr(0x400), 1);
    protected_chr.write(0x8000, 2);
    CHECK_EQUAL(protected_chr.chr(0x400), 0xFFFF);
}

void test_few_registers() {
    Bench bnrom({.mapper = 34, .prg_kb = 128, .chr_kb = 0});
    bnrom.write(0x8000, 2);
    CHECK_EQUAL(bnrom.prg(0x8000), 64);
    CHECK(bnrom.has_ram());
    Bench nina({.mapper = 34, .prg_kb = 64, .chr_kb = 64});
    nina.write(0x7FFD, 1);
    nina.write(0x7FFE, 3);
    nina.write(0x7FFF, 4);
    CHECK_EQUAL(nina.prg(0x8000), 32);
    CHECK_EQUAL(nina.chr(0x0000), 12);
    CHECK_EQUAL(nina.chr(0x1000), 16);
    CHECK_EQUAL(nina.machine.prg_ram()[0x1FFE], 3);  // RAM lies under the registers

    Bench camerica({.mapper = 71, .prg_kb = 128, .chr_kb = 0, .flags = 1});
    camerica.write(0xC000, 3);
    CHECK_EQUAL(camerica.prg(0x8000), 48);
    CHECK_EQUAL(camerica.prg(0xC000), 112);
    CHECK(camerica.nametables() == kVertical);
    camerica.write(0x9000, 0x10);  // Fire Hawk
    CHECK(camerica.nametables() == kHigh);
    camerica.write(0x9000, 0x00);
    CHECK(camerica.nametables() == kLow);
    CHECK_EQUAL(camerica.prg(0x8000), 48);

    Bench g101({.mapper = 32, .prg_kb = 128, .chr_kb = 128});
    g101.write(0x8000, 3);
    g101.write(0xA000, 4);
    g101.write(0xB005, 9);
    CHECK_EQUAL(g101.prg(0x8000), 24);
    CHECK_EQUAL(g101.prg(0xA000), 32);
    CHECK_EQUAL(g101.prg(0xC000), 112);
    CHECK_EQUAL(g101.chr(0x1400), 9);
    g101.write(0x9000, 3);
    CHECK_EQUAL(g101.prg(0x8000), 112);
    CHECK_EQUAL(g101.prg(0xC000), 24);
    CHECK(g101.nametables() == kHorizontal);

    Bench taito({.mapper = 33, .prg_kb = 128, .chr_kb = 128});
    taito.write(0x8000, 0x42);
    taito.write(0x8002, 3);
    taito.write(0xA001, 17);
    CHECK_EQUAL(taito.prg(0x8000), 16);
    CHECK_EQUAL(taito.chr(0x0000), 6);
    CHECK_EQUAL(taito.chr(0x1400), 17);
    CHECK(taito.nametables() == kHorizontal);

    Bench action52({.mapper = 228, .prg_kb = 512, .chr_kb = 128});
    action52.write(0x8000 | 3 << 7 | 2, 1);
    CHECK_EQUAL(action52.prg(0x8000), 96);
    CHECK_EQUAL(action52.chr(0), 72);
    CHECK(action52.nametables() == kVertical);
    action52.write(0xA000 | 3 << 7 | 0x60, 1);
    CHECK_EQUAL(action52.prg(0x8000), 112);
    CHECK_EQUAL(action52.prg(0xC000), 112);
    CHECK(action52.nametables() == kHorizontal);
    action52.write(0x5001, 0xAB);
    CHECK_EQUAL(action52.machine.mapper().read(action52.machine, 0x5FFD, 0, 0), 0x0B);

    Bench quattro({.mapper = 232, .prg_kb = 256, .chr_kb = 0});
    quattro.write(0x8000, 0x10);
    quattro.write(0xC000, 1);
    CHECK_EQUAL(quattro.prg(0x8000), 144);
    CHECK_EQUAL(quattro.prg(0xC000), 176);
}

void test_mmc3_banks() {
    Bench b({.mapper = 4, .prg_kb = 256, .chr_kb = 256});
    auto bank = [&b](uint8_t which, uint8_t value) {
        b.write(0x8000, which);
        b.write(0x8001, value);
    };
    CHECK_EQUAL(b.prg(0xE000), 248);
    bank(6, 3);
    bank(7, 4);
    CHECK_EQUAL(b.prg(0x8000), 24);
    CHECK_EQUAL(b.prg(0xA000), 32);
    CHECK_EQUAL(b.prg(0xC000), 240);
    bank(0, 11);  // 2 KB: the lowest bit does not count
    bank(5, 200);
    CHECK_EQUAL(b.chr(0x0000), 10);
    CHECK_EQUAL(b.chr(0x0400), 11);
    CHECK_EQUAL(b.chr(0x1C00), 200);
    b.write(0x8000, 0xC0);
    CHECK_EQUAL(b.prg(0x8000), 240);
    CHECK_EQUAL(b.prg(0xC000), 24);
    CHECK_EQUAL(b.chr(0x1000), 10);
    CHECK_EQUAL(b.chr(0x0C00), 200);
    b.write(0xA000, 1);
    CHECK(b.nametables() == kHorizontal);
    b.write(0xA000, 0);
    CHECK(b.nametables() == kVertical);
    CHECK(b.has_ram());
    Bench four({.mapper = 4, .flags = 8});
    four.write(0xA000, 1);
    CHECK(four.nametables() == "01xx");
}

// How many rises of A12 until IRQ, with this latch; -1: not within 600.
int rises_to_irq(Bench& b) {
    for (int i = 1; i <= 600; i++) {
        b.machine.mapper().a12_rise(b.machine, i * 100);
        if (b.irq())
            return i;
    }
    return -1;
}

void test_mmc3_irq() {
    for (int submapper : {0, 4}) {
        Bench b({.mapper = 4, .submapper = submapper, .prg_kb = 256, .chr_kb = 256});
        auto restart = [&b](uint8_t latch) {
            b.write(0xC000, latch);
            b.write(0xC001, 0);
            b.write(0xE000, 0);
            b.write(0xE001, 0);
        };
        CHECK_EQUAL(rises_to_irq(b), -1);  // not enabled
        restart(7);
        CHECK_EQUAL(rises_to_irq(b), 8);
        CHECK_EQUAL(b.machine.s().cpu.irq_at, 800);
        b.write(0xE000, 0);
        CHECK(!b.irq());
        b.write(0xE001, 0);
        CHECK_EQUAL(rises_to_irq(b), 8);  // it goes on by itself
        restart(255);
        CHECK_EQUAL(rises_to_irq(b), 256);
        // A latch of 0: each rise pulls IRQ; in revision A, the first after $C001 alone.
        restart(0);
        CHECK_EQUAL(rises_to_irq(b), 1);
        b.write(0xE000, 0);
        b.write(0xE001, 0);
        CHECK_EQUAL(rises_to_irq(b), submapper == 4 ? -1 : 1);
    }
}

void test_mmc3_boards() {
    Bench mmc6({.mapper = 4, .submapper = 1, .prg_kb = 256, .chr_kb = 256, .battery_ram_shift = 4});
    auto read = [&mmc6](uint16_t address) {
        return mmc6.machine.mapper().read(mmc6.machine, address, 0x70, 0);
    };
    CHECK_EQUAL(read(0x7000), 0x70);
    mmc6.write(0x8000, 0x20);
    mmc6.write(0xA001, 0xF0);
    mmc6.write(0x7001, 0x12);
    mmc6.write(0x7201, 0x34);
    CHECK_EQUAL(read(0x7001), 0x12);
    CHECK_EQUAL(read(0x7C01), 0x12);
    CHECK_EQUAL(read(0x7201), 0x34);
    mmc6.write(0xA001, 0x20);  // the low half, to read only
    mmc6.write(0x7001, 0x55);
    CHECK_EQUAL(read(0x7001), 0x12);
    CHECK_EQUAL(read(0x7201), 0);
    mmc6.write(0x8000, 0);
    CHECK_EQUAL(read(0x7001), 0x70);

    Bench txsrom({.mapper = 118, .prg_kb = 128, .chr_kb = 128});
    txsrom.write(0x8000, 0);
    txsrom.write(0x8001, 0x80);
    CHECK(txsrom.nametables() == "1100");
    txsrom.write(0x8000, 0x82);
    txsrom.write(0x8001, 0x80);
    CHECK(txsrom.nametables() == "1000");
    txsrom.write(0xA000, 1);
    CHECK(txsrom.nametables() == "1000");

    Bench tqrom({.mapper = 119, .prg_kb = 128, .chr_kb = 64});
    tqrom.write(0x8000, 2);
    tqrom.write(0x8001, 0x43);
    CHECK(tqrom.machine.chr_page[4] == tqrom.machine.chr_ram().data() + 0xC00);
    CHECK(tqrom.machine.chr_write_page[4] != nullptr);
    tqrom.write(0x8001, 0x03);
    CHECK_EQUAL(tqrom.chr(0x1000), 3);
    CHECK(tqrom.machine.chr_write_page[4] == nullptr);
}

void test_mmc2() {
    for (int number : {9, 10}) {
        Bench b({.mapper = number, .prg_kb = 128, .chr_kb = 128});
        auto fetch = [&b](uint16_t at) { b.machine.mapper().pattern_fetch(b.machine, at); };
        b.write(0xA000, 2);
        CHECK_EQUAL(b.prg(0x8000), number == 9 ? 16 : 32);
        CHECK_EQUAL(b.prg(0xA000), number == 9 ? 104 : 40);
        CHECK_EQUAL(b.prg(0xE000), 120);
        for (int i = 0; i < 4; i++)
            b.write(uint16_t(0xB000 + i * 0x1000), uint8_t(3 + i));
        CHECK_EQUAL(b.chr(0x0000), 16);
        fetch(0x0FD8);
        CHECK_EQUAL(b.chr(0x0000), 12);
        fetch(0x0FEA);  // MMC2's left half looks at the first row alone
        CHECK_EQUAL(b.chr(0x0000), number == 9 ? 12 : 16);
        fetch(0x0FE8);
        CHECK_EQUAL(b.chr(0x0000), 16);
        fetch(0x1FDF);
        CHECK_EQUAL(b.chr(0x1000), 20);
        fetch(0x1FEF);
        CHECK_EQUAL(b.chr(0x1000), 24);
        fetch(0x1FC8);
        CHECK_EQUAL(b.chr(0x1000), 24);
        b.write(0xF000, 1);
        CHECK(b.nametables() == kHorizontal);
        b.write(0xF000, 0);
        CHECK(b.nametables() == kVertical);
    }
}

void test_namco() {
    Bench b({.mapper = 206, .prg_kb = 128, .chr_kb = 64});
    auto bank = [](Bench& board, uint8_t which, uint8_t value) {
        board.write(0x8000, which);
        board.write(0x8001, value);
    };
    bank(b, 6, 3);
    bank(b, 0, 5);
    bank(b, 2, 9);
    CHECK_EQUAL(b.prg(0x8000), 24);
    CHECK_EQUAL(b.prg(0xC000), 112);
    CHECK_EQUAL(b.chr(0x0000), 4);
    CHECK_EQUAL(b.chr(0x1000), 9);
    Bench namco88({.mapper = 88, .prg_kb = 128, .chr_kb = 128});
    bank(namco88, 2, 9);
    CHECK_EQUAL(namco88.chr(0x1000), 64 + 9);
    Bench namco76({.mapper = 76, .prg_kb = 128, .chr_kb = 128});
    bank(namco76, 3, 5);
    CHECK_EQUAL(namco76.chr(0x0800), 10);
    Bench namco95({.mapper = 95, .prg_kb = 128, .chr_kb = 32});
    bank(namco95, 1, 0x20);
    CHECK(namco95.nametables() == "0011");
    Bench namco154({.mapper = 154, .prg_kb = 128, .chr_kb = 128});
    namco154.write(0x8000, 0x40);
    CHECK(namco154.nametables() == kHigh);

    Bench namco340({.mapper = 210, .submapper = 2, .prg_kb = 256, .chr_kb = 256});
    namco340.write(0x8800, 77);
    namco340.write(0xE000, 0x40 | 3);
    namco340.write(0xF000, 5);
    CHECK_EQUAL(namco340.chr(0x0400), 77);
    CHECK_EQUAL(namco340.prg(0x8000), 24);
    CHECK_EQUAL(namco340.prg(0xC000), 40);
    CHECK(namco340.nametables() == kVertical);
    Bench namco175({.mapper = 210, .submapper = 1, .prg_ram_shift = 5});
    CHECK(!namco175.has_ram());
    namco175.write(0xC000, 1);
    CHECK(namco175.has_ram());
}

// The cycle at which IRQ is pulled, as foretold; and checks that it comes then and not before,
// however often the mapper catches up meanwhile.
long irq_cycle(Bench& b, Cycle step) {
    const Mapper& mapper = b.machine.mapper();
    const Cycle told = mapper.next_irq(b.machine);
    if (told == kNever)
        return -1;
    for (Cycle cycle = b.machine.s().mapper.caught_up; cycle < told; cycle += step) {
        mapper.catch_up(b.machine, cycle);
        CHECK(!b.irq());
        CHECK_EQUAL(mapper.next_irq(b.machine), told);
    }
    mapper.catch_up(b.machine, told - 1);
    CHECK(!b.irq());
    mapper.catch_up(b.machine, told);
    CHECK(b.irq());
    CHECK_EQUAL(b.machine.s().cpu.irq_at, told);
    CHECK_EQUAL(mapper.next_irq(b.machine), kNever);
    return told;
}

void test_fme7() {
    Bench b({.mapper = 69, .prg_kb = 256, .chr_kb = 256});
    auto set = [&b](uint8_t which, uint8_t value, Cycle cycle = 100) {
        b.write(0x8000, which, cycle);
        b.write(0xA000, value, cycle);
    };
    set(9, 3);
    set(11, 4);
    set(5, 99);
    CHECK_EQUAL(b.prg(0x8000), 24);
    CHECK_EQUAL(b.prg(0xC000), 32);
    CHECK_EQUAL(b.prg(0xE000), 248);
    CHECK_EQUAL(b.chr(0x1400), 99);
    set(8, 2);
    CHECK_EQUAL(b.prg(0x6000), 16);
    set(8, 0x40);
    CHECK(b.machine.read_page[0x6000 >> 11] == nullptr);  // RAM, disabled: open bus
    set(8, 0xC0);
    CHECK(b.has_ram());
    const char* mirrorings[] = {kVertical, kHorizontal, kLow, kHigh};
    for (int i = 0; i < 4; i++) {
        set(12, uint8_t(i));
        CHECK(b.nametables() == mirrorings[i]);
    }
    for (Cycle step : {1, 7, 10000}) {
        set(13, 0, 1000);
        CHECK(!b.irq());
        set(14, 0x2C, 1000);
        set(15, 0x01, 1000);
        set(13, 0x81, 2000);
        CHECK_EQUAL(irq_cycle(b, step), 2000 + 0x12C + 1);  // when it goes below 0
        b.machine.s().mapper.caught_up = 0;
    }
    set(13, 0x80, 9000);
    CHECK(!b.irq());
    CHECK_EQUAL(b.machine.mapper().next_irq(b.machine), kNever);
}

void test_vrc_irq(Bench& b, uint16_t latch, uint16_t control, uint16_t acknowledge) {
    for (Cycle step : {1, 50, 10000}) {
        b.machine.s().mapper.caught_up = 0;
        b.write(latch, 0xF8, 1000);
        b.write(control, 0x07, 1000);  // cycles
        CHECK_EQUAL(irq_cycle(b, step), 1008);
        b.write(acknowledge, 0, 1010);
        CHECK(!b.irq());
        CHECK_EQUAL(irq_cycle(b, step), 1016);  // it was reloaded, and bit 0 lets it go on
        b.write(control, 0x02, 2000);           // lines: 341 dots each, three a cycle
        CHECK_EQUAL(irq_cycle(b, step), 2000 + (8 * 341 + 2) / 3);
        b.write(acknowledge, 0, 4000);
        CHECK_EQUAL(irq_cycle(b, step), -1);  // bit 0 was clear
    }
}

void test_vrc() {
    // Each wiring of the register lines: the same registers at other addresses.
    struct Wiring {
        int mapper, submapper;
        uint16_t low, high;
    };
    for (const auto& wiring : std::initializer_list<Wiring>{{21, 1, 0x02, 0x04},
                                                            {21, 2, 0x40, 0x80},
                                                            {21, -1, 0x02, 0x04},
                                                            {21, -1, 0x40, 0x80},
                                                            {23, 1, 0x01, 0x02},
                                                            {23, 2, 0x04, 0x08},
                                                            {23, -1, 0x01, 0x02},
                                                            {23, -1, 0x04, 0x08},
                                                            {25, 1, 0x02, 0x01},
                                                            {25, 2, 0x08, 0x04},
                                                            {25, -1, 0x02, 0x01},
                                                            {25, -1, 0x08, 0x04}}) {
        Bench b(
            {.mapper = wiring.mapper, .submapper = wiring.submapper, .prg_kb = 256, .chr_kb = 512});
        auto at = [&wiring](uint16_t base, int index) {
            return uint16_t(base | (index & 1 ? wiring.low : 0) | (index & 2 ? wiring.high : 0));
        };
        b.write(0x8000, 3);
        b.write(0xA000, 4);
        CHECK_EQUAL(b.prg(0x8000), 24);
        CHECK_EQUAL(b.prg(0xA000), 32);
        CHECK_EQUAL(b.prg(0xC000), 240);
        b.write(at(0x9000, 2), 2);
        CHECK_EQUAL(b.prg(0x8000), 240);
        CHECK_EQUAL(b.prg(0xC000), 24);
        b.write(0x9000, 3);
        CHECK(b.nametables() == kHigh);
        b.write(at(0xC000, 2), 0x05);
        b.write(at(0xC000, 3), 0x11);
        CHECK_EQUAL(b.chr(0x0C00), 0x115);
        b.write(at(0xF000, 1), 0x0F, 100);
        b.write(at(0xF000, 0), 0x08, 100);
        b.write(at(0xF000, 2), 0x06, 1000);
        CHECK_EQUAL(irq_cycle(b, 3), 1008);
        b.write(at(0xF000, 3), 0, 1010);
        CHECK(!b.irq());
    }
    Bench vrc2a({.mapper = 22, .prg_kb = 128, .chr_kb = 128});
    vrc2a.write(0xB000, 6);
    CHECK_EQUAL(vrc2a.chr(0), 3);
    vrc2a.write(0x9000, 1);
    CHECK(vrc2a.nametables() == kHorizontal);
    vrc2a.write(0xF001, 2);
    CHECK_EQUAL(vrc2a.machine.mapper().next_irq(vrc2a.machine), kNever);

    Bench vrc6({.mapper = 24, .prg_kb = 256, .chr_kb = 256});
    vrc6.write(0x8000, 3);
    vrc6.write(0xC000, 5);
    vrc6.write(0xE001, 77);
    vrc6.write(0xB003, 0x04);
    CHECK_EQUAL(vrc6.prg(0x8000), 48);
    CHECK_EQUAL(vrc6.prg(0xC000), 40);
    CHECK_EQUAL(vrc6.chr(0x1400), 77);
    CHECK(vrc6.nametables() == kHorizontal);
    test_vrc_irq(vrc6, 0xF000, 0xF001, 0xF002);
    Bench vrc6b({.mapper = 26, .prg_kb = 256, .chr_kb = 256});
    vrc6b.write(0xD002, 9);  // the lines are swapped
    CHECK_EQUAL(vrc6b.chr(0x0400), 9);
    test_vrc_irq(vrc6b, 0xF000, 0xF002, 0xF001);

    Bench vrc7({.mapper = 85, .prg_kb = 512, .chr_kb = 256});
    vrc7.write(0x8010, 9);
    vrc7.write(0xB008, 33);
    vrc7.write(0xE000, 0x81);
    CHECK_EQUAL(vrc7.prg(0xA000), 72);
    CHECK_EQUAL(vrc7.chr(0x0C00), 33);
    CHECK(vrc7.nametables() == kHorizontal);
    CHECK(vrc7.has_ram());
    test_vrc_irq(vrc7, 0xE010, 0xF000, 0xF010);

    Bench vrc1({.mapper = 75, .prg_kb = 128, .chr_kb = 128});
    vrc1.write(0xC000, 3);
    vrc1.write(0xF000, 2);
    vrc1.write(0x9000, 0x05);
    CHECK_EQUAL(vrc1.prg(0xC000), 24);
    CHECK_EQUAL(vrc1.chr(0x1000), 72);
    CHECK(vrc1.nametables() == kHorizontal);

    Bench vrc3({.mapper = 73, .prg_kb = 128, .chr_kb = 0});
    vrc3.write(0xF000, 3);
    CHECK_EQUAL(vrc3.prg(0x8000), 48);
    const uint8_t latch[] = {0x8, 0xF, 0xE, 0xF};
    for (int i = 0; i < 4; i++)
        vrc3.write(uint16_t(0x8000 + i * 0x1000), latch[i], 100);
    vrc3.write(0xC000, 3, 1000);
    CHECK_EQUAL(irq_cycle(vrc3, 11), 1000 + 0x10000 - 0xFEF8);
    vrc3.write(0xD000, 0, 2000);
    CHECK(!vrc3.irq());
    CHECK(vrc3.machine.mapper().next_irq(vrc3.machine) != kNever);
    vrc3.write(0xC000, 6, 3000);  // the low byte alone
    CHECK_EQUAL(irq_cycle(vrc3, 1), 3008);
}

}  // namespace

int main() {
    test_header();
    test_nes2_header();
    test_refusals();
    test_table();
    test_nrom();
    test_mmc1();
    test_mmc1_boards();
    test_latches();
    test_few_registers();
    test_mmc3_banks();
    test_mmc3_irq();
    test_mmc3_boards();
    test_mmc2();
    test_namco();
    test_fme7();
    test_vrc();
    std::printf("mappers: %d checks, %d failed\n", checks, failures);
    return failures != 0 || checks < 500;
}
