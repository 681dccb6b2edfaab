#pragma once

#include <stdexcept>

namespace copain {

// A library that is not a core, a refused game, a closed core, a failed call.
class CoreError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace copain
