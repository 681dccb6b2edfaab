// What the files of the APU share: the regions' tables, and the channels' sequencers.
//
// An event "at" cycle T has happened when the CPU's access in cycle T comes: what the APU does
// at the end of CPU cycle T - 1. So `catch_up(m, T)` does all events at T or before.
#pragma once

#include "machine.h"

namespace colibri::apu {

// Cycles between steps of the noise channel and bits of the DMC, by register.
// https://www.nesdev.org/wiki/APU_Noise https://www.nesdev.org/wiki/APU_DMC
extern const uint16_t kNoisePeriods[2][16];
extern const uint16_t kDmcPeriods[2][16];

// 1 for PAL's own tables. Dendy has NTSC's. https://www.nesdev.org/wiki/Cycle_reference_chart
inline int table_of(const State& s) {
    return static_cast<Region>(s.region) == Region::pal ? 1 : 0;
}

inline Cycle pulse_period(const PulseState& pulse) {
    return 2 * ((pulse.period & 0x7FF) + 1);
}
inline Cycle triangle_period(const ApuState& a) {
    return ((a.registers[0x0A] | a.registers[0x0B] << 8) & 0x7FF) + 1;
}
inline Cycle noise_period(const State& s) {
    return kNoisePeriods[table_of(s)][s.apu.registers[0x0E] & 0x0F];
}
inline Cycle dmc_period(const State& s) {
    return kDmcPeriods[table_of(s)][s.apu.registers[0x10] & 0x0F];
}

// Whether the triangle's two counters let it step.
inline bool triangle_steps(const TriangleState& triangle) {
    return triangle.linear != 0 && triangle.length != 0;
}
// The period a pulse's sweep aims at; above $7FF it silences the channel, even when off.
// https://www.nesdev.org/wiki/APU_Sweep
inline int sweep_target(const ApuState& a, int which) {
    int period = a.pulse[which].period & 0x7FF;
    uint8_t sweep = a.registers[which * 4 + 1];
    int change = period >> (sweep & 7);
    if (!(sweep & 0x08))
        return period + change;
    return period - change - (which == 0 ? 1 : 0);  // pulse 1 has no carry in
}
inline bool pulse_muted(const ApuState& a, int which) {
    return (a.pulse[which].period & 0x7FF) < 8 || sweep_target(a, which) > 0x7FF;
}
inline uint8_t volume(uint8_t control, const EnvelopeState& envelope) {
    return control & 0x10 ? control & 0x0F : envelope.decay & 0x0F;
}

// How often a sequencer steps up to and at `cycle`; brings `step_at` behind it.
inline uint32_t take_steps(Cycle& step_at, Cycle period, Cycle cycle) {
    if (step_at > cycle)
        return 0;
    uint32_t steps = static_cast<uint32_t>(cycle - step_at) / static_cast<uint32_t>(period) + 1;
    step_at += static_cast<Cycle>(steps) * period;
    return steps;
}
// The noise channel's shift register, so many steps on. `short_mode`: bit 7 of $400E.
uint16_t shift_noise(uint16_t shift, uint32_t steps, bool short_mode);

namespace dmc {
void power_on(State& s);
void soft_reset(State& s);
// All its events at `cycle` or before. Says nothing to the CPU.
void catch_up(State& s, Cycle cycle);
// When it takes its next bit of a byte, which may change its level; kNever: it is silent.
Cycle next_bit(const State& s);
void write(Machine& m, uint16_t address, uint8_t value);  // $4010-$4013
void enable(Machine& m, bool on, Cycle cycle);            // bit 4 of $4015
void end_frame(State& s, Cycle length);
}  // namespace dmc

}  // namespace colibri::apu
