#include "colibri/fleet.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include "batch/error.h"
#include "batch/jobs.h"
#include "batch/ram_hash.h"
#include "colibri/console.h"

namespace colibri {

using copain::CoreError;

namespace {

// Threads write into slots side by side: no two share a cache line.
constexpr size_t kLine = 64;

void check_ram(size_t ram_size) {
    if (ram_size != sizeof(State::ram))
        throw CoreError("an NES has " + std::to_string(sizeof(State::ram)) +
                        " bytes of RAM where the arrays have room for " + std::to_string(ram_size));
}

// What one thread plays; the results lie by job.
class Player {
  public:
    Player(Machine& machine, std::vector<uint8_t>& home, copain::Pool& slots,
           const copain::RolloutBatch& batch, const copain::RamHash& hash)
        : machine_(machine), home_(home), slots_(slots), batch_(batch), hash_(hash) {
        if (batch.drawn > 0)
            picture_.resize(size_t{Console::kWidth} * Console::kHeight);
    }
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;
    // The machine goes home: the slot may be freed, and used again.
    ~Player() {
        machine_.picture = nullptr;
        if (machine_.block() == home_.data())
            return;
        std::memcpy(home_.data(), machine_.block(), home_.size());
        machine_.attach(home_.data());
    }

    void operator()(size_t job) {
        const uint8_t* parent = slots_.get(batch_.parents[job]).first.data();
        uint8_t* block = batch_.keep ? slots_.room(batch_.slots[job]).data() : home_.data();
        std::memcpy(block, parent, home_.size());
        machine_.attach(block);
        const State& state = machine_.s();
        const size_t width = batch_.watch.size();
        for (size_t t = 0; t < batch_.frames; ++t) {
            const size_t row = job * batch_.frames + t;
            machine_.picture = t + batch_.drawn >= batch_.frames ? picture_.data() : nullptr;
            machine_.run_frame(
                Console::held_of(batch_.inputs.data() + row * batch_.ports, batch_.ports));
            for (size_t i = 0; i < width; ++i)
                batch_.watched[row * width + i] = state.ram[batch_.watch[i]];
        }
        uint8_t* ram = batch_.ram.data() + job * sizeof state.ram;
        std::memcpy(ram, state.ram, sizeof state.ram);
        batch_.hashes[job] = hash_(ram);
        if (batch_.keep)
            slots_.wrote(batch_.slots[job], home_.size(), state.frame);
    }

  private:
    Machine& machine_;
    std::vector<uint8_t>& home_;
    copain::Pool& slots_;
    const copain::RolloutBatch& batch_;
    const copain::RamHash& hash_;
    std::vector<uint16_t> picture_;
};

bool same_game(const Machine& one, const Machine& other) {
    const State &a = one.s(), &b = other.s();
    return a.rom_hash == b.rom_hash && a.region == b.region && a.options == b.options &&
           a.size == b.size;
}

}  // namespace

StatePool::StatePool(std::shared_ptr<const Cartridge> cartridge, const Options& options,
                     uint64_t capacity)
    : machine_(std::move(cartridge), options),
      slots_((machine_.block_size() + kLine - 1) / kLine * kLine, capacity) {}

int32_t StatePool::put(std::span<const uint8_t> block) {
    if (const char* reason = machine_.check(block))
        throw CoreError(reason);
    State state;
    std::memcpy(static_cast<void*>(&state), block.data(), sizeof state);
    return slots_.put(block, state.frame);
}

Fleet::Fleet(std::shared_ptr<const Cartridge> cartridge, const Options& options, size_t workers) {
    for (size_t worker = 0; worker < workers; ++worker)
        workers_.push_back(std::make_unique<Worker>(cartridge, options));
}

void Fleet::set_skips_idle(bool skips) {
    const std::lock_guard lock(mutex_);
    for (const auto& worker : workers_)
        worker->machine.skips_idle = skips;
}

void Fleet::rollout(StatePool& pool, const copain::RolloutBatch& batch,
                    const copain::Interrupt& interrupt) {
    const std::scoped_lock lock(mutex_, pool.slots().mutex());
    copain::Pool& slots = pool.slots();
    if (!same_game(pool.machine(), workers_.at(0)->machine))
        throw CoreError("the pool holds states of another game, or of other options");
    check_ram(batch.ram_size);
    copain::check(batch, slots, std::tuple_size_v<Held>);
    copain::Ends ends(slots, batch);
    const copain::RamHash hash(batch.ram_size, batch.mask);
    copain::run_jobs(batch.jobs, workers_.size(), interrupt, [&](size_t worker) {
        return Player(workers_[worker]->machine, workers_[worker]->home, slots, batch, hash);
    });
    ends.kept();
}

std::pair<double, uint64_t> Fleet::time_rollout(const std::vector<std::vector<uint8_t>>& states,
                                                std::span<const int32_t> parents,
                                                std::span<const uint16_t> inputs, size_t frames,
                                                size_t ports, bool drawn) {
    const std::lock_guard lock(mutex_);
    Machine& machine = workers_.at(0)->machine;
    if (inputs.size() != parents.size() * frames * ports)
        throw CoreError("time_rollout: inputs do not fit the parents");
    for (const auto& state : states)
        if (const char* reason = machine.check(state))
            throw CoreError(reason);
    for (const int32_t parent : parents)
        if (parent < 0 || static_cast<size_t>(parent) >= states.size())
            throw CoreError("time_rollout: no such parent");
    const size_t size = machine.block_size();
    std::vector<uint8_t> ram(parents.size() * sizeof(State::ram)), ends(parents.size() * size);
    std::vector<uint16_t> picture(size_t{Console::kWidth} * Console::kHeight);
    machine.picture = drawn ? picture.data() : nullptr;
    uint64_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (size_t job = 0; job < parents.size(); ++job) {
        machine.load(states[static_cast<size_t>(parents[job])]);
        for (size_t t = 0; t < frames; ++t)
            machine.run_frame(Console::held_of(inputs.data() + (job * frames + t) * ports, ports));
        uint8_t* ram_to = ram.data() + job * sizeof(State::ram);
        std::memcpy(ram_to, machine.s().ram, sizeof(State::ram));
        std::memcpy(ends.data() + job * size, machine.block(), size);
        sum += ram_to[job % sizeof(State::ram)];
    }
    const auto spent = std::chrono::steady_clock::now() - start;
    machine.picture = nullptr;
    return {std::chrono::duration<double>(spent).count(), sum};
}

}  // namespace colibri
