#include "colibri/copies.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "batch/error.h"
#include "batch/jobs.h"
#include "colibri/console.h"

namespace colibri {

namespace {

constexpr size_t kLine = 64;  // bytes of a cache line: no two copies share one
constexpr size_t kPixels = size_t{Console::kWidth} * Console::kHeight;

}  // namespace

// What one thread plays.
class Copies::Player {
  public:
    Player(Copies& copies, Machine& machine, const copain::Seen& seen)
        : copies_(copies), machine_(machine), seen_(seen), onlooker_(seen) {
        if (seen.looks())
            picture_.resize(kPixels);
    }
    Player(Player&&) = delete;

    void operator()(size_t job) {
        const auto row = static_cast<size_t>(seen_.rows[job]);
        machine_.attach(copies_.block(row));
        keep_ram(row, 0);
        for (size_t t = 0; t < seen_.frames; ++t) {
            run(row, Console::held_of(seen_.held(job, t), seen_.ports), seen_.looks_at(t),
                t + 1 == seen_.frames);
            keep_ram(row, t + 1);
        }
        if (seen_.frames == 0 && seen_.looks())
            look_ahead(row);
        onlooker_.finish(row);
    }

  private:
    void keep_ram(size_t row, size_t t) const {
        std::memcpy(seen_.ram_of(row, t), machine_.s().ram, sizeof(State::ram));
    }

    void run(size_t row, const Held& held, bool looked_at, bool last) {
        // In colours where somebody sees them; else how bright they are is drawn at once.
        const bool coloured = seen_.screen && last;
        machine_.picture = looked_at ? picture_.data() : nullptr;
        machine_.tones = coloured ? nullptr : copies_.greys_.data();
        machine_.run_frame(held);
        machine_.picture = nullptr;
        if (!looked_at)
            return;
        uint16_t* picture = picture_.data();
        if (coloured) {
            // Four bytes a pixel, of which the next one overwrites the fourth.
            rgb_.resize(kPixels * 3 + 1);
            uint8_t* to = rgb_.data();
            const uint32_t* colours = copies_.colours_.data();
            for (size_t i = 0; i < kPixels; ++i, to += 3)
                std::memcpy(to, &colours[picture[i] & 511u], 4);
            onlooker_.show(row, rgb_.data(), Console::kWidth, Console::kHeight);
        }
        if (seen_.grey) {
            const uint8_t* greys = copies_.greys_.data();
            for (size_t i = 0; coloured && i < kPixels; ++i)
                picture[i] = greys[picture[i] & 511u];
            copain::GreyPicture& grey = onlooker_.next_grey();
            grey.resize(Console::kWidth, Console::kHeight);
            copain::narrow(picture, grey.pixels.data(), kPixels);
        }
    }

    // The next frame with nothing held, in a block of its own.
    void look_ahead(size_t row) {
        std::vector<uint8_t> other(copies_.block(row), copies_.block(row) + copies_.size_);
        machine_.attach(other.data());
        run(row, Held{}, true, true);
        machine_.attach(copies_.block(row));
    }

    Copies& copies_;
    Machine& machine_;
    const copain::Seen& seen_;
    copain::Onlooker onlooker_;
    std::vector<uint16_t> picture_;
    std::vector<uint8_t> rgb_;
};

Copies::Copies(std::shared_ptr<const Cartridge> cartridge, const Options& options, size_t count,
               size_t workers, std::span<const uint8_t> palette)
    : count_(count), greys_(copain::greys_of(palette)) {
    for (size_t i = 0; i < colours_.size(); ++i)
        std::memcpy(&colours_[i], &palette[3 * i], 3);
    for (size_t worker = 0; worker < std::max<size_t>(workers, 1); ++worker)
        machines_.push_back(std::make_unique<Machine>(cartridge, options));
    size_ = machines_[0]->block_size();
    stride_ = (size_ + kLine - 1) / kLine * kLine;
    blocks_.resize(count * stride_);
    for (size_t row = 0; row < count; ++row)
        std::memcpy(block(row), machines_[0]->block(), size_);
    // No machine is left in memory of its own that another one's block may have to go back to.
}

void Copies::set_skips_idle(bool skips) {
    const std::lock_guard lock(mutex_);
    for (const auto& machine : machines_)
        machine->skips_idle = skips;
}

void Copies::load(std::span<const int32_t> rows, std::span<const std::span<const uint8_t>> states) {
    const std::lock_guard lock(mutex_);
    for (const auto& state : states)
        if (const char* reason = machines_[0]->check(state))
            throw copain::CoreError(reason);
    for (size_t i = 0; i < rows.size(); ++i)
        std::memcpy(block(static_cast<size_t>(rows[i])), states[i].data(), size_);
}

std::pair<std::span<const uint8_t>, int64_t> Copies::save(size_t row) {
    const std::lock_guard lock(mutex_);
    State state;
    std::memcpy(static_cast<void*>(&state), block(row), sizeof state);
    return {{block(row), size_}, state.frame};
}

void Copies::play(const copain::Seen& seen, const copain::Interrupt& interrupt) {
    const std::lock_guard lock(mutex_);
    if (seen.ram_size != sizeof(State::ram) || seen.ports > std::tuple_size_v<Held>)
        throw copain::CoreError("these arrays are not for an NES");
    copain::run_jobs(seen.rows.size(), machines_.size(), interrupt,
                     [&](size_t worker) { return Player(*this, *machines_[worker], seen); });
}

}  // namespace colibri
