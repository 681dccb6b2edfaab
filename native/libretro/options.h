// The options that a core declares, and the values they have.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "libretro/api.h"

namespace copain {

struct CoreOption {
    std::string key;
    std::string description;
    std::vector<std::string> values;
    std::string fallback;  // the declared default
    std::string value;
};

// Declared in one of libretro's three formats; later declarations replace those of the same key.
class Options {
  public:
    void declare(const retro_variable* variables);
    void declare(const retro_core_option_definition* definitions);
    void declare(const retro_core_option_v2_definition* definitions);

    // Sets a value; one not declared yet gets it when it is declared, if `may_wait`.
    // Throws CoreError for an unknown key or a value that is not among the declared ones.
    void set(const std::string& key, const std::string& value, bool may_wait);

    // The core's own change of a value: false if it is not one of the declared.
    bool set_by_core(const retro_variable& variable);

    // The value of a key, or nullptr. The text lives until the option is changed.
    const char* value(const char* key) const;

    // Whether values were changed since the last call.
    bool take_changed();

    // Throws CoreError if a value was set whose key was never declared, or which is not allowed.
    void check_all_known() const;

    const std::deque<CoreOption>& all() const { return options_; }

  private:
    CoreOption* find(const std::string& key);
    void declare(CoreOption option);

    std::deque<CoreOption> options_;
    std::map<std::string, std::string> waiting_;
    std::string refusal_;
    bool changed_ = false;
};

}  // namespace copain
