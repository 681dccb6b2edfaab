// The APU by itself: what is caught up late is what was caught up at every cycle, the frame
// counter's flag rises when it should, noise jumps as it steps, and the sound has the right pitch
// and no aliases. Exits with 1, and says what, if not.
#include "colibri/apu.h"

#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numbers>
#include <random>
#include <vector>

#include "colibri/machine.h"
#include "colibri/synth.h"

using namespace colibri;

namespace {

#define EXPECT(condition, ...)                                                   \
    do {                                                                         \
        if (!(condition)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            std::fprintf(stderr, __VA_ARGS__);                                   \
            std::fprintf(stderr, "\n");                                          \
            std::exit(1);                                                        \
        }                                                                        \
    } while (0)

constexpr Cycle kFrame = 29780;

std::unique_ptr<Machine> make_machine(Region region = Region::ntsc) {
    auto cartridge = std::make_shared<Cartridge>();
    cartridge->prg.assign(0x8000, 0xEA);
    cartridge->chr.assign(0x2000, 0);
    Options options;
    options.region = region;
    auto machine = std::make_unique<Machine>(cartridge, options);
    State& s = machine->s();
    s.region = static_cast<uint8_t>(region);
    apu::power_on(*machine);
    return machine;
}

// What a CPU would do to the APU in one cycle.
enum class Kind { none, write, read, fetch };
struct Access {
    Kind kind = Kind::none;
    uint16_t address = 0;
    uint8_t value = 0;
};

// A script of accesses, the same for a lazy and an eager machine, with the DMC served as a CPU
// would: `delay` cycles after it asks, unless it gives up.
struct Player {
    std::unique_ptr<Machine> machine;
    Cycle asked = kNever;

