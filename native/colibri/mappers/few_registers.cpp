// Boards with a few registers and no counter: BNROM and NINA-001 (34), Camerica (71), Irem G-101
// (32), Taito TC0190 (33), Action 52 (228), Quattro (232).

#include "boards.h"

namespace colibri {
namespace {

// Two boards share mapper 34: NINA-001 is the one with more than 8 KB of CHR ROM.
// https://www.nesdev.org/wiki/INES_Mapper_034
struct BnromNina {
    uint8_t prg;
    uint8_t chr[2];
};

bool is_nina001(const Cartridge& c) {
    return c.submapper == 1 || (c.submapper == 0 && c.chr.size() > 0x2000);
}

void power_on_34(Machine& m) {
    registers<BnromNina>(m).chr[1] = 1;
}

void map_34(Machine& m) {
    const BnromNina& r = registers<BnromNina>(m);
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x8000, r.prg);
    m.map_mirroring(m.cartridge().mirroring);
    if (is_nina001(m.cartridge())) {
        m.write_page[0x7800 >> 11] = nullptr;  // the registers lie over RAM
        m.map_chr(0x0000, 0x1000, r.chr[0]);
        m.map_chr(0x1000, 0x1000, r.chr[1]);
    } else {
        m.map_chr(0, 0x2000, 0);
    }
}

void write_34(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    BnromNina& r = registers<BnromNina>(m);
    if (!is_nina001(m.cartridge())) {
        if (address >= 0x8000) {
            r.prg = value;
            map_34(m);
        }
        return;
    }
    if (address < 0x7800 || address >= 0x8000)
        return;
    if (auto ram = m.prg_ram(); !ram.empty())
        ram[(address - 0x6000) % ram.size()] = value;
    if (address == 0x7FFD) {
        r.prg = value;
        map_34(m);
    } else if (address > 0x7FFD) {
        if (change_seen_by_ppu(m, r.chr[address - 0x7FFE], value & 0x0F, cycle))
            map_34(m);
    }
}

// https://www.nesdev.org/wiki/INES_Mapper_071
struct Camerica {
    uint8_t prg;
    uint8_t screen;  // 0: mirroring as soldered; else 1 + which of the two (Fire Hawk)
};

void map_camerica(Machine& m) {
    const Camerica& r = registers<Camerica>(m);
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x4000, r.prg);
    m.map_prg(0xC000, 0x4000, -1);
    m.map_chr(0, 0x2000, 0);
    choose_mirroring(m, r.screen == 0 ? m.cartridge().mirroring : single(r.screen == 2));
}

void write_camerica(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000)
        return;
    Camerica& r = registers<Camerica>(m);
    // Only Fire Hawk's board has mirroring, at $8000-$9FFF; it writes to $9000, where the others
    // never write, and so does not need to be named by a submapper.
    const bool mirrors = m.cartridge().submapper == 1 ? address < 0xA000 : address >> 12 == 9;
    if (mirrors) {
        if (change_seen_by_ppu(m, r.screen, value & 0x10 ? 2 : 1, cycle))
            map_camerica(m);
    } else if (r.prg != value) {
        r.prg = value;
        map_camerica(m);
    }
}

// https://www.nesdev.org/wiki/INES_Mapper_032
struct IremG101 {
    uint8_t prg[2];
    uint8_t chr[8];
    uint8_t mode;  // bit 0: mirroring; 1: $8000 and $C000 change places
};

bool is_major_league(const Machine& m) {
    return m.cartridge().submapper == 1;
}

void map_g101(Machine& m) {
    const IremG101& r = registers<IremG101>(m);
    const bool swapped = r.mode & 2 && !is_major_league(m);
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x2000, swapped ? -2 : r.prg[0] & 0x1F);
    m.map_prg(0xA000, 0x2000, r.prg[1] & 0x1F);
    m.map_prg(0xC000, 0x2000, swapped ? r.prg[0] & 0x1F : -2);
    m.map_prg(0xE000, 0x2000, -1);
    for (int i = 0; i < 8; i++)
        m.map_chr(static_cast<uint16_t>(i * 0x400), 0x400, r.chr[i]);
    choose_mirroring(m, is_major_league(m) ? Mirroring::single_low : vertical_if(!(r.mode & 1)));
}

void write_g101(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    IremG101& r = registers<IremG101>(m);
    uint8_t* target = nullptr;
    switch (address >> 12) {
        case 0x8:
            target = &r.prg[0];
            break;
        case 0x9:
            target = &r.mode;
            break;
        case 0xA:
            target = &r.prg[1];
            break;
        case 0xB:
            target = &r.chr[address & 7];
            break;
    }
    if (target != nullptr && change_seen_by_ppu(m, *target, value, cycle))
        map_g101(m);
}

// https://www.nesdev.org/wiki/INES_Mapper_033
struct Taito33 {
    uint8_t prg[2];  // bit 6 of the first: mirroring
    uint8_t chr[6];
};

