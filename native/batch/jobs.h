// Jobs on threads, with results that do not depend on how many there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "batch/interrupt.h"

namespace copain {

inline constexpr auto kBetweenInterrupts = std::chrono::milliseconds(50);

// Plays the jobs 0 to `jobs` - 1 on up to `workers` threads, this one among them. On each thread
// `begin(worker)` gives what then plays: a callable that takes a job. Jobs are taken in order. The
// first exception of any ends all between two jobs, and is thrown here.
template <typename Begin>
void run_jobs(size_t jobs, size_t workers, const Interrupt& interrupt, const Begin& begin) {
    std::atomic<size_t> next = 0;
    std::atomic<bool> failed = false;
    std::mutex mutex;
    std::exception_ptr error;
    const auto take_jobs = [&](size_t worker, const Interrupt& now_and_then) noexcept {
        try {
            auto&& play = begin(worker);
            auto last = std::chrono::steady_clock::now();
            while (!failed.load(std::memory_order_relaxed)) {
                const size_t job = next.fetch_add(1, std::memory_order_relaxed);
                if (job >= jobs)
                    return;
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
    {
        // Threads are started for each call: that costs some 20 microseconds.
        std::vector<std::jthread> threads;
        for (size_t worker = 1; worker < std::min(workers, jobs); ++worker)
            threads.emplace_back([&, worker] { take_jobs(worker, nullptr); });
        take_jobs(0, interrupt);
    }
    if (error)
        std::rethrow_exception(error);
}

}  // namespace copain
