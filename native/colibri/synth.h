// Sound: band-limited steps wherever the mixed level of the APU's channels changes, filtered as
// in an NES. Nothing of it is in the savestate; a machine without one computes no samples.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "state.h"

namespace colibri {

struct Synth {
    // Makes mono samples at this rate (8,000 to 192,000 a second) for a machine of this region
    // (State::region). A machine makes sound from where `Machine::synth` is set; all machines and
    // jumps in time may share one, each begins without a click.
    Synth(double sample_rate, uint8_t region);
    ~Synth();
    // Appends the samples that are ready (after a frame: all of that frame's).
    void take(std::vector<int16_t>& samples);
    // Forgets all samples and the filters' memory.
    void restart();

    // For the APU: the channels' levels up to this cycle, while nothing of State changes but what
    // follows from its timers.
    void render(const State& s, Cycle cycle);
    void end_frame(Cycle length);

  private:
    struct Voices;
    struct Output;
    std::unique_ptr<Voices> voices_;
    std::unique_ptr<Output> output_;
};

}  // namespace colibri