void map_taito33(Machine& m) {
    const Taito33& r = registers<Taito33>(m);
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x2000, r.prg[0] & 0x3F);
    m.map_prg(0xA000, 0x2000, r.prg[1] & 0x3F);
    m.map_prg(0xC000, 0x4000, -1);
    m.map_chr(0x0000, 0x800, r.chr[0]);
    m.map_chr(0x0800, 0x800, r.chr[1]);
    for (int i = 2; i < 6; i++)
        m.map_chr(static_cast<uint16_t>(0x800 + i * 0x400), 0x400, r.chr[i]);
    choose_mirroring(m, vertical_if(!(r.prg[0] & 0x40)));
}

void write_taito33(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    Taito33& r = registers<Taito33>(m);
    uint8_t* target = nullptr;
    const unsigned index = address & 3;
    if ((address & 0xE000) == 0x8000)
        target = index < 2 ? &r.prg[index] : &r.chr[index - 2];
    else if ((address & 0xE000) == 0xA000)
        target = &r.chr[2 + index];
    if (target != nullptr && change_seen_by_ppu(m, *target, value, cycle))
        map_taito33(m);
}

// The address is the register. Three chips of 512 KB, numbered 0, 1 and 3.
// https://www.nesdev.org/wiki/INES_Mapper_228
struct Action52 {
    uint16_t address;
    uint8_t chr;
    uint8_t memory[4];
    uint8_t unused[1];
};

void power_on_228(Machine& m) {
    registers<Action52>(m).address = 0x8000;
}

void map_228(Machine& m) {
    const Action52& r = registers<Action52>(m);
    int bank = r.address >> 7 & 0x3F;
    if ((bank & 0x30) == 0x30)
        bank -= 0x10;
    if (r.address & 0x20) {
        const int half = bank * 2 + (r.address >> 6 & 1);
        m.map_prg(0x8000, 0x4000, half);
        m.map_prg(0xC000, 0x4000, half);
    } else {
        m.map_prg(0x8000, 0x8000, bank);
    }
    m.map_chr(0, 0x2000, (r.address & 0x0F) << 2 | (r.chr & 3));
    choose_mirroring(m, vertical_if(!(r.address & 0x2000)));
    map_plain_prg_ram(m);
}

void write_228(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    Action52& r = registers<Action52>(m);
    if (address >= 0x8000) {
        change_for_ppu(m, cycle);
        r.address = address;
        r.chr = value;
        map_228(m);
    } else if (address >> 12 == 5) {
        r.memory[address & 3] = value & 0x0F;
    }
}

uint8_t read_228(Machine& m, uint16_t address, uint8_t open_bus, Cycle) {
    return address >> 12 == 5 ? registers<Action52>(m).memory[address & 3] : open_bus;
}

// https://www.nesdev.org/wiki/INES_Mapper_232
struct Quattro {
    uint8_t block;
    uint8_t bank;
};

void map_quattro(Machine& m) {
    const Quattro& r = registers<Quattro>(m);
    int block = r.block >> 3 & 3;
    if (m.cartridge().submapper == 1)  // the Aladdin Deck Enhancer swaps the two lines
        block = (block >> 1) | (block << 1 & 2);
    map_plain_prg_ram(m);
    m.map_prg(0x8000, 0x4000, block * 4 + (r.bank & 3));
    m.map_prg(0xC000, 0x4000, block * 4 + 3);
    m.map_chr(0, 0x2000, 0);
    m.map_mirroring(m.cartridge().mirroring);
}

void write_quattro(Machine& m, uint16_t address, uint8_t value, Cycle) {
    if (address < 0x8000)
        return;
    Quattro& r = registers<Quattro>(m);
    (address < 0xC000 ? r.block : r.bank) = value;
    map_quattro(m);
}

}  // namespace

const Mapper kBnromNina{.number = 34,
                        .name = "BNROM and NINA-001",
                        .power_on = power_on_34,
                        .map = map_34,
                        .write = write_34};
const Mapper kCamerica{.number = 71,
                       .name = "Camerica",
                       .power_on = no_power_on,
                       .map = map_camerica,
                       .write = write_camerica};
const Mapper kIremG101{.number = 32,
                       .name = "Irem G-101",
                       .power_on = no_power_on,
                       .map = map_g101,
                       .write = write_g101};
const Mapper kTaito33{.number = 33,
                      .name = "Taito TC0190",
                      .power_on = no_power_on,
                      .map = map_taito33,
                      .write = write_taito33};
const Mapper kAction52{.number = 228,
                       .name = "Action 52",
                       .power_on = power_on_228,
                       .map = map_228,
                       .write = write_228,
                       .read = read_228};
const Mapper kQuattro{.number = 232,
                      .name = "Camerica Quattro",
                      .power_on = no_power_on,
                      .map = map_quattro,
                      .write = write_quattro};

}  // namespace colibri
