#include "synth.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "apu.h"

namespace colibri {

namespace {

// CPU cycles a second: https://www.nesdev.org/wiki/Cycle_reference_chart
constexpr double kClockRates[] = {236.25e6 / 11 / 12, 26601712.5 / 16, 26601712.5 / 15};

// An impulse between two samples, as the samples of a band-limited one (a sinc in a Kaiser
// window): flat to 20 kHz and 70 dB down from 24 kHz on at 44,100 samples a second.
constexpr int kTaps = 48;
constexpr int kPhaseBits = 8;
constexpr double kBeta = 6.8;
using Impulse = std::array<float, kTaps>;

double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 40; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

std::vector<Impulse> make_impulses() {
    std::vector<Impulse> impulses(1 << kPhaseBits);
    for (size_t phase = 0; phase < impulses.size(); phase++) {
        double late = (static_cast<double>(phase) + 0.5) / static_cast<double>(impulses.size());
        std::array<double, kTaps> taps;
        double sum = 0;
        for (int i = 0; i < kTaps; i++) {
            double x = i - (kTaps / 2 - 1) - late;
            double edge = x / (kTaps / 2);
            double window = edge * edge < 1 ? bessel_i0(kBeta * std::sqrt(1 - edge * edge)) : 0;
            double sinc = x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
            taps[i] = sinc * window;
            sum += taps[i];
        }
        for (int i = 0; i < kTaps; i++)
            impulses[phase][i] = static_cast<float>(taps[i] / sum);
    }
    return impulses;
}

const std::vector<Impulse>& impulses() {
    static const std::vector<Impulse> made = make_impulses();
    return made;
}

// https://www.nesdev.org/wiki/APU_Pulse#Sequencer_behavior, read from the end
constexpr uint8_t kDuties[4] = {0b10000000, 0b11000000, 0b11110000, 0b00111111};

// https://www.nesdev.org/wiki/APU_Mixer
double mix_pulses(int sum) {
    return sum == 0 ? 0 : 95.88 / (8128.0 / sum + 100);
}
double mix_others(int triangle, int noise, int dmc) {
    double sum = triangle / 8227.0 + noise / 12241.0 + dmc / 22638.0;
    return sum == 0 ? 0 : 159.79 / (1 / sum + 100);
}

// First-order filters of an NES's output. https://www.nesdev.org/wiki/APU_Mixer
constexpr double kHighPass[2] = {90, 440};
constexpr double kLowPass = 14000;
constexpr double kFullScale = 30000;  // sample for the mixer's level 1

struct HighPass {
    double keep = 0, before = 0, out = 0;
    double operator()(double in) {
        out = keep * (out + in - before);
        before = in;
        return out;
    }
};

// A channel's sequencer while it sounds: `at` is its next step.
struct Stepper {
    Cycle at = kNever;
    Cycle period = 1;
};

}  // namespace

struct Synth::Output {
    uint64_t per_cycle;  // samples, in 2^-32
    uint64_t zero = 0;   // where cycle 0 of the frame lies in `steps`, likewise, modulo 2^64
    std::vector<double> steps;
    double level = 0;
    HighPass high[2];
    double low_gain, low = 0;
    std::vector<int16_t> ready;

    Output(double rate, double clock)
        : per_cycle(static_cast<uint64_t>(std::llround(rate / clock * 4294967296.0))),
          steps(static_cast<size_t>(rate * 0.05) + 2 * kTaps) {
        for (int i = 0; i < 2; i++)
            high[i].keep = 1 / (1 + 2 * std::numbers::pi * kHighPass[i] / rate);
        low_gain = 1 - std::exp(-2 * std::numbers::pi * kLowPass / rate);
    }

    uint64_t position(Cycle cycle) const {
        return zero + per_cycle * static_cast<uint64_t>(static_cast<int64_t>(cycle));
    }

    void step(Cycle cycle, double change) {
        uint64_t at = position(cycle);
        size_t first = at >> 32;
        if (first + kTaps > steps.size())
            return;
        const Impulse& impulse = impulses()[(at >> (32 - kPhaseBits)) & ((1 << kPhaseBits) - 1)];
        for (int i = 0; i < kTaps; i++)
            steps[first + i] += impulse[i] * change;
    }

