#include "colibri/console.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace colibri {

namespace {

constexpr uint64_t kHeardFrames = 1200;  // twenty seconds
constexpr uint64_t kFramesBetweenInterrupts = 256;

// Sets something for as long as this lives.
template <typename T>
class During {
  public:
    During(T& place, T value) : place_(place), before_(place) { place = value; }
    ~During() { place_ = before_; }
    During(const During&) = delete;
    During& operator=(const During&) = delete;

  private:
    T& place_;
    T before_;
};

}  // namespace

Console::Console(std::shared_ptr<const Cartridge> cartridge, const Options& options)
    : machine_(std::move(cartridge), options) {}

Held Console::held_of(const uint16_t* bits, size_t ports) {
    Held held{};
    for (size_t port = 0; port < held.size(); ++port)
        held[port] = port < ports ? static_cast<uint8_t>(bits[port]) : uint8_t{0};
    return held;
}

void Console::power_on() {
    machine_.power_on();
    has_last_ = drawn_ = false;
    sound_frames_ = 0;
    samples_.clear();
    std::ranges::fill(picture_, uint16_t{0x0F});
}

Synth& Console::synth() {
    if (!synth_)
        synth_ = std::make_unique<Synth>(kSampleRate, machine_.options().region);
    return *synth_;
}

bool Console::run_frame(const Held& held, bool draw, bool hear) {
    if (draw && picture_.empty())
        picture_.assign(kWidth * kHeight, 0x0F);
    machine_.picture = draw ? picture_.data() : nullptr;
    machine_.synth = hear ? &synth() : nullptr;
    loaded_ = false;
    const bool over = machine_.run_frame(held);
    if (hear)
        synth_->take(samples_);
    machine_.picture = nullptr;
    machine_.synth = nullptr;
    has_last_ = true;
    drawn_ = draw;
    return over || loaded_;
}

bool Console::advance(const Held& held, uint64_t frames, Hooks* hooks,
                      const copain::Interrupt& interrupt) {
    sound_frames_ = 0;
    samples_.clear();
    if (frames == 0)
        return true;
    // What hooks do is not done again when a frame is: it is drawn and heard as it runs.
    const bool called =
        hooks && !(hooks->execute.empty() && hooks->read.empty() && hooks->write.empty());
    const bool look = std::exchange(looked_at_, false) || called;
    const bool listen = heard_ = std::exchange(listened_to_, false) || called;
    const During<Hooks*> hooked(machine_.hooks, hooks);
    const During<bool> running(running_, true);
    const uint64_t first_heard = frames > kHeardFrames ? frames - kHeardFrames : 0;
    const std::span<const uint8_t> block(machine_.block(), machine_.block_size());
    held_ = held;
    for (uint64_t frame = 0; frame < frames; ++frame) {
        const bool last = frame + 1 == frames;
        const bool interrupts = interrupt && (frame + 1) % kFramesBetweenInterrupts == 0 && !last;
        if (frame == first_heard)
            before_sound_.assign(block.begin(), block.end());
        last_is_sounds_ = frame == first_heard;
        if ((last || interrupts) && !last_is_sounds_)
            before_last_.assign(block.begin(), block.end());
        if (hooks)
            hooks->stop = false;
        const bool over = run_frame(held, called || (last && look), listen && frame >= first_heard);
        sound_frames_ += frame >= first_heard;
        if (!over)
            return false;
        if (interrupts)
            interrupt();
    }
    return true;
}

void Console::play(std::span<const uint16_t> inputs, size_t ports, std::span<const int64_t> watch,
                   uint8_t* watched, const copain::Interrupt& interrupt) {
    const size_t frames = ports == 0 ? 0 : inputs.size() / ports;
    sound_frames_ = 0;
    samples_.clear();
    const bool look = std::exchange(looked_at_, false);
    for (size_t frame = 0; frame < frames; ++frame) {
        held_ = held_of(&inputs[frame * ports], ports);
        const bool last = frame + 1 == frames;
        const bool interrupts = interrupt && (frame + 1) % kFramesBetweenInterrupts == 0 && !last;
        if (last || interrupts)
            before_last_.assign(machine_.block(), machine_.block() + machine_.block_size());
        last_is_sounds_ = false;
        run_frame(held_, last && look, false);
        for (const int64_t address : watch)
            *watched++ = ram()[address];
        if (interrupts)
            interrupt();
    }
}

void Console::load(std::span<const uint8_t> block) {
    machine_.load(block);
    if (running_ && machine_.hooks) {
        loaded_ = true;
        machine_.hooks->stop = true;
    }
}

// Runs what ran before once more, in a block of its own, with what is set on the machine.
void Console::again(const std::vector<uint8_t>& block, uint64_t frames) {
    std::vector<uint8_t> other = block;
    uint8_t* own = const_cast<uint8_t*>(machine_.block());
    machine_.attach(other.data());
    for (; frames > 0; --frames) {
        machine_.run_frame(held_);
        if (machine_.synth)
            machine_.synth->take(samples_);
    }
    machine_.attach(own);
}

std::span<const uint16_t> Console::picture() {
    looked_at_ = true;
    if (picture_.empty())
        picture_.assign(kWidth * kHeight, 0x0F);
    if (has_last_ && !drawn_ && !running_) {
        const During<uint16_t*> drawing(machine_.picture, picture_.data());
        again(last_is_sounds_ ? before_sound_ : before_last_, 1);
        drawn_ = true;
    }
    return picture_;
}

void Console::rgb(const uint8_t* palette, uint8_t* to) {
    // Four bytes a pixel, of which the next one overwrites the fourth.
    std::array<uint32_t, 512> colours{};
    for (size_t i = 0; i < colours.size(); ++i)
        std::memcpy(&colours[i], palette + 3 * i, 3);
    for (const uint16_t pixel : picture()) {
        std::memcpy(to, &colours[pixel & 511u], 4);
        to += 3;
    }
}

const std::vector<int16_t>& Console::samples() {
    listened_to_ = true;
    if (sound_frames_ > 0 && !heard_ && !running_) {
        synth().restart();
        const During<Synth*> hearing(machine_.synth, synth_.get());
        again(before_sound_, sound_frames_);
        heard_ = true;
    }
    return samples_;
}

}  // namespace colibri
