// The counter that VRC4, VRC6 and VRC7 share. https://www.nesdev.org/wiki/VRC_IRQ
#pragma once

#include "boards.h"

namespace colibri {

struct VrcIrq {
    uint16_t prescaler;  // dots to the counter's next step, when it counts lines: 1 to 341
    uint8_t latch;
    uint8_t counter;
    uint8_t control;  // bit 0: go on after the acknowledgement; 1: enabled; 2: count cycles
    uint8_t unused[1];

    static constexpr uint8_t kEnabled = 2, kCountsCycles = 4;

    // The first cycle at whose start the counter has taken this many further steps.
    int64_t cycles_for(int64_t steps) const {
        return control & kCountsCycles ? steps : (341 * (steps - 1) + prescaler + 2) / 3;
    }

    void catch_up(Machine& m, Cycle cycle) {
        const int64_t began = m.s().mapper.caught_up, elapsed = take_elapsed(m, cycle);
        if (elapsed == 0 || !(control & kEnabled))
            return;
        int64_t steps = elapsed;
        const int64_t to_overflow = 256 - counter, first = began + cycles_for(to_overflow);
        if (!(control & kCountsCycles)) {
            // Three dots a cycle; a step whenever the prescaler comes to 0.
            steps = (3 * elapsed - prescaler + 341) / 341;
            prescaler = static_cast<uint16_t>(prescaler - 3 * elapsed + 341 * steps);
        }
        if (steps < to_overflow) {
            counter = static_cast<uint8_t>(counter + steps);
            return;
        }
        counter = static_cast<uint8_t>(latch + (steps - to_overflow) % (256 - latch));
        if (!pulls_irq(m))
            m.set_irq(kMapperIrq, static_cast<Cycle>(std::min<int64_t>(first, cycle)));
    }

    Cycle next(const Machine& m) const {
        if (!(control & kEnabled) || pulls_irq(m))
            return kNever;
        return cycle_or_never(m.s().mapper.caught_up + cycles_for(256 - counter));
    }

    // The three registers. Each lets the past be counted first.
    void write_latch(Machine& m, uint8_t value, uint8_t mask, Cycle cycle) {
        catch_up(m, cycle);
        latch = static_cast<uint8_t>((latch & ~mask) | (value & mask));
        m.schedule();
    }
    void write_control(Machine& m, uint8_t value, Cycle cycle) {
        catch_up(m, cycle);
        m.clear_irq(kMapperIrq);
        control = value & 7;
        if (control & kEnabled) {
            counter = latch;
            prescaler = 341;
        }
        m.schedule();
    }
    void acknowledge(Machine& m, Cycle cycle) {
        catch_up(m, cycle);
        m.clear_irq(kMapperIrq);
        control = static_cast<uint8_t>((control & ~kEnabled) | (control & 1) << 1);
        m.schedule();
    }
};

}  // namespace colibri
