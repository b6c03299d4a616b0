#include "alidade/common/failpoint.h"

#if ALIDADE_FAILPOINTS

#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "alidade/common/check.h"
#include "alidade/common/mutex.h"

namespace alidade {
namespace {

struct Action {
  std::string verb;
  int sleep_ms = 0;
  int only_hit = 0;  // 0: every hit
  int hits = 0;
};

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  }
  return parts;
}

int Number(std::string_view text) {
  int value = 0;
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  ALIDADE_CHECK(error == std::errc() && stop == end, "failpoint: '{}' is no number", text);
  return value;
}

// The environment is read once: what a failpoint does is fixed when the process starts.
struct Registry {
  Mutex mutex;
  std::map<std::string, Action, std::less<>> actions ALIDADE_GUARDED_BY(mutex);

  Registry() {
    const char* text =
        std::getenv("ALIDADE_FAILPOINTS");  // NOLINT(concurrency-mt-unsafe): never set by us
    for (const std::string& entry : Split(text == nullptr ? "" : text, ';')) {
      const size_t equals = entry.find('=');
      ALIDADE_CHECK(equals != std::string::npos, "failpoint '{}' has no action", entry);
      Action action;
      std::string verb = entry.substr(equals + 1);
      if (const size_t at = verb.find('@'); at != std::string::npos) {
        action.only_hit = Number(std::string_view(verb).substr(at + 1));
        verb.resize(at);
      }
      if (const size_t at = verb.find(':'); at != std::string::npos) {
        action.sleep_ms = Number(std::string_view(verb).substr(at + 1));
        verb.resize(at);
      }
      ALIDADE_CHECK(verb == "kill" || verb == "exit" || verb == "sleep" || verb == "error",
                    "failpoint action '{}' is unknown",
                    verb);
      action.verb = verb;
      actions[entry.substr(0, equals)] = action;
    }
  }
};

Registry& TheRegistry() {
  static Registry registry;
  return registry;
}

}  // namespace

Status HitFailpoint(const char* name) {
  Registry& registry = TheRegistry();
  Action action;
  {
    MutexLock lock(registry.mutex);
    const auto found = registry.actions.find(std::string_view(name));
    if (found == registry.actions.end()) {
      return OkStatus();
    }
    ++found->second.hits;
    if (found->second.only_hit != 0 && found->second.hits != found->second.only_hit) {
      return OkStatus();
    }
    action = found->second;
  }
  if (action.verb == "kill") {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  }
  if (action.verb == "exit") {
    ::_exit(3);
  }
  if (action.verb == "sleep") {
    std::this_thread::sleep_for(std::chrono::milliseconds(action.sleep_ms));
    return OkStatus();
  }
  return Internal("failpoint {} was told to fail", name);
}

bool MutantEnabled(const char* name) {
  static const std::vector<std::string> enabled = [] {
    const char* text = std::getenv("ALIDADE_MUTANTS");  // NOLINT(concurrency-mt-unsafe): as above
    return Split(text == nullptr ? "" : text, ',');
  }();
  for (const std::string& mutant : enabled) {
    if (mutant == name) {
      return true;
    }
  }
  return false;
}

}  // namespace alidade

#endif
