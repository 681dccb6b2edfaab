// Jobs on threads, with results that do not depend on how many there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

#include "batch/crew.h"
#include "batch/interrupt.h"

namespace copain {

inline constexpr auto kBetweenInterrupts = std::chrono::milliseconds(50);

// The jobs that one thread begins with. Threads count in cache lines of their own.
struct alignas(64) Stretch {
    std::atomic<size_t> next = 0;
    size_t end = 0;
};

// Plays the jobs 0 to `jobs` - 1 on up to `workers` threads, this one among them. On each thread
// `begin(worker)` gives what then plays: a callable that takes a job. The first exception of any
// ends all between two jobs, and is thrown here.
//
// Each thread takes a stretch of the jobs in order, then what is left of the others'. Neighbours in
// memory, the slots and arrays of the batch before among them, so stay in one processor's cache:
// with all jobs handed out one by one, two threads took 9 % more time for savestates of 21 KB.
template <typename Begin>
void run_jobs(size_t jobs, size_t workers, const Interrupt& interrupt, const Begin& begin) {
    const size_t many = std::clamp<size_t>(workers, 1, std::max<size_t>(jobs, 1));
    std::vector<Stretch> stretches(many);
    for (size_t i = 0; i < many; ++i) {
        stretches[i].next = jobs * i / many;
        stretches[i].end = jobs * (i + 1) / many;
    }
    std::atomic<bool> failed = false;
    std::mutex mutex;
    std::exception_ptr error;
    const auto take_jobs = [&](size_t worker, const Interrupt& now_and_then) noexcept {
        try {
            auto&& play = begin(worker);
            auto last = std::chrono::steady_clock::now();
            size_t done = 0;  // whose jobs are all taken
            while (!failed.load(std::memory_order_relaxed) && done < stretches.size()) {
                Stretch& stretch = stretches[(worker + done) % stretches.size()];
                const size_t job = stretch.next.fetch_add(1, std::memory_order_relaxed);
                if (job >= stretch.end) {
                    ++done;
                    continue;
                }
                play(job);
                if (now_and_then && std::chrono::steady_clock::now() - last > kBetweenInterrupts) {
                    now_and_then();
                    last = std::chrono::steady_clock::now();
                }
            }
        } catch (...) {
            const std::lock_guard lock(mutex);
            if (!error)
                error = std::current_exception();
            failed = true;
        }
    };
    const std::function<void(size_t)> help = [&](size_t worker) { take_jobs(worker, nullptr); };
    {
        Crew crew(many - 1);
        crew.start(help);
        take_jobs(0, interrupt);
    }
    if (error)
        std::rethrow_exception(error);
}

}  // namespace copain