    // Nothing comes any more that is before `cycle`.
    void finish(Cycle cycle) {
        size_t count = std::min<uint64_t>(position(cycle) >> 32, steps.size() - kTaps);
        for (size_t i = 0; i < count; i++) {
            level += steps[i];
            low += low_gain * (high[1](high[0](level)) - low);
            double sample = std::clamp(std::round(low * kFullScale), -32768.0, 32767.0);
            ready.push_back(static_cast<int16_t>(sample));
        }
        std::copy(steps.begin() + static_cast<ptrdiff_t>(count), steps.end(), steps.begin());
        std::fill(steps.end() - static_cast<ptrdiff_t>(count), steps.end(), 0.0);
        zero -= static_cast<uint64_t>(count) << 32;
    }
};

Synth::Synth(double sample_rate, Region region)
    : output_(std::make_unique<Output>(std::clamp(sample_rate, 8000.0, 192000.0),
                                       kClockRates[static_cast<int>(region)])) {}

Synth::~Synth() = default;

void Synth::take(std::vector<int16_t>& samples) {
    samples.insert(samples.end(), output_->ready.begin(), output_->ready.end());
    output_->ready.clear();
}

void Synth::restart() {
    Output& o = *output_;
    std::fill(o.steps.begin(), o.steps.end(), 0.0);
    o.zero = 0;
    o.level = o.low = 0;
    for (HighPass& high : o.high)
        high.before = high.out = 0;
    o.ready.clear();
    cycle_ = 0;
    silent_ = true;
}

void Synth::begin(const State& s) {
    if (cycle_ == s.apu.caught_up && !silent_)
        return;
    // The sound goes on from here, wherever the machine was before.
    output_->zero =
        output_->position(cycle_) - (output_->position(s.apu.caught_up) - output_->zero);
    cycle_ = s.apu.caught_up;
    silent_ = true;
}

void Synth::render(const State& s, Cycle cycle) {
    if (cycle <= cycle_)
        return;
    const ApuState& a = s.apu;
    Output& o = *output_;

    int step[2], level[2];
    Stepper pulse[2];
    for (int i = 0; i < 2; i++) {
        const PulseState& p = a.pulse[i];
        uint8_t control = a.registers[i * 4];
        level[i] = p.length == 0 || apu::pulse_muted(a, i) ? 0 : apu::volume(control, p.envelope);
        step[i] = p.step;
        if (level[i] == 0)
            continue;
        pulse[i] = {p.step_at, apu::pulse_period(p)};
        step[i] -= static_cast<int>(apu::take_steps(pulse[i].at, pulse[i].period, cycle_) & 7);
    }
    auto sum_of_pulses = [&] {
        int sum = 0;
        for (int i = 0; i < 2; i++)
            sum += kDuties[a.registers[i * 4] >> 6] >> (step[i] & 7) & 1 ? level[i] : 0;
        return sum;
    };

    int triangle_step = a.triangle.step;
    Stepper triangle;
    if (apu::triangle_steps(a.triangle)) {
        triangle = {a.triangle.step_at, apu::triangle_period(a)};
        triangle_step +=
            static_cast<int>(apu::take_steps(triangle.at, triangle.period, cycle_) & 31);
    }
    uint16_t shift = a.noise.shift;
    bool short_noise = (a.registers[0x0E] & 0x80) != 0;
    int noise_level = a.noise.length == 0 ? 0 : apu::volume(a.registers[0x0C], a.noise.envelope);
    Stepper noise;
    if (noise_level != 0) {
        noise = {a.noise.step_at, apu::noise_period(s)};
        shift =
            apu::shift_noise(shift, apu::take_steps(noise.at, noise.period, cycle_), short_noise);
    }
    auto mix_of_others = [&] {
        int place = triangle_step & 31;
        return mix_others(place < 16 ? 15 - place : place - 16, shift & 1 ? 0 : noise_level,
                          a.dmc.level);
    };

    auto put_pulses = [&](Cycle at, double now) {
        if (now != pulses_)
            o.step(at, now - pulses_);
        pulses_ = now;
    };
    auto put_others = [&](Cycle at, double now) {
        if (now != others_)
            o.step(at, now - others_);
        others_ = now;
    };

    if (silent_) {
        silent_ = false;
        pulses_ = mix_pulses(sum_of_pulses());
        others_ = mix_of_others();
    }
    put_pulses(cycle_, mix_pulses(sum_of_pulses()));
    put_others(cycle_, mix_of_others());
    for (;;) {
        Cycle at = std::min(pulse[0].at, pulse[1].at);
        if (at >= cycle)
            break;
        for (int i = 0; i < 2; i++)
            if (pulse[i].at == at) {
                step[i]--;
                pulse[i].at += pulse[i].period;
            }
        put_pulses(at, mix_pulses(sum_of_pulses()));
    }
    for (;;) {
        Cycle at = std::min(triangle.at, noise.at);
        if (at >= cycle)
            break;
        if (triangle.at == at) {
            triangle_step++;
            triangle.at += triangle.period;
        }
        if (noise.at == at) {
            shift = apu::shift_noise(shift, 1, short_noise);
            noise.at += noise.period;
        }
        put_others(at, mix_of_others());
    }
    cycle_ = cycle;
    if (o.position(cycle) >> 32 > o.steps.size() / 2)
        o.finish(cycle);
}

void Synth::end_frame(Cycle length) {
    output_->finish(cycle_);
    output_->zero = output_->position(length);
    cycle_ -= length;
}

}  // namespace colibri
