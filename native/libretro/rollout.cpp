#include "libretro/rollout.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "libretro/error.h"
#include "libretro/ram_hash.h"

namespace copain {

namespace {

constexpr auto kBetweenInterrupts = std::chrono::milliseconds(50);

// The work that the threads share: jobs are taken in order, the results lie by job.
class Work {
  public:
    Work(Pool& pool, const RolloutBatch& batch)
        : pool_(pool), batch_(batch), hash_(batch.ram_size, batch.mask) {}

    // Takes and plays jobs until there are none, or one has failed anywhere.
    void take_jobs(Core& core, const Interrupt& interrupt) noexcept {
        try {
            Core::Batch run(core);
            auto last = std::chrono::steady_clock::now();
            while (!failed_.load(std::memory_order_relaxed)) {
                const size_t job = next_.fetch_add(1, std::memory_order_relaxed);
                if (job >= batch_.jobs)
                    return;
                play(run, job);
                if (interrupt && std::chrono::steady_clock::now() - last > kBetweenInterrupts) {
                    interrupt();
                    last = std::chrono::steady_clock::now();
                }
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            if (!error_)
                error_ = std::current_exception();
            failed_ = true;
        }
    }

    void throw_if_failed() const {
        if (error_)
            std::rethrow_exception(error_);
    }

  private:
    void play(Core::Batch& run, size_t job) {
        const auto [state, frame] = pool_.get(batch_.parents[job]);
        run.load(state);
        const size_t width = batch_.watch.size();
        for (size_t t = 0; t < batch_.frames; ++t) {
            const size_t row = job * batch_.frames + t;
            // One rollout is somebody's emulator, whose screen is looked at afterwards.
            run.keep_picture(batch_.jobs == 1 && t + 1 == batch_.frames);
            run.frame(batch_.inputs.data() + row * batch_.ports, batch_.ports);
            run.check();
            if (width > 0) {
                const uint8_t* ram = ram_of(run);
                uint8_t* watched = batch_.watched.data() + row * width;
                for (size_t i = 0; i < width; ++i)
                    watched[i] = ram[batch_.watch[i]];
            }
        }
        uint8_t* ram = batch_.ram.data() + job * batch_.ram_size;
        if (batch_.ram_size > 0)
            std::memcpy(ram, ram_of(run), batch_.ram_size);
        batch_.hashes[job] = hash_(ram);
        if (batch_.keep) {
            const int32_t slot = batch_.slots[job];
            pool_.wrote(slot, run.save(pool_.room(slot)),
                        frame + static_cast<int64_t>(batch_.frames));
        }
    }

    // Asked for at every use: cores may move their RAM.
    const uint8_t* ram_of(Core::Batch& run) const {
        const std::span<uint8_t> ram = run.memory(RETRO_MEMORY_SYSTEM_RAM);
        if (ram.size() != batch_.ram_size)
            throw CoreError("the core has " + std::to_string(ram.size()) +
                            " bytes of RAM where the arrays have room for " +
                            std::to_string(batch_.ram_size));
        return ram.data();
    }

    Pool& pool_;
    const RolloutBatch& batch_;
    const RamHash hash_;
    std::atomic<size_t> next_ = 0;
    std::atomic<bool> failed_ = false;
    std::mutex mutex_;
    std::exception_ptr error_;
};

void check(std::span<const std::shared_ptr<Core>> cores, const Pool& pool,
           const RolloutBatch& batch) {
    if (cores.empty())
        throw CoreError("a rollout needs at least one core");
    if (batch.ports > kPorts)
        throw CoreError("inputs of " + std::to_string(batch.ports) + " ports; at most 8 are");
    for (const int64_t address : batch.watch)
        if (address < 0 || static_cast<size_t>(address) >= batch.ram_size)
            throw CoreError("the watched address " + std::to_string(address) +
                            " lies outside of RAM, which has " + std::to_string(batch.ram_size) +
                            " bytes");
    for (const int32_t parent : batch.parents)
        if (!pool.in_use(parent))
            throw CoreError("the parent " + std::to_string(parent) +
                            " is not a slot of the pool that is in use");
}

}  // namespace

void rollout(std::span<const std::shared_ptr<Core>> cores, Pool& pool, const RolloutBatch& batch,
             const Interrupt& interrupt) {
    const std::lock_guard lock(pool.mutex());
    check(cores, pool, batch);
    if (batch.keep)
        pool.allot(batch.slots);  // in job order, before any thread runs
    else
        std::fill(batch.slots.begin(), batch.slots.end(), -1);
    Work work(pool, batch);
    try {
        {
            // Threads are started for each call: that costs some 20 microseconds, a frame 200.
            std::vector<std::jthread> threads;
            for (size_t i = 1; i < std::min(cores.size(), batch.jobs); ++i)
                threads.emplace_back([&, i] { work.take_jobs(*cores[i], nullptr); });
            work.take_jobs(*cores[0], interrupt);
        }
        work.throw_if_failed();
    } catch (...) {
        if (batch.keep) {
            pool.free(batch.slots);
            std::fill(batch.slots.begin(), batch.slots.end(), -1);
        }
        throw;
    }
}

}  // namespace copain
