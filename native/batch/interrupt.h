#pragma once

#include <functional>

namespace copain {

// Called now and then on the calling thread while many frames run; it may throw to end them.
using Interrupt = std::function<void()>;

}  // namespace copain
