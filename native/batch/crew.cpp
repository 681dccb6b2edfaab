#include "batch/crew.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace copain {

// One thread. It lives as long as the process.
class Hand {
  public:
    Hand() { std::thread(&Hand::work, this).detach(); }
    Hand(const Hand&) = delete;
    Hand& operator=(const Hand&) = delete;

    void start(std::function<void()> task) {
        task_ = std::move(task);
        busy_ = true;
        busy_.notify_one();
    }
    void wait() {
        // Mostly it is at its last job: sleeping and being woken would take longer.
        constexpr auto kSoon = std::chrono::microseconds(100);
        const auto until = std::chrono::steady_clock::now() + kSoon;
        while (busy_ && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        busy_.wait(true);
    }

  private:
    void work() {
        sigset_t others;  // signals are for the threads of who uses this library; faults are ours
        sigfillset(&others);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
            sigdelset(&others, fault);
        pthread_sigmask(SIG_SETMASK, &others, nullptr);
        for (;;) {
            busy_.wait(false);
            task_();
            busy_ = false;
            busy_.notify_one();
        }
    }

    std::function<void()> task_;
    std::atomic<bool> busy_ = false;
};

namespace {

// Those that nobody has.
struct Idle {
    std::mutex mutex;
    std::vector<Hand*> hands;
    pid_t process = getpid();
};

// Never destroyed: threads wait in it when the process ends. A forked process has none of them.
Idle& idle() {
    static std::atomic<Idle*> current = new Idle;
    Idle* now = current;
    if (now->process != getpid())
        current = now = new Idle;
    return *now;
}

}  // namespace

Crew::Crew(size_t hands) {
    Idle& from = idle();
    const std::lock_guard lock(from.mutex);
    while (from.hands.size() < hands)
        from.hands.push_back(new Hand);
    hands_.assign(from.hands.end() - static_cast<ptrdiff_t>(hands), from.hands.end());
    from.hands.resize(from.hands.size() - hands);
    from.hands.reserve(from.hands.size() + hands);
}

Crew::~Crew() {
    for (Hand* hand : hands_)
        hand->wait();
    Idle& to = idle();
    const std::lock_guard lock(to.mutex);
    to.hands.insert(to.hands.end(), hands_.begin(), hands_.end());
}

void Crew::start(const std::function<void(size_t)>& task) {
    for (size_t i = 0; i < hands_.size(); ++i)
        hands_[i]->start([&task, i] { task(i + 1); });
}

}  // namespace copain
