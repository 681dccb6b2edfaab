// https://www.nesdev.org/wiki/DMA
#include <algorithm>

#include "cpu.h"

namespace colibri {

namespace {

bool is_of_the_chip(uint16_t address) {
    return (address & 0xFFE0) == 0x4000;
}

// A read by DMA. The chip's own registers look at the low bits of what DMA asks for, and at
// whether the address that the halted CPU puts out (`halted`) is one of theirs; so they answer
// beside memory, or do not answer at all. $4015 is read inside of the chip: OAM gets what it says
// and puts it on the bus, the bus outside keeps what memory put there.
// https://www.nesdev.org/wiki/DMA#Register_conflicts, and AccuracyCoin, "APU Register Activation",
// "DMC DMA Bus Conflicts"
uint8_t read_by_dma(Machine& m, uint16_t halted, uint16_t address, Cycle cycle, uint8_t bus) {
    const bool inside = is_of_the_chip(address);
    if (!is_of_the_chip(halted))
        return inside ? bus : Cpu::read(m, address, cycle, bus);
    const auto its = uint16_t(0x4000 | (address & 0x1F));
    if (!inside)
        bus = Cpu::read(m, address, cycle, bus);
    if (its == 0x4015)
        return Cpu::read(m, its, cycle, bus);
    if (its != 0x4016 && its != 0x4017)
        return bus;
    return Cpu::read(m, its, cycle, bus);  // bits 5-7 are of the bus
}

}  // namespace

Cycle Cpu::fetch_for_dmc(Machine& m, uint16_t address, Cycle cycle, uint8_t& bus) {
    // The processor is halted in this cycle, the unit gets ready in the next, and reads in the
    // first one after it that is for reading. All the while the CPU's own read is repeated.
    Cycle at = cycle + 2;
    if (m.puts(at))
        ++at;
    const Cycle until = apu::dmc_fetch_until(m);
    for (Cycle repeated = cycle; repeated < std::min(at, until); ++repeated) {
        if (m.read_page[address >> 11])
            continue;
        const uint8_t value = read(m, address, repeated, bus);
        if (address != 0x4015)  // is read inside of the chip
            bus = value;
    }
    if (until <= at)
        return until;
    const uint16_t from = apu::dmc_address(m);
    const uint8_t byte = read_by_dma(m, address, from, at, bus);
    if (!is_of_the_chip(address) || (from & 0x1F) != 0x15)
        bus = byte;
    else if (m.read_page[from >> 11])
        bus = m.peek(from);
    apu::dmc_byte(m, bus, at);
    return at + 1;
}

void Cpu::run_oam_dma(Machine& m, Cycle frame_end) {
    CpuState& cpu = m.s().cpu;
    const auto page = uint16_t(cpu.dma_page << 8);
    const Cycle began = cpu.cycle;
    if (cpu.dma_left == kDmaWaits) {
        ++cpu.cycle;  // the processor is halted
        if (m.puts(cpu.cycle))
            ++cpu.cycle;
        cpu.dma_left = 512;
        // What the halted processor reads, or still what it wrote, is on the bus.
        cpu.dma_byte = m.read_page[cpu.pc >> 11] ? m.peek(cpu.pc) : cpu.dma_page;
    }
    const uint8_t* source = m.read_page[page >> 11];
    if (source && cpu.dma_left == 512 && !m.hooks && !is_of_the_chip(cpu.pc) &&
        cpu.cycle + 512 <= frame_end && apu::next_dmc_fetch(m) > cpu.cycle + 512) {
        source += page & 0x7FF;
        for (int i = 0; i < 256; ++i)
            ppu::write_oam(m, source[i], cpu.cycle + 2 * i + 1);
        cpu.cycle += 512;
        cpu.dma_left = 0;
        cpu.dma_byte = source[255];
    }
    // The DMC's fetch takes a cycle of reading from it, and so one of writing too.
    const auto dmc_began = [&] {
        const Cycle fetch = apu::next_dmc_fetch(m);
        if (apu::dmc_fetch_until(m) <= cpu.cycle)
            return kNever;
        return fetch < began ? began : fetch;
    };
    while ((cpu.dma_left || dmc_began() < cpu.cycle) && cpu.cycle < frame_end) {
        const Cycle at = cpu.cycle++;
        if (!m.puts(at)) {
            const Cycle fetch = dmc_began();
            if (fetch != kNever && at >= fetch + 2)
                apu::dmc_byte(m, read_by_dma(m, cpu.pc, apu::dmc_address(m), at, 0), at);
            else if (cpu.dma_left && cpu.dma_left % 2 == 0) {
                const auto from = uint16_t(page + (512 - cpu.dma_left) / 2);
                cpu.dma_byte = read_by_dma(m, cpu.pc, from, at, cpu.dma_byte);
                --cpu.dma_left;
            }
        } else if (cpu.dma_left % 2) {
            ppu::write_oam(m, cpu.dma_byte, at);
            --cpu.dma_left;
        }
    }
    if (!cpu.dma_left) {
        cpu.bus = m.read_page[cpu.pc >> 11] ? 0 : cpu.dma_byte;
        cpu.dma_page = cpu.dma_byte = 0;
    }
}

}  // namespace colibri
