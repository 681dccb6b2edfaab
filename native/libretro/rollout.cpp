#include "libretro/rollout.h"

#include <cstring>
#include <mutex>
#include <string>

#include "batch/error.h"
#include "batch/jobs.h"
#include "batch/ram_hash.h"

namespace copain {

namespace {

// What one thread plays on its core; the results lie by job.
class Player {
  public:
    Player(Core& core, Pool& pool, const RolloutBatch& batch, const RamHash& hash)
        : run_(core), pool_(pool), batch_(batch), hash_(hash) {}

    void operator()(size_t job) {
        const auto [state, frame] = pool_.get(batch_.parents[job]);
        run_.load(state);
        const size_t width = batch_.watch.size();
        for (size_t t = 0; t < batch_.frames; ++t) {
            const size_t row = job * batch_.frames + t;
            // One rollout is somebody's emulator, whose screen is looked at afterwards.
            run_.keep_picture(batch_.jobs == 1 && t + 1 == batch_.frames);
            run_.frame(batch_.inputs.data() + row * batch_.ports, batch_.ports);
            run_.check();
            if (width > 0) {
                const uint8_t* ram = this->ram();
                uint8_t* watched = batch_.watched.data() + row * width;
                for (size_t i = 0; i < width; ++i)
                    watched[i] = ram[batch_.watch[i]];
            }
        }
        uint8_t* end = batch_.ram.data() + job * batch_.ram_size;
        if (batch_.ram_size > 0)
            std::memcpy(end, ram(), batch_.ram_size);
        batch_.hashes[job] = hash_(end);
        if (batch_.keep) {
            const int32_t slot = batch_.slots[job];
            pool_.wrote(slot, run_.save(pool_.room(slot)),
                        frame + static_cast<int64_t>(batch_.frames));
        }
    }

  private:
    // Asked for at every use: cores may move their RAM.
    const uint8_t* ram() {
        const std::span<uint8_t> ram = run_.memory(RETRO_MEMORY_SYSTEM_RAM);
        if (ram.size() != batch_.ram_size)
            throw CoreError("the core has " + std::to_string(ram.size()) +
                            " bytes of RAM where the arrays have room for " +
                            std::to_string(batch_.ram_size));
        return ram.data();
    }

    Core::Batch run_;
    Pool& pool_;
    const RolloutBatch& batch_;
    const RamHash& hash_;
};

}  // namespace

void rollout(std::span<const std::shared_ptr<Core>> cores, Pool& pool, const RolloutBatch& batch,
             const Interrupt& interrupt) {
    const std::lock_guard lock(pool.mutex());
    if (cores.empty())
        throw CoreError("a rollout needs at least one core");
    check(batch, pool, kPorts);
    Ends ends(pool, batch);
    const RamHash hash(batch.ram_size, batch.mask);
    run_jobs(batch.jobs, cores.size(), interrupt,
             [&](size_t worker) { return Player(*cores[worker], pool, batch, hash); });
    ends.kept();
}

}  // namespace copain
