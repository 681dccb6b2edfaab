// Batches of rollouts on machines that run in the slots of a pool: a child is a copy of its
// parent's block, and the machine runs in it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "batch/interrupt.h"
#include "batch/pool.h"
#include "batch/rollout.h"
#include "colibri/machine.h"

namespace colibri {

// States of one cartridge with its options; nothing is in it that `Machine::check` has not passed.
class StatePool {
  public:
    // Room for `capacity` states; throws copain::CoreError if there is none.
    StatePool(std::shared_ptr<const Cartridge> cartridge, const Options& options,
              uint64_t capacity);

    copain::Pool& slots() { return slots_; }
    const Machine& machine() const { return machine_; }

    // Throws copain::CoreError, with the reason, for what is no state of this game, and when full.
    int32_t put(std::span<const uint8_t> block);

  private:
    Machine machine_;  // that checks
    copain::Pool slots_;
};

// Machines of one cartridge, one a thread. One rollout at a time; others wait.
class Fleet {
  public:
    Fleet(std::shared_ptr<const Cartridge> cartridge, const Options& options, size_t workers);

    size_t workers() const { return workers_.size(); }
    void set_skips_idle(bool skips);

    // Plays the batch. What is written does not depend on the number of workers. Throws
    // copain::CoreError, and leaves the pool as it was, for a pool of another game, a parent not
    // in use, a full pool, or an address outside of RAM. `interrupt` is called now and then on
    // the calling thread.
    void rollout(StatePool& pool, const copain::RolloutBatch& batch,
                 const copain::Interrupt& interrupt);

    // The plain loop that benchmarks compare with: for each job load, its frames, copy RAM, save,
    // each into a place of its own; every frame is drawn if `drawn`. Seconds, and a checksum of
    // the RAM. Throws copain::CoreError for what is no state.
    std::pair<double, uint64_t> time_rollout(const std::vector<std::vector<uint8_t>>& states,
                                             std::span<const int32_t> parents,
                                             std::span<const uint16_t> inputs, size_t frames,
                                             size_t ports, bool drawn);

  private:
    struct Worker {
        Worker(const std::shared_ptr<const Cartridge>& cartridge, const Options& options)
            : machine(cartridge, options),
              home(machine.block(), machine.block() + machine.block_size()) {
            machine.attach(home.data());
        }
        Machine machine;
        std::vector<uint8_t> home;  // where it runs what is not kept
    };

    std::vector<std::unique_ptr<Worker>> workers_;
    std::mutex mutex_;
};

}  // namespace colibri
