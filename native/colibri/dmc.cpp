// The delta modulation channel: its timer, shifter and sample buffer, and when it asks for bytes.
// https://www.nesdev.org/wiki/APU_DMC https://www.nesdev.org/wiki/DMA
#include <algorithm>
#include <bit>

#include "apu.h"

namespace colibri::apu {

const uint16_t kDmcPeriods[2][16] = {
    {428, 380, 340, 320, 286, 254, 226, 214, 190, 160, 142, 128, 106, 84, 72, 54},
    {398, 354, 316, 298, 276, 236, 210, 198, 176, 148, 132, 118, 98, 78, 66, 50}};

namespace {

// With no byte in shifter and buffer its bits only count; that is made up for by `settle`.
bool idle(const DmcState& d) {
    return d.silent && !d.buffer_full;
}

void settle(State& s, Cycle cycle) {
    DmcState& d = s.apu.dmc;
    if (!idle(d))
        return;
    uint32_t bits = take_steps(d.clock_at, dmc_period(s), cycle);
    d.bits = static_cast<uint8_t>(8 - ((8 - d.bits + bits) & 7));
}

void play_bits(DmcState& d, int count) {
    if (d.level >= 2 * count && d.level + 2 * count <= 127) {  // it meets neither end
        int ups = std::popcount(static_cast<uint8_t>(d.shifter & ((1 << count) - 1)));
        d.level = static_cast<uint8_t>(d.level + 4 * ups - 2 * count);
        d.shifter = static_cast<uint8_t>(d.shifter >> count);
        return;
    }
    for (int i = 0; i < count; i++, d.shifter >>= 1) {
        if (d.shifter & 1)
            d.level += d.level <= 125 ? 2 : 0;
        else
            d.level -= d.level >= 2 ? 2 : 0;
    }
}

// The shifter ran out at `cycle`: takes the byte of the buffer, and asks for the next.
void next_byte(DmcState& d, Cycle cycle) {
    d.bits = 8;
    d.silent = !d.buffer_full;
    if (!d.buffer_full)
        return;
    d.shifter = d.buffer;
    d.buffer_full = 0;
    // A sample that $4015 has just started waits for its own first fetch.
    if (d.bytes_left != 0 && d.load_at == kNever)
        d.fetch_at = cycle;
}

void run_bits(State& s, Cycle cycle) {
    DmcState& d = s.apu.dmc;
    if (d.clock_at > cycle || idle(d))
        return;
    Cycle period = dmc_period(s);
    while (d.clock_at <= cycle && !idle(d)) {
        int count = std::min<int>(d.bits, (cycle - d.clock_at) / period + 1);
        if (!d.silent)
            play_bits(d, count);
        d.bits = static_cast<uint8_t>(d.bits - count);
        d.clock_at += count * period;
        if (d.bits == 0)
            next_byte(d, d.clock_at - period);
    }
}

void start_sample(ApuState& a) {
    a.dmc.address = static_cast<uint16_t>(0xC000 | a.registers[0x12] << 6);
    a.dmc.bytes_left = static_cast<uint16_t>(a.registers[0x13] << 4 | 1);
}

void forget_fetch(DmcState& d) {
    d.fetch_at = kNever;
    d.fetch_until = kNever;
}

// When the shifter runs out. Only right while it is not idle.
Cycle byte_end(const State& s) {
    return s.apu.dmc.clock_at + (s.apu.dmc.bits - 1) * dmc_period(s);
}

}  // namespace

namespace dmc {

void power_on(State& s) {
    s.apu.dmc = {};
    // Bits are taken at the end of get cycles: from the first instruction on (cycle 7), as in
    // FCEUX. In a console it is chance.
    s.apu.dmc.clock_at = 9;
}

void soft_reset(State& s) {
    DmcState& d = s.apu.dmc;
    d.bytes_left = 0;
    d.load_at = d.disable_at = kNever;
    forget_fetch(d);
    d.level &= 1;  // https://www.nesdev.org/wiki/CPU_power_up_state
    d.irq = 0;
}

void catch_up(State& s, Cycle cycle) {
    DmcState& d = s.apu.dmc;
    for (;;) {
        Cycle at = std::min({d.load_at, d.disable_at, d.fetch_until});
        if (at > cycle)
            break;
        run_bits(s, at);
        if (at == d.disable_at) {
            d.bytes_left = 0;
            d.load_at = d.disable_at = kNever;
            forget_fetch(d);
        } else if (at == d.fetch_until) {
            forget_fetch(d);
        } else {
            d.load_at = kNever;
            if (d.bytes_left != 0 && !d.buffer_full && d.fetch_at == kNever)
                d.fetch_at = at;
        }
    }
    run_bits(s, cycle);
}

Cycle next_bit(const State& s) {
    return s.apu.dmc.silent ? kNever : s.apu.dmc.clock_at;
}

void write(Machine& m, uint16_t address, uint8_t value) {
    ApuState& a = m.s().apu;
    if (address == 0x4010) {
        settle(m.s(), a.caught_up);
        a.registers[0x10] = value;
        if (!(value & 0x80) && a.dmc.irq) {
            a.dmc.irq = 0;
            m.clear_irq(kDmcIrq);
        }
    } else {
        a.registers[address & 0x1F] = value;
        if (address == 0x4011)
            a.dmc.level = value & 0x7F;
    }
}

void enable(Machine& m, bool on, Cycle cycle) {
    ApuState& a = m.s().apu;
    DmcState& d = a.dmc;
    settle(m.s(), cycle);
    bool put = m.puts(cycle);
    if (d.irq) {
        d.irq = 0;
        m.clear_irq(kDmcIrq);
    }
    if (on) {
        d.disable_at = kNever;
        if (d.bytes_left == 0) {
            start_sample(a);
            // "The load DMA attempts to halt on the get cycle during the 2nd following APU
            // cycle." https://www.nesdev.org/wiki/DMA#Summary
            d.load_at = cycle + (put ? 3 : 4);
        }
    } else if (d.disable_at == kNever) {
        // It stops after as long a time; a fetch that begins now is not stopped any more.
        // https://www.nesdev.org/wiki/DMA#Explicit_stop
        bool begins = put ? d.clock_at == cycle + dmc_period(m.s()) : d.clock_at == cycle + 1;
        d.disable_at = cycle + (put ? 3 : 4) + (begins ? 2 : 0);
    }
}

void end_frame(State& s, Cycle length) {
    DmcState& d = s.apu.dmc;
    settle(s, s.apu.caught_up);
    d.clock_at -= length;
    for (Cycle* time : {&d.load_at, &d.fetch_at, &d.fetch_until, &d.disable_at})
        if (*time != kNever)
            *time -= length;
}

}  // namespace dmc

Cycle next_dmc_fetch(const Machine& m) {
    const DmcState& d = m.s().apu.dmc;
    if (d.fetch_at != kNever)
        return d.fetch_at;
    if (d.bytes_left == 0)
        return kNever;
    Cycle at = kNever;
    if (d.buffer_full) {
        at = byte_end(m.s());
        if (d.load_at != kNever && at < d.load_at)
            at = d.load_at;
    } else {
        at = d.load_at;
    }
    return at < d.disable_at ? at : kNever;
}

Cycle dmc_fetch_until(const Machine& m) {
    const DmcState& d = m.s().apu.dmc;
    return std::min(d.fetch_until, d.disable_at);
}

uint16_t dmc_address(const Machine& m) {
    return m.s().apu.dmc.address | 0x8000;
}

void dmc_byte(Machine& m, uint8_t value, Cycle cycle) {
    // A shifter that runs out in this very cycle misses it (RP2A03G: AccuracyCoin, Implicit DMA
    // Abort, its "behavior 2").
    apu::catch_up(m, cycle + 1);
    ApuState& a = m.s().apu;
    DmcState& d = a.dmc;
    settle(m.s(), cycle + 1);
    forget_fetch(d);
    d.buffer = value;
    d.buffer_full = 1;
    d.address = static_cast<uint16_t>((d.address + 1) | 0x8000);
    if (d.bytes_left != 0 && --d.bytes_left == 0) {
        if (a.registers[0x10] & 0x40) {
            start_sample(a);
        } else {
            if (a.registers[0x10] & 0x80) {
                d.irq = 1;
                m.set_irq(kDmcIrq, cycle);
            }
            // If the shifter takes this last byte at once, the channel asks for another before
            // it knows that there is none: the CPU may lose one cycle.
            // https://www.nesdev.org/wiki/DMA#Implicit_stop
            if (byte_end(m.s()) == cycle + 3) {
                d.fetch_at = cycle + 3;
                d.fetch_until = cycle + 4;
            }
        }
    }
    m.schedule();
}

}  // namespace colibri::apu
