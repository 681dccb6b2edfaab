// MMC3 and its boards: plain (4, with MMC6 as submapper 1), TxSROM (118), TQROM (119).
// https://www.nesdev.org/wiki/MMC3

#include "boards.h"

namespace colibri {
namespace {

struct Mmc3 {
    uint8_t command;
    uint8_t bank[8];
    uint8_t horizontal;
    uint8_t protect;  // $A001
    uint8_t latch;
    uint8_t counter;
    uint8_t reload;
    uint8_t enabled;
};

constexpr uint8_t kSwapPrg = 0x40, kSwapChr = 0x80, kMmc6Ram = 0x20;

bool is_mmc6(const Machine& m) {
    return m.cartridge().mapper == 4 && m.cartridge().submapper == 1;
}
// Revision A pulls IRQ when the counter comes to 0, the others when it is 0.
bool is_revision_a(const Machine& m) {
    return m.cartridge().mapper == 4 && m.cartridge().submapper == 4;
}

void power_on(Machine& m) {
    Mmc3& r = registers<Mmc3>(m);
    static constexpr uint8_t kBanks[] = {0, 2, 4, 5, 6, 7, 0, 1};  // as in FCEUX
    std::ranges::copy(kBanks, r.bank);
    r.horizontal = m.cartridge().mirroring == Mirroring::horizontal;
}

void map_prg(Machine& m) {
    const Mmc3& r = registers<Mmc3>(m);
    bool swapped = r.command & kSwapPrg;
    m.map_prg(0x8000, 0x2000, swapped ? -2 : r.bank[6]);
    m.map_prg(0xA000, 0x2000, r.bank[7]);
    m.map_prg(0xC000, 0x2000, swapped ? r.bank[6] : -2);
    m.map_prg(0xE000, 0x2000, -1);
}

void map_chr_page(Machine& m, int page, uint8_t bank) {
    if (m.cartridge().mapper == 119 && bank & 0x40) {
        auto ram = m.chr_ram();
        uint8_t* at = ram.data() + (bank & 7) * 0x400 % ram.size();
        m.chr_page[page] = m.chr_write_page[page] = at;
        return;
    }
    m.map_chr(static_cast<uint16_t>(page * 0x400), 0x400,
              m.cartridge().mapper == 119 ? bank & 0x3F : bank);
}

void map_chr(Machine& m) {
    const Mmc3& r = registers<Mmc3>(m);
    int swap = r.command & kSwapChr ? 4 : 0;
    for (int i = 0; i < 4; i++) {
        map_chr_page(m, i ^ swap, i & 1 ? r.bank[i / 2] | 1 : r.bank[i / 2] & ~1);
        map_chr_page(m, (i + 4) ^ swap, r.bank[i + 2]);
    }
    if (m.cartridge().mapper != 118)
        return;
    // TxSROM wires the highest CHR bit, as the left half is banked, to the nametables.
    for (int i = 0; i < 4; i++)
        map_own_nametable(m, i, (swap ? r.bank[i + 2] : r.bank[i / 2]) & 0x80);
}

void map(Machine& m) {
    map_prg(m);
    if (is_mmc6(m)) {
        m.map_prg_ram(0x6000, 0x2000, 0, false, false);  // through `read` and `write`
    } else {
        // The protection is left out, as in FCEUX: boards with MMC6 in an old header need it so.
        map_plain_prg_ram(m);
    }
    if (m.cartridge().mapper != 118)
        choose_mirroring(m, vertical_if(!registers<Mmc3>(m).horizontal));
    map_chr(m);
}

// MMC6 has 1 KB of RAM in itself, at $7000-$7FFF, in halves that are enabled one by one.
uint8_t* mmc6_ram(Machine& m, uint16_t address, uint8_t low_bit, uint8_t high_bit) {
    const Mmc3& r = registers<Mmc3>(m);
    uint8_t bit = address & 0x200 ? high_bit : low_bit;
    if (!(r.command & kMmc6Ram) || !(r.protect & bit) || m.prg_ram().size() < 0x400)
        return nullptr;
    return &m.prg_ram()[address & 0x3FF];
}

uint8_t read(Machine& m, uint16_t address, uint8_t open_bus, Cycle) {
    if (!is_mmc6(m) || address < 0x7000 || address >= 0x8000)
        return open_bus;
    if (const uint8_t* byte = mmc6_ram(m, address, 0x20, 0x80))
        return *byte;
    const Mmc3& r = registers<Mmc3>(m);
    return r.command & kMmc6Ram && r.protect & 0xA0 ? 0 : open_bus;
}

void write_bank(Machine& m, uint8_t value, Cycle cycle) {
    Mmc3& r = registers<Mmc3>(m);
    int which = r.command & 7;
    if (which >= 6) {
        if (r.bank[which] != value) {
            r.bank[which] = value;
            map_prg(m);
        }
    } else if (change_seen_by_ppu(m, r.bank[which], value, cycle)) {
        map_chr(m);
    }
}

void write_command(Machine& m, uint8_t value, Cycle cycle) {
    Mmc3& r = registers<Mmc3>(m);
    uint8_t changed = r.command ^ value;
    if (changed & kSwapChr)
        change_for_ppu(m, cycle);
    r.command = value;
    if (is_mmc6(m) && !(value & kMmc6Ram))
        r.protect = 0;
    if (changed & kSwapPrg)
        map_prg(m);
    if (changed & kSwapChr)
        map_chr(m);
}

void write_irq(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    Mmc3& r = registers<Mmc3>(m);
    ppu::catch_up(m, cycle);  // what counted so far, counted with the old values
    switch (address & 0xE001) {
        case 0xC000:
            r.latch = value;
            break;
        case 0xC001:
            r.counter = 0;
            r.reload = 1;
            break;
        case 0xE000:
            r.enabled = 0;
            m.clear_irq(kMapperIrq);
            break;
        case 0xE001:
            r.enabled = 1;
            break;
    }
    m.schedule();
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (address < 0x8000) {
        if (is_mmc6(m) && address >= 0x7000) {
            // Writing wants the right to read as well.
            if (uint8_t* byte = mmc6_ram(m, address, 0x20, 0x80);
                byte != nullptr && mmc6_ram(m, address, 0x10, 0x40) != nullptr)
                *byte = value;
        }
        return;
    }
    Mmc3& r = registers<Mmc3>(m);
    switch (address & 0xE001) {
        case 0x8000:
            write_command(m, value, cycle);
            break;
        case 0x8001:
            write_bank(m, value, cycle);
            break;
        case 0xA000:
            if (change_seen_by_ppu(m, r.horizontal, value & 1, cycle) &&
                m.cartridge().mapper != 118)
                choose_mirroring(m, vertical_if(!r.horizontal));
            break;
        case 0xA001:
            if (!is_mmc6(m) || r.command & kMmc6Ram)
                r.protect = value;
            break;
        default:
            write_irq(m, address, value, cycle);
    }
}

void a12_rise(Machine& m, Cycle cycle) {
    Mmc3& r = registers<Mmc3>(m);
    bool was_zero = r.counter == 0 && !r.reload;
    if (r.counter == 0 || r.reload)
        r.counter = r.latch;
    else
        r.counter--;
    r.reload = 0;
    if (r.counter == 0 && r.enabled && !(was_zero && is_revision_a(m)))
        m.set_irq(kMapperIrq, cycle);
}

Cycle next_irq(const Machine& m) {
    const Mmc3& r = registers<Mmc3>(m);
    if (!r.enabled || pulls_irq(m))
        return kNever;
    bool reloads = r.counter == 0 || r.reload;
    // A natural reload with 0 is silent in revision A, and so are all that follow.
    if (is_revision_a(m) && reloads && !r.reload && r.latch == 0)
        return kNever;
    return ppu::cycle_of_a12_rise(m, reloads ? r.latch + 1u : r.counter);
}

}  // namespace

const Mapper kMmc3{.number = 4,
                   .name = "MMC3",
                   .power_on = power_on,
                   .map = map,
                   .write = write,
                   .read = read,
                   .a12_rise = a12_rise,
                   .next_irq = next_irq};
const Mapper kTxsrom{.number = 118,
                     .name = "TxSROM",
                     .power_on = power_on,
                     .map = map,
                     .write = write,
                     .a12_rise = a12_rise,
                     .next_irq = next_irq};
const Mapper kTqrom{.number = 119,
                    .name = "TQROM",
                    .power_on = power_on,
                    .map = map,
                    .write = write,
                    .a12_rise = a12_rise,
                    .next_irq = next_irq};

}  // namespace colibri
