// The APU: frame counter, length and linear counters, envelopes, sweeps, the channels' timers.
// https://www.nesdev.org/wiki/APU
#include "apu.h"

#include <algorithm>
#include <array>

#include "synth.h"

namespace colibri::apu {

const uint16_t kNoisePeriods[2][16] = {
    {4, 8, 16, 32, 64, 96, 128, 160, 202, 254, 380, 508, 762, 1016, 2034, 4068},
    {4, 8, 14, 30, 60, 88, 118, 148, 188, 236, 354, 472, 708, 944, 1890, 3778}};

namespace {

// https://www.nesdev.org/wiki/APU_Length_Counter
constexpr uint8_t kLengths[32] = {10, 254, 20, 2,  40, 4,  80, 6,  160, 8,  60, 10, 14, 12, 26, 14,
                                  12, 16,  24, 18, 48, 20, 96, 22, 192, 24, 72, 26, 16, 28, 32, 30};

// What a step of the frame counter does.
enum : uint8_t { kQuarter = 1, kHalf = 2, kRaise = 4, kWrap = 8 };
struct Step {
    Cycle at;  // cycles since the sequence's start
    uint8_t does;
};
// https://www.nesdev.org/wiki/APU_Frame_Counter, in CPU cycles. The flag rises in three cycles; in
// the first two of them it does so even when inhibited (AccuracyCoin's tests of it).
constexpr int kIrqStep = 3;
constexpr Step kSteps[2][2][6] = {{{{7457, kQuarter},
                                    {14913, kQuarter | kHalf},
                                    {22371, kQuarter},
                                    {29828, kRaise},
                                    {29829, kQuarter | kHalf | kRaise},
                                    {29830, kRaise | kWrap}},
                                   {{7457, kQuarter},
                                    {14913, kQuarter | kHalf},
                                    {22371, kQuarter},
                                    {37281, kQuarter | kHalf},
                                    {37282, kWrap},
                                    {37282, kWrap}}},
                                  {{{8313, kQuarter},
                                    {16627, kQuarter | kHalf},
                                    {24939, kQuarter},
                                    {33252, kRaise},
                                    {33253, kQuarter | kHalf | kRaise},
                                    {33254, kRaise | kWrap}},
                                   {{8313, kQuarter},
                                    {16627, kQuarter | kHalf},
                                    {24939, kQuarter},
                                    {41565, kQuarter | kHalf},
                                    {41566, kWrap},
                                    {41566, kWrap}}}};

const Step* steps_of(const State& s) {
    return kSteps[table_of(s)][s.apu.frame_mode & 1];
}
bool irq_inhibited(const ApuState& a) {
    return (a.registers[0x17] & 0x40) != 0;
}

// Sequencers -------------------------------------------------------------------------------

void settle_pulse(PulseState& pulse, Cycle cycle) {
    uint32_t steps = take_steps(pulse.step_at, pulse_period(pulse), cycle);
    pulse.step = static_cast<uint8_t>((pulse.step - steps) & 7);
}

void settle_triangle(ApuState& a, Cycle cycle) {
    uint32_t steps = take_steps(a.triangle.step_at, triangle_period(a), cycle);
    if (triangle_steps(a.triangle))
        a.triangle.step = static_cast<uint8_t>((a.triangle.step + steps) & 31);
}

void settle_noise(State& s, Cycle cycle) {
    NoiseState& noise = s.apu.noise;
    uint32_t steps = take_steps(noise.step_at, noise_period(s), cycle);
    noise.shift = shift_noise(noise.shift, steps, (s.apu.registers[0x0E] & 0x80) != 0);
}

// Units that the frame counter clocks ------------------------------------------------------

// https://www.nesdev.org/wiki/APU_Envelope
void clock_envelope(EnvelopeState& envelope, uint8_t control) {
    uint8_t period = control & 0x0F;
    if (envelope.start) {
        envelope.start = 0;
        envelope.decay = 15;
        envelope.divider = period;
    } else if (envelope.divider != 0) {
        envelope.divider--;
    } else {
        envelope.divider = period;
        if (envelope.decay != 0)
            envelope.decay--;
        else if (control & 0x20)
            envelope.decay = 15;
    }
}

void clock_quarter(State& s, Cycle cycle) {
    ApuState& a = s.apu;
    clock_envelope(a.pulse[0].envelope, a.registers[0x00]);
    clock_envelope(a.pulse[1].envelope, a.registers[0x04]);
    clock_envelope(a.noise.envelope, a.registers[0x0C]);

    // https://www.nesdev.org/wiki/APU_Triangle
    TriangleState& triangle = a.triangle;
    uint8_t linear = triangle.linear;
    if (triangle.linear_reload)
        linear = a.registers[0x08] & 0x7F;
    else if (linear != 0)
        linear--;
    if ((linear != 0) != (triangle.linear != 0))
        settle_triangle(a, cycle);
    triangle.linear = linear;
    if (!(a.registers[0x08] & 0x80))
        triangle.linear_reload = 0;
}

void clock_sweep(ApuState& a, int which, Cycle cycle) {
    PulseState& pulse = a.pulse[which];
    uint8_t sweep = a.registers[which * 4 + 1];
    if (pulse.sweep_divider == 0 && (sweep & 0x80) && (sweep & 7) && !pulse_muted(a, which)) {
        settle_pulse(pulse, cycle);
        pulse.period = static_cast<uint16_t>(sweep_target(a, which) & 0x7FF);
    }
    if (pulse.sweep_divider == 0 || pulse.sweep_reload) {
        pulse.sweep_divider = (sweep >> 4) & 7;
        pulse.sweep_reload = 0;
    } else {
        pulse.sweep_divider--;
    }
}

void clock_length(uint8_t& length, bool halted) {
    if (length != 0 && !halted)
        length--;
}

void clock_half(State& s, Cycle cycle) {
    ApuState& a = s.apu;
    clock_length(a.pulse[0].length, a.registers[0x00] & 0x20);
    clock_length(a.pulse[1].length, a.registers[0x04] & 0x20);
    clock_length(a.noise.length, a.registers[0x0C] & 0x20);
    if (a.triangle.length == 1)
        settle_triangle(a, cycle);
    clock_length(a.triangle.length, a.registers[0x08] & 0x80);
    clock_sweep(a, 0, cycle);
    clock_sweep(a, 1, cycle);
}

// Frame counter ----------------------------------------------------------------------------

void start_sequence(State& s, Cycle cycle) {
    ApuState& a = s.apu;
    a.frame_start = cycle;
    a.frame_step = 0;
    a.frame_mode = a.registers[0x17] >> 7;
    a.frame_step_at = cycle + steps_of(s)[0].at;
    a.frame_reset_at = kNever;
}

// $4017 as written takes effect.
void reset_sequence(Machine& m, Cycle cycle) {
    ApuState& a = m.s().apu;
    // The signals of the last step still stand when it was just before: they are not given twice.
    Cycle since_start = cycle - a.frame_start;
    bool just_clocked = a.frame_step != 0 && (steps_of(m.s())[a.frame_step - 1].does & kQuarter) &&
                        since_start - steps_of(m.s())[a.frame_step - 1].at <= 1;
    start_sequence(m.s(), cycle);
    if (a.frame_mode == 1 && !just_clocked) {
        clock_quarter(m.s(), cycle);
        clock_half(m.s(), cycle);
    }
}

void take_step(Machine& m) {
    ApuState& a = m.s().apu;
    const Step* steps = steps_of(m.s());
    const Step& step = steps[a.frame_step];
    Cycle cycle = a.frame_step_at;
    if (step.does & kQuarter)
        clock_quarter(m.s(), cycle);
    if (step.does & kHalf)
        clock_half(m.s(), cycle);
    if (step.does & kRaise) {
        bool inhibited = irq_inhibited(a);
        a.frame_irq = !inhibited || !(step.does & kWrap);
        if (!inhibited && !(m.s().cpu.irq & kFrameIrq))
            m.set_irq(kFrameIrq, cycle);
    }
    if (step.does & kWrap) {
        a.frame_start += step.at;
        a.frame_step = 0;
    } else {
        a.frame_step++;
    }
    a.frame_step_at = a.frame_start + steps[a.frame_step].at;
}

void clear_frame_irq(Machine& m) {
    m.s().apu.frame_irq = 0;
    if (m.s().cpu.irq & kFrameIrq)
        m.clear_irq(kFrameIrq);
}

template <bool heard>
void run(Machine& m, Cycle cycle) {
    ApuState& a = m.s().apu;
    if constexpr (heard)
        m.synth->begin(m.s());
    for (;;) {
        Cycle at = std::min({a.frame_step_at, a.frame_reset_at, a.irq_clear_at});
        if constexpr (heard) {
            at = std::min(at, dmc::next_bit(m.s()));
            m.synth->render(m.s(), std::min(at, cycle));
            dmc::catch_up(m.s(), std::min(at, cycle));
        }
        if (at > cycle)
            break;
        if (at == a.irq_clear_at) {
            a.irq_clear_at = kNever;
            clear_frame_irq(m);
        }
        if (at == a.frame_reset_at)
            reset_sequence(m, at);
        else if (at == a.frame_step_at)
            take_step(m);
    }
    if constexpr (!heard)
        dmc::catch_up(m.s(), cycle);
    a.caught_up = cycle;
}

// Registers --------------------------------------------------------------------------------

uint8_t& length_of(ApuState& a, int channel) {
    switch (channel & 3) {
        case 0:
        case 1:
            return a.pulse[channel & 1].length;
        case 2:
            return a.triangle.length;
        default:
            return a.noise.length;
    }
}

// $4000-$400F. They count from the end of the cycle of the write, after what the frame counter
// clocks in it; a length that it has just clocked is not loaded.
// https://www.nesdev.org/wiki/APU_Length_Counter, blargg's 10.len_halt_timing
// and 11.len_reload_timing
void write_channel(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    ApuState& a = m.s().apu;
    int channel = (address >> 2) & 3;
    uint8_t length = length_of(a, channel);
    catch_up(m, cycle + 1);
    Cycle now = a.caught_up;
    if ((address & 3) >= 2) {  // timers
        if (channel < 2)
            settle_pulse(a.pulse[channel], now);
        else if (channel == 2)
            settle_triangle(a, now);
        else
            settle_noise(m.s(), now);
    }
    a.registers[address & 0x1F] = value;
    if (channel < 2) {
        PulseState& pulse = a.pulse[channel];
        if ((address & 3) == 1)
            pulse.sweep_reload = 1;
        else if ((address & 3) == 2)
            pulse.period = static_cast<uint16_t>((pulse.period & 0x700) | value);
        else if ((address & 3) == 3) {
            pulse.period = static_cast<uint16_t>((pulse.period & 0xFF) | (value & 7) << 8);
            pulse.step = 0;
            pulse.envelope.start = 1;
        }
    } else if (address == 0x400B) {
        a.triangle.linear_reload = 1;
    } else if (address == 0x400F) {
        a.noise.envelope.start = 1;
    }
    if ((address & 3) == 3 && (a.registers[0x15] & (1 << channel)) &&
        length_of(a, channel) == length)
        length_of(a, channel) = kLengths[value >> 3];
}

void write_enables(Machine& m, uint8_t value, Cycle cycle) {
    ApuState& a = m.s().apu;
    a.registers[0x15] = value;
    if (!(value & 0x04))
        settle_triangle(a, cycle);
    for (int channel = 0; channel < 4; channel++)
        if (!(value & (1 << channel)))
            length_of(a, channel) = 0;
    dmc::enable(m, (value & 0x10) != 0, cycle);
    m.schedule();
}

void write_frame_counter(Machine& m, uint8_t value, Cycle cycle) {
    ApuState& a = m.s().apu;
    a.registers[0x17] = value;
    if (irq_inhibited(a))
        clear_frame_irq(m);
    a.frame_reset_at = cycle + (m.puts(cycle) ? 3 : 4);
    m.schedule();
}

bool plausible(Cycle time) {
    return time > -1000000 && time < 1000000;
}

// Shifts of the long mode, 448 at a time: by the low 8 bits of the register and by the high 7.
constexpr uint32_t kJump = 448;
constexpr uint16_t shift_long(uint16_t shift, int count) {
    // Step i takes in bits i and i + 1; up to 14 steps only read bits that were there before.
    uint16_t taken = static_cast<uint16_t>((shift ^ shift >> 1) & ((1 << count) - 1));
    return static_cast<uint16_t>(shift >> count | taken << (15 - count));
}
constexpr uint16_t shift_short(uint16_t shift, int count) {
    uint16_t taken = static_cast<uint16_t>((shift ^ shift >> 6) & ((1 << count) - 1));
    return static_cast<uint16_t>(shift >> count | taken << (15 - count));
}
struct JumpTable {
    std::array<uint16_t, 256> low{};
    std::array<uint16_t, 128> high{};
    constexpr JumpTable() {
        auto jump = [](uint16_t shift) {
            for (uint32_t i = 0; i < kJump / 14; i++)
                shift = shift_long(shift, 14);
            return shift;
        };
        for (uint16_t i = 0; i < 256; i++)
            low[i] = jump(i);
        for (uint16_t i = 0; i < 128; i++)
            high[i] = jump(static_cast<uint16_t>(i << 8));
    }
};
constexpr JumpTable kJumps;

}  // namespace

// https://www.nesdev.org/wiki/APU_Noise
uint16_t shift_noise(uint16_t shift, uint32_t steps, bool short_mode) {
    if (short_mode) {
        // All its cycles are 93 or 31 long.
        for (steps %= 93; steps > 9; steps -= 9)
            shift = shift_short(shift, 9);
        return shift_short(shift, static_cast<int>(steps));
    }
    // The register is linear: what becomes of it is the sum of what becomes of its parts.
    for (steps %= 32767; steps >= kJump; steps -= kJump)
        shift = kJumps.low[shift & 0xFF] ^ kJumps.high[(shift >> 8) & 0x7F];
    for (; steps > 14; steps -= 14)
        shift = shift_long(shift, 14);
    return shift_long(shift, static_cast<int>(steps));
}

void power_on(Machine& m) {
    State& s = m.s();
    s.apu = {};
    for (PulseState& pulse : s.apu.pulse)
        pulse.step_at = 1;  // pulses, noise and DMC step at the end of get cycles
    s.apu.triangle.step_at = 1;
    s.apu.noise.step_at = 1;
    dmc::power_on(s);
    start_sequence(s, 0);
}

// https://www.nesdev.org/wiki/CPU_power_up_state, blargg's apu_reset
void soft_reset(Machine& m) {
    ApuState& a = m.s().apu;
    settle_triangle(a, a.caught_up);
    for (int channel = 0; channel < 4; channel++)
        length_of(a, channel) = 0;
    a.registers[0x15] = 0;
    a.registers[0x00] &= ~0x20;
    a.registers[0x04] &= ~0x20;
    a.registers[0x0C] &= ~0x20;
    a.triangle.step = 0;
    dmc::soft_reset(m.s());
    m.clear_irq(kDmcIrq);
    leave_reset(m, a.caught_up);
}

// As if $4017 were written again 10 cycles before the first instruction, which comes 7 later.
void leave_reset(Machine& m, Cycle cycle) {
    catch_up(m, cycle);
    clear_frame_irq(m);
    m.s().apu.irq_clear_at = kNever;
    start_sequence(m.s(), cycle);
}

void catch_up(Machine& m, Cycle cycle) {
    if (cycle <= m.s().apu.caught_up)
        return;
    if (m.synth)
        run<true>(m, cycle);
    else
        run<false>(m, cycle);
}

// Reading clears the flag when the CPU next goes from put to get. (AccuracyCoin)
uint8_t read_status(Machine& m, Cycle cycle) {
    catch_up(m, cycle);
    ApuState& a = m.s().apu;
    uint8_t value = m.s().cpu.bus & 0x20;
    for (int channel = 0; channel < 4; channel++)
        value |= length_of(a, channel) != 0 ? 1 << channel : 0;
    value |= a.dmc.bytes_left != 0 ? 0x10 : 0;
    value |= a.frame_irq ? 0x40 : 0;
    value |= a.dmc.irq ? 0x80 : 0;
    if (a.irq_clear_at == kNever)
        a.irq_clear_at = cycle + (m.puts(cycle) ? 1 : 2);
    if (a.frame_irq)
        m.schedule();
    return value;
}

void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    catch_up(m, cycle);
    if (address < 0x4010) {
        write_channel(m, address, value, cycle);
    } else if (address < 0x4014) {
        dmc::write(m, address, value);
        if (address == 0x4010)
            m.schedule();
    } else if (address == 0x4015) {
        write_enables(m, value, cycle);
    } else if (address == 0x4017) {
        write_frame_counter(m, value, cycle);
    }
}

