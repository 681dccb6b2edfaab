#include "idle.h"

#include <algorithm>
#include <array>

#include "cpu.h"

namespace colibri {

namespace {

constexpr int kInstructions = 40;  // of an iteration, and on the way to a loop's head
constexpr Cycle kLongest = 8 * kInstructions;
constexpr uint8_t kFailures = 6;
constexpr Cycle kFirstInterval = 1500, kLastInterval = 60000;  // between samples

// Notes whether an iteration touches anything but memory, and what it overwrites there.
struct Watch final : BusLog {
    explicit Watch(const Machine& machine) : m(machine) {}

    void read(uint16_t address, uint8_t value) override {
        if (m.read_page[address >> 11])
            return;
        // Reading $2002 again does nothing new unless the flag of vertical blank was cleared.
        if ((address & 0xE007) == 0x2002 && !(value & 0x80))
            reads_status = true;
        else
            only_waits = false;
    }
    void write(uint16_t address, uint8_t) override {
        const uint8_t* page = m.write_page[address >> 11];
        if (!page || count == kWrites) {
            only_waits = false;
            return;
        }
        const uint8_t* at = page + (address & 0x7FF);
        for (int i = 0; i < count; ++i)
            if (places[i] == at)
                return;
        places[count] = at;
        before[count++] = *at;
    }
    // Whether memory is as it was.
    bool left_no_trace() const {
        for (int i = 0; i < count; ++i)
            if (*places[i] != before[i])
                return false;
        return true;
    }

    static constexpr int kWrites = 24;
    const Machine& m;
    bool only_waits = true;
    bool reads_status = false;
    int count = 0;
    std::array<const uint8_t*, kWrites> places;
    std::array<uint8_t, kWrites> before;
};

}  // namespace

LoopCache::LoopCache() : interval_(kFirstInterval) {}

bool LoopCache::look(Machine& m, Cycle limit) {
    const CpuState& cpu = m.s().cpu;
    const auto enough = [&] { return limit - cpu.cycle > 2 * kLongest; };
    if (!enough())
        return false;
    if (uint8_t& chance = heads_[cpu.pc & 0xFF]) {
        if (skip(m))
            chance = kFailures;
        else
            --chance;
        return enough();
    }
    if (cpu.cycle < sample_at_)
        return true;
    interval_ = std::min(interval_ + interval_ / 8, kLastInterval);
    plan_sample(cpu.cycle);
    // To the nearest place that can be a head.
    for (int left = kInstructions; left > 0; --left) {
        const uint16_t from = cpu.pc;
        Cpu::run_exactly(m);
        if (!m.is_quiet())
            return false;
        if (cpu.pc > from)
            continue;
        // What is left on the stack may be new in the first iteration.
        if (skip(m) || (m.is_quiet() && cpu.pc <= from && enough() && skip(m))) {
            heads_[cpu.pc & 0xFF] = kFailures;
            interval_ = kFirstInterval;
        }
        break;
    }
    return enough();
}

// Runs an iteration, if there is one from here, and skips as many as it proves.
bool LoopCache::skip(Machine& m) {
    State& s = m.s();
    const Registers registers = m.registers();
    const Cycle began = s.cpu.cycle;
    const uint64_t counted = s.instructions;
    Watch watch(m);
    for (int left = kInstructions; left > 0; --left) {
        Cpu::run_exactly(m, &watch);
        if (!watch.only_waits || !m.is_quiet() || s.cpu.pc == registers.pc)
            break;
    }
    if (!watch.only_waits || !m.is_quiet() || m.registers() != registers || !watch.left_no_trace())
        return false;
    m.schedule();
    Cycle limit = m.quiet_until();
    if (watch.reads_status)
        limit = std::min(limit, ppu::next_status_change(m));
    if (limit <= s.cpu.cycle)
        return false;
    const Cycle period = s.cpu.cycle - began;
    const Cycle times = (limit - s.cpu.cycle) / period;
    s.cpu.cycle += times * period;
    skipped_ += uint64_t(times * period);
    if (sample_at_ < s.cpu.cycle)
        plan_sample(s.cpu.cycle);
    s.instructions += uint64_t(times) * (s.instructions - counted);
    return true;
}

// At any time from here on, as likely soon as late: frames are alike, and some loops are short.
void LoopCache::plan_sample(Cycle cycle) {
    random_ = random_ * 1664525 + 1013904223;
    sample_at_ = cycle + 1 + Cycle((uint64_t(random_) * uint64_t(2 * interval_)) >> 32);
}

void LoopCache::end_frame(Cycle length) {
    sample_at_ -= std::min(sample_at_, length);
}

}  // namespace colibri
