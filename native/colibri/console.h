// A machine as somebody's emulator: many frames in one call, and the picture and the sound of
// what was run last, made only when they are asked for.
//
// What ran is kept as the block from before it, and is run again, drawn or heard, when somebody
// wants to see or hear it: a frame is the same whether it is drawn or heard or not. Who looks at
// every frame gets it drawn at once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "batch/interrupt.h"
#include "colibri/hooks.h"
#include "colibri/machine.h"
#include "colibri/synth.h"

namespace colibri {

using Held = std::array<uint8_t, 4>;

class Console {
  public:
    static constexpr int kWidth = 256, kHeight = 240;
    static constexpr double kSampleRate = 48000;

    Console(std::shared_ptr<const Cartridge> cartridge, const Options& options);

    Machine& machine() { return machine_; }
    uint8_t* ram() { return machine_.s().ram; }

    // Power, and the dark screen of a console that shows nothing yet.
    void power_on();

    // Runs frames with the same joypads held. `hooks` may be null; they are the machine's while
    // this runs. Returns false if a hook stopped it; the frame is not over then. A hook that has
    // loaded a state (`load`) ends its frame, no more.
    bool advance(const Held& held, uint64_t frames, Hooks* hooks,
                 const copain::Interrupt& interrupt);

    // Runs one frame for each row of `inputs`, and writes the watched bytes of RAM after each. No
    // sound is kept.
    void play(std::span<const uint16_t> inputs, size_t ports, std::span<const int64_t> watch,
              uint8_t* watched, const copain::Interrupt& interrupt);

    // Takes over a state that `Machine::check` has passed; in a hook too.
    void load(std::span<const uint8_t> block);

    // Whether a hook runs now.
    bool in_hook() const { return running_; }

    // The picture of the last frame (machine.h): black before the first; `load` leaves it as it
    // was. Not to be called in a hook, but for what is drawn so far.
    std::span<const uint16_t> picture();

    // `picture` by a palette of 512 times red, green, blue, into kRgbSize bytes.
    static constexpr size_t kRgbSize = size_t{kWidth} * kHeight * 3 + 1;  // one to spare
    void rgb(const uint8_t* palette, uint8_t* to);

    // The sound of the last `advance`, of a very long one its last twenty seconds: mono. Who
    // listens after every advance hears no seam between them.
    const std::vector<int16_t>& samples();

    // What State::held of this port is for copain's bits.
    static Held held_of(const uint16_t* bits, size_t ports);

  private:
    bool run_frame(const Held& held, bool draw, bool hear);
    void again(const std::vector<uint8_t>& block, uint64_t frames);
    Synth& synth();

    Machine machine_;
    bool running_ = false;
    bool loaded_ = false;  // by a hook, in this frame

    // What ran last: the blocks from before the sound's first frame and before the last frame.
    std::vector<uint8_t> before_sound_, before_last_;
    Held held_{};                  // in the last frame
    uint64_t sound_frames_ = 0;    // how many were run from before_sound_, all with held_
    bool has_last_ = false;        // a frame was run since power-on
    bool last_is_sounds_ = false;  // the sound is of one frame: before_last_ is not filled

    std::vector<uint16_t> picture_;
    bool drawn_ = false;      // picture_ shows the last frame
    bool looked_at_ = false;  // since the last advance
    std::unique_ptr<Synth> synth_;
    std::vector<int16_t> samples_;
    bool heard_ = false;        // samples_ are of the last advance
    bool listened_to_ = false;  // since the last advance
};

}  // namespace colibri