Cycle next_irq(const Machine& m) {
    const ApuState& a = m.s().apu;
    if (m.s().cpu.irq & kFrameIrq)
        return a.irq_clear_at;
    if (irq_inhibited(a))
        return kNever;
    Cycle at = kNever;
    if (!(a.frame_mode & 1))
        at = a.frame_step <= kIrqStep ? a.frame_start + steps_of(m.s())[kIrqStep].at
                                      : a.frame_step_at;
    if (at < a.frame_reset_at)
        return at;
    if (a.frame_reset_at != kNever && !(a.registers[0x17] & 0x80))
        return a.frame_reset_at + kSteps[table_of(m.s())][0][kIrqStep].at;
    return kNever;
}

void end_frame(Machine& m, Cycle length) {
    catch_up(m, length);
    State& s = m.s();
    ApuState& a = s.apu;
    if (m.synth)
        m.synth->end_frame(length);
    for (PulseState& pulse : a.pulse) {
        settle_pulse(pulse, a.caught_up);
        pulse.step_at -= length;
    }
    settle_triangle(a, a.caught_up);
    a.triangle.step_at -= length;
    settle_noise(s, a.caught_up);
    a.noise.step_at -= length;
    dmc::end_frame(s, length);
    for (Cycle* time : {&a.frame_start, &a.frame_step_at, &a.frame_reset_at, &a.irq_clear_at})
        if (*time != kNever)
            *time -= length;
    a.caught_up -= length;
}

const char* check(const State& s) {
    const ApuState& a = s.apu;
    const DmcState& d = a.dmc;
    for (Cycle time : {a.caught_up, a.frame_start, a.frame_step_at, a.pulse[0].step_at,
                       a.pulse[1].step_at, a.triangle.step_at, a.noise.step_at, d.clock_at})
        if (!plausible(time))
            return "a time of the APU is out of range";
    for (Cycle time :
         {a.frame_reset_at, a.irq_clear_at, d.load_at, d.fetch_at, d.fetch_until, d.disable_at})
        if (time != kNever && !plausible(time))
            return "a time of the APU is out of range";
    if (a.frame_mode > 1 || a.frame_step > (a.frame_mode ? 4 : 5))
        return "the APU's frame counter is at a step it has not";
    if (d.bits < 1 || d.bits > 8)
        return "the APU's DMC has more bits to play than a byte";
    return nullptr;
}

}  // namespace colibri::apu