    void cycle(Cycle now, const Access& access, bool eager, std::vector<uint8_t>& seen) {
        Machine& m = *machine;
        if (eager)
            apu::catch_up(m, now);
        if (apu::next_irq(m) <= now)
            apu::catch_up(m, now);
        if (apu::next_dmc_fetch(m) > now || now >= apu::dmc_fetch_until(m))
            asked = kNever;
        else if (asked == kNever)
            asked = now;
        if (asked != kNever && now >= asked + 2 && !m.puts(now)) {
            apu::dmc_byte(m, static_cast<uint8_t>(apu::dmc_address(m) * 7 + 3), now);
            asked = kNever;
            return;
        }
        if (access.kind == Kind::write)
            apu::write(m, access.address, access.value, now);
        if (access.kind == Kind::read)
            seen.push_back(apu::read_status(m, now));
    }
    void end_frame() {
        apu::end_frame(*machine, kFrame);
        machine->s().cycles_before += kFrame;
        if (asked != kNever)
            asked -= kFrame;
    }
};

void test_lazy_is_eager() {
    for (unsigned seed = 0; seed < 300; seed++) {
        std::mt19937 random(seed);
        Region region = static_cast<Region>(seed % 3);
        Player lazy{make_machine(region)}, eager{make_machine(region)};
        Synth synth(48000, region);
        if (seed & 4)
            eager.machine->synth = &synth;
        std::vector<uint8_t> seen_lazy, seen_eager;
        unsigned rate = seed % 5 == 0 ? 40 : seed % 5 == 1 ? 400 : 4000;
        for (int frame = 0; frame < 4; frame++) {
            for (Cycle now = 0; now < kFrame; now++) {
                Access access;
                if (random() % rate == 0) {
                    access.kind = random() % 4 == 0 ? Kind::read : Kind::write;
                    access.address = static_cast<uint16_t>(0x4000 + random() % 0x18);
                    access.value = static_cast<uint8_t>(random());
                    if (access.address == 0x4015 && random() % 2)
                        access.value |= 0x1F;
                    if (access.address == 0x4017)
                        access.value &= random() % 4 == 0 ? 0xC0 : 0x80;
                    if (access.address == 0x4013)
                        access.value &= 3;
                }
                lazy.cycle(now, access, false, seen_lazy);
                eager.cycle(now, access, true, seen_eager);
                if (access.kind == Kind::read) {
                    EXPECT(seen_lazy == seen_eager, "seed %u frame %d cycle %d", seed, frame, now);
                    apu::catch_up(*lazy.machine, now);
                    EXPECT(!std::memcmp(&lazy.machine->s(), &eager.machine->s(), sizeof(State)),
                           "seed %u frame %d cycle %d: the states differ", seed, frame, now);
                }
            }
            lazy.end_frame();
            eager.end_frame();
            EXPECT(!std::memcmp(&lazy.machine->s(), &eager.machine->s(), sizeof(State)),
                   "seed %u frame %d: the states differ", seed, frame);
            EXPECT(apu::check(lazy.machine->s()) == nullptr, "seed %u", seed);
        }
    }
}

// "The flag is first set 29831 clocks after writing $00 to $4017" (blargg's irq_flag_timing), one
// more when the write comes in a get cycle; PAL: 33255. Three cycles in a row set it.
void test_frame_irq() {
    struct Case {
        Region region;
        bool put;
        Cycle first;
    };
    for (Case c : {Case{Region::ntsc, true, 29831}, Case{Region::ntsc, false, 29832},
                   Case{Region::pal, true, 33255}, Case{Region::dendy, true, 29831}}) {
        Cycle at = c.put ? 101 : 100;
        auto read_after = [&](Cycle cycles, uint8_t control, bool twice) {
            auto m = make_machine(c.region);
            apu::write(*m, 0x4017, control, at);
            uint8_t first = apu::read_status(*m, at + cycles);
            return twice ? apu::read_status(*m, at + cycles + 4) : first;
        };
        EXPECT(!(read_after(c.first - 1, 0, false) & 0x40), "%d: too early", int(c.region));
        EXPECT(read_after(c.first, 0, false) & 0x40, "%d: too late", int(c.region));
        // Read, it is cleared when the clock next goes from put to get, unless it rises after.
        EXPECT(read_after(c.first, 0, true) & 0x40, "cleared though it rises again");
        EXPECT(!(read_after(c.first + 2, 0, true) & 0x40), "not cleared");
        // Inhibited, it shows for two cycles and pulls nothing.
        EXPECT(read_after(c.first, 0x40, false) & 0x40, "inhibited: not there");
        EXPECT(read_after(c.first + 1, 0x40, false) & 0x40, "inhibited: not there");
        EXPECT(!(read_after(c.first + 2, 0x40, false) & 0x40), "inhibited: there");
        EXPECT(!(read_after(c.first + 2, 0x80, false) & 0x40), "five steps: there");
        auto m = make_machine(c.region);
        apu::write(*m, 0x4017, 0, at);
        EXPECT(apu::next_irq(*m) == at + c.first, "next_irq is %d", apu::next_irq(*m));
        apu::catch_up(*m, at + c.first);
        EXPECT(m->s().cpu.irq == kFrameIrq && m->s().cpu.irq_at == at + c.first, "line not low");
    }
}

void test_dmc_fetches() {
    for (Cycle at : {1000, 1001}) {
        auto m = make_machine();
        apu::write(*m, 0x4010, 0x8F, 4);
        apu::write(*m, 0x4012, 0xFF, 8);
        apu::write(*m, 0x4013, 0x00, 12);
        apu::write(*m, 0x4015, 0x10, at);
        Cycle load = at + (at & 1 ? 3 : 4);
        EXPECT(apu::next_dmc_fetch(*m) == load, "load DMA at %d", apu::next_dmc_fetch(*m) - at);
        EXPECT(apu::dmc_address(*m) == 0xFFC0, "%04x", apu::dmc_address(*m));
        apu::dmc_byte(*m, 0xFF, load + 2);
        EXPECT(m->s().cpu.irq == kDmcIrq, "no IRQ after the last byte");
        EXPECT(apu::read_status(*m, load + 10) == 0x80, "status");
        apu::write(*m, 0x4015, 0x10, load + 12);  // while the buffer is full
        EXPECT(m->s().cpu.irq == 0, "$4015 does not let go of IRQ");
        Cycle next = apu::next_dmc_fetch(*m);
        EXPECT(next > load + 12 && next <= load + 2 + 8 * 54 && m->puts(next), "at %d",
               next - load);
        apu::catch_up(*m, next);
        apu::dmc_byte(*m, 0xFF, next + 3);
        apu::catch_up(*m, next + 20 * 54);
        EXPECT(m->s().apu.dmc.level == 32, "two bytes of ones raise the level to %d",
               m->s().apu.dmc.level);
    }
}

void test_noise_jumps() {
    for (bool short_mode : {false, true})
        for (uint32_t start = 0; start < 32768; start += short_mode ? 1 : 97) {
            uint16_t stepped = static_cast<uint16_t>(start);
            for (uint32_t steps = 0; steps < 1200; steps++) {
                EXPECT(steps % 83 != 0 || apu::shift_noise(static_cast<uint16_t>(start), steps,
                                                           short_mode) == stepped,
                       "%u steps from %u", steps, start);
                int in = stepped ^ stepped >> (short_mode ? 6 : 1);
                stepped = static_cast<uint16_t>(stepped >> 1 | (in & 1) << 14);
            }
        }
}

// Power of the samples at this frequency, in dB, through a Blackman-Harris window.
double power_at(const std::vector<int16_t>& samples, double frequency, double rate) {
    std::complex<double> sum = 0;
    double weight = 0;
    for (size_t i = 0; i < samples.size(); i++) {
        double x =
            2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(samples.size() - 1);
        double window =
            0.35875 - 0.48829 * std::cos(x) + 0.14128 * std::cos(2 * x) - 0.01168 * std::cos(3 * x);
        weight += window;
        sum += window * samples[i] *
               std::polar(1.0, -2 * std::numbers::pi * frequency * static_cast<double>(i) / rate);
    }
    return 20 * std::log10(std::abs(sum) / weight + 1e-9);
}

std::vector<int16_t> play(Machine& m, Synth& synth, int frames) {
    m.synth = &synth;
    std::vector<int16_t> samples;
    for (int frame = 0; frame < frames; frame++) {
        apu::end_frame(m, kFrame);
        m.s().cycles_before += kFrame;
        synth.take(samples);
    }
    return samples;
}

void test_sound() {
    for (double rate : {44100.0, 48000.0})
        for (int timer : {253, 20}) {  // 440 Hz, 5.3 kHz
            auto m = make_machine();
            apu::write(*m, 0x4015, 0x01, 10);
            apu::write(*m, 0x4017, 0x40, 14);
            apu::write(*m, 0x4000, 0xBF, 18);
            apu::write(*m, 0x4002, static_cast<uint8_t>(timer), 22);
            apu::write(*m, 0x4001, 0x08, 26);
            apu::write(*m, 0x4003, 0xF8 & 0x08, 30);
            Synth synth(rate, Region::ntsc);
            std::vector<int16_t> samples = play(*m, synth, 10);
            EXPECT(std::abs(static_cast<double>(samples.size()) -
                            10 * kFrame * rate / 1789772.727) < 2,
                   "%zu samples", samples.size());
            samples.erase(samples.begin(), samples.begin() + 2000);
            double pitch = 1789772.727 / (16 * (timer + 1));
            double tone = power_at(samples, pitch, rate);
            EXPECT(tone > 55, "%.1f Hz has %.1f dB", pitch, tone);
            EXPECT(tone > power_at(samples, pitch * 1.01, rate), "%.1f Hz is off", pitch);
            // What lies between the harmonics below 20 kHz is alias (or rounding).
            double worst = -200, where = 0;
            double width = 5 * rate / static_cast<double>(samples.size());
            for (double f = 60; f < 20000; f += 29) {
                double from_harmonic = std::abs(f - pitch * std::round(f / pitch));
                if (from_harmonic < width)
                    continue;
                double alias = power_at(samples, f, rate) - tone;
                if (alias > worst)
                    worst = alias, where = f;
            }
            std::printf("pulse %.1f Hz at %.0f: worst alias %.1f dB at %.0f Hz\n", pitch, rate,
                        worst, where);
            EXPECT(worst < -50, "%.1f dB at %.1f Hz", worst, where);
        }
}

void test_sound_is_repeatable_and_starts_cleanly() {
    auto run = [](int silent_frames) {
        auto m = make_machine();
        apu::write(*m, 0x4015, 0x0F, 10);
        apu::write(*m, 0x4017, 0x40, 14);
        apu::write(*m, 0x4011, 0x7F, 18);  // a constant level is no click
        for (int i = 0; i < silent_frames; i++)
            apu::end_frame(*m, kFrame);
        Synth synth(48000, Region::ntsc);
        return play(*m, synth, 5);
    };
    EXPECT(run(3) == run(3), "the same machine sounds differently");
    for (int16_t sample : run(3))
        EXPECT(sample == 0, "a click of %d", sample);
}

}  // namespace

int main() {
    test_frame_irq();
    test_dmc_fetches();
    test_noise_jumps();
    test_lazy_is_eager();
    test_sound_is_repeatable_and_starts_cleanly();
    test_sound();
    std::puts("apu: ok");
}
