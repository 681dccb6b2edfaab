#include "libretro/copies.h"

#include <cstring>
#include <string>
#include <vector>

#include "batch/error.h"
#include "batch/jobs.h"

namespace copain {

namespace {

// What one thread plays.
class Player {
  public:
    Player(std::span<const std::shared_ptr<Core>> cores, const Seen& seen)
        : cores_(cores), seen_(seen), onlooker_(seen) {}
    Player(Player&&) = delete;

    void operator()(size_t job) {
        const auto row = static_cast<size_t>(seen_.rows[job]);
        Core& core = *cores_[row];
        Core::Batch run(core);
        keep_ram(run, row, 0);
        for (size_t t = 0; t < seen_.frames; ++t) {
            const bool looked_at = seen_.looks_at(t);
            run.keep_picture(looked_at);
            run.frame(seen_.held(job, t), seen_.ports);
            run.check();
            keep_ram(run, row, t + 1);
            if (looked_at)
                look(core, row, t + 1 == seen_.frames);
        }
        if (seen_.frames == 0 && seen_.looks())
            look_ahead(core, run, row);
        onlooker_.finish(row);
    }

  private:
    // Asked for at every use: cores may move their RAM.
    void keep_ram(const Core::Batch& run, size_t row, size_t t) const {
        const std::span<const uint8_t> ram = run.memory(RETRO_MEMORY_SYSTEM_RAM);
        if (ram.size() != seen_.ram_size)
            throw CoreError("the core has " + std::to_string(ram.size()) +
                            " bytes of RAM where the arrays have room for " +
                            std::to_string(seen_.ram_size));
        if (!ram.empty())
            std::memcpy(seen_.ram_of(row, t), ram.data(), ram.size());
    }

    void look(const Core& core, size_t row, bool last) {
        if (!core.has_picture())
            throw CoreError("the core has drawn no picture");
        if (seen_.grey)
            core.grey_picture(onlooker_.next_grey());
        if (seen_.screen && last) {
            const Picture picture = core.picture();
            onlooker_.show(row, picture.rgb.data(), picture.width, picture.height);
        }
    }

    // The next frame with nothing held, taken back.
    void look_ahead(Core& core, Core::Batch& run, size_t row) {
        state_.resize(run.state_size());
        state_.resize(run.save(state_));
        run.keep_picture(true);
        const uint16_t idle[kPorts] = {};
        run.frame(idle, kPorts);
        run.check();
        look(core, row, true);
        run.load(state_);
    }

    std::span<const std::shared_ptr<Core>> cores_;
    const Seen& seen_;
    Onlooker onlooker_;
    std::vector<uint8_t> state_;
};

}  // namespace

void play_copies(std::span<const std::shared_ptr<Core>> cores, const Seen& seen, size_t workers,
                 const Interrupt& interrupt) {
    run_jobs(seen.rows.size(), workers, interrupt, [&](size_t) { return Player(cores, seen); });
}

}  // namespace copain
