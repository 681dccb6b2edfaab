// Threads for a batch, lent by the process: they wait between batches, since starting and ending
// one takes about as long as fifty frames.
#pragma once

#include <functional>
#include <vector>

namespace copain {

class Hand;

// Some threads, while it lives.
class Crew {
  public:
    // Throws std::system_error if the system gives no more threads.
    explicit Crew(size_t hands);
    // Waits until all have done their task, and gives them back.
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    // Calls task(1) to task(hands), each on a thread of its own; it may not throw. Once at most.
    void start(const std::function<void(size_t)>& task);

  private:
    std::vector<Hand*> hands_;
};

}  // namespace copain
