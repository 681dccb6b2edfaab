// Sound: band-limited steps wherever the mixed level of the APU's channels changes, filtered as
// in an NES. Nothing of it is in the savestate; a machine without one computes no samples.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cartridge.h"
#include "state.h"

namespace colibri {

struct Synth {
    // Makes mono samples at this rate (8,000 to 192,000 a second) for a machine of this region.
    // A machine makes sound from where its `synth` is set, and may leave off and go on anywhere.
    Synth(double sample_rate, Region region);
    ~Synth();
    // Appends the samples that are ready: after a frame, all of it.
    void take(std::vector<int16_t>& samples);
    // Forgets everything, as if new.
    void restart();

    // For the APU: it goes on from State::apu.caught_up; makes sound up to `cycle`, while nothing
    // changes in State but what its timers do; and all times go back by `length`.
    void begin(const State& s);
    void render(const State& s, Cycle cycle);
    void end_frame(Cycle length);

  private:
    struct Output;
    std::unique_ptr<Output> output_;
    Cycle cycle_ = 0;     // made up to here
    bool silent_ = true;  // nothing was made yet
    double pulses_ = 0;   // levels as last put out
    double others_ = 0;
};

}  // namespace colibri
