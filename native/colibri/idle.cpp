#include "idle.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <string_view>

#include "cpu.h"

namespace colibri {

namespace {

constexpr int kInstructions = 40;  // of an iteration, and on the way to a loop's head
constexpr Cycle kLongest = 8 * kInstructions;
constexpr uint8_t kFailures = 6;
constexpr Cycle kFirstInterval = 1500, kLastInterval = 60000;  // between samples

// Notes whether an iteration touches anything but memory, and what it overwrites there.
//
// A byte of RAM may also count, as games do for random numbers: it is incremented or decremented,
// nothing else reads or writes it, and the flags it leaves are overwritten unseen or looked at by
// BNE and BEQ only. So many iterations later it is that much further; until it is 0, if that is
// looked at.
class Watch final : public BusLog {
  public:
    explicit Watch(const Machine& machine) : m_(machine) {}

    // Before each instruction. False: it looks at a counter's flags.
    bool goes_on() {
        const uint16_t pc = m_.s().cpu.pc;
        const uint8_t opcode = m_.peek(pc);
        const auto is_one_of = [opcode](std::string_view codes) {
            return codes.find(char(opcode)) != codes.npos;
        };
        using namespace std::string_view_literals;
        counting_ = kNothing;
        if (is_one_of("\xE6\xC6\xEE\xCE"sv)) {  // INC, DEC
            const uint8_t high = opcode & 0x08 ? m_.peek(uint16_t(pc + 2)) : 0;
            const int address = m_.peek(uint16_t(pc + 1)) | high << 8;
            if (address >= 0x800) {
                live_ = kNothing;
                return true;
            }
            counting_ = live_ = address;
            return !counters_[size_t(address)];  // once in an iteration
        }
        if (live_ == kNothing)
            return true;
        if (is_one_of("\xD0\xF0"sv)) {  // BNE, BEQ
            tested_ = tested_ == kNothing || tested_ == live_ ? live_ : kMany;
            return m_.s().ram[live_] != 0 && tested_ != kMany;
        }
        // JMP, JSR, RTS, STA, STX, STY, CLC, SEC: leave N and Z alone
        if (is_one_of("\x4C\x20\x60\x85\x8D\x86\x8E\x84\x8C\x18\x38"sv))
            return true;
        live_ = kNothing;
        // LDA, LDX, LDY, CMP, CPX, CPY, AND, ORA, EOR, ADC, BIT: set them without a look
        return is_one_of(
            "\xA9\xA5\xB5\xAD\xBD\xB9\xA2\xA6\xAE\xA0\xA4\xAC\xC9\xC5\xCD\xE0\xE4"
            "\xEC\xC0\xC4\xCC\x29\x25\x2D\x09\x05\x0D\x49\x45\x4D\x69\x65\x6D\x24"
            "\x2C"sv);
    }
    void read(uint16_t address, uint8_t value) override {
        touch(address);
        if (m_.read_page[address >> 11])
            return;
        // Reading $2002 again does nothing new unless the flag of vertical blank was cleared.
        if ((address & 0xE007) == 0x2002 && !(value & 0x80))
            reads_status = true;
        else
            only_waits = false;
    }
    void write(uint16_t address, uint8_t) override {
        touch(address);
        const uint8_t* page = m_.write_page[address >> 11];
        if (!page || count_ == kWrites) {
            only_waits = false;
            return;
        }
        const uint8_t* at = page + (address & 0x7FF);
        for (int i = 0; i < count_; ++i)
            if (places_[i] == at)
                return;
        places_[count_] = at;
        before_[count_++] = *at;
    }

    // Whether memory is as it was, but for counters.
    bool leaves_no_trace() const {
        for (int i = 0; i < count_; ++i)
            if (step(i) != 0 && !is_counter(places_[i]))
                return false;
        return live_ == kNothing;
    }
    // How many more iterations take the same way.
    Cycle most() const {
        for (int i = 0; i < count_; ++i)
            if (tested_ != kNothing && places_[i] == &m_.s().ram[tested_]) {
                // Values after the last look do not matter; before it, the first 0 does.
                const int value = *places_[i];
                return step(i) == 1 ? 255 - value : step(i) == 0xFF ? std::max(value - 1, 0) : 0;
            }
        return tested_ == kNothing ? kNever : 0;
    }
    void count_on(State& s, Cycle times) const {
        for (int i = 0; i < count_; ++i)
            if (step(i) != 0) {
                uint8_t& byte = s.ram[places_[i] - s.ram];
                byte = uint8_t(byte + step(i) * times);
            }
    }

    bool only_waits = true;
    bool reads_status = false;

  private:
    static constexpr int kWrites = 24;
    static constexpr int kNothing = -1, kMany = -2;

    void touch(uint16_t address) {
        if (address < 0x2000 && (address & 0x7FF) != counting_)
            touched_[address & 0x7FF] = true;
        else if (address < 0x800)
            counters_[address] = true;
    }
    bool is_counter(const uint8_t* place) const {
        const ptrdiff_t at = place - m_.s().ram;
        return at >= 0 && at < 0x800 && counters_[size_t(at)] && !touched_[size_t(at)];
    }
    uint8_t step(int i) const { return uint8_t(*places_[i] - before_[i]); }

    const Machine& m_;
    int counting_ = kNothing;  // address of the byte that the running instruction counts
    int live_ = kNothing;      // whose flags N and Z are
    int tested_ = kNothing;    // which was compared with 0
    int count_ = 0;
    std::array<const uint8_t*, kWrites> places_;
    std::array<uint8_t, kWrites> before_;
    std::bitset<0x800> touched_, counters_;
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
        if (!watch.goes_on())
            return false;
        Cpu::run_exactly(m, &watch);
        if (!watch.only_waits || !m.is_quiet() || s.cpu.pc == registers.pc)
            break;
    }
    if (!watch.only_waits || !m.is_quiet() || m.registers() != registers ||
        !watch.leaves_no_trace())
        return false;
    m.schedule();
    Cycle limit = m.quiet_until();
    if (watch.reads_status)
        limit = std::min(limit, ppu::next_status_change(m));
    if (limit <= s.cpu.cycle)
        return false;
    const Cycle period = s.cpu.cycle - began;
    const Cycle times = std::min((limit - s.cpu.cycle) / period, watch.most());
    const uint64_t length = s.instructions - counted;
    s.cpu.cycle += times * period;
    skipped_ += uint64_t(times * period);
    if (sample_at_ < s.cpu.cycle)
        plan_sample(s.cpu.cycle);
    s.instructions += uint64_t(times) * length;
    watch.count_on(s, times);
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
